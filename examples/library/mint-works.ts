/**
 * Mints works in a program of your own. Each document would go to your index; here its ID and title are printed. Ctrl-C
 * ends it cleanly, and the same command again completes it.
 */
import { open } from 'node:fs/promises';
import { IdMinterError, mintWorks, openRegistry } from 'id-minter';

const [path = 'works.ndjson'] = process.argv.slice(2);
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

try {
  await using registry = await openRegistry('sqlite:./registry.sqlite');
  await using file = await open(path);
  const run = mintWorks({ registry, works: readLines(file.readLines()), signal: stop.signal });
  for await (const { canonicalId, work, failure } of run) {
    if (failure) console.error(`${failure.row} failed at ${failure.stage}: ${failure.message}`);
    else if (work) console.log(canonicalId, titleOf(work));
  }
  const { works, identifiers } = run.counts;
  console.error(`${works.succeeded} works, ${identifiers.minted} identifiers are new.`);
  process.exitCode = works.failed > 0 ? 1 : 0;
} catch (error) {
  if (stop.signal.aborted) process.exitCode = 130;
  else if (error instanceof IdMinterError) {
    console.error(`${error.code}: ${error.message}`);
    process.exitCode = 4;
  } else throw error;
}

/** Works here come in the form in which an index keeps them. */
function titleOf({ _source: work }: { _source?: { type?: string; data?: { title?: string } } }) {
  return work?.data?.title ?? `(${work?.type})`;
}

/** Works one a line; a line that is no JSON ends this program, where the command line would go on. */
async function* readLines(lines: AsyncIterable<string>): AsyncGenerator<unknown> {
  for await (const line of lines) yield JSON.parse(line);
}
