import type { HeldMapping, Holding } from '../domain/audit.ts';
import type { HeldRow, RegistryStore } from '../domain/registry.ts';
import { withRetries } from './retries.ts';

/** What is read of a store, or of a copy. */
type HeldStore = Pick<RegistryStore, 'held' | 'translate'>;

/** Rows a statement: 10 ms of a database, and hardly any memory. */
const PAGE_ROWS = 5_000;

/**
 * A whole registry in pages, along the canonical IDs. Each statement sees one moment, so that what minters write
 * meanwhile is seen as a whole or not at all; what was there when the reading began is all seen.
 *
 * @param pageRows - more than 1
 */
export async function* readHoldings(
  store: HeldStore,
  pageRows: number = PAGE_ROWS
): AsyncGenerator<readonly Holding[], void, undefined> {
  let after: string | undefined;
  for (let isLast = false; !isLast; ) {
    const from = after;
    const rows = await withRetries(store, () => store.held.pooled(from, pageRows));
    isLast = rows.length < pageRows;
    const holdings = groupById(rows);
    const cut = isLast ? undefined : holdings.pop();
    if (holdings.length > 0) yield holdings;
    // An ID whose mappings alone are more than a page is read by itself, in several.
    if (cut && holdings.length === 0) yield* readOne(store, cut.canonicalId, pageRows);
    const upTo = isLast ? undefined : (holdings.at(-1) ?? cut)?.canonicalId;
    yield* readStrays(store, { after, upTo }, pageRows);
    after = upTo;
  }
}

async function* readOne(
  store: HeldStore,
  id: string,
  pageRows: number
): AsyncGenerator<readonly Holding[], void, undefined> {
  let last: HeldMapping | undefined;
  // One ID, though its mappings may spell it in several ways that the database takes for one.
  let canonicalId: string | undefined;
  for (;;) {
    const after = last?.source;
    const rows = await withRetries(store, () => store.held.mappingsOf(id, after, pageRows));
    const [first] = rows;
    if (first === undefined) return;
    canonicalId ??= first.canonicalId;
    const mappings = rows.flatMap(({ mapping }) => mapping ?? []);
    yield [{ canonicalId, status: first.status, mappings, continues: after !== undefined }];
    if (rows.length < pageRows) return;
    last = mappings.at(-1);
  }
}

async function* readStrays(
  store: HeldStore,
  { after, upTo }: { after: string | undefined; upTo: string | undefined },
  pageRows: number
): AsyncGenerator<readonly Holding[], void, undefined> {
  let last = after;
  for (;;) {
    const from = last;
    const ids = await withRetries(store, () => store.held.strays(from, upTo, pageRows));
    for (const id of ids) yield* readOne(store, id, pageRows);
    if (ids.length < pageRows) return;
    last = ids.at(-1);
  }
}

/** Rows of one ID follow one another. */
function groupById(rows: readonly HeldRow[]): Holding[] {
  const holdings: (Holding & { mappings: HeldMapping[] })[] = [];
  for (const { canonicalId, status, mapping } of rows) {
    let holding = holdings.at(-1);
    if (holding?.canonicalId !== canonicalId) {
      holding = { canonicalId, status, mappings: [] };
      holdings.push(holding);
    }
    if (mapping) holding.mappings.push(mapping);
  }
  return holdings;
}
