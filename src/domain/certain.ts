/**
 * What must be there by what went before. Where it is not, the program is at fault, and ends before it writes anything.
 *
 * @param what - completes “… is missing”
 */
export function certain<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`${what} is missing, which cannot be.`);
  return value;
}
