import { isCanonicalId } from './canonical-id.ts';
import type { ErrorCode } from './errors.ts';
import { IdMinterError } from './errors.ts';
import type { SourceIdentifier, SourceKey } from './source-identifier.ts';
import { checkSourceIdentifier, formatSourceIdentifier, keyOf } from './source-identifier.ts';

/** What an audit can find. All but TWINS are damage. */
export type FindingCode = Extract<
  ErrorCode,
  | 'ORPHAN_MAPPING'
  | 'USED_BUT_FREE'
  | 'ASSIGNED_BUT_UNUSED'
  | 'UNKNOWN_STATUS'
  | 'MALFORMED_ID'
  | 'MALFORMED_IDENTIFIER'
  | 'UNFOLDED_TYPE'
  | 'DOUBLED_MAPPING'
  | 'TWINS'
  | 'INHERITANCE_CONFLICT'
  | 'ABSENT_IDENTIFIER'
>;

/** One thing that a person should look at. `message` names all that programs find in the other members. */
export interface Finding {
  readonly code: FindingCode;
  readonly message: string;
  /** As they are stored, which may not be of the form of a canonical ID. */
  readonly canonicalIds: readonly string[];
  /** Of two that are twins or in conflict, in the order of `canonicalIds`. */
  readonly sources: readonly SourceIdentifier[];
}

/** A mapping as it stands in a store that may be damaged. */
export interface HeldMapping {
  readonly source: SourceIdentifier;
  /** As this mapping spells it, which a collation may take for the same as the pool's spelling. */
  readonly canonicalId: string;
}

/** What stands under one canonical ID, as one statement read it. */
export interface Holding {
  /** As the pool spells it, or the mappings where the pool does not know it. */
  readonly canonicalId: string;
  /** `free` or `assigned`; undefined where the pool does not know the ID. */
  readonly status: string | undefined;
  /** At most a page of them; further ones follow as a holding that `continues`. */
  readonly mappings: readonly HeldMapping[];
  readonly continues?: boolean;
}

/** What can be audited: a registry, or what was exported from one. */
export interface Audited {
  /** The types that are looked up as `Concept`. */
  readonly conceptTypes: ReadonlySet<string>;
  /** Every canonical ID and every mapping once, in pages; each call reads from the beginning. Reads only. */
  holdings(): AsyncIterable<readonly Holding[]>;
}

/** How many mappings a finding names; an ID can have any number of them. */
const NAMED_MAX = 10;

/** All that is wrong with what stands under one canonical ID. */
export function auditHolding(holding: Holding, conceptTypes: ReadonlySet<string>): Finding[] {
  const findings: Finding[] = [];
  if (!holding.continues) auditId(holding, findings);
  for (const mapping of holding.mappings) auditMapping(mapping, holding, conceptTypes, findings);
  auditSpellings(holding, findings);
  return findings;
}

/**
 * The same for two source identifiers that differ only by case, accent or outer space in any part: what people
 * take for one. Each fold keeps the parts apart.
 */
export function foldTwins({ ontologyType, sourceSystem, value }: SourceIdentifier): SourceKey {
  return keyOf({
    ontologyType: foldText(ontologyType),
    sourceSystem: foldText(sourceSystem),
    value: foldText(value),
  });
}

/** What is to be said of mappings whose sources have one and the same fold. */
export function auditTwins(mappings: readonly HeldMapping[]): Finding[] {
  const spellings = new Map<SourceKey, HeldMapping>();
  const doubled: HeldMapping[] = [];
  for (const mapping of mappings) {
    const key = keyOf(mapping.source);
    if (spellings.has(key)) doubled.push(mapping);
    else spellings.set(key, mapping);
  }
  const apart = [...spellings.values()];
  return [
    ...doubled.map(mapping =>
      found(
        'DOUBLED_MAPPING',
        [mapping],
        `${show(mapping)} is there more than once, with ${mapping.canonicalId} here. Where there are two answers none can be trusted.`
      )
    ),
    ...(apart.length > 1
      ? [
          found(
            'TWINS',
            apart,
            `${apart.slice(0, NAMED_MAX).map(describe).join(' and ')} differ only by case, accent or outer space.`
          ),
        ]
      : []),
  ];
}

/** A source identifier that is declared to inherit from another one, with what the registry holds for both. */
export interface Declared {
  readonly source: SourceIdentifier;
  readonly canonicalId: string | undefined;
  readonly predecessor?: {
    readonly source: SourceIdentifier;
    readonly canonicalId: string | undefined;
  };
}

