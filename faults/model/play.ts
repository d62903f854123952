import type { CanonicalId } from '../../src/domain/canonical-id.ts';
import { isCanonicalId } from '../../src/domain/canonical-id.ts';
import type {
  ImportTransaction,
  Mapping,
  MintAnswer,
  MintRequest,
  Registry,
  RegistryStore,
} from '../../src/domain/registry.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import { remembering } from '../../src/registry/remembering.ts';
import { Broken, demand, demandEqual } from '../campaign.ts';
import type { ModelGround } from './grounds.ts';
import type { ExpectedMint } from './model.ts';
import { byText, Model } from './model.ts';
import type { IdOf, Step, Who } from './steps.ts';

/** Counted over the steps that were played. */
export type Played = Record<string, number>;

/**
 * Plays a sequence on an empty database and in the model, and compares every answer, and the whole database at the end.
 *
 * @throws Broken that names the step
 */
export async function play(steps: readonly Step[], ground: ModelGround): Promise<Played> {
  await ground.empty();
  const player = new Player(ground);
  try {
    for (const [at, step] of steps.entries()) {
      try {
        await player.play(step);
      } catch (error) {
        const why =
          error instanceof Broken
            ? error.message
            : `${error instanceof Error ? error.stack : error}`;
        throw new Broken(`Step ${at + 1}, ${step.do}: ${why}`);
      }
    }
    await player.compareAll();
    return player.played;
  } finally {
    await player.close();
  }
}

class Player {
  readonly played: Played = { steps: 0, answers: 0, crashes: 0, cuts: 0 };
  readonly #ground: ModelGround;
  readonly #model: Model;
  readonly #minters: (Minter | undefined)[] = [undefined, undefined];
  readonly #abandoned: Registry[] = [];

  constructor(ground: ModelGround) {
    this.#ground = ground;
    this.#model = new Model(ground.spelling);
  }

