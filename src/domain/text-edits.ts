import type { Span } from './work-scan.ts';

/** What is put in the place of a part of a text. */
export const PUT = {
  nothing: 0,
  /** `"ID"` */
  id: 1,
  /** `,"canonicalId":"ID"` */
  canonicalId: 2,
  /** `{"_id":"ID","_source":` */
  hit: 3,
  /** `}` */
  hitEnd: 4,
  /** `"Identified"` */
  identified: 5,
  /** another part of the text */
  part: 6,
  /** `,"type":` and another part of the text */
  type: 7,
} as const;

type Put = (typeof PUT)[keyof typeof PUT];

/** What stands around the ID or the part, by what is put. */
const BEFORE = ['', '"', ',"canonicalId":"', '{"_id":"', '}', '"Identified"', '', ',"type":'];
const AFTER = ['', '"', '"', '","_source":', '', '', '', ''];

/** The numbers of an edit: where what goes begins and ends, what is put, which ID, and from and to where in the text. */
const LENGTH = 6;
const [FROM, TO, WHAT, ID, FIRST, LAST] = [0, 1, 2, 3, 4, 5];
/** In the place of an ID where none is put. */
const NONE = -1;

/** Small texts share their memory, since it takes as long to get some for each as to write it. They go at about one time. */
const SLAB_BYTES = 256 * 1024;

/**
 * Edits of a text in UTF-8, in the order of their places. They are numbers, since a run makes some hundred thousand of
 * them a second, and one list serves all texts.
 */
export class TextEdits {
  #edits = new Int32Array(128 * LENGTH);
  #length = 0;
  #slab = new Uint8Array(0);
  /** How much of it. */
  #taken = 0;

  /** To be said before the first edit of a text: those of a text that failed may be left. */
  begin(): void {
    this.#length = 0;
  }

  /** Of several at one place the one that came first stands first. */
  put(from: number, to: number, what: Put): void {
    this.#add(from, to, what);
  }

  /** @param id - its number among those that `apply` is given */
  putId(from: number, to: number, what: Put, id: number): void {
    // First, since it may put another list in the place of this one.
    const edit = this.#add(from, to, what);
    this.#edits[edit + ID] = id;
  }

  /** @param first - where the part of the text begins that is put there */
  putPart(from: number, to: number, what: Put, first: number, last: number): void {
    const edit = this.#add(from, to, what);
    this.#edits[edit + FIRST] = first;
    this.#edits[edit + LAST] = last;
  }

  /**
   * @param ids - in ASCII
   * @param part - of the text, in which no edit begins that ends behind it
   * @returns the new text, and where that part stands in it
   */
  apply(json: Uint8Array, ids: readonly string[], part: Span): { json: Uint8Array; part: Span } {
    const kept = this.#keepOuter();
    const edits = this.#edits;
    let [length, start, end] = [json.length, part.from, part.to];
    for (let edit = 0; edit < kept; edit += LENGTH) {
      const [from, to] = [edits[edit + FROM] as number, edits[edit + TO] as number];
      const more = this.#lengthOf(edit, ids) - (to - from);
      length += more;
      if (to <= part.from) start += more;
      if (from < part.to) end += more;
    }
    const made = this.#room(length);
    let read = 0;
    let written = 0;
    for (let edit = 0; edit < kept; edit += LENGTH) {
      written = copy(json, read, edits[edit + FROM] as number, made, written);
      written = this.#write(edit, json, ids, made, written);
      read = edits[edit + TO] as number;
    }
    copy(json, read, json.length, made, written);
    return { json: made, part: { from: start, to: end } };
  }

  #room(length: number): Uint8Array {
    if (length > SLAB_BYTES / 8) return new Uint8Array(length);
    if (this.#taken + length > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#taken = 0;
    }
    const start = this.#taken;
    this.#taken += length;
    return this.#slab.subarray(start, this.#taken);
  }

  /** @returns where the edit stands */
  #add(from: number, to: number, what: Put): number {
    if (this.#length === this.#edits.length) {
      const larger = new Int32Array(2 * this.#length);
      larger.set(this.#edits);
      this.#edits = larger;
    }
    const edits = this.#edits;
    let edit = this.#length;
    // They come nearly in order.
    while (edit > 0 && (edits[edit - LENGTH + FROM] as number) > from) edit -= LENGTH;
    if (edit < this.#length) edits.copyWithin(edit + LENGTH, edit, this.#length);
    edits[edit + FROM] = from;
    edits[edit + TO] = to;
    edits[edit + WHAT] = what;
    edits[edit + ID] = NONE;
    edits[edit + FIRST] = 0;
    edits[edit + LAST] = 0;
    this.#length += LENGTH;
    return edit;
  }

  /**
   * Within a part that goes as a whole nothing is left to change.
   *
   * @returns how far those reach that are to be made
   */
  #keepOuter(): number {
    const edits = this.#edits;
    const length = this.#length;
    let kept = 0;
    let end = 0;
    for (let edit = 0; edit < length; edit += LENGTH) {
      if ((edits[edit + FROM] as number) < end) continue;
      end = edits[edit + TO] as number;
      if (kept < edit) edits.copyWithin(kept, edit, edit + LENGTH);
      kept += LENGTH;
    }
    return kept;
  }

  #lengthOf(edit: number, ids: readonly string[]): number {
    const edits = this.#edits;
    const what = edits[edit + WHAT] as number;
    const id = edits[edit + ID] as number;
    const around = textAt(BEFORE, what).length + textAt(AFTER, what).length;
    const part = (edits[edit + LAST] as number) - (edits[edit + FIRST] as number);
    return around + part + (id === NONE ? 0 : textAt(ids, id).length);
  }

  #write(
    edit: number,
    json: Uint8Array,
    ids: readonly string[],
    made: Uint8Array,
    start: number
  ): number {
    const edits = this.#edits;
    const what = edits[edit + WHAT] as number;
    const id = edits[edit + ID] as number;
    let at = writeAscii(textAt(BEFORE, what), made, start);
    if (id !== NONE) at = writeAscii(textAt(ids, id), made, at);
    at = copy(json, edits[edit + FIRST] as number, edits[edit + LAST] as number, made, at);
    return writeAscii(textAt(AFTER, what), made, at);
  }
}

function textAt(texts: readonly string[], index: number): string {
  return texts[index] as string;
}

/** From so many bytes on the engine copies faster than a loop does. */
const LONG = 48;

function copy(json: Uint8Array, from: number, to: number, made: Uint8Array, start: number): number {
  const length = to - from;
  if (length >= LONG) made.set(json.subarray(from, to), start);
  else
    for (let index = 0; index < length; index += 1)
      made[start + index] = json[from + index] as number;
  return start + length;
}

function writeAscii(text: string, made: Uint8Array, start: number): number {
  const { length } = text;
  for (let index = 0; index < length; index += 1) made[start + index] = text.charCodeAt(index);
  return start + length;
}
