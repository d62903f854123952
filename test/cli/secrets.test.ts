import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Ended } from '../support/command-line.ts';
import { COMMANDS, writeInputs } from './command-table.ts';
import type { DeskOnRegistry } from './desk-on-registry.ts';
import { openDeskOn, REGISTRY_KINDS, SERVER_REGISTRIES } from './desk-on-registry.ts';

/** With what quotes, percents and backslashes can be mistaken for. */
const CANARY = 'canary-7f3a"%25\\n\'é&';
/** Nothing in these surroundings is for the program to show, whether it reads it or not. */
const SURROUNDINGS = {
  AWS_SECRET_ACCESS_KEY: 'canary-secret-key-51c0',
  AWS_SESSION_TOKEN: 'canary-session-token-9d27',
  ES_API_KEY: 'canary-api-key-c4e8',
  LOG_LEVEL: 'trace',
  DEBUG: '*',
};
/** With everything that there is to see, for people and for programs. */
const LOUDEST = [['--debug'], ['--debug', '--json']] as const;

/** How a secret may look where it slipped out. */
const FORMS: readonly ((secret: string) => string)[] = [
  secret => secret,
  secret => JSON.stringify(secret).slice(1, -1),
  secret => encodeURIComponent(secret),
  secret => Buffer.from(secret).toString('base64').replace(/=*$/, ''),
  secret => Buffer.from(secret).toString('hex'),
];

/** Where secrets are seen: in what a command said, and in any file that is left of it. */
async function seenIn(
  desk: DeskOnRegistry,
  { stdout, stderr }: Ended,
  secrets: readonly string[]
): Promise<string[]> {
  const shown = [
    ['stdout', stdout],
    ['stderr', stderr],
    ...(await filesIn(desk.folder)),
    ...(await filesIn(join(desk.folder, '../temporary'))),
  ] as const;
  return shown.flatMap(([place, text]) =>
    secrets.flatMap(secret => (shows(text, secret) ? [`${secret} in ${place}`] : []))
  );
}

function shows(text: string, secret: string): boolean {
  return FORMS.some(form => text.includes(form(secret)));
}

async function filesIn(folder: string): Promise<[name: string, text: string][]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter(entry => entry.isFile() && entry.name !== 'password');
  return await Promise.all(
    files.map(async ({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [path, await readFile(path, 'utf8')] satisfies [string, string];
    })
  );
}

/** A desk with all that the commands need, and secrets in its surroundings. */
async function openLoudDesk(kind: (typeof REGISTRY_KINDS)[number]) {
  const desk = await openDeskOn(kind, { free: 9 });
  await writeInputs(desk);
  const { RDS_PASSWORD = CANARY } = desk.environment;
  desk.environment = { ...desk.environment, ...SURROUNDINGS, RDS_PASSWORD };
  return { desk, password: RDS_PASSWORD };
}

const secretsOf = (...more: readonly string[]) => [
  ...Object.entries(SURROUNDINGS).flatMap(([name, value]) => (/KEY|TOKEN/.test(name) ? value : [])),
  ...more,
];

const ROWS = Object.entries(COMMANDS).map(([name, { args, forJson = [] }]) => ({
  name,
  args: [...args, ...forJson, ...(name === 'mint' ? ['--report', 'report.json'] : [])],
}));

describe.each(REGISTRY_KINDS)('on $name, with everything shown that can be', kind => {
  test.each(ROWS)('$name shows no secret of its surroundings', async ({ args }) => {
    const opened = await openLoudDesk(kind);
    await using desk = opened.desk;
    for (const flags of LOUDEST) {
      const ended = await desk.run([...args, ...flags]);
      expect(ended.stderr).toMatch(/^(Registry|Export): /m);
      expect(await seenIn(desk, ended, secretsOf(opened.password))).toEqual([]);
    }
  });
});

describe.each(SERVER_REGISTRIES)('on $name, wherever the password stands', kind => {
  test.each(ROWS)(
    '$name does not show it, whether it is right or wrong',
    { timeout: 120_000 },
    async ({ args }) => {
      const opened = await openLoudDesk(kind);
      await using desk = opened.desk;
      const { password } = opened;
      const right = new URL(desk.registry.url);
      desk.environment = { ...SURROUNDINGS, MINTER: password, WRONG: CANARY };
      const at = (query: string, change: (url: URL) => void = () => undefined): string => {
        const url = new URL(right);
        url.search = query;
        change(url);
        return url.href;
      };
      await desk.write('password', `${CANARY}\n`);

      for (const [registry, status] of [
        [at('?password-env=MINTER')],
        [at('?password-env=WRONG'), 3],
        [at('?password-file=password'), 3],
        [at('?password-file=.'), 3],
        [at('?password-env=MINTER&password-file=password'), 3],
        // Nobody vouches for the certificate of a server for tests, if it has one.
        [
          at('?password-env=WRONG&tls=verify', url =>
            Object.assign(url, { hostname: 'localhost' })
          ),
          3,
        ],
        // Port 1 is closed.
        [at('?password-env=WRONG', url => Object.assign(url, { port: '1' })), 4],
        [at('', url => Object.assign(url, { password: CANARY })), 3],
        [at(`?password=${encodeURIComponent(CANARY)}`), 3],
      ] as const) {
        const ended = await desk.run([...args, '--registry', registry, '--debug', '--json']);
        if (status !== undefined) expect(ended).toMatchObject({ status });
        expect(await seenIn(desk, ended, secretsOf(CANARY, password))).toEqual([]);
      }
    }
  );
});

test.each(FORMS.map(form => form(CANARY)))(
  'a secret that slipped out as %s would be seen',
  text => {
    expect(shows(`… ${text} …`, CANARY)).toBe(true);
  }
);