/** Whether what is declared holds: both are there, under one canonical ID. */
export function auditDeclared({ source, canonicalId, predecessor }: Declared): Finding[] {
  const named = predecessor ? [predecessor.source] : [];
  const absent = [
    ...(canonicalId === undefined ? [findAbsent('source identifier', source)] : []),
    ...(predecessor && predecessor.canonicalId === undefined
      ? named.map(one => findAbsent('predecessor', one))
      : []),
  ];
  if (absent.length > 0 || canonicalId === undefined) return absent;
  if (predecessor?.canonicalId === undefined || predecessor.canonicalId === canonicalId) return [];
  const pair = [
    { source, canonicalId },
    { source: predecessor.source, canonicalId: predecessor.canonicalId },
  ];
  const [heir = '', origin = ''] = pair.map(describe);
  return [
    found(
      'INHERITANCE_CONFLICT',
      pair,
      `${heir} is declared to inherit from ${origin}, which has another canonical ID.`
    ),
  ];
}

function auditId({ canonicalId, status, mappings }: Holding, findings: Finding[]): void {
  const say = (code: FindingCode, message: string): void => {
    const sources = mappings.slice(0, NAMED_MAX).map(({ source }) => source);
    findings.push({ code, message, canonicalIds: [canonicalId], sources });
  };
  if (!isCanonicalId(canonicalId)) {
    say('MALFORMED_ID', `${JSON.stringify(canonicalId)} is stored, and is no canonical ID.`);
  }
  const [first] = mappings;
  if (status === 'free' && first) {
    say(
      'USED_BUT_FREE',
      `${canonicalId} is free by the pool, and ${show(first)}${others(mappings)} has it.`
    );
  }
  if (status === 'assigned' && !first) {
    say('ASSIGNED_BUT_UNUSED', `${canonicalId} is assigned by the pool, and nothing has it.`);
  }
  if (status !== undefined && status !== 'free' && status !== 'assigned') {
    say(
      'UNKNOWN_STATUS',
      `${canonicalId} has the status ${JSON.stringify(status)}, which is neither free nor assigned.`
    );
  }
}

function auditMapping(
  mapping: HeldMapping,
  { status }: Holding,
  conceptTypes: ReadonlySet<string>,
  findings: Finding[]
): void {
  const say = (code: FindingCode, message: string): void => {
    findings.push(found(code, [mapping], message));
  };
  if (status === undefined) {
    say('ORPHAN_MAPPING', `${describe(mapping)}, an ID that the pool does not know.`);
  }
  const why = whyMalformed(mapping.source);
  if (why !== undefined) say('MALFORMED_IDENTIFIER', `${describe(mapping)}: ${why}.`);
  const { ontologyType } = mapping.source;
  if (conceptTypes.has(ontologyType)) {
    say(
      'UNFOLDED_TYPE',
      `${describe(mapping)}: ${ontologyType} is looked up as Concept, so this is never found.`
    );
  }
}

/** A mapping may spell its ID otherwise than the pool, where the collation takes the two for one. Each spelling is told once. */
function auditSpellings({ canonicalId, mappings }: Holding, findings: Finding[]): void {
  const malformed = mappings.filter(
    ({ canonicalId: spelt }) => spelt !== canonicalId && !isCanonicalId(spelt)
  );
  for (const mapping of new Map(malformed.map(one => [one.canonicalId, one])).values()) {
    const spelt = JSON.stringify(mapping.canonicalId);
    findings.push(
      found('MALFORMED_ID', [mapping], `${show(mapping)} has ${spelt}, which is no canonical ID.`)
    );
  }
}

function whyMalformed(source: SourceIdentifier): string | undefined {
  try {
    checkSourceIdentifier(source);
    return undefined;
  } catch (error) {
    if (!(error instanceof IdMinterError)) throw error;
    return `its ${error.details['part']} ${error.details['why']}`;
  }
}

function findAbsent(what: string, source: SourceIdentifier): Finding {
  return {
    code: 'ABSENT_IDENTIFIER',
    message: `The ${what} ${formatSourceIdentifier(source)} is not in the registry.`,
    canonicalIds: [],
    sources: [source],
  };
}

function found(code: FindingCode, mappings: readonly HeldMapping[], message: string): Finding {
  return {
    code,
    message,
    canonicalIds: mappings.map(({ canonicalId }) => canonicalId),
    sources: mappings.map(({ source }) => source),
  };
}

const IS_PLAIN = /^[\x21-\x7e]*$/;

function foldText(text: string): string {
  if (IS_PLAIN.test(text)) return text.toUpperCase();
  return text.trim().toUpperCase().normalize('NFD').replaceAll(/\p{M}/gu, '');
}

function others({ length }: readonly HeldMapping[]): string {
  return length > 1 ? ` (with ${length - 1} or more others)` : '';
}

function describe(mapping: HeldMapping): string {
  return `${show(mapping)} with ${mapping.canonicalId}`;
}

function show({ source }: HeldMapping): string {
  return formatSourceIdentifier(source);
}
