/**
 * How many rows or IDs a statement names: with more of them in a list the server gives up its index. 45,000 in one
 * list made an update lock a whole table of 10 million rows.
 */
export const LISTED_MAX = 1_000;

/**
 * How many values a statement unfolds from one JSON value. Of 255 characters with six bytes each, as JSON may write
 * them, that is a packet of 12 MB; servers accept 16 MB and more unless told otherwise.
 */
export const UNFOLDED_MAX = 8_000;