  async play(step: Step): Promise<void> {
    this.#count('steps');
    switch (step.do) {
      case 'mint':
        return await this.#mint(step.who, step.batch);
      case 'mint, cut':
        return await this.#mintCut(step.who, step.batch, step.at);
      case 'mint, failing':
        return await this.#mintFailing(step.who, step.batch, step.at);
      case 'dry run':
        return await this.#dryRun(step.who, step.batch);
      case 'crash':
        return await this.#crash(step.who, step.batch, step.at);
      case 'race':
        return await this.#race(step.batches);
      case 'look up': {
        const { registry } = await this.#minter(step.who);
        const sources = step.sources.filter(source => this.#model.isValid(source));
        const found = await registry.lookUp(sources);
        const expected = sources.map(source => this.#model.find(source));
        demandEqual(
          'what was looked up',
          found.map(mapping => mapping && [mapping.source, mapping.canonicalId]),
          expected.map(held => held && [held.source, held.id])
        );
        return;
      }
      case 'look back':
        return await this.#lookBack(step.who, step.ids);
      case 'count': {
        const { registry } = await this.#minter(step.who);
        const { free, assigned } = this.#model;
        const counted = await registry.countPool();
        demandEqual('the pool', [counted.free, counted.assigned], [free.size, assigned.size]);
        return;
      }
      case 'top up':
        return await this.#topUp(step.who, step.target);
      case 'import': {
        const { registry } = await this.#minter(step.who);
        const lines = step.lines.map(({ source, id }) => ({ source, id: this.#resolve(id) }));
        const expected = this.#model.expectImport(lines);
        const mappings = lines.map(({ source, id }) => ({ source, canonicalId: id }) as Mapping);
        this.#model.checkImport(expected, await registry.importMappings(mappings));
        this.#count('answers', lines.length);
        return;
      }
      case 'reopen':
        await this.#close(step.who);
        this.#minters[step.who] = await openMinter(this.#ground, step.remembers);
    }
  }

  async compareAll(): Promise<void> {
    const [found, expected] = [await this.#ground.dump(), this.#model.dump()];
    demandEqual('the mappings in the database', found.identifiers, expected.identifiers);
    demandEqual('the pool in the database', found.canonicalIds, expected.canonicalIds);
  }

  async close(): Promise<void> {
    await this.#close(0);
    await this.#close(1);
    for (const registry of this.#abandoned.splice(0)) await registry.close();
  }

  async #mint(who: Who, batch: readonly MintRequest[]): Promise<void> {
    const { registry } = await this.#minter(who);
    const expected = this.#model.expectMint(batch);
    const { answers, warnings } = await registry.mint(batch);
    this.#acknowledge(batch, expected, answers);
    demandEqual('warnings of the batch', warnings, []);
  }

  async #mintCut(who: Who, batch: readonly MintRequest[], at: number): Promise<void> {
    const minter = await this.#minter(who);
    if (this.#ground.reconnects) {
      minter.meet(at, async () => {
        this.#count('cuts');
        await this.#ground.strike();
      });
    }
    await this.#mint(who, batch);
    minter.meet(0);
  }

  async #mintFailing(who: Who, batch: readonly MintRequest[], at: number): Promise<void> {
    const minter = await this.#minter(who);
    let hasFailed = false;
    minter.meet(at, async () => {
      hasFailed = true;
      throw new Error('This call fails.');
    });
    const expected = this.#model.expectMint(batch);
    const result = await minter.registry.mint(batch).catch(() => undefined);
    minter.meet(0);
    demand(hasFailed === (result === undefined), () => 'a batch did not end as its calls did');
    if (result !== undefined) this.#acknowledge(batch, expected, result.answers);
    else await this.compareAll();
  }

  async #dryRun(who: Who, batch: readonly MintRequest[]): Promise<void> {
    const { registry } = await this.#minter(who);
    const expected = this.#model.expectMint(batch);
    const { answers, warnings } = await registry.dryRun().mint(batch);
    this.#model.checkMint(batch, expected, answers, 'dry run');
    demandEqual('warnings of the dry run', warnings, []);
  }

  async #crash(who: Who, batch: readonly MintRequest[], at: number): Promise<void> {
    const minter = await this.#minter(who);
    const expected = this.#model.expectMint(batch);
    let isDead = false;
    minter.meet(at, async () => {
      isDead = true;
      await this.#ground.strike();
      throw new Error('The process died.');
    });
    const answered = await minter.registry.mint(batch).catch(() => undefined);
    demand(
      isDead === (answered === undefined),
      () => `a dead minter answered, or a live one did not`
    );
    this.#count('crashes');
    for (const { registry } of this.#minters.splice(0, 2, undefined, undefined).filter(isThere)) {
      this.#abandoned.push(registry);
    }
    // It died after COMMIT, and nobody heard its answer: which IDs were drawn is for the database to say.
    if (!isDead) this.#model.takeInUnheard(expected, await this.#ground.dump());
    await this.compareAll();
  }

  async #race(batches: readonly [readonly MintRequest[], readonly MintRequest[]]): Promise<void> {
    const minters = [await this.#minter(0), await this.#minter(1)];
    const results = await Promise.all(
      batches.map((batch, who) => minters[who]?.registry.mint(batch))
    );
    const dump = await this.#ground.dump();
    const answers = results.flatMap(result => result?.answers ?? []);
    demandEqual('answers of a race', answers.length, batches.flat().length);
    this.#model.checkRace(batches.flat(), answers, dump);
    this.#count('answers', answers.length);
  }

  async #lookBack(who: Who, asked: readonly IdOf[]): Promise<void> {
    const { registry } = await this.#minter(who);
    const ids = [...new Set(asked.map(id => this.#resolve(id)))];
    const { held, free, assigned } = this.#model;
    const sources = await registry.sourcesOf(ids as CanonicalId[]);
    const status = await registry.statusOf(ids as CanonicalId[]);
    for (const id of ids) {
      const parts = (sources.get(id as CanonicalId) ?? []).map(({ source }) =>
        Object.values(source)
      );
      const expected = [...held.values()].filter(one => one.id === id);
      demandEqual(
        `the sources of ${id}`,
        parts.sort(byText),
        expected.map(({ source }) => Object.values(source)).sort(byText)
      );
      const expectedStatus = free.has(id) ? 'free' : assigned.has(id) ? 'assigned' : undefined;
      demandEqual(`the status of ${id}`, status.get(id as CanonicalId), expectedStatus);
    }
  }

  async #topUp(who: Who, target: number): Promise<void> {
    const { registry } = await this.#minter(who);
    const { free, assigned } = this.#model;
    const lacking = Math.max(0, target - free.size);
    const told = await registry.topUp(target);
    demandEqual('the top-up', [told.free, told.added], [free.size + lacking, lacking]);
    if (lacking === 0) return;
    const { canonicalIds } = await this.#ground.dump();
    const added = canonicalIds
      .map(([id = '']) => id)
      .filter(id => !free.has(id) && !assigned.has(id));
    demand(added.length === lacking && added.every(isCanonicalId), () => `added were ${added}`);
    for (const id of added) free.add(id);
  }

  #acknowledge(
    batch: readonly MintRequest[],
    expected: ExpectedMint,
    answers: readonly MintAnswer[]
  ): void {
    this.#model.takeIn(expected, this.#model.checkMint(batch, expected, answers));
    this.#count('answers', answers.length);
  }

  #resolve(id: IdOf): string {
    if ('text' in id) return id.text;
    const all = [...this.#model[id.of]].sort();
    return all[id.place % Math.max(1, all.length)] ?? 'eeeeeee6';
  }

  async #minter(who: Who): Promise<Minter> {
    const open = this.#minters[who] ?? (await openMinter(this.#ground, who === 1));
    this.#minters[who] = open;
    return open;
  }

  async #close(who: Who): Promise<void> {
    await this.#minters[who]?.registry.close();
    this.#minters[who] = undefined;
  }

