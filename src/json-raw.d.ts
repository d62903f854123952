/** Numbers as they were written: in Node since 22, not yet in TypeScript's own library. */
interface JSON {
  /** A leaf that JSON.stringify writes as the text says. */
  rawJSON(text: string): object;
  isRawJSON(value: unknown): boolean;
  /** @param reviver - `context.source` is the text of a leaf as it was written */
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown
  ): unknown;
}
