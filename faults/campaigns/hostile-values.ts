import type { Random } from '../../scripts/invented-identifiers.ts';
import { mysqlStore, sqliteStore } from '../../test/support/store-kinds.ts';
import type { Campaign, Figures, Ground } from '../campaign.ts';
import { commandIdentifiers, mintLines, mintManyInOne } from '../hostile/commands.ts';
import { fuzzEmbedder, fuzzReader, fuzzTextForm, repeat } from '../hostile/fuzzing.ts';
import { libraryHostile } from '../hostile/library.ts';
import { importHostile, mintHostile } from '../hostile/registries.ts';

const FUZZERS = [fuzzReader, fuzzTextForm, fuzzEmbedder] as const;
const FUZZED_MS = { gate: 1_000, long: 30_000 } as const;
/** Half an hour for each fuzzer. */
const FUZZED_UNITS = { gate: 3, long: 180 } as const;

type Unit = (random: Random) => Promise<Figures>;

export const hostileValues: Campaign = {
  name: 'hostile-values',
  tries:
    'Texts, JSON and objects that others have stumbled over, as identifiers, documents, lines and arguments, and random ones made of them: each is answered exactly or refused with a code.',
  async open({ form, server }) {
    const units = [...knownOnes(server), ...fuzzing(form)];
    return {
      units: units.length,
      run: (unit, random) => units[unit]?.(random) ?? Promise.resolve({}),
      async [Symbol.asyncDispose]() {},
    };
  },
};

/** The same in both forms. */
function knownOnes(server: Ground['server']): Unit[] {
  const stores = [sqliteStore(), mysqlStore(server, true), mysqlStore(server, false)];
  return [
    ...stores.flatMap(store => [() => mintHostile(store), () => importHostile(store)]),
    ...[mintLines, mintManyInOne, commandIdentifiers, libraryHostile],
  ];
}

function fuzzing(form: Ground['form']): Unit[] {
  return Array.from({ length: FUZZED_UNITS[form] }, (_, unit) => random => {
    const fuzzer = FUZZERS[unit % FUZZERS.length] ?? fuzzReader;
    return repeat(fuzzer, FUZZED_MS[form], random);
  });
}
