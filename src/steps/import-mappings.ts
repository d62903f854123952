import { parseCanonicalId } from '../domain/canonical-id.ts';
import type { MappingRow } from '../domain/documents.ts';
import type { Warning } from '../domain/errors.ts';
import { IdMinterError } from '../domain/errors.ts';
import type { Mapping, Registry } from '../domain/registry.ts';
import { readSourceIdentifier } from '../domain/source-identifier.ts';
import { inBatches } from './in-batches.ts';

export interface ImportMappingsOptions {
  readonly registry: Registry;
  readonly rows: AsyncIterable<MappingRow>;
  readonly tally: ImportTally;
  /** Told of every row that was refused or warned about. */
  readonly tell: (place: string, about: IdMinterError | Warning) => void;
  /** Mappings a batch; each batch is one transaction. */
  readonly batchSize: number;
  readonly signal?: AbortSignal;
}

/** The counts of an import while it goes on. */
export interface ImportTally {
  added: number;
  existing: number;
  failed: number;
  warnings: number;
}

/**
 * Takes known mappings in. A row that is malformed or contradicts the registry fails by itself.
 *
 * @throws IdMinterError where the rows or the registry fail as a whole
 */
export async function importMappings(options: ImportMappingsOptions): Promise<void> {
  const { registry, rows, tally, tell, batchSize, signal } = options;
  for await (const batch of inBatches(rows, batchSize, signal)) {
    const places: string[] = [];
    const mappings: Mapping[] = [];
    for (const row of batch) {
      const mapping = readMapping(row);
      if (mapping instanceof IdMinterError) {
        tally.failed += 1;
        tell(row.place, mapping);
      } else {
        places.push(row.place);
        mappings.push(mapping);
      }
    }
    const answers = await registry.importMappings(mappings);
    for (const [index, { outcome, error, warning }] of answers.entries()) {
      const place = places[index] ?? '';
      if (outcome === undefined) tally.failed += 1;
      else tally[outcome] += 1;
      if (warning) tally.warnings += 1;
      const about = error ?? warning;
      if (about) tell(place, about);
    }
  }
}

function readMapping(row: MappingRow): Mapping | IdMinterError {
  if (row.error) return row.error;
  try {
    return {
      canonicalId: parseCanonicalId(row.canonicalId),
      source: readSourceIdentifier(row.source),
    };
  } catch (error) {
    if (error instanceof IdMinterError) return error;
    throw error;
  }
}
