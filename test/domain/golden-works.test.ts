/**
 * Works with what the original embedder makes of them: invented ones that come with the project, and real ones
 * where their folder is given.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { CanonicalId } from '../../src/domain/canonical-id.ts';
import type { SourceIdentifier } from '../../src/domain/source-identifier.ts';
import {
  DEFAULT_CONCEPT_TYPES,
  foldConcept,
  parseSourceIdentifier,
} from '../../src/domain/source-identifier.ts';
import { embedCanonicalIds, extractWork } from '../../src/domain/work-document.ts';
import { sharedDataFolder } from '../support/shared-data.ts';

interface Golden {
  readonly name: string;
  readonly work: unknown;
  readonly requests: readonly {
    readonly source: SourceIdentifier;
    readonly predecessor: SourceIdentifier | null;
    readonly canonicalId: CanonicalId;
  }[];
  readonly minted: unknown;
}

describe('invented works', () => expectGolden(inventedWorks()));

const folder = sharedDataFolder();
if (folder !== undefined) {
  describe('real works', () => {
    const works = realWorks(folder);
    test('are all there', () => expect(works).toHaveLength(29));
    expectGolden(works);
  });
}

function expectGolden(works: readonly Golden[]): void {
  test.each(works)('$name asks for its IDs in order and holds them in their places', golden => {
    const extracted = extractWork(golden.work);
    if ('error' in extracted) throw extracted.error;

    expect(
      extracted.requests.map(({ source, predecessor = null }) => ({
        source: fold(source),
        predecessor: predecessor && fold(predecessor),
      }))
    ).toEqual(
      golden.requests.map(({ source, predecessor }) => ({
        source: fold(source),
        predecessor: predecessor && fold(predecessor),
      }))
    );
    const ids = golden.requests.map(({ canonicalId }) => canonicalId);
    expect(embedCanonicalIds(golden.work, ids)).toEqual(golden.minted);
  });
}

function fold(source: SourceIdentifier): SourceIdentifier {
  return foldConcept(source, new Set(DEFAULT_CONCEPT_TYPES));
}

function inventedWorks(): Golden[] {
  const fixtures = join(import.meta.dirname, '../fixtures/works');
  return readdirSync(fixtures).map(file => {
    const { work, requests, minted } = JSON.parse(readFileSync(join(fixtures, file), 'utf8'));
    return {
      name: file,
      work,
      requests: requests.map(
        (request: Record<'source' | 'predecessor' | 'canonicalId', string>) => ({
          source: parseSourceIdentifier(request.source),
          predecessor: request.predecessor && parseSourceIdentifier(request.predecessor),
          canonicalId: request.canonicalId,
        })
      ),
      minted,
    };
  });
}

function realWorks(path: string): Golden[] {
  const lines = (file: string) =>
    readFileSync(join(path, file), 'utf8')
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line));
  const identified = lines('works-identified.ndjson');
  return lines('works-source.ndjson').map((work, index) => ({
    name: work._id,
    work: work._source,
    requests: identified[index]._mintRequests.map(
      (request: { source: string[]; predecessor: string[] | null; canonicalId: string }) => ({
        source: partsOf(request.source),
        predecessor: request.predecessor && partsOf(request.predecessor),
        canonicalId: request.canonicalId,
      })
    ),
    minted: identified[index]._source,
  }));
}

function partsOf([ontologyType = '', sourceSystem = '', value = '']: string[]): SourceIdentifier {
  return { ontologyType, sourceSystem, value };
}