  #count(what: string, times = 1): void {
    this.played[what] = (this.played[what] ?? 0) + times;
  }
}

/** A minter that can be met in the middle of its transactions. */
interface Minter {
  readonly registry: Registry;
  /** Before the call of the next transactions that has this number, counted from now; once. */
  meet(at: number, then?: () => Promise<void>): void;
}

async function openMinter(ground: ModelGround, remembers: boolean): Promise<Minter> {
  const store = await ground.openStore();
  let left = 0;
  let then: (() => Promise<void>) | undefined;
  const before = async () => {
    left -= 1;
    if (left === 0) await then?.();
  };
  const watched = watch(store, before);
  const registry = createRegistry(watched);
  return {
    registry: remembers ? remembering(registry) : registry,
    meet: (at, what) => {
      left = at;
      then = what;
    },
  };
}

/** The same store, but each call of a transaction is told of before. */
function watch(store: RegistryStore, before: () => Promise<void>): RegistryStore {
  return {
    name: store.name,
    conceptTypes: store.conceptTypes,
    canStore: text => store.canStore(text),
    held: store.held,
    snapshot: work => store.snapshot(work),
    restoreMarker: () => store.restoreMarker(),
    restore: batch => store.restore(batch),
    countRows: () => store.countRows(),
    transaction: work => store.transaction(transaction => work(watchCalls(transaction, before))),
    lookUp: sources => store.lookUp(sources),
    equalityKeys: sources => store.equalityKeys(sources),
    sourcesOf: ids => store.sourcesOf(ids),
    statusOf: ids => store.statusOf(ids),
    countPool: () => store.countPool(),
    countFree: limit => store.countFree(limit),
    addFree: ids => store.addFree(ids),
    translate: error => store.translate(error),
    close: () => store.close(),
  };
}

function watchCalls(
  transaction: ImportTransaction,
  before: () => Promise<void>
): ImportTransaction {
  const told =
    <Argument, Answer>(call: (argument: Argument) => Promise<Answer>) =>
    async (argument: Argument): Promise<Answer> => {
      await before();
      return await call(argument);
    };
  return {
    lookUp: told(sources => transaction.lookUp(sources)),
    claim: told(count => transaction.claim(count)),
    findUsed: told(ids => transaction.findUsed(ids)),
    insert: told(mappings => transaction.insert(mappings)),
    markAssigned: told(ids => transaction.markAssigned(ids)),
    addAssigned: told(ids => transaction.addAssigned(ids)),
  };
}

function isThere<T>(one: T | undefined): one is T {
  return one !== undefined;
}
