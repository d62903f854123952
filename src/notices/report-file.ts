import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
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
  readonly window: null;
  readonly pipeline_date: string | null;
  readonly dry_run: boolean;
}

const LISTS = ['successful_ids', 'errors', 'outcomes', 'warned'] as const;
type List = (typeof LISTS)[number];

/**
 * A report of any length in bounded memory: its lists grow in temporary files side by side and are joined to one
 * JSON document at the end, counts first.
 */
export class ReportFile implements RunReport {
  readonly #target: ReportTarget;
  readonly #lists = new Map<List, Writable>();
  #folder: string | undefined;

  constructor(target: ReportTarget) {
    this.#target = target;
  }

  async succeeded(ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.#add('successful_ids', id);
  }

  async failed(error: Parameters<RunReport['failed']>[0]): Promise<void> {
    await this.#add('errors', error);
  }

  async answered({
    source,
    canonicalId,
    outcome,
    warning,
    error,
  }: Parameters<RunReport['answered']>[0]): Promise<void> {
    await this.#add('outcomes', {
      source: formatSourceIdentifier(source),
      ...(error
        ? { error: { code: error.code, message: error.message } }
        : { canonicalId, outcome }),
      ...(warning && { warning }),
    });
  }

  async warned(warning: Parameters<RunReport['warned']>[0]): Promise<void> {
    await this.#add('warned', warning);
  }

  /** Joins the lists under their head and gives the file its name. */
  async complete(head: ReportHead): Promise<void> {
    const { report: _, ...told } = head;
    await this.#target.write(JSON.stringify(told, null, 2).replace(/\n\}$/, ''));
    for (const list of LISTS) {
      await this.#target.write(`,\n  ${JSON.stringify(list)}: [`);
      const entries = this.#lists.get(list);
      if (entries !== undefined) {
        entries.end();
        await finished(entries);
        for await (const chunk of createReadStream(this.#path(list), 'utf8'))
          await this.#target.write(String(chunk));
        await this.#target.write('\n  ');
      }
      await this.#target.write(']');
    }
    await this.#target.write('\n}\n');
    await this.#target.complete();
  }

  async close(): Promise<void> {
    for (const list of this.#lists.values()) list.destroy();
    await this.#target.discard();
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  async #add(list: List, entry: unknown): Promise<void> {
    const open = this.#lists.get(list);
    const out = open ?? (await this.#open(list));
    if (!out.write(`${open ? ',' : ''}\n    ${JSON.stringify(entry)}`)) await once(out, 'drain');
  }

  async #open(list: List): Promise<Writable> {
    this.#folder ??= await mkdtemp(join(tmpdir(), 'id-minter-'));
    const out = createWriteStream(this.#path(list));
    this.#lists.set(list, out);
    return out;
  }

  #path(list: List): string {
    return join(this.#folder ?? tmpdir(), list);
  }
}
