/** `rewrite-lines SOURCE TARGET`: reads, parses and writes lines of JSON, and does nothing else with them. */
import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';

const TEXT_CHARACTERS = 64 * 1024;
const [source = '', target = ''] = process.argv.slice(2);

async function* rewrite() {
  let text = '';
  for await (const line of createInterface({ input: createReadStream(source) })) {
    text += `${JSON.stringify(JSON.parse(line))}\n`;
    if (text.length < TEXT_CHARACTERS) continue;
    yield text;
    text = '';
  }
  yield text;
}

await pipeline(rewrite, createWriteStream(target));
