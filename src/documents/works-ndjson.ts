import type { MintedWork, WorkSource, WorkTarget } from '../domain/documents.ts';
import type { Identified } from '../domain/identified-work.ts';
import { identify } from '../domain/identified-work.ts';
import type { Text } from './block-writer.ts';
import { BlockWriter } from './block-writer.ts';
import type { ByteSource, TextTarget } from './files.ts';
import type { Line } from './lines.ts';
import { lineTooLong, readLines } from './lines.ts';
import { identifyWork, plainBytes } from './work-texts.ts';

const NEWLINE = Buffer.from('\n');

/**
 * Works as NDJSON, one a line: the bare document, or `{"_id", "_source"}` as elasticdump writes it. A line that
 * cannot be read is named, and the next one follows.
 */
export function readWorks({ name, chunks, share }: ByteSource): WorkSource<Identified> {
  let items = 0;
  async function* works(): AsyncGenerator<Identified, void, undefined> {
    for await (const line of readLines(chunks)) {
      if (line.bytes?.length === 0) continue;
      items += 1;
      yield readWork(line);
    }
  }
  return { name, reading: () => ({ items, share: share() }), works };
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

function readWork({ number, bytes }: Line): Identified | Promise<Identified> {
  const place = `line ${number}`;
  if (bytes === undefined) return identify({ place, error: lineTooLong(place) });
  return identifyWork(place, { json: plainBytes(bytes) });
}

function jsonOf({ content }: MintedWork): Text {
  return 'json' in content ? content.json : JSON.stringify(content.value);
}
