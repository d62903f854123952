import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PUT, TextEdits } from '../../src/domain/text-edits.ts';

const textOf = (json: Uint8Array) => new TextDecoder().decode(json);
const bytesOf = (text: string) => new TextEncoder().encode(text);
const whole = (text: string) => ({ from: 0, to: text.length });

describe('edits of a text', () => {
  test.each<[what: keyof typeof PUT, made: string]>([
    ['nothing', 'abef'],
    ['id', 'ab"k"ef'],
    ['canonicalId', 'ab,"canonicalId":"k"ef'],
    ['hit', 'ab{"_id":"k","_source":ef'],
    ['hitEnd', 'ab}ef'],
    ['identified', 'ab"Identified"ef'],
    ['part', 'abfaef'],
    ['type', 'ab,"type":faef'],
  ])('put %s in the place of a part', (what, made) => {
    const edits = new TextEdits();
    if (['id', 'canonicalId', 'hit'].includes(what)) edits.putId(2, 4, PUT[what], 1);
    else if (['part', 'type'].includes(what)) edits.putPart(2, 4, PUT[what], 5, 7);
    else edits.put(2, 4, PUT[what]);
    const { json, part } = edits.apply(bytesOf('abcdefa'), ['j', 'k'], { from: 0, to: 6 });
    expect(textOf(json)).toBe(`${made}a`);
    expect(part).toEqual({ from: 0, to: made.length });
  });

  test('are made in the order of their places, and at one place in the order in which they came', () => {
    const edits = new TextEdits();
    edits.putId(3, 3, PUT.id, 0);
    edits.put(3, 3, PUT.hitEnd);
    edits.putId(1, 1, PUT.id, 1);
    edits.putId(3, 3, PUT.id, 2);
    edits.putId(0, 1, PUT.id, 3);
    const { json } = edits.apply(bytesOf('abcd'), ['a', 'b', 'c', 'd'], whole('abcd'));
    expect(textOf(json)).toBe('"d""b"bc"a"}"c"d');
  });

  test('are not made within a part that goes', () => {
    const edits = new TextEdits();
    edits.put(1, 5, PUT.nothing);
    edits.putId(2, 3, PUT.id, 0);
    edits.putId(4, 4, PUT.id, 0);
    edits.putId(5, 5, PUT.id, 0);
    expect(textOf(edits.apply(bytesOf('abcdef'), ['k'], whole('abcdef')).json)).toBe('a"k"f');
  });

  test('of one text are not made in the next, whatever became of it', () => {
    const edits = new TextEdits();
    edits.putId(0, 0, PUT.id, 7);
    expect(() => edits.apply(bytesOf('ab'), [], whole('ab'))).toThrow();
    edits.begin();
    edits.putId(1, 1, PUT.id, 0);
    expect(textOf(edits.apply(bytesOf('ab'), ['k'], whole('ab')).json)).toBe('a"k"b');
    edits.begin();
    expect(textOf(edits.apply(bytesOf('ab'), [], whole('ab')).json)).toBe('ab');
  });

  test('may be as many as there are', () => {
    const text = 'x'.repeat(300);
    const ids = Array.from(text, (_, at) => `id${at}`);
    for (let count = 1; count <= 300; count += 1) {
      const edits = new TextEdits();
      for (let at = 0; at < count; at += 1) {
        const turn = (at + count) % 3;
        if (turn === 0) edits.putId(at, at + 1, PUT.id, at);
        else if (turn === 1) edits.putPart(at, at + 1, PUT.type, at, at + 1);
        else edits.put(at, at + 1, PUT.hitEnd);
      }
      const made = Array.from(text, (x, at) => {
        if (at >= count) return x;
        return [`"id${at}"`, ',"type":x', '}'][(at + count) % 3];
      });
      expect(textOf(edits.apply(bytesOf(text), ids, whole(text)).json)).toBe(made.join(''));
    }
  });

  test('of texts of any length do not touch each other', () => {
    const edits = new TextEdits();
    const lengths = fc.array(fc.oneof(fc.nat(200), fc.nat(20_000), fc.nat(80_000)), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(lengths, all => {
        const made = all.map((length, at) => {
          edits.begin();
          edits.putId(length, length, PUT.id, 0);
          const text = String.fromCharCode(97 + (at % 26)).repeat(length);
          const { json } = edits.apply(bytesOf(text), [`${at}`], whole(text));
          return { json, text: `${text}"${at}"` };
        });
        for (const { json, text } of made) expect(textOf(json)).toBe(text);
      }),
      { numRuns: 50 }
    );
  });
});
