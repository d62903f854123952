import type { WaitingRoom } from '../domain/documents.ts';
import type { RunReport, RunSummary } from '../domain/run-report.ts';
import { formatSourceIdentifier } from '../domain/source-identifier.ts';

/** Where the report goes: the file that gets its name when it is complete. */
export interface ReportTarget {
  readonly name: string;
  write(text: string): Promise<void>;
  complete(): Promise<void>;
  discard(): Promise<void>;
}

/** What heads a report beside its counts. */
export interface ReportHead extends RunSummary {
  /** That of a run over one, in UTC. */
  readonly window: { readonly start_time: string; readonly end_time: string } | null;
  readonly pipeline_date: string | null;
  readonly dry_run: boolean;
}

const LISTS = ['successful_ids', 'errors', 'outcomes', 'warned'] as const;
type List = (typeof LISTS)[number];

/**
 * A report of any length in bounded memory: its lists grow side by side outside memory, and are joined to one JSON
 * document at the end, counts first.
 */
export class ReportFile implements RunReport {
  readonly #target: ReportTarget;
  readonly #lists: Readonly<Record<List, WaitingRoom<unknown>>>;

  /** @param openList - a room for the entries of one list */
  constructor(target: ReportTarget, openList: () => WaitingRoom<unknown>) {
    this.#target = target;
    this.#lists = {
      successful_ids: openList(),
      errors: openList(),
      outcomes: openList(),
      warned: openList(),
    };
  }

  async succeeded(ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.#lists.successful_ids.put(id);
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

  /** Joins the lists under their head and gives the file its name. */
  async complete(head: ReportHead): Promise<void> {
    const { report: _, ...told } = head;
    await this.#target.write(JSON.stringify(told, null, 2).replace(/\n\}$/, ''));
    for (const list of LISTS) {
      await this.#target.write(`,\n  ${JSON.stringify(list)}: [`);
      let separator = '';
      for await (const entry of this.#lists[list].entries()) {
        await this.#target.write(`${separator}\n    ${JSON.stringify(entry)}`);
        separator = ',';
      }
      await this.#target.write(separator === '' ? ']' : '\n  ]');
    }
    await this.#target.write('\n}\n');
    await this.#target.complete();
  }

  async close(): Promise<void> {
    for (const list of LISTS) await this.#lists[list].close();
    await this.#target.discard();
  }
}
