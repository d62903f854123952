import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Random } from '../../scripts/invented-identifiers.ts';
import { keep, release } from '../../test/support/servers/caretaker.ts';
import type { StartedServer } from '../../test/support/servers/start-server.ts';
import { startServer } from '../../test/support/servers/start-server.ts';
import type { Campaign, Figures, Ground } from '../campaign.ts';
import { Broken } from '../campaign.ts';
import type { GroundKind, ModelGround } from '../model/grounds.ts';
import { openGround } from '../model/grounds.ts';
import { play } from '../model/play.ts';
import { shrink } from '../model/shrink.ts';
import type { Step } from '../model/steps.ts';
import { drawSteps } from '../model/steps.ts';
import { addFigures } from '../results.ts';

const KINDS: readonly GroundKind[] = ['SQLite', 'latin1', 'exact'];
const FORMS = {
  gate: { units: 12, sequences: 84, steps: 10 },
  long: { units: 501, sequences: 100, steps: 50 },
} as const;
const AT_ONCE = 3;
/** A file system in memory, where there is one: whether data outlives the machine is not the question here. */
const MEMORY = '/dev/shm';

export const model: Campaign = {
  name: 'model',
  tries:
    'Random sequences (mint, look up, top up, import, dry run, crash, lost connections, two minters) are played on SQLite, MySQL and MySQL with exact spelling, and in a model in memory: every answer and the whole database are what the model says.',
  async open({ form, server }) {
    const { units, sequences, steps } = FORMS[form];
    await using opening = new AsyncDisposableStack();
    const parent = (await isFolder(MEMORY)) ? MEMORY : tmpdir();
    const folder = await mkdtemp(join(parent, 'id-minter-model-'));
    keep(`folder ${folder}`);
    opening.defer(async () => {
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
      release(`folder ${folder}`);
    });
    const ours = opening.use(await startForgetful(server, folder));
    const grounds = openGrounds({ url: ours.url, folder });
    opening.use(grounds);
    const stack = opening.move();
    return {
      units,
      atOnce: AT_ONCE,
      run: (unit, random) =>
        grounds.lend(KINDS[unit % KINDS.length] ?? 'SQLite', ground =>
          playAll(ground, { sequences, steps, random })
        ),
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  },
};

/** Writes nothing to the disk when it commits; the server that all campaigns share does. */
function startForgetful({ kind }: Ground['server'], folder: string): Promise<StartedServer> {
  return startServer(kind, {
    dataDir: join(folder, 'data'),
    extraArgs: ['--innodb-flush-log-at-trx-commit=0', '--innodb-doublewrite=0'],
  });
}

/** Those of each kind that were opened and are not in use wait for the next unit. */
function openGrounds(where: { readonly url: string; readonly folder: string }) {
  const idle = new Map<GroundKind, ModelGround[]>(KINDS.map(kind => [kind, []]));
  return {
    async lend<T>(kind: GroundKind, work: (ground: ModelGround) => Promise<T>): Promise<T> {
      const ground = idle.get(kind)?.pop() ?? (await openGround(kind, where));
      try {
        return await work(ground);
      } finally {
        idle.get(kind)?.push(ground);
      }
    },
    async [Symbol.asyncDispose]() {
      for (const ground of [...idle.values()].flat()) await ground[Symbol.asyncDispose]();
    },
  };
}

async function playAll(
  ground: ModelGround,
  { sequences, steps, random }: { sequences: number; steps: number; random: Random }
): Promise<Figures> {
  let figures: Figures = { sequences };
  for (let number = 0; number < sequences; number += 1) {
    const drawn = drawSteps(steps, random);
    try {
      figures = addFigures(figures, await play(drawn, ground));
    } catch (error) {
      throw new Broken(await describe(drawn, ground, error));
    }
  }
  return figures;
}

async function describe(
  drawn: readonly Step[],
  ground: ModelGround,
  error: unknown
): Promise<string> {
  const shrunk = await shrink(drawn, steps => play(steps, ground));
  const why = shrunk.why ?? (error instanceof Error ? error.message : `${error}`);
  const lines = shrunk.steps.map((step, at) => `  ${at + 1}. ${JSON.stringify(step)}`);
  return [`${why}\nin the sequence, as short as it could be made:`, ...lines].join('\n');
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    found => found.isDirectory(),
    () => false
  );
}
