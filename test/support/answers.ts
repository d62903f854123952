import type { CanonicalId } from '../../src/domain/canonical-id.ts';
import type { ImportAnswer, MintAnswer, MintRequest } from '../../src/domain/registry.ts';
import type { SourceIdentifier } from '../../src/domain/source-identifier.ts';

/** Requests without predecessors. */
export function requests(...sources: readonly SourceIdentifier[]): MintRequest[] {
  return sources.map(source => ({ source }));
}

/** How each one ended: its outcome or its error's code. */
export function outcomes(answers: readonly (MintAnswer | ImportAnswer)[]): (string | undefined)[] {
  return answers.map(({ outcome, error }) => outcome ?? error?.code);
}

export function ids(answers: readonly MintAnswer[]): (CanonicalId | undefined)[] {
  return answers.map(({ canonicalId }) => canonicalId);
}
