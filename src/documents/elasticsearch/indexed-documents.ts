import type { CanonicalId } from '../../domain/canonical-id.ts';
import { IdMinterError } from '../../domain/errors.ts';
import type { Cluster } from './cluster.ts';
import { indexNotFound } from './cluster.ts';
import type { IndexLocation } from './index-source.ts';
import type { RawSource } from './raw-sources.ts';

interface FetchAnswer {
  readonly docs: readonly {
    readonly _id: string;
    readonly _source?: RawSource;
    readonly error?: { readonly type: string; readonly reason: string };
  }[];
}

/** What an index holds under canonical IDs; disposal ends the connection. */
export interface IndexedDocuments extends AsyncDisposable {
  /** `https://HOST:PORT/INDEX`, for people */
  readonly name: string;
  /**
   * The JSON of each document that is there, also of those that were written a moment ago.
   *
   * @throws IdMinterError INDEX_NOT_FOUND, INDEX_ACCESS_DENIED, INDEX_UNAVAILABLE
   */
  fetch(ids: readonly CanonicalId[]): Promise<Map<CanonicalId, Uint8Array>>;
}

/**
 * Asked at once, so that a wrong name or key is known before anything is minted. The cluster is closed with it.
 *
 * @throws IdMinterError INDEX_NOT_FOUND, INDEX_ACCESS_DENIED, INDEX_UNAVAILABLE
 */
export async function openIndexedDocuments(
  cluster: Cluster,
  location: IndexLocation
): Promise<IndexedDocuments> {
  const path = `/${encodeURIComponent(location.index)}/_search`;
  try {
    await cluster.request({ method: 'POST', path, body: { size: 0 }, about: location.name });
  } catch (error) {
    await cluster.close();
    throw error;
  }
  return {
    name: location.name,
    fetch: async ids => (ids.length === 0 ? new Map() : await fetchFrom(cluster, location, ids)),
    [Symbol.asyncDispose]: () => cluster.close(),
  };
}

async function fetchFrom(
  cluster: Cluster,
  { name, index }: IndexLocation,
  ids: readonly CanonicalId[]
): Promise<Map<CanonicalId, Uint8Array>> {
  const { docs } = await cluster.request<FetchAnswer>({
    method: 'POST',
    path: `/${encodeURIComponent(index)}/_mget`,
    body: { ids },
    about: name,
  });
  const held = new Map<CanonicalId, Uint8Array>();
  for (const { _id, _source, error } of docs) {
    if (error?.type === 'index_not_found_exception') throw indexNotFound(name, { index: name });
    if (error) throw unreadable(name, error.reason);
    if (_source) held.set(_id as CanonicalId, _source.json);
  }
  return held;
}

function unreadable(name: string, reason: string): IdMinterError {
  return new IdMinterError(
    'INDEX_UNAVAILABLE',
    `${name} cannot give some of its documents: ${reason.replace(/\.$/, '')}. Nothing was written. See that the index is ` +
      'whole, and say the same command again.',
    { index: name }
  );
}
