/** Works a batch where nobody says otherwise: with their identifiers a transaction of some thousand rows. */
export const WORKS_A_BATCH = 500;

/** Bare identifiers or mappings a batch: as large a transaction as that of works. */
export const IDENTIFIERS_A_BATCH = 5_000;

/** Works a partition: what one invocation of a minter does well within its fifteen minutes, and what is too much. */
export const PARTITION_SIZE = 10_000;
export const PARTITION_SIZE_MAX = 100_000;

/** Batches of works in the registry at once, where nobody says otherwise. */
export const BATCHES_AT_ONCE = 2;
