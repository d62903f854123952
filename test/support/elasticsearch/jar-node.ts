import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Launched, NotHere } from '../servers/launcher.ts';
import { launchedProcess } from '../servers/launcher.ts';
import { run } from '../servers/processes.ts';

/** What the tests run on, unless the variable names another 8 or 9. */
const VERSION_VARIABLE = 'ID_MINTER_TEST_ELASTICSEARCH_VERSION';
const USUAL_VERSION = '9.5.3';
const JAVA_AT_LEAST = 21;

/** What was built is kept here from run to run. */
const CACHE = fileURLToPath(new URL('../../../.cache/elasticsearch', import.meta.url));
const PROGRAMS = fileURLToPath(new URL('node', import.meta.url));

/** Where Java lies beside the PATH; a star stands for any folder. */
const JAVA_FOLDERS = [
  '/usr/lib/jvm/*',
  '/Library/Java/JavaVirtualMachines/*/Contents/Home',
  'C:/Program Files/Java/*',
  'C:/Program Files/Eclipse Adoptium/*',
];

/** A node made of the jars that Maven Central has: the server as it is, without the modules of the distribution. */
export interface JarNode {
  readonly chosen: string;
  launch(dataDir: string, port: number): Promise<Launched>;
}

export async function findJarNode(
  version = process.env[VERSION_VARIABLE] || USUAL_VERSION
): Promise<JarNode | NotHere> {
  const jdk = findJdk();
  if (jdk === undefined) {
    return {
      whyNot: `no JDK ${JAVA_AT_LEAST} or later is installed, which runs one from its jars`,
    };
  }
  const maven = onPath('mvn');
  if (maven === undefined && !existsSync(builtHome(version))) {
    return { whyNot: 'Maven is not installed, which gets the jars of one' };
  }
  return {
    chosen: `Elasticsearch ${version} from the jars of Maven Central, on ${jdk}`,
    launch: async (dataDir, port) => {
      if (!existsSync(builtHome(version))) await build(version, jdk, maven ?? 'mvn');
      return await launch({ home: builtHome(version), jdk }, dataDir, port);
    },
  };
}

function builtHome(version: string): string {
  return join(CACHE, version);
}

function findJdk(): string | undefined {
  const homes = [process.env['JAVA_HOME'] ?? '', ...JAVA_FOLDERS.flatMap(expandStar)];
  return homes
    .filter(home => existsSync(join(home, 'bin', exe('javac'))))
    .find(home => versionOf(home) >= JAVA_AT_LEAST);
}

function expandStar(pattern: string): string[] {
  const [before = '', after = ''] = pattern.split('*');
  if (!existsSync(before)) return [];
  return readdirSync(before).map(name => before + name + after);
}

/** `JAVA_VERSION="25.0.1"` → 25 */
function versionOf(home: string): number {
  const release = join(home, 'release');
  if (!existsSync(release)) return 0;
  return Number(/^JAVA_VERSION="(\d+)/m.exec(readFileSync(release, 'utf8'))?.[1] ?? 0);
}

function onPath(program: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map(folder => join(folder, program))
    .find(path => existsSync(path));
}

function exe(name: string): string {
  return process.platform === 'win32' ? `${name}.exe` : name;
}

/** Made aside and then named, since two runs may do so at once. */
async function build(version: string, jdk: string, maven: string): Promise<void> {
  const home = builtHome(version);
  const unfinished = `${home}.${process.pid}`;
  console.log(`Getting Elasticsearch ${version} from Maven Central…`);
  try {
    await makeNode({ version, jdk, maven }, unfinished);
    await rename(unfinished, home).catch((error: unknown) => {
      if (!existsSync(home)) throw error;
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

async function makeNode(
  { version, jdk, maven }: { version: string; jdk: string; maven: string },
  home: string
): Promise<void> {
  const [lib, classes] = [join(home, 'lib'), join(home, 'classes')];
  const [netty, root] = [join(home, 'modules/transport-netty4'), join(home, 'modules/root')];
  for (const folder of [lib, classes, netty, join(root, 'classes'), join(home, 'config')]) {
    await mkdir(folder, { recursive: true });
  }
  await run(
    maven,
    [
      ...['-q', '-B', '-f', join(PROGRAMS, 'pom.xml'), `-Delasticsearch.version=${version}`],
      ...['dependency:copy-dependencies', `-DoutputDirectory=${lib}`, '-DincludeScope=runtime'],
    ],
    { seconds: 580 }
  );
  for (const jar of await readdir(lib)) {
    if (/^(transport-netty4|netty)-/.test(jar)) await rename(join(lib, jar), join(netty, jar));
  }
  await describeNetty({ version, jdk }, netty);
  const classPath = join(lib, '*');
  const compile = (to: string, ...programs: string[]) =>
    run(
      join(jdk, 'bin', exe('javac')),
      ['-cp', classPath, '-d', to, ...programs.map(program => join(PROGRAMS, program))],
      { seconds: 120 }
    );
  const [major = ''] = version.split('.');
  await compile(classes, 'TestNode.java', `${major}/Modules.java`);
  await compile(join(root, 'classes'), 'RootHandler.java', `${major}/RootPlugin.java`);
  const jar = ['--create', '--file', join(root, 'root.jar'), '-C', join(root, 'classes'), '.'];
  await run(join(jdk, 'bin', exe('jar')), jar, { seconds: 60 });
  await rm(join(root, 'classes'), { recursive: true });
  const descriptor = await readFile(join(PROGRAMS, 'root-plugin-descriptor.properties'), 'utf8');
  await writeFile(
    join(root, 'plugin-descriptor.properties'),
    descriptor.replaceAll('@VERSION@', version)
  );
}

/** The module's descriptor lies in its jar; as a named Java module it could only be loaded by the distribution. */
async function describeNetty(
  { version, jdk }: { version: string; jdk: string },
  folder: string
): Promise<void> {
  const inside = 'META-INF/es-plugins/transport-netty4/plugin-descriptor.properties';
  const jar = join(folder, `transport-netty4-${version}.jar`);
  await run(join(jdk, 'bin', exe('jar')), ['--extract', '--file', jar, '--dir', folder, inside], {
    seconds: 60,
  });
  const descriptor = join(folder, 'plugin-descriptor.properties');
  await copyFile(join(folder, inside), descriptor);
  const text = await readFile(descriptor, 'utf8');
  await writeFile(descriptor, text.replace(/^modulename=.*$/m, ''));
  await rm(join(folder, 'META-INF'), { recursive: true });
}

async function launch(
  { home, jdk }: { home: string; jdk: string },
  dataDir: string,
  port: number
): Promise<Launched> {
  await mkdir(dataDir, { recursive: true });
  const logFile = join(dataDir, 'node.log');
  const log = await open(logFile, 'a');
  const classPath = [join(home, 'classes'), join(home, 'lib', '*')].join(delimiter);
  const child = spawn(
    join(jdk, 'bin', exe('java')),
    [
      ...['-Xms512m', '-Xmx512m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'],
      ...['--enable-native-access=ALL-UNNAMED', `-Djava.io.tmpdir=${dataDir}`],
      ...['-cp', classPath, 'TestNode', home, dataDir, String(port)],
    ],
    { detached: true, stdio: ['ignore', log.fd, log.fd] }
  );
  const pid = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => resolve(child.pid ?? 0));
  });
  child.unref();
  await log.close();
  const readLog = async () => (await readFile(logFile, 'utf8')).slice(-2000);
  return launchedProcess(pid, `http://127.0.0.1:${port}`, readLog);
}
