/** Where two documents first say something else. What is not there at all is undefined. */
export interface Difference {
  /** As people write it: `data.items[0].id.canonicalId`; empty where the documents differ as a whole. */
  readonly path: string;
  readonly ours: unknown;
  readonly theirs: unknown;
}

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Compares two documents by value, as whoever reads them understands them: the order of members does not count, nor
 * whether a number is written 1, 1.0 or 1e0. All digits of a number count, also those that a double cannot hold. A member
 * that is null is not one that is absent.
 *
 * @param ours - as JSON.parse gives it; numbers that a double cannot hold are JSON.rawJSON
 * @returns undefined where they say the same; else the first difference in the order of `ours`
 */
export function firstDifference(ours: unknown, theirs: unknown, path = ''): Difference | undefined {
  if (ours === theirs) return undefined;
  if (Array.isArray(ours) && Array.isArray(theirs)) return inLists(ours, theirs, path);
  if (isObject(ours) && isObject(theirs)) return inObjects(ours, theirs, path);
  const number = decimalOf(ours);
  if (number !== undefined && number === decimalOf(theirs)) return undefined;
  return { path, ours, theirs };
}

function inLists(
  ours: readonly unknown[],
  theirs: readonly unknown[],
  path: string
): Difference | undefined {
  for (let at = 0; at < Math.max(ours.length, theirs.length); at += 1) {
    const difference = firstDifference(ours[at], theirs[at], `${path}[${at}]`);
    if (difference) return difference;
  }
  return undefined;
}

function inObjects(ours: JsonObject, theirs: JsonObject, path: string): Difference | undefined {
  const below = (name: string) => (path === '' ? name : `${path}.${name}`);
  for (const name of Object.keys(ours)) {
    const difference = firstDifference(ours[name], memberOf(theirs, name), below(name));
    if (difference) return difference;
  }
  const more = Object.keys(theirs).find(name => !Object.hasOwn(ours, name));
  if (more === undefined) return undefined;
  return { path: below(more), ours: undefined, theirs: theirs[more] };
}

function memberOf(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function isObject(value: unknown): value is JsonObject {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !JSON.isRawJSON(value)
  );
}

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** The same text for the same number, however it is written; undefined where it is none. */
function decimalOf(value: unknown): string | undefined {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    DECIMAL.exec(writtenNumber(value)) ?? [];
  if (whole === '') return undefined;
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  const power = BigInt(exponent) - BigInt(fraction.length - digits.length + significant.length);
  return `${sign}${significant}e${power}`;
}

function writtenNumber(value: unknown): string {
  const isNumber = typeof value === 'number' || JSON.isRawJSON(value);
  return isNumber ? JSON.stringify(value) : '';
}
