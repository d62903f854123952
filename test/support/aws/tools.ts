import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../servers/processes.ts';

/** What could not be found on the machine is kept here from run to run. */
const CACHE = fileURLToPath(new URL('../../../.cache/infrastructure', import.meta.url));

const GET_TERRAFORM = 'install 1.9 or later from https://developer.hashicorp.com/terraform';
const GET_PYTHON = 'install Python 3 with venv and pip';
const TFLINT = 'v0.64.0';

/** A module of Python: what has to be imported, and what is installed where it cannot be. */
export interface PythonModule {
  readonly name: string;
  /** an expression that is true where the module will do */
  readonly fit: string;
  readonly requirement: string;
}

/**
 * What is installed for nobody: Terraform, and the folder that its provider comes from. All else is got where it is not
 * there.
 *
 * @returns why the infrastructure cannot be tested on this machine, with what to do; undefined where it can
 */
export function whyNoInfrastructure(): string | undefined {
  if (onPath('terraform') === undefined) return `Terraform is not installed: ${GET_TERRAFORM}`;
  if (process.env['TF_PLUGIN_DIR']) return whyNoAws();
  return (
    'TF_PLUGIN_DIR names no folder that has the AWS provider: fill one with ' +
    '`terraform -chdir=infrastructure providers mirror FOLDER`'
  );
}

/** @returns why no AWS of the tests can be started on this machine, with what to do; undefined where it can */
export function whyNoAws(): string | undefined {
  const python = onPath('python3');
  const fit = python && spawnSync(python, ['-c', 'import ensurepip, venv']).status === 0;
  return fit ? undefined : `Python 3 is not installed: ${GET_PYTHON}`;
}

/**
 * @returns the path of Terraform, which is not installed for anybody
 * @throws Error that says what to install: no test passes by being left out
 */
export function findTerraform(): string {
  return onPath('terraform') ?? fail('Terraform', GET_TERRAFORM);
}

/** tflint from the PATH, or built by Go. */
export async function findTflint(): Promise<string> {
  const found = onPath('tflint');
  if (found !== undefined) return found;
  const built = join(CACHE, 'go', 'tflint');
  if (existsSync(built)) return built;
  const go = onPath('go') ?? fail('tflint', 'install it, or Go, which builds it');
  console.log(`Building tflint ${TFLINT} with Go…`);
  await run(go, ['install', `github.com/terraform-linters/tflint@${TFLINT}`], {
    seconds: 580,
    env: { GOBIN: join(CACHE, 'go') },
  });
  return built;
}

/** A Python that has the module: that of the PATH, or one of our own that it is installed into. */
export async function findPython(module: PythonModule): Promise<string> {
  const own = join(CACHE, module.requirement.replaceAll(/[^\w.]+/g, '-'));
  const system = onPath('python3');
  for (const python of [system, join(own, 'bin', 'python')]) {
    if (python !== undefined && existsSync(python) && (await has(python, module))) return python;
  }
  const python = system ?? fail(module.name, GET_PYTHON);
  // Made aside and then named, since two runs may do so at once.
  const unfinished = `${own}.${process.pid}`;
  console.log(`Installing ${module.requirement} with pip…`);
  try {
    await mkdir(CACHE, { recursive: true });
    await run(python, ['-m', 'venv', unfinished], { seconds: 120 });
    const pip = ['-m', 'pip', 'install', '--quiet', module.requirement];
    await run(join(unfinished, 'bin', 'python'), pip, { seconds: 580 });
    await rename(unfinished, own).catch((error: unknown) => {
      if (!existsSync(own)) throw error;
    });
  } catch (error) {
    fail(module.name, `pip install '${module.requirement}'`, error);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return join(own, 'bin', 'python');
}

async function has(python: string, module: PythonModule): Promise<boolean> {
  return run(python, ['-c', `assert ${module.fit}`], { seconds: 60 }).then(
    () => true,
    () => false
  );
}

function onPath(program: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map(folder => join(folder, program))
    .find(path => existsSync(path));
}

function fail(what: string, remedy: string, cause?: unknown): never {
  const reason = cause instanceof Error ? `\n${cause.message}` : '';
  throw new Error(
    `The tests of the infrastructure need ${what}, and it is not there. Do this and run them again: ${remedy}.${reason}`,
    { cause }
  );
}
