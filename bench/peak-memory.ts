import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { generateWorks } from '../scripts/works-generator.ts';

const PROGRAM = fileURLToPath(new URL('../bin/id-minter.js', import.meta.url));
/** Says on leaving what the process took at most, in KiB. */
const AT_EXIT =
  'data:text/javascript,process.on("exit",()=>process.stderr.write("\\npeak "+process.resourceUsage().maxRSS))';

export interface PeakMemory {
  readonly works: number;
  readonly mib: number;
}

/** Peak memory of `mint`, file to file, into a new SQLite registry. */
export async function mintPeakMemory(works: number): Promise<PeakMemory> {
  const folder = await mkdtemp(join(tmpdir(), 'id-minter-bench-'));
  try {
    const source = join(folder, 'works.ndjson');
    const lines = Readable.from(generateWorks({ works }).map(work => `${JSON.stringify(work)}\n`));
    await pipeline(lines, createWriteStream(source));
    const child = spawn(
      process.execPath,
      ['--import', AT_EXIT, PROGRAM, 'mint', source, '--target', join(folder, 'out.ndjson')],
      { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env['PATH'] } }
    );
    let told = '';
    child.stderr.setEncoding('utf8').on('data', chunk => {
      told += chunk;
    });
    const [status] = await once(child, 'close');
    const peak = /\npeak (\d+)/.exec(told)?.[1];
    if (status !== 0 || peak === undefined) throw new Error(`mint ended with ${status}: ${told}`);
    return { works, mib: Math.round(Number(peak) / 1024) };
  } finally {
    await rm(folder, { recursive: true });
  }
}
