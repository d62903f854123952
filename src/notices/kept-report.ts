import type { CanonicalId } from '../domain/canonical-id.ts';
import type { WaitingRoom } from '../domain/documents.ts';
import type { ReportHead, RunRecord } from '../domain/notices.ts';
import type { RunReport } from '../domain/run-report.ts';
import { formatSourceIdentifier } from '../domain/source-identifier.ts';

const LISTS = ['successful_ids', 'errors', 'outcomes', 'warned', 'unannounced_ids'] as const;
type List = (typeof LISTS)[number];

/** Characters that a piece of the text has at least, but the last: below it, handing it over costs more than writing it. */
const PIECE = 64 * 1024;

/**
 * A report of any length in bounded memory: its lists grow side by side outside memory, and are joined to one JSON
 * document, counts first, as often as it is asked for.
 */
export class KeptReport implements RunRecord {
  readonly #lists: Readonly<Record<List, WaitingRoom<unknown>>>;

  /** @param openList - a room for the entries of one list */
  constructor(openList: () => WaitingRoom<unknown>) {
    this.#lists = {
      successful_ids: openList(),
      errors: openList(),
      outcomes: openList(),
      warned: openList(),
      unannounced_ids: openList(),
    };
  }

  async succeeded(ids: readonly CanonicalId[]): Promise<void> {
    for (const id of ids) await this.#lists.successful_ids.put(id);
  }

  async unconfirmed(ids: readonly CanonicalId[]): Promise<void> {
    for (const id of ids) await this.unannounced(id);
  }

  async failed(error: Parameters<RunReport['failed']>[0]): Promise<void> {
    await this.#lists.errors.put(error);
  }

  async answered({
    source,
    canonicalId,
    outcome,
    warning,
    error,
  }: Parameters<RunReport['answered']>[0]): Promise<void> {
    await this.#lists.outcomes.put({
      source: formatSourceIdentifier(source),
      ...(error
        ? { error: { code: error.code, message: error.message } }
        : { canonicalId, outcome }),
      ...(warning && { warning }),
    });
  }

  async warned(warning: Parameters<RunReport['warned']>[0]): Promise<void> {
    await this.#lists.warned.put(warning);
  }

  async unannounced(id: CanonicalId): Promise<void> {
    await this.#lists.unannounced_ids.put(id);
  }

  succeededIds(): AsyncIterable<CanonicalId> {
    return this.#lists.successful_ids.entries() as AsyncIterable<CanonicalId>;
  }

  unannouncedIds(): AsyncIterable<CanonicalId> {
    return this.#lists.unannounced_ids.entries() as AsyncIterable<CanonicalId>;
  }

  /** The head, and the lists under it. */
  async *texts(head: ReportHead): AsyncGenerator<string, void, undefined> {
    let piece = '';
    for await (const text of this.#parts(head)) {
      piece += text;
      if (piece.length < PIECE) continue;
      yield piece;
      piece = '';
    }
    yield piece;
  }

  async close(): Promise<void> {
    for (const list of LISTS) await this.#lists[list].close();
  }

  async *#parts(head: ReportHead): AsyncGenerator<string, void, undefined> {
    yield JSON.stringify(head, null, 2).replace(/\n\}$/, '');
    for (const list of LISTS) {
      yield `,\n  ${JSON.stringify(list)}: [`;
      let separator = '';
      for await (const entry of this.#lists[list].entries()) {
        yield `${separator}\n    ${JSON.stringify(entry)}`;
        separator = ',';
      }
      yield separator === '' ? ']' : '\n  ]';
    }
    yield '\n}\n';
  }
}
