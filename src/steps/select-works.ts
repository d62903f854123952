import type { SourceWork, UnreadableWork, WorkSource } from '../domain/documents.ts';
import { IdMinterError } from '../domain/errors.ts';
import { formatSourceIdentifier } from '../domain/source-identifier.ts';
import { extractWork } from '../domain/work-document.ts';

/**
 * Those works of a source that were asked for; an identifier that the source does not hold ends as a failure.
 *
 * @param ids - text forms of works' source identifiers, as an index names its documents
 */
export function selectWorks(source: WorkSource, ids: readonly string[]): WorkSource {
  return {
    name: source.name,
    async *works() {
      const missing = new Set(ids);
      const wanted = new Set(ids);
      for await (const work of source.works()) {
        const id = namesOf(work).find(name => wanted.has(name));
        if (id === undefined) continue;
        missing.delete(id);
        yield work;
      }
      for (const id of missing) yield { place: id, error: notFound(id, source.name) };
    },
  };
}

function namesOf(work: SourceWork | UnreadableWork): string[] {
  if (work.error) return [];
  const extracted = extractWork(work.document);
  const root =
    'root' in extracted && extracted.root ? [formatSourceIdentifier(extracted.root)] : [];
  const id = work.wrapper?.['_id'];
  return typeof id === 'string' ? [id, ...root] : root;
}

function notFound(id: string, source: string): IdMinterError {
  return new IdMinterError(
    'WORK_NOT_FOUND',
    `${id} is not in ${source}. Nothing was minted for it. Check the spelling, and whether the work got there.`,
    { id, source }
  );
}
