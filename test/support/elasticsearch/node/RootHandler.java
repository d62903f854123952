import java.util.List;
import org.elasticsearch.Version;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.rest.BaseRestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;

/** Answers GET and HEAD of / as the module of the distribution does, which no repository has. */
final class RootHandler extends BaseRestHandler {
    private static final String ANSWER =
        "{\"name\":\"test\",\"cluster_name\":\"id-minter-test\",\"version\":{\"number\":\"" + Version.CURRENT
            + "\"},\"tagline\":\"You Know, for Search\"}";

    @Override
    public String getName() {
        return "root";
    }

    @Override
    public List<Route> routes() {
        return List.of(new Route(RestRequest.Method.GET, "/"), new Route(RestRequest.Method.HEAD, "/"));
    }

    @Override
    protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) {
        return channel -> channel.sendResponse(new RestResponse(RestStatus.OK, "application/json", ANSWER));
    }
}
