import type { Client, errors } from '@elastic/elasticsearch';
import { IdMinterError } from '../../domain/errors.ts';
import { Patience } from './patience.ts';

/** Before the first answer a wrong URL is likelier than an outage. */
const PATIENCE_AT_FIRST_MS = 10_000;
/** A cluster that is busy with something large takes minutes to have room again. */
const PATIENCE_MS = 120_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** Within the two seconds in which a run that is stopped ends. */
const GIVE_BACK_MS = 1_500;

export interface ClusterLocation {
  /** `https://HOST:PORT`, without credentials */
  readonly url: string;
  readonly apiKey?: string | undefined;
}

export interface ClusterOptions {
  /** Ends all requests and waits. */
  readonly signal: AbortSignal;
  /** How long a request is tried again, from the first answer on; for tests. */
  readonly patienceMs?: number;
}

export interface ClusterRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE';
  /** Its parts are encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
  /** NDJSON in the place of `body`. */
  readonly lines?: Buffer;
  /** What the request is about, for people: the URL of an index. */
  readonly about: string;
}

/** An Elasticsearch cluster, asked again while what stops a request is passing. */
export class Cluster {
  readonly #client: Client;
  readonly #ending = new AbortController();
  readonly #signal: AbortSignal;
  readonly #patienceMs: number;
  #hasAnswered = false;

  private constructor(client: Client, { signal, patienceMs = PATIENCE_MS }: ClusterOptions) {
    this.#client = client;
    this.#signal = AbortSignal.any([signal, this.#ending.signal]);
    this.#patienceMs = patienceMs;
  }

  /** Asks nothing yet. */
  static async open({ url, apiKey }: ClusterLocation, options: ClusterOptions): Promise<Cluster> {
    // Loaded here: it takes longer than many a run from file to file.
    const { Client } = await import('@elastic/elasticsearch');
    const { BytesConnection, RawSources } = await import('./raw-answers.ts');
    const client = new Client({
      node: url,
      ...(apiKey !== undefined && { auth: { apiKey } }),
      Connection: BytesConnection,
      Serializer: RawSources,
      // By itself it copies all that an error is about, a bulk request byte by byte, to take the key out.
      redaction: { type: 'remove' },
      maxRetries: 0,
      requestTimeout: REQUEST_TIMEOUT_MS,
    });
    return new Cluster(client, options);
  }

  /**
   * @throws IdMinterError INDEX_NOT_FOUND, INDEX_ACCESS_DENIED, INVALID_CONFIGURATION where it is no Elasticsearch, else
   *   INDEX_UNAVAILABLE; `details.status` is that of the answer
   */
  async request<Answer>(request: ClusterRequest): Promise<Answer> {
    const patience = this.patience();
    for (;;) {
      try {
        const answer = await this.#ask<Answer>(request, { signal: this.#signal });
        this.#hasAnswered = true;
        return answer;
      } catch (error) {
        if (isPassing(error) && (await patience.wait())) continue;
        throw translate(error, request);
      }
    }
  }

  /** Asks once, also when the run is to end: for what is given back. Where it fails, that is nobody's loss. */
  async giveBack(request: ClusterRequest): Promise<void> {
    await this.#ask(request, { requestTimeout: GIVE_BACK_MS }).catch(() => {});
  }

  /** For attempts at one thing that takes several requests. */
  patience(): Patience {
    const bound = this.#hasAnswered
      ? this.#patienceMs
      : Math.min(this.#patienceMs, PATIENCE_AT_FIRST_MS);
    return new Patience(bound, this.#signal);
  }

  /** Also ends what is still asked. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#client.close();
  }

  #ask<Answer>(
    { method, path, query, body, lines }: ClusterRequest,
    options: { signal?: AbortSignal; requestTimeout?: number }
  ): Promise<Answer> {
    const params = {
      method,
      path,
      ...(query && { querystring: query }),
      ...(body && { body: body as Record<string, unknown> }),
      ...(lines && { bulkBody: lines }),
    };
    return this.#client.transport.request<Answer>(params, options);
  }
}

/** Of a request, or of an item of one. */
export function isPassingStatus(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

const PASSING = ['ConnectionError', 'TimeoutError', 'NoLivingConnectionsError'];

function isPassing(error: unknown): boolean {
  if (isResponseError(error)) return isPassingStatus(error.statusCode ?? 0);
  // Half an answer cannot be read.
  return error instanceof Error && [...PASSING, 'DeserializationError'].includes(error.name);
}

function isResponseError(error: unknown): error is errors.ResponseError {
  return error instanceof Error && error.name === 'ResponseError';
}

const SAY_AGAIN =
  'What was written is right. See that it answers, and say the same command again: it gives the same IDs.';

function translate(cause: unknown, { about }: ClusterRequest): IdMinterError {
  const why = reasonOf(cause);
  const status = isResponseError(cause) ? cause.statusCode : undefined;
  const details = { index: about, status, cause };
  if (status === 401 || status === 403) return accessDenied(about, why, details);
  if (status === 404 && isResponseError(cause) && typeOf(cause) === 'index_not_found_exception') {
    return indexNotFound(about, details);
  }
  if (cause instanceof Error && cause.name === 'ProductNotSupportedError') {
    return new IdMinterError(
      'INVALID_CONFIGURATION',
      `What answers at ${about} is not Elasticsearch. Nothing was started. Correct the URL.`,
      details
    );
  }
  return new IdMinterError(
    'INDEX_UNAVAILABLE',
    `${about} cannot be read or written: ${why}. ${SAY_AGAIN}`,
    details
  );
}

type Details = Readonly<Record<string, unknown>>;

export function accessDenied(about: string, why: string, details: Details): IdMinterError {
  return new IdMinterError(
    'INDEX_ACCESS_DENIED',
    `${about} refuses: ${why}. What was asked was not done. Give an API key that may read the source and write the ` +
      'target in ES_API_KEY.',
    details
  );
}

export function indexNotFound(about: string, details: Details): IdMinterError {
  return new IdMinterError(
    'INDEX_NOT_FOUND',
    `${about} is not there. What was asked was not done. Correct the name of the index, or make it.`,
    details
  );
}

function reasonOf(error: unknown): string {
  if (!isResponseError(error))
    return withoutStop(error instanceof Error ? error.message : String(error));
  const reason = errorIn(error)?.reason;
  return withoutStop(`${error.statusCode}${reason === undefined ? '' : `, ${reason}`}`);
}

function typeOf(error: errors.ResponseError): string | undefined {
  return errorIn(error)?.type;
}

function errorIn({ body }: errors.ResponseError): { type?: string; reason?: string } | undefined {
  const error =
    typeof body === 'object' && body !== null ? (body as { error?: unknown }).error : undefined;
  return typeof error === 'object' && error !== null ? error : undefined;
}

function withoutStop(text: string): string {
  return text.replace(/\.$/, '');
}
