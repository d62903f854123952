import type { WorkResult } from '../../src/index.ts';
import { assignIdentifiers, mintWorks, openRegistry } from '../../src/index.ts';
import { workOf, written } from '../../test/cli/works.ts';
import { sierra } from '../../test/support/identifiers.ts';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import type { Figures } from '../campaign.ts';
import { demand, demandEqual } from '../campaign.ts';
import { HOSTILE_STRINGS } from './strings.ts';

/** What programs give that are not typed, or not well. */
const NO_IDENTIFIERS: readonly unknown[] = [
  ...[
    null,
    undefined,
    true,
    0,
    -0,
    Number.NaN,
    12n,
    Symbol('s'),
    () => 1,
    [],
    [[]],
    {},
    new Date(0),
  ],
  ...['', 'Work', 'Work[', 'Work[s', 'Work[s/', 'Work]s/v[', '[s/v]', 'Work[/v]', new Map(), /x/],
  ...[
    { ontologyType: 'Work' },
    { ontologyType: [], sourceSystem: {}, value: 1 },
    new String('W[s/v]'),
  ],
  ...[Object.create(null), { toString: null }],
];

/** Every text as an identifier and in works, as objects; what was given is not changed, and comes back as it was. */
export async function libraryHostile(): Promise<Figures> {
  await using folder = await temporaryFolder();
  await using registry = await openRegistry(`sqlite:${folder.path('ids.sqlite')}`, {
    applyMigrations: true,
    poolTarget: 4 * HOSTILE_STRINGS.length,
  });
  const works = HOSTILE_STRINGS.flatMap((text, index) => [
    workHolding(text, index),
    {
      _id: text,
      _source: workHolding(text, `wrapped ${index}`),
      [text === '_source' ? '' : text]: text,
    },
    { state: { sourceIdentifier: written({ ...sierra(text), ontologyType: text }) } },
  ]);
  const before = JSON.stringify(works);
  const results: WorkResult[] = [];
  for await (const result of mintWorks({ registry, works })) results.push(result);
  demand(JSON.stringify(works) === before, () => 'The works that were given are changed');
  demandEqual('Results', results.length, works.length);
  let minted = 0;
  for (const { index, work, failure } of results) {
    const given = works[index];
    if (failure) {
      demandEqual(`works[${index}], ${failure.message}`, failure.code, 'INVALID_IDENTIFIER');
      continue;
    }
    minted += 1;
    demandEqual(`works[${index}]`, withoutIds(work), withoutIds(given));
  }
  return { 'works by objects': minted, ...(await refuseNoIdentifiers(registry)) };
}

async function refuseNoIdentifiers(registry: Parameters<typeof mintWorks>[0]['registry']) {
  const identifiers = NO_IDENTIFIERS.flatMap(candidate => [
    candidate,
    { source: candidate },
    { source: sierra('whose predecessor is none'), predecessor: candidate ?? 0 },
  ]) as string[];
  let count = 0;
  for await (const { source, canonicalId, error } of assignIdentifiers({ registry, identifiers })) {
    demand(
      error?.code === 'INVALID_IDENTIFIER',
      () => `identifiers[${count}], ${typeof source}, ended with ${canonicalId ?? error}`
    );
    count += 1;
  }
  demandEqual('Answers', count, identifiers.length);
  return { 'no identifiers': count };
}

function workHolding(text: string, name: number | string): object {
  const { state, data } = workOf(sierra(`holds ${name}`));
  const held = Object.fromEntries([[text, Object.fromEntries([[text, text]])]]);
  return {
    state,
    data: { ...data, held, list: [text, { sourceIdentifier: written(sierra('one')), held }] },
  };
}

/** What minting adds, and the wrapper's name, taken away. */
function withoutIds(work: unknown): unknown {
  const text = JSON.stringify(work, (key, value: unknown) =>
    key === 'canonicalId' ? undefined : value
  );
  const { _id, ...members } = JSON.parse(text) as Record<string, unknown>;
  return Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1));
}
