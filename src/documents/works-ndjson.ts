import type {
  MintedWork,
  SourceWork,
  UnreadableWork,
  WorkSource,
  WorkTarget,
} from '../domain/documents.ts';
import { IdMinterError } from '../domain/errors.ts';
import { unwrapWork } from '../domain/work-wrapper.ts';
import type { Text } from './block-writer.ts';
import { BlockWriter } from './block-writer.ts';
import type { ByteSource, TextTarget } from './files.ts';
import { parsePlainJson } from './json-text.ts';
import type { Line } from './lines.ts';
import { lineTooLong, readLines } from './lines.ts';

const NEWLINE = Buffer.from('\n');

/**
 * Works as NDJSON, one a line: the bare document, or `{"_id", "_source"}` as elasticdump writes it. A line that
 * cannot be read is named, and the next one follows.
 */
export function readWorks(source: ByteSource): WorkSource {
  return readWorksBy(readEach, source);
}

/** @param read - makes works of lines */
export function readWorksBy<Work>(
  read: (lines: AsyncIterable<Line>) => AsyncIterable<Work>,
  { name, chunks, share }: ByteSource
): WorkSource<Work> {
  let items = 0;
  async function* readFilledLines(): AsyncGenerator<Line> {
    for await (const line of readLines(chunks)) {
      if (line.bytes?.length === 0) continue;
      items += 1;
      yield line;
    }
  }
  return {
    name,
    reading: () => ({ items, share: share() }),
    works: () => read(readFilledLines()),
  };
}

async function* readEach(lines: AsyncIterable<Line>): AsyncGenerator<SourceWork | UnreadableWork> {
  for await (const line of lines) yield await readWork(line);
}

/** Works in the form in which they came; in the wrapped form `_id` is now the canonical ID, and `_index` is gone. */
export function writeWorks(target: TextTarget): WorkTarget {
  return {
    name: target.name,
    async write(works) {
      const blocks = new BlockWriter(block => target.write(block));
      for (const work of works) {
        await blocks.write(jsonOf(work));
        await blocks.write(NEWLINE);
      }
      await blocks.flush();
      return new Map();
    },
    complete: () => target.complete(),
    discard: () => target.discard(),
  };
}

export async function readWork({ number, bytes }: Line): Promise<SourceWork | UnreadableWork> {
  const place = `line ${number}`;
  if (bytes === undefined) return { place, error: lineTooLong(place) };
  try {
    return { place, ...unwrapWork(await parsePlainJson(bytes, place)), json: bytes };
  } catch (error) {
    if (error instanceof IdMinterError) return { place, error };
    throw error;
  }
}

function jsonOf({ content }: MintedWork): Text {
  return 'json' in content ? content.json : JSON.stringify(content.value);
}
