import type { SourceIdentifier } from '../../src/domain/source-identifier.ts';

/** A source identifier as documents write it. */
export function written({ ontologyType, sourceSystem, value }: SourceIdentifier) {
  return { ontologyType, identifierType: { id: sourceSystem }, value };
}

export interface WorkContents {
  readonly predecessor?: SourceIdentifier;
  /** Headings, one subject each. */
  readonly subjects?: readonly SourceIdentifier[];
  readonly type?: string;
}

/** A work as a transformer writes it, no larger than a test needs. */
export function workOf(
  source: SourceIdentifier,
  { predecessor, subjects = [], type = 'Visible' }: WorkContents = {}
) {
  return {
    type,
    state: {
      sourceIdentifier: written(source),
      ...(predecessor && { predecessorIdentifier: written(predecessor) }),
    },
    data: {
      title: `About ${source.value}`,
      subjects: subjects.map(subject => ({
        id: {
          type: 'Identifiable',
          identifiedType: 'Identified',
          sourceIdentifier: written(subject),
          otherIdentifiers: [],
        },
        label: subject.value,
      })),
    },
  };
}

/** NDJSON, one value a line. */
export function toLines(values: readonly unknown[]): string {
  return values.map(value => `${JSON.stringify(value)}\n`).join('');
}

export function fromLines<Value>(text: string): Value[] {
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Value);
}

/** What a minted work looks like to a test. */
export interface Minted {
  readonly type: string;
  readonly state: { readonly canonicalId: string; readonly sourceIdentifier: { value: string } };
  readonly data: {
    readonly subjects: readonly { id: { canonicalId: string; type: string } }[];
  };
}
