/** Writes generated works to stdout, one a line; see `node scripts/generate-works.ts --help`. */
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import type { GeneratedWorksOptions } from './works-generator.ts';
import {
  GENERATED_WORKS_DEFAULTS as DEFAULTS,
  generateWorks,
  knownMappings,
} from './works-generator.ts';

const HELP = `Usage: node scripts/generate-works.ts --works N [options] > works.ndjson

Makes N invented works as NDJSON, the same for the same options.

  --works N                 how many works
  --seed N                  other seeds give other works (${DEFAULTS.seed})
  --identifiers-per-work X  mean of the different identifiers that a work carries (${DEFAULTS.identifiersPerWork})
  --repeated-share X        share of identifiers that are concepts of other works too (${DEFAULTS.repeatedShare})
  --nothing-new-share X     share of works whose every identifier is known (${DEFAULTS.nothingNewShare})
  --known-share X           share of known identifiers in the other works (${DEFAULTS.knownShare})
  --predecessor-share X     share of works that name a predecessor, which is known (${DEFAULTS.predecessorShare})
  --mappings FILE           write what is known to FILE, for \`id-minter import\` before minting
  --bare                    the documents alone, not {"_id", "_source"}
  --help                    this text

Shares are from 0 to 1. With the defaults nothing is known and nothing has to be imported first.
`;

const CHUNK_CHARACTERS_MIN = 64 * 1024; // many lines a write: one write a line takes twice as long

try {
  await main();
} catch (error) {
  process.exitCode = report(error);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      works: { type: 'string' },
      seed: { type: 'string' },
      'identifiers-per-work': { type: 'string' },
      'repeated-share': { type: 'string' },
      'nothing-new-share': { type: 'string' },
      'known-share': { type: 'string' },
      'predecessor-share': { type: 'string' },
      mappings: { type: 'string' },
      bare: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  if (values.works === undefined) throw new RangeError('--works is missing.');
  const options: GeneratedWorksOptions = {
    works: toNumber(values.works),
    seed: toNumber(values.seed, DEFAULTS.seed),
    identifiersPerWork: toNumber(values['identifiers-per-work'], DEFAULTS.identifiersPerWork),
    repeatedShare: toNumber(values['repeated-share'], DEFAULTS.repeatedShare),
    nothingNewShare: toNumber(values['nothing-new-share'], DEFAULTS.nothingNewShare),
    knownShare: toNumber(values['known-share'], DEFAULTS.knownShare),
    predecessorShare: toNumber(values['predecessor-share'], DEFAULTS.predecessorShare),
  };
  const works = generateWorks(options);
  if (values.mappings !== undefined) {
    await pipeline(toLines(knownMappings(options)), createWriteStream(values.mappings));
  }
  const documents = values.bare ? works.map(work => work._source) : works;
  await pipeline(toLines(documents), process.stdout);
}

/** What is no number becomes NaN, which the generator refuses by the option's name. */
function toNumber(text: string | undefined, otherwise?: number): number {
  if (text === undefined) return otherwise ?? Number.NaN;
  return text.trim() === '' ? Number.NaN : Number(text);
}

/** The stream asks for more only when what it has is written, so a slow reader costs no memory. */
function toLines(documents: Iterable<object>): Readable {
  return Readable.from(joinLines(documents), { highWaterMark: 1 });
}

function* joinLines(documents: Iterable<object>): Generator<string> {
  let chunk = '';
  for (const document of documents) {
    chunk += `${JSON.stringify(document)}\n`;
    if (chunk.length < CHUNK_CHARACTERS_MIN) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}

/** @returns the exit code: a reader that has seen enough, such as \`head\`, is no failure */
function report(error: unknown): number {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EPIPE') return 0;
  const wrongUsage = error instanceof RangeError || code?.startsWith('ERR_PARSE_ARGS');
  process.stderr.write(
    `${message}\n${wrongUsage ? 'See --help.\n' : 'What is on stdout is incomplete.\n'}`
  );
  return wrongUsage ? 2 : 1;
}
