/**
 * Walks over JSON in UTF-8 without making a tree of it. Each call takes the offset at which a value begins and gives the
 * one behind it. Of a text that breaks off it gives the end: whoever parses what is between finds that out.
 */
const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [0x7b, 0x7d, 0x5b, 0x5d];

/**
 * @param member - told each name and where its value begins; gives where that ends
 */
export function walkObject(
  json: Buffer,
  start: number,
  member: (name: string, value: number) => number
): number {
  if (json[start] !== OPEN_OBJECT) return skipValue(json, start);
  let at = skipSpace(json, start + 1);
  while (json[at] === QUOTE) {
    const end = skipString(json, at);
    const name = readName(json, at, end);
    const colon = skipSpace(json, end);
    if (json[colon] !== COLON) break;
    at = skipSpace(json, member(name, skipSpace(json, colon + 1)));
    if (json[at] !== COMMA) break;
    at = skipSpace(json, at + 1);
  }
  return json[at] === CLOSE_OBJECT ? at + 1 : json.length;
}

/** @param element - told where each value begins; gives where it ends */
export function walkArray(json: Buffer, start: number, element: (value: number) => number): number {
  if (json[start] !== OPEN_ARRAY) return skipValue(json, start);
  let at = skipSpace(json, start + 1);
  while (at < json.length && json[at] !== CLOSE_ARRAY) {
    at = skipSpace(json, element(at));
    if (json[at] !== COMMA) break;
    at = skipSpace(json, at + 1);
  }
  return json[at] === CLOSE_ARRAY ? at + 1 : json.length;
}

export function skipValue(json: Buffer, start: number): number {
  let depth = 0;
  for (let at = start; at < json.length; ) {
    switch (json[at]) {
      case QUOTE:
        at = skipString(json, at);
        if (depth === 0) return at;
        continue;
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        depth += 1;
        break;
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        // A number or a word may stand last in what surrounds it.
        if (depth === 0) return at;
        depth -= 1;
        if (depth === 0) return at + 1;
        break;
      case COMMA:
        if (depth === 0) return at;
        break;
    }
    at += 1;
  }
  return json.length;
}

function skipString(json: Buffer, start: number): number {
  const { length } = json;
  for (let at = start + 1; at < length; at += 1) {
    if (json[at] === QUOTE) return at + 1;
    if (json[at] === BACKSLASH) at += 1;
  }
  return length;
}

function skipSpace(json: Buffer, start: number): number {
  let at = start;
  while (json[at] === 0x20 || json[at] === 0x0a || json[at] === 0x0d || json[at] === 0x09) at += 1;
  return at;
}

function readName(json: Buffer, from: number, to: number): string {
  const name = json.toString('utf8', from + 1, to - 1);
  return name.includes('\\') ? String(JSON.parse(`"${name}"`)) : name;
}
