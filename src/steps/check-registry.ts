import type { Audited, Finding, FindingCode, HeldMapping, Holding } from '../domain/audit.ts';
import { auditDeclared, auditHolding, auditTwins, foldTwins } from '../domain/audit.ts';
import type { CanonicalId } from '../domain/canonical-id.ts';
import type { IdentifierRow } from '../domain/documents.ts';
import { IdMinterError } from '../domain/errors.ts';
import type { MintRequest, Registry } from '../domain/registry.ts';
import type { SourceIdentifier, SourceKey } from '../domain/source-identifier.ts';
import { numberOf, TwinSearch } from '../domain/twin-search.ts';
import { inBatches } from './in-batches.ts';
import { readRequest } from './read-request.ts';

export interface CheckRegistryOptions {
  readonly registry: Audited;
  /** Told of every finding as it is found. */
  readonly tell: (finding: Finding) => void;
  /** The counts while the check goes on. */
  readonly tally?: CheckTally;
  /** Ends the check after the page at hand. */
  readonly signal?: AbortSignal | undefined;
  /** For numbers of 8 bytes; where there are more mappings the registry is read in several rounds. */
  readonly room?: number | undefined;
}

/** What was seen and what was found, exactly, however much it was. */
export class CheckTally {
  free = 0;
  assigned = 0;
  mappings = 0;
  /** Canonical IDs that several source identifiers have. */
  shared = 0;
  /** Mappings whose value is empty, as labels without Latin letters collapse to. */
  emptyValues = 0;
  /** Rows of what is declared that were compared. */
  declared = 0;
  unreadable = 0;
  /** How often the registry has been read, the reading under way included. */
  readings = 0;
  readonly findings = new Map<FindingCode, number>();

  /** Findings that are damage. */
  get damage(): number {
    let sum = 0;
    for (const [code, count] of this.findings) if (code !== 'TWINS') sum += count;
    return sum;
  }

  found({ code }: Finding): void {
    this.findings.set(code, (this.findings.get(code) ?? 0) + 1);
  }

  saw({ status, mappings, continues }: Holding): void {
    if (status === 'free') this.free += continues ? 0 : 1;
    if (status === 'assigned') this.assigned += continues ? 0 : 1;
    if (mappings.length > 1 && !continues) this.shared += 1;
    this.mappings += mappings.length;
    for (const { source } of mappings) if (source.value === '') this.emptyValues += 1;
  }
}

/** Twins that are named in one reading, about 300 bytes each. */
const NAMED_AT_ONCE = 100_000;

/**
 * Audits a registry, or what was exported from one: reads it as a whole, once or a few times, and changes nothing.
 * Minters may be at work in it meanwhile.
 *
 * @throws IdMinterError where the registry cannot be read as a whole
 */
export async function checkRegistry({
  registry,
  tell,
  tally = new CheckTally(),
  signal,
  room,
}: CheckRegistryOptions): Promise<CheckTally> {
  const search = new TwinSearch(room);
  const say = (finding: Finding): void => {
    tally.found(finding);
    tell(finding);
  };
  for (let isFirst = true, goesOn = true; goesOn; isFirst = false) {
    tally.readings += 1;
    for await (const page of pagesOf(registry, signal)) {
      for (const holding of page) {
        if (isFirst) {
          tally.saw(holding);
          for (const finding of auditHolding(holding, registry.conceptTypes)) say(finding);
        }
        for (const { source } of holding.mappings) search.add(foldTwins(source));
      }
    }
    const numbers = search.twice();
    for (let from = 0; from < numbers.length; from += NAMED_AT_ONCE) {
      tally.readings += 1;
      const some = new Set(numbers.subarray(from, from + NAMED_AT_ONCE));
      for (const finding of await nameTwins(registry, some, signal)) say(finding);
    }
    goesOn = search.next() && !signal?.aborted;
  }
  return tally;
}

/** A number says that two keys may be the same; the mappings themselves say whether they are. */
async function nameTwins(
  registry: Audited,
  numbers: ReadonlySet<number>,
  signal: AbortSignal | undefined
): Promise<Finding[]> {
  const groups = new Map<SourceKey, HeldMapping[]>();
  for await (const page of pagesOf(registry, signal)) {
    for (const mapping of page.flatMap(({ mappings }) => mappings)) {
      const key = foldTwins(mapping.source);
      if (!numbers.has(numberOf(key))) continue;
      const group = groups.get(key) ?? [];
      groups.set(key, group);
      group.push(mapping);
    }
  }
  return [...groups.values()].flatMap(auditTwins);
}

async function* pagesOf(
  registry: Audited,
  signal: AbortSignal | undefined
): AsyncGenerator<readonly Holding[], void, undefined> {
  for await (const page of registry.holdings()) {
    if (signal?.aborted) return;
    yield page;
  }
}

export interface CheckDeclaredOptions {
  readonly registry: Pick<Registry, 'lookUp'>;
  /** Source identifiers with the predecessors that they are known to have, as they are given to be assigned. */
  readonly rows: AsyncIterable<IdentifierRow>;
  readonly tell: (finding: Finding) => void;
  /** Told of every row that could not be read. */
  readonly refuse: (place: string, error: IdMinterError) => void;
  readonly tally: CheckTally;
  /** Rows a look-up. */
  readonly batchSize: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Compares what is declared with what the registry holds: each source is there, and has its predecessor's ID.
 *
 * @throws IdMinterError where the rows or the registry fail as a whole
 */
export async function checkDeclared(options: CheckDeclaredOptions): Promise<void> {
  const { registry, rows, tell, refuse, tally, batchSize, signal } = options;
  for await (const batch of inBatches(rows, batchSize, signal)) {
    const requests: MintRequest[] = [];
    for (const row of batch) {
      const request = readRequest(row);
      if (request instanceof IdMinterError) {
        tally.unreadable += 1;
        refuse(row.place, request);
      } else {
        requests.push(request);
      }
    }
    const asked = requests.flatMap(({ source, predecessor }) => [source, predecessor ?? source]);
    const ids = await lookUpAll(registry, asked);
    for (const [at, { source, predecessor }] of requests.entries()) {
      tally.declared += 1;
      const declared = {
        ...{ source, canonicalId: ids[2 * at] },
        ...(predecessor && { predecessor: { source: predecessor, canonicalId: ids[2 * at + 1] } }),
      };
      for (const finding of auditDeclared(declared)) {
        tally.found(finding);
        tell(finding);
      }
    }
  }
}

/** The canonical IDs, by position. What the registry could not store it does not hold either. */
async function lookUpAll(
  registry: Pick<Registry, 'lookUp'>,
  sources: readonly SourceIdentifier[]
): Promise<(CanonicalId | undefined)[]> {
  try {
    const found = await registry.lookUp(sources);
    return found.map(mapping => mapping?.canonicalId);
  } catch (error) {
    if (!(error instanceof IdMinterError) || error.code !== 'INVALID_IDENTIFIER') throw error;
    if (sources.length === 1) return [undefined];
    const middle = sources.length >> 1;
    const [first, second] = [sources.slice(0, middle), sources.slice(middle)];
    return [...(await lookUpAll(registry, first)), ...(await lookUpAll(registry, second))];
  }
}
