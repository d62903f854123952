import type { CanonicalId } from '../../src/domain/canonical-id.ts';
import type { SourceIdentifier } from '../../src/domain/source-identifier.ts';

/** Source identifiers as real catalogues have them, and canonical IDs, for tests. */
export const sierra = (value: string): SourceIdentifier => ({
  ontologyType: 'Work',
  sourceSystem: 'sierra-system-number',
  value,
});

export const folio = (value: string): SourceIdentifier => ({
  ontologyType: 'Work',
  sourceSystem: 'folio-instance',
  value,
});

export const image = (value: string): SourceIdentifier => ({
  ontologyType: 'Image',
  sourceSystem: 'miro-image-number',
  value,
});

/** A heading, called `ontologyType` by the work that has it. */
export const heading = (ontologyType: string, value: string): SourceIdentifier => ({
  ontologyType,
  sourceSystem: 'lc-names',
  value,
});

export const label = (value: string): SourceIdentifier => ({
  ontologyType: 'Concept',
  sourceSystem: 'label-derived',
  value,
});

export const id = (text: string): CanonicalId => text as CanonicalId;

/** `count` different canonical IDs: aaaaaaaa, aaaaaaab, … */
export function someIds(count: number): CanonicalId[] {
  const letters = 'abcdefghjkmnpqrstuvwxyz';
  return Array.from({ length: count }, (_, number) => {
    let text = '';
    for (let rest = number; text.length < 8; rest = Math.floor(rest / letters.length)) {
      text = letters.charAt(rest % letters.length) + text;
    }
    return id(text);
  });
}
