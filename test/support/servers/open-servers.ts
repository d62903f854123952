import type { ServerKind } from './kinds.ts';
import { SERVER_KINDS, SERVER_NAMES, whyUnfit } from './kinds.ts';
import { LAUNCHER_WAYS, readServerVersion, startWith } from './start-server.ts';

/** A server that all tests of a run share; each test opens databases of its own on it. */
export interface TestServer {
  readonly kind: ServerKind;
  readonly version: string;
  /** of the administrator: mysql://root@127.0.0.1:PORT */
  readonly url: string;
  /** how it was found, for people */
  readonly chosen: string;
}

interface OpenServers extends AsyncDisposable {
  readonly servers: readonly TestServer[];
}

type OpenServer = TestServer & Partial<AsyncDisposable>;
type Attempt = OpenServer | { readonly whyNot: string };
type OpenWay = (kind: ServerKind) => Promise<Attempt>;

/** In the order in which they are tried; the first is a server that runs already. */
const OPEN_WAYS: readonly OpenWay[] = [
  openFromUrl,
  ...LAUNCHER_WAYS.map(
    (find): OpenWay =>
      async kind => {
        const found = await find(kind);
        return 'whyNot' in found ? found : startWith(found, kind);
      }
  ),
];

/**
 * Opens what ID_MINTER_TEST_SERVERS asks for, a list of kinds that are all required (`mysql,mariadb`);
 * without it one server, whichever is found first.
 *
 * @throws Error that says what to install where a server cannot be had: no test passes by being left out
 */
export async function openServers(): Promise<OpenServers> {
  const asked = readAskedKinds();
  const choices = asked === undefined ? [SERVER_KINDS] : asked.map(kind => [kind]);
  const servers: OpenServer[] = [];
  const close = async () => {
    for (const server of servers) await server[Symbol.asyncDispose]?.();
  };
  try {
    for (const kinds of choices) servers.push(await openFirst(kinds));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    servers: servers.map(({ kind, version, url, chosen }) => ({ kind, version, url, chosen })),
    [Symbol.asyncDispose]: close,
  };
}

function readAskedKinds(): ServerKind[] | undefined {
  const text = process.env['ID_MINTER_TEST_SERVERS'];
  if (!text) return undefined;
  return text.split(',').map(word => {
    const kind = SERVER_KINDS.find(known => known === word.trim());
    if (kind === undefined) {
      throw new Error(
        `ID_MINTER_TEST_SERVERS=${text}: "${word.trim()}" is none of ${SERVER_KINDS.join(', ')}.`
      );
    }
    return kind;
  });
}

/** A way that is open but fails stops the search: what somebody set up is mended, not passed over. */
async function openFirst(kinds: readonly ServerKind[]): Promise<OpenServer> {
  const reasons: string[] = [];
  for (const open of OPEN_WAYS) {
    for (const kind of kinds) {
      const attempt = await open(kind);
      if (!('whyNot' in attempt)) return attempt;
      if (!reasons.includes(attempt.whyNot)) reasons.push(attempt.whyNot);
    }
  }
  const names = kinds.map(kind => SERVER_NAMES[kind]).join(' or ');
  const variables = kinds.map(urlVariable).join(' or ');
  throw new Error(
    `The tests need a ${names} server, and there is none:\n` +
      reasons.map(reason => `  - ${reason}\n`).join('') +
      'Do one of these and run them again:\n' +
      '  - install the server: `apt-get install mariadb-server`, `brew install mariadb`, ' +
      '`winget install MariaDB.Server`, or MySQL 8.0 or later\n' +
      '  - start Docker\n' +
      `  - set ${variables} to mysql://root:PASSWORD@HOST:PORT of a server for tests, ` +
      'where they make and drop databases and users of their own'
  );
}

async function openFromUrl(kind: ServerKind): Promise<Attempt> {
  const variable = urlVariable(kind);
  const url = process.env[variable];
  if (!url) return { whyNot: `${variable} names no server` };
  const version = await readServerVersion(url).catch((error: unknown) => {
    throw new Error(`The server in ${variable} does not answer: ${error}`, { cause: error });
  });
  const why = whyUnfit(kind, version);
  if (why !== undefined) throw new Error(`The server in ${variable} ${why}.`);
  return { kind, version, url, chosen: `the server in ${variable}` };
}

function urlVariable(kind: ServerKind): string {
  return `ID_MINTER_TEST_${kind.toUpperCase()}_URL`;
}
