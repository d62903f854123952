import type { CanonicalId } from '../../domain/canonical-id.ts';
import { isStandIn } from '../../domain/canonical-id.ts';
import type { Difference } from '../../domain/document-difference.ts';
import { firstDifference } from '../../domain/document-difference.ts';
import type { MintedWork, WorkTarget } from '../../domain/documents.ts';
import type { Warning } from '../../domain/errors.ts';
import { IdMinterError } from '../../domain/errors.ts';
import type { Registry } from '../../domain/registry.ts';
import type { ComparisonCounts, RunError, RunReport } from '../../domain/run-report.ts';
import type { SourceIdentifier } from '../../domain/source-identifier.ts';
import {
  formatSourceIdentifier,
  isSameSource,
  parseSourceIdentifier,
} from '../../domain/source-identifier.ts';
import { extractWork } from '../../domain/work-document.ts';
import { unwrapWork } from '../../domain/work-wrapper.ts';
import { parseJson } from '../json-text.ts';
import type { IndexedDocuments } from './indexed-documents.ts';

/** Of our own documents, for which an index is asked at a time; what it holds is about as large. */
const REQUEST_BYTES = 2 * 1024 * 1024;
/** Failures that are looked into at a time. */
const FAILURES = 100;
/** Of a value that is shown. */
const SHOWN_CHARACTERS = 80;

/** A dry run beside an index: the target compares in the place of writing, and the report hears what fails. */
export interface IndexComparison {
  readonly target: WorkTarget;
  readonly report: RunReport;
  readonly counts: Readonly<ComparisonCounts>;
}

export interface ComparisonOptions {
  /** The one that the run mints in, so as to know the canonical ID of a work that failed. */
  readonly registry: Pick<Registry, 'lookUp'>;
  /** Told each difference: DOCUMENT_DIFFERS, DOCUMENT_ABSENT, NEWLY_FAILING. */
  readonly tell: (difference: Warning) => Promise<void>;
}

/** A document that the run would write. */
interface Output {
  readonly work: MintedWork;
  readonly json: Uint8Array;
}

/**
 * Compares each document that a run would write with the one that an index holds under the same ID, by value. A work
 * whose own ID the run would draw is only counted: no index can hold it under that. A work that fails is a difference
 * where the index holds a document of it, which is found by the canonical ID that the registry has for it.
 *
 * Memory is that of some hundred documents, however many differ.
 */
export function compareWithIndex(
  documents: IndexedDocuments,
  { registry, tell }: ComparisonOptions
): IndexComparison {
  const counts = { same: 0, different: 0, absent: 0, newly_failing: 0, new: 0 };
  let failures: RunError[] = [];

  const compare = async ({ work, json }: Output, held: Uint8Array | undefined): Promise<void> => {
    if (held === undefined) {
      counts.absent += 1;
      return await tell(absent(work, documents.name));
    }
    const difference = await differenceOf(json, held, work);
    counts[difference ? 'different' : 'same'] += 1;
    if (difference) await tell(different(work, difference, documents.name));
  };
  const lookIntoFailures = async (): Promise<void> => {
    const failed = failures.flatMap(failure => withSource(failure));
    failures = [];
    const mappings = await registry.lookUp(failed.map(({ source }) => source));
    const ids = mappings.flatMap(mapping => mapping?.canonicalId ?? []);
    const held = await documents.fetch(ids.filter(id => !isStandIn(id)));
    for (const [at, { failure, source }] of failed.entries()) {
      const id = mappings[at]?.canonicalId;
      const document = id === undefined ? undefined : held.get(id);
      if (id === undefined || document === undefined) continue;
      if (!(await isDocumentOf(document, source))) continue;
      counts.newly_failing += 1;
      await tell(newlyFailing(failure, id, documents.name));
    }
  };
  const close = async (): Promise<void> => await documents[Symbol.asyncDispose]();

  return {
    counts,
    target: {
      name: documents.name,
      write: async works => {
        const known = works.filter(({ canonicalId }) => !isStandIn(canonicalId));
        counts.new += works.length - known.length;
        for (const outputs of inRequests(known)) {
          const held = await documents.fetch(outputs.map(({ work }) => work.canonicalId));
          for (const output of outputs) await compare(output, held.get(output.work.canonicalId));
        }
        return new Map();
      },
      complete: async () => {
        await lookIntoFailures();
        await close();
      },
      discard: close,
    },
    report: {
      failed: async error => {
        failures.push(error);
        if (failures.length >= FAILURES) await lookIntoFailures();
      },
      succeeded: async () => {},
      answered: async () => {},
      warned: async () => {},
    },
  };
}

function* inRequests(works: readonly MintedWork[]): Generator<readonly Output[]> {
  let outputs: Output[] = [];
  let bytes = 0;
  for (const work of works) {
    const json = documentOf(work);
    if (bytes > 0 && bytes + json.length > REQUEST_BYTES) {
      yield outputs;
      outputs = [];
      bytes = 0;
    }
    outputs.push({ work, json });
    bytes += json.length;
  }
  if (outputs.length > 0) yield outputs;
}

function documentOf({ content }: MintedWork): Uint8Array {
  return 'json' in content
    ? content.document
    : Buffer.from(JSON.stringify(unwrapWork(content.value).document));
}

async function differenceOf(
  json: Uint8Array,
  held: Uint8Array,
  { place }: MintedWork
): Promise<Difference | undefined> {
  if (Buffer.compare(json, held) === 0) return undefined;
  return firstDifference(await parseJson(json, place), await parseJson(held, place));
}

/** Nothing where a failure has no source identifier that could be asked for: then nobody can say which document is its. */
function withSource(failure: RunError): { failure: RunError; source: SourceIdentifier }[] {
  try {
    return [{ failure, source: parseSourceIdentifier(failure.row_id) }];
  } catch (error) {
    if (error instanceof IdMinterError) return [];
    throw error;
  }
}

/** Several source identifiers may share a canonical ID: the document may be that of another work. */
async function isDocumentOf(document: Uint8Array, source: SourceIdentifier): Promise<boolean> {
  const { root } = extractWork(await parseJson(document, formatSourceIdentifier(source)));
  return root !== undefined && isSameSource(root, source);
}

function different(
  { place, canonicalId }: MintedWork,
  { path, ours, theirs }: Difference,
  index: string
): Warning {
  const where = path === '' ? 'as a whole' : `at ${path}`;
  return {
    code: 'DOCUMENT_DIFFERS',
    message:
      `${place}: ${canonicalId} differs from the document in ${index} ${where}: the run would write ${show(ours)}, and ` +
      `the index has ${show(theirs)}. Nothing was written.`,
    details: { index, canonicalId, path, minted: show(ours), held: show(theirs) },
  };
}

function absent({ place, canonicalId }: MintedWork, index: string): Warning {
  return {
    code: 'DOCUMENT_ABSENT',
    message: `${place}: ${index} holds no document ${canonicalId}, which the run would write. Nothing was written.`,
    details: { index, canonicalId },
  };
}

function newlyFailing(
  { row_id, code }: RunError,
  canonicalId: CanonicalId,
  index: string
): Warning {
  return {
    code: 'NEWLY_FAILING',
    message:
      `${row_id} fails in this run (${code}), and ${index} holds its document ${canonicalId}. Nothing was written: a ` +
      'real run would leave that document as it is.',
    details: { index, canonicalId, source: row_id, error: code },
  };
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}
