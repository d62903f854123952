import { Pool } from 'tarn';
import { IdMinterError } from '../../domain/errors.ts';
import type { Connect, MysqlConnection } from './mysql-connection.ts';

const ACQUIRE_TIMEOUT_MS = 30_000;
const IDLE_TIMEOUT_MS = 30_000;
const MAX_CONNECTIONS_DEFAULT = 8;

/** Lends connections. One on which anything failed is closed at once and never lent again. */
export class MysqlPool {
  readonly #pool: Pool<MysqlConnection>;
  readonly #lent = new Set<MysqlConnection>();
  #isClosed = false;

  constructor(connect: Connect, maxConnections = MAX_CONNECTIONS_DEFAULT) {
    this.#pool = new Pool({
      create: connect,
      destroy: connection => connection.end(),
      validate: connection => connection.isSound,
      min: 0,
      max: maxConnections,
      acquireTimeoutMillis: ACQUIRE_TIMEOUT_MS,
      idleTimeoutMillis: IDLE_TIMEOUT_MS,
      propagateCreateError: true,
    });
  }

  async use<T>(work: (connection: MysqlConnection) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw registryClosed();
    try {
      return await this.#lend(work);
    } catch (error) {
      // Not as the lost connection that it looks like: nobody shall try again.
      throw this.#isClosed ? registryClosed() : error;
    }
  }

  /** Ends all connections, also those at work: what they had not committed is rolled back. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const connection of this.#lent) connection.destroy();
    await this.#pool.destroy();
  }

  async #lend<T>(work: (connection: MysqlConnection) => Promise<T>): Promise<T> {
    const connection = await this.#pool.acquire().promise;
    this.#lent.add(connection);
    try {
      return await work(connection);
    } finally {
      this.#lent.delete(connection);
      // The locks of a broken transaction would otherwise be held until somebody asks for a connection.
      if (!connection.isSound) connection.destroy();
      this.#pool.release(connection);
    }
  }
}

function registryClosed(): IdMinterError {
  return new IdMinterError(
    'REGISTRY_UNAVAILABLE',
    'The registry was closed while it was at work. What was answered before is right and stays; the batch at hand is in ' +
      'the registry as a whole or not at all. Say the same again: it gives the same IDs.'
  );
}
