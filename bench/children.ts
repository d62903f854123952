import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import { peakKib } from '../test/support/peak-memory.ts';
import type { ChildUse } from './pairs.ts';
import { spreadOf } from './statistics.ts';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const BUILT_FROM = [
  ...['package.json', 'tsconfig.json', 'tsconfig.build.json', 'bin', 'src', 'scripts'],
  'migrations',
];
/** Says on leaving, on a pipe of its own, what the process took. Nothing is loaded for it that would take memory itself. */
const SAY_USE = `data:text/javascript,${encodeURIComponent(
  `import { readFileSync, writeSync } from 'node:fs';
   process.once('exit', () => {
     const { user, system } = process.cpuUsage();
     const peakKib = (${peakKib})(path => readFileSync(path, 'utf8'));
     writeSync(3, JSON.stringify({ cpuMs: (user + system) / 1000, peakKib }));
   });`
)}`;
const BARE_RUNS = 5;

export interface Ran extends ChildUse {
  readonly stdout: string;
}

/** Runs of Node that are measured from outside. */
export interface Program {
  /** The command line of the product, as the package holds it. */
  idMinter(args: readonly string[], environment?: Readonly<Record<string, string>>): Promise<Ran>;
  /** A program of this folder, without its types. */
  bare(
    name: string,
    args: readonly string[],
    environment?: Readonly<Record<string, string>>
  ): Promise<Ran>;
  /** Node with these arguments and nothing else. */
  node(args: readonly string[]): Promise<Ran>;
}

/** Builds the package, so that what is measured is what is installed. */
export async function buildProgram(folder: string): Promise<Program> {
  const installed = join(folder, 'package');
  await mkdir(installed);
  for (const name of BUILT_FROM) {
    await cp(join(PROJECT, name), join(installed, name), { recursive: true });
  }
  await symlink(join(PROJECT, 'node_modules'), join(installed, 'node_modules'), 'junction');
  await promisify(execFile)(process.execPath, ['scripts/build.ts'], { cwd: installed });
  await rm(join(installed, 'src'), { recursive: true });
  const bareKib: number[] = [];
  for (let run = 0; run < BARE_RUNS; run += 1) bareKib.push((await start(['-e', '0'], folder)).kib);
  const floor = spreadOf(bareKib).median;
  const run = async (args: readonly string[], environment = {}): Promise<Ran> => {
    const { kib, ...ran } = await start(args, folder, environment);
    return { ...ran, peakMib: (kib - floor) / 1024 };
  };
  return {
    idMinter: (args, environment) =>
      run([join(installed, 'bin/id-minter.js'), ...args], environment),
    // Beside the package, so that it finds the same libraries.
    bare: async (name, args, environment) =>
      await run([await withoutTypes(name, installed), ...args], environment),
    node: args => run(args),
  };
}

async function withoutTypes(name: string, folder: string): Promise<string> {
  const source = await readFile(new URL(`programs/${name}.ts`, import.meta.url), 'utf8');
  const path = join(folder, `${name}.mjs`);
  const options = { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext };
  await writeFile(path, ts.transpileModule(source, { compilerOptions: options }).outputText);
  return path;
}

/** @throws Error where it ends with another status than 0 */
async function start(
  args: readonly string[],
  folder: string,
  environment: Readonly<Record<string, string>> = {}
): Promise<Omit<Ran, 'peakMib'> & { kib: number }> {
  const began = performance.now();
  const child = spawn(process.execPath, ['--import', SAY_USE, ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: folder, TMPDIR: folder, ...environment },
  });
  const ended = once(child, 'close');
  const [stdout, stderr, use] = await Promise.all(
    [child.stdout, child.stderr, child.stdio[3]].map(stream => text(stream as Readable))
  );
  const [status] = await ended;
  const wallMs = performance.now() - began;
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}: ${stderr}`);
  const { cpuMs, peakKib } = JSON.parse(use ?? '') as { cpuMs: number; peakKib: number };
  return { wallMs, cpuMs, kib: peakKib, stdout: stdout ?? '' };
}
