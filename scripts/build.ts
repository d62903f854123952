/**
 * `npm run build`: makes `dist`, the code of the package and the declarations that its public names need. Those of
 * everything else would only show consumers what they cannot import.
 */
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const OUT = 'dist';
const COMPILER = fileURLToPath(import.meta.resolve('typescript/bin/tsc'));

main();

function main(): void {
  rmSync(OUT, { recursive: true, force: true });
  execFileSync(process.execPath, [COMPILER, '--project', 'tsconfig.build.json'], {
    stdio: 'inherit',
  });
  const needed = collectDeclarations(join(OUT, 'index.d.ts'));
  for (const file of globSync(`${OUT}/**/*.d.ts`)) if (!needed.has(file)) rmSync(file);
}

/** The file and all that it imports, directly or not. */
function collectDeclarations(file: string, known = new Set<string>()): Set<string> {
  if (known.has(file)) return known;
  known.add(file);
  for (const { fileName } of ts.preProcessFile(readFileSync(file, 'utf8')).importedFiles) {
    if (!fileName.startsWith('.')) continue;
    collectDeclarations(join(dirname(file), fileName.replace(/\.ts$/, '.d.ts')), known);
  }
  return known;
}
