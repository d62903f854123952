/**
 * `npm run build:lambda`: makes what AWS Lambda runs, `dist/lambda/NAME/index.mjs` with all that it needs beside it, and
 * the same as `dist/lambda/NAME.zip`. Source maps lie beside the code and not in the zip. The same sources always make
 * the same bytes, so that a deployment changes only where the code has.
 */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plugin } from 'esbuild';
import { build } from 'esbuild';
import { strToU8, zipSync } from 'fflate';
import { VERSION } from '../src/runtime/program.ts';

/** The functions, each by the name that it is deployed under, and its module in `src/lambda`. */
export const LAMBDAS = {
  id_minter: 'id-minter',
  id_generator: 'id-generator',
  find_work: 'find-work',
};

export type LambdaName = keyof typeof LAMBDAS;

const PROJECT = join(import.meta.dirname, '..');
const OUT = join(PROJECT, 'dist/lambda');

/** Older than any change, since a zip that holds the time of its making would always be a new one. */
const ZIP_TIME = '1980-01-01T00:00:00';

/**
 * Modules find the files of the product two folders above themselves, in a checkout as in the package. Here all of them
 * lie beside those files, so each is told that it lies two folders below. CommonJS packages ask for `require`.
 */
const BANNER = [
  "import { createRequire as createLambdaRequire } from 'node:module';",
  'const require = createLambdaRequire(import.meta.url);',
  "const moduleUrl = new URL('src/lambda/index.mjs', import.meta.url).href;",
].join('\n');

/** Makes all of them in `out`, in the place of what was there. */
export async function buildLambdas(out = OUT): Promise<void> {
  for (const [name, module] of Object.entries(LAMBDAS)) {
    const folder = join(out, name);
    rmSync(folder, { recursive: true, force: true });
    const files = { ...(await bundle(module)), ...companions() };
    write(folder, files);
    writeFileSync(join(out, `${name}.zip`), pack(files));
  }
}

/** File names and contents, in order. */
type Files = Readonly<Record<string, Uint8Array>>;

/** What is imported lazily becomes a file of its own, and is read only when it is needed. */
async function bundle(module: string): Promise<Files> {
  const { outputFiles } = await build({
    absWorkingDir: PROJECT,
    entryPoints: { index: `src/lambda/${module}.ts` },
    outdir: 'lambda',
    entryNames: '[name]',
    chunkNames: '[name]-[hash]',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    write: false,
    format: 'esm',
    platform: 'node',
    // The oldest that the functions run on, whatever the product itself needs.
    target: 'node22',
    // Names stay, for whoever reads a stack without the source maps.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    sourcemap: 'linked',
    sourcesContent: true,
    banner: { js: BANNER },
    define: { 'import.meta.url': 'moduleUrl' },
    // Packages that come in both forms are cut better as modules.
    mainFields: ['module', 'main'],
    plugins: [namesOfCommonJs],
    logLevel: 'warning',
  });
  const files = outputFiles.map(({ path, contents }) => [basename(path), contents] as const);
  return Object.fromEntries(files.sort(([a], [b]) => Number(a > b) - Number(a < b)));
}

/**
 * A lazily imported CommonJS package is bundled with a default export and nothing else, where Node finds its names too.
 * Here it is imported through a module that has the names that Node finds.
 */
const namesOfCommonJs: Plugin = {
  name: 'names of CommonJS',
  setup({ onResolve, onLoad, resolve }) {
    const namespace = 'names';
    onResolve({ filter: /^[^./]/ }, async ({ path, kind, resolveDir }) => {
      if (kind !== 'dynamic-import' || isBuiltin(path)) return undefined;
      const found = await resolve(path, { kind: 'import-statement', resolveDir });
      const isModule = /^export\b/m.test(readFileSync(found.path, 'utf8'));
      return isModule ? undefined : { path, namespace, pluginData: resolveDir };
    });
    onLoad({ filter: /^/, namespace }, async ({ path, pluginData: resolveDir }) => {
      const names = Object.keys(await import(path)).filter(name => /^\w+$/.test(name));
      return { contents: `export { ${names} } from '${path}';`, resolveDir };
    });
  },
};

/** What the product reads beside its code. */
function companions(): Files {
  const about = { name: 'id-minter', version: VERSION, type: 'module' };
  const sql = globSync('migrations/mysql/[0-9]*.sql', { cwd: PROJECT }).sort();
  return {
    'package.json': strToU8(`${JSON.stringify(about)}\n`),
    ...Object.fromEntries(sql.map(path => [path, readFileSync(join(PROJECT, path))])),
  };
}

function write(folder: string, files: Files): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, content);
  }
}

function pack(files: Files): Uint8Array {
  const run = Object.entries(files).filter(([name]) => !name.endsWith('.map'));
  return zipSync(Object.fromEntries(run), { level: 9, mtime: ZIP_TIME });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await buildLambdas();
