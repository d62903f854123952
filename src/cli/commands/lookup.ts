import type { CanonicalId } from '../../domain/canonical-id.ts';
import { isCanonicalId } from '../../domain/canonical-id.ts';
import { IdMinterError } from '../../domain/errors.ts';
import type { DatedMapping, Registry } from '../../domain/registry.ts';
import type { SourceIdentifier } from '../../domain/source-identifier.ts';
import { formatSourceIdentifier, parseSourceIdentifier } from '../../domain/source-identifier.ts';
import { EXIT } from '../exit.ts';
import type { CommonOptions, Io } from '../io.ts';
import { speech } from '../io.ts';
import { openFor } from '../session.ts';

/** What was asked, and what the registry holds of it. */
interface Found {
  readonly query: string;
  readonly canonicalId: CanonicalId | null;
  /** Oldest first; those that were made in the same second in key order. */
  readonly sources: readonly { readonly source: string; readonly createdAt: string }[];
  /** What is in the registry and looks much like what was asked. */
  readonly near?: readonly { readonly source: string; readonly canonicalId: CanonicalId }[];
  readonly note?: string;
}

type Query =
  | { readonly text: string; readonly id: CanonicalId }
  | { readonly text: string; readonly source: SourceIdentifier };

/** `id-minter lookup`: canonical ID → its source identifiers, source identifier → canonical ID and siblings. */
export async function lookUp(
  ids: readonly string[],
  options: CommonOptions,
  io: Io
): Promise<number> {
  const queries = ids.map(readQuery);
  await using registry = await openFor(io, options, { purpose: 'read' });
  const found: Found[] = [];
  for (const query of queries) found.push(await answer(query, registry));
  const { data } = speech(io, options);
  if (options.json) data(JSON.stringify({ results: found }));
  else for (const result of found) data(render(result));
  return found.every(({ canonicalId }) => canonicalId !== null) ? EXIT.done : EXIT.differences;
}

function readQuery(text: string): Query {
  if (isCanonicalId(text)) return { text, id: text };
  const folded = text.trim().toLowerCase();
  if (isCanonicalId(folded)) return { text, id: folded };
  return { text, source: readSource(text) };
}

function readSource(text: string): SourceIdentifier {
  try {
    return parseSourceIdentifier(text);
  } catch (cause) {
    if (!(cause instanceof IdMinterError)) throw cause;
    const why = cause.details['why'];
    throw new IdMinterError(
      'USAGE',
      `${JSON.stringify(text)} is neither a canonical ID (a2345678) nor a source identifier (Type[system/value])` +
        `${typeof why === 'string' ? `: a part of it ${why}` : ''}. Nothing was looked up.`,
      { value: text, cause }
    );
  }
}

async function answer(query: Query, registry: Registry): Promise<Found> {
  if ('source' in query) return await answerSource(query.text, query.source, registry);
  const { text, id } = query;
  const sources = (await registry.sourcesOf([id])).get(id) ?? [];
  if (sources.length > 0 && text === id) return { query: text, canonicalId: id, ...shown(sources) };
  if (sources.length > 0) {
    const [first] = sources;
    const near = first ? [{ source: formatSourceIdentifier(first.source), canonicalId: id }] : [];
    return { query: text, canonicalId: null, sources: [], near };
  }
  const status = (await registry.statusOf([id])).get(id);
  const note =
    status === 'free' ? 'in the pool, not given to anything yet' : 'not known to the registry';
  return { query: text, canonicalId: null, sources: [], note };
}

async function answerSource(
  text: string,
  source: SourceIdentifier,
  registry: Registry
): Promise<Found> {
  const [mapping] = await registry.lookUp([source]);
  if (mapping !== undefined) {
    const { canonicalId } = mapping;
    const sources = (await registry.sourcesOf([canonicalId])).get(canonicalId) ?? [];
    return { query: text, canonicalId, ...shown(sources) };
  }
  const near = (await registry.nearMisses(source)).map(({ source: spelling, canonicalId }) => ({
    source: formatSourceIdentifier(spelling),
    canonicalId,
  }));
  return { query: text, canonicalId: null, sources: [], near };
}

function shown(sources: readonly DatedMapping[]): Pick<Found, 'sources' | 'note'> {
  const times = sources.map(({ createdAt }) => createdAt.getTime());
  const tied = sources.length > 1 && times[0] === times[1];
  return {
    sources: sources.map(({ source, createdAt }) => ({
      source: formatSourceIdentifier(source),
      createdAt: createdAt.toISOString().replace('.000Z', 'Z'),
    })),
    ...(tied && {
      note: 'the first ones were made in the same second: which is the original is not known',
    }),
  };
}

function render({ query, canonicalId, sources, near = [], note }: Found): string {
  const lines =
    canonicalId === null
      ? [
          `${query}\t-`,
          ...near.map(({ source, canonicalId: id }) => `  did you mean ${source}\t${id}`),
        ]
      : [
          `${query}\t${canonicalId}`,
          ...sources.map(({ source, createdAt }) => `  ${source}\t${createdAt}`),
        ];
  if (note !== undefined) lines.push(`  (${note})`);
  return lines.join('\n');
}
