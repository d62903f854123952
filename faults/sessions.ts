import type { Packet } from '../test/registry/mysql/wire.ts';
import { Broken } from './campaign.ts';

/** Watches a wire: no connection may be lent out while a transaction is open on it. */
export class Sessions {
  readonly #statements = new Map<number, string[]>();
  #fault: string | undefined;

  saw({ connection, sql }: Packet): void {
    if (sql === undefined) return;
    const sent = this.#statements.get(connection) ?? [];
    sent.push(sql.slice(0, 30));
    if (sql === 'START TRANSACTION' || sql.startsWith('SET ')) {
      if (sent[0] === 'START TRANSACTION') this.#fault ??= sent.join('; ');
      sent.splice(0, sent.length, sql);
    }
    if (sql === 'COMMIT' || sql === 'ROLLBACK') sent.splice(0);
    this.#statements.set(connection, sent);
  }

  /** @throws Broken */
  verify(): void {
    if (this.#fault === undefined) return;
    throw new Broken(`A connection was used again in mid-transaction: ${this.#fault}`);
  }
}
