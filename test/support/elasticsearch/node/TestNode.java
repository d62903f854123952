import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginsLoader;

/** A node of its own on the loopback. Arguments: home folder with the modules, data folder, port. */
public final class TestNode {
    public static void main(String[] arguments) throws Exception {
        Path home = Path.of(arguments[0]);
        Path data = Path.of(arguments[1]);
        Settings settings = Settings.builder()
            .put("path.home", home)
            .put("path.data", data)
            .put("path.logs", data.resolve("logs"))
            .put("node.name", "test")
            .put("cluster.name", "id-minter-test")
            .put("discovery.type", "single-node")
            .put("http.type", "netty4")
            .put("transport.type", "netty4")
            .put("network.host", "127.0.0.1")
            .put("http.port", arguments[2])
            .put("transport.port", "0")
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .build();
        LogConfigurator.configureESLogging();
        PluginsLoader loader = PluginsLoader.createPluginsLoader(
            Modules.in(home.resolve("modules")),
            Set.of(),
            Map.of(),
            false
        );
        Node node = new Node(new Environment(settings, home.resolve("config")), loader);
        node.start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                node.close();
            } catch (Exception error) {
                throw new IllegalStateException(error);
            }
        }));
        Thread.currentThread().join();
    }
}
