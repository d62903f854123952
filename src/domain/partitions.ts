/** Identifiers of works, however many. */
export interface IdSource {
  /** What people are told: the URL of an index. */
  readonly name: string;
  readonly total: number;
  /**
   * All of them, once. Rejects with INDEX_UNAVAILABLE where the source as a whole fails.
   */
  ids(): AsyncIterable<string>;
}

/** Where the partitions of one run go, under names that no other run has. */
export interface PartitionStore {
  /** What people are told: the URL of the folder. */
  readonly name: string;
  /**
   * @returns where it stands
   * @throws IdMinterError PARTITION_REFUSED, PARTITION_UNAVAILABLE, INVALID_CONFIGURATION
   */
  write(file: string, json: string): Promise<StoredObject>;
}

/** An object of a bucket. */
export interface StoredObject {
  /** `s3://BUCKET/KEY` */
  readonly uri: string;
  readonly bucket: string;
  readonly key: string;
}

/** What a minter is sent for a partition; the names are those of the request. */
export interface PartitionReference {
  /** `s3://BUCKET/KEY` */
  readonly s3_uri: string;
  /** ids in it */
  readonly count: number;
}

/** What finding work comes to. */
export type FoundWork =
  | { readonly partitions: readonly PartitionReference[] }
  /** A JSON array of the references in an object of its own, since it would be too long for a state machine. */
  | { readonly manifest: Manifest };

/** Where the references stand. Bucket and key by themselves are what the reader of a distributed Map takes. */
export interface Manifest {
  readonly s3_uri: string;
  readonly bucket: string;
  readonly key: string;
  /** How many it names. */
  readonly partitions: number;
}
