import type { CanonicalId } from '../domain/canonical-id.ts';
import { certain } from '../domain/certain.ts';
import type { MintedWork } from '../domain/documents.ts';
import type { Warning } from '../domain/errors.ts';
import type { IdentifiedWork, Kept } from '../domain/identified-work.ts';
import type { Given, MintAnswer } from '../domain/registry.ts';
import type { SourceIdentifier } from '../domain/source-identifier.ts';
import { formatSourceIdentifier } from '../domain/source-identifier.ts';
import type { Contender } from '../domain/work-document.ts';
import { embedCanonicalIds, prevails } from '../domain/work-document.ts';
import { insertCanonicalIds, readWorkAsWritten } from '../domain/work-text.ts';
import { wrapWork } from '../domain/work-wrapper.ts';

/** A work, and what became of each of its identifiers. */
export interface AnsweredWork extends IdentifiedWork {
  readonly answers: readonly MintAnswer[];
}

/** A document that will be written, and the works of the batch that have to stand back for it. */
export interface EmbeddedWork extends MintedWork {
  readonly root: SourceIdentifier;
  readonly kept: Kept;
  readonly standingBack: EmbeddedWork[];
}

/** @param work - of which each identifier has its ID */
export function embed({ place, kept, extracted, answers }: AnsweredWork): EmbeddedWork {
  const { root, rootIndex } = extracted;
  const ids = answers.map(answer => (answer as MintAnswer & Given).canonicalId);
  const canonicalId = certain(ids[rootIndex], 'The ID of the work itself');
  const content =
    'text' in kept
      ? insertCanonicalIds(kept.text, kept.places, { ids, canonicalId })
      : {
          value: wrapWork(
            { ...kept, document: embedCanonicalIds(kept.document, ids) },
            canonicalId
          ),
        };
  return { place, canonicalId, content, root, kept, standingBack: [] };
}

/** One document can stand under one canonical ID; the works keep their order. */
export function choosePerDocument(works: readonly EmbeddedWork[]): EmbeddedWork[] {
  const standing = new Map<CanonicalId, EmbeddedWork>();
  for (const work of works) {
    const other = standing.get(work.canonicalId);
    const isLater = other === undefined || prevails(contender(work), contender(other));
    const [winner, loser] = isLater ? [work, other] : [other, work];
    if (loser) winner.standingBack.push(loser, ...loser.standingBack.splice(0));
    standing.set(work.canonicalId, winner);
  }
  return works.filter(work => standing.get(work.canonicalId) === work);
}

function contender({ root, kept }: EmbeddedWork): Contender {
  const { document } = 'text' in kept ? readWorkAsWritten(kept.text) : kept;
  return { root, document };
}

export function sharedDocument(winner: EmbeddedWork, loser: EmbeddedWork): Warning {
  return {
    code: 'SHARED_DOCUMENT_ID',
    message:
      `${nameOf(winner)} and ${nameOf(loser)} share the canonical ID ${winner.canonicalId}, so one document stands under ` +
      'it: that of the first. Retire the other one at its source.',
    details: {
      canonicalId: winner.canonicalId,
      written: nameOf(winner),
      notWritten: nameOf(loser),
    },
  };
}

export function nameOf({ root }: EmbeddedWork): string {
  return formatSourceIdentifier(root);
}
