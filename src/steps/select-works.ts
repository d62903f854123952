import type { WorkSource } from '../domain/documents.ts';
import { IdMinterError } from '../domain/errors.ts';
import type { Identified } from '../domain/identified-work.ts';
import { identify, isIdentified } from '../domain/identified-work.ts';
import { formatSourceIdentifier } from '../domain/source-identifier.ts';

/**
 * Those works of a source that were asked for; an identifier that the source does not hold ends as a failure.
 *
 * @param ids - text forms of works' source identifiers, as an index names its documents; `system/value` alone is a
 *   work's too
 */
export function selectWorks(
  source: WorkSource<Identified>,
  ids: readonly string[]
): WorkSource<Identified> {
  return {
    name: source.name,
    reading: () => ({ share: source.reading?.().share }),
    async *works() {
      const missing = new Set(ids);
      const wanted = new Set(ids);
      for await (const work of source.works()) {
        const named = namesOf(work).filter(name => wanted.has(name));
        if (named.length === 0) continue;
        for (const name of named) missing.delete(name);
        yield work;
      }
      for (const id of missing) yield identify({ place: id, error: notFound(id, source.name) });
    },
  };
}

/** What to ask an index for: it names its documents by the text form, and `system/value` alone means a work. */
export function asDocumentIds(wanted: readonly string[]): string[] {
  const ids = wanted.flatMap(id => (/^[^[]+\//.test(id) ? [id, `Work[${id}]`] : [id]));
  return [...new Set(ids)];
}

function namesOf(work: Identified): string[] {
  const { root } = isIdentified(work) ? work.extracted : work.fault;
  const names = work.id === undefined ? [] : [work.id];
  if (root === undefined) return names;
  names.push(formatSourceIdentifier(root));
  if (root.ontologyType === 'Work') names.push(`${root.sourceSystem}/${root.value}`);
  return names;
}

function notFound(id: string, source: string): IdMinterError {
  return new IdMinterError(
    'WORK_NOT_FOUND',
    `${id} is not in ${source}. Nothing was minted for it. Check the spelling, and whether the work got there.`,
    { id, source }
  );
}
