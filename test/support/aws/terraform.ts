import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../servers/processes.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import type { TestAws } from './aws.ts';
import { findTerraform } from './tools.ts';

export const INFRASTRUCTURE = fileURLToPath(new URL('../../../infrastructure', import.meta.url));

/** Packages of functions in which nothing is. */
const PACKAGES = join(INFRASTRUCTURE, 'tests', 'packages');

/** A copy of the infrastructure in a folder of its own, in which Terraform may leave what it makes. */
export interface TerraformCopy extends AsyncDisposable {
  readonly folder: string;
  /** @returns what it printed on stdout; @throws Error with all that it printed where it fails */
  terraform(...args: string[]): Promise<string>;
}

/**
 * Initialised, with the provider from the folder that TF_PLUGIN_DIR names, else from the public registry.
 *
 * @param added - files that are written beside the others, by name
 * @param env - for every run of Terraform
 * @param root - the folder that Terraform is run in: `examples/minimal`
 */
export async function copyInfrastructure(
  added: Readonly<Record<string, string>> = {},
  env: NodeJS.ProcessEnv = {},
  root = '.'
): Promise<TerraformCopy> {
  const program = findTerraform();
  const copy = await temporaryFolder();
  const infrastructure = copy.path('infrastructure');
  const folder = join(infrastructure, root);
  await cp(INFRASTRUCTURE, infrastructure, {
    recursive: true,
    filter: path => !path.includes('.terraform'),
  });
  // as `npm run build:lambda` leaves them in a checkout
  await cp(PACKAGES, copy.path('dist/lambda'), { recursive: true });
  for (const [name, text] of Object.entries(added)) await writeFile(join(folder, name), text);
  const terraform = (...args: string[]) =>
    run(program, [`-chdir=${folder}`, ...args], {
      seconds: 580,
      env: { ...env, TF_IN_AUTOMATION: '1', NO_COLOR: '1', CHECKPOINT_DISABLE: '1' },
    });
  const plugins = process.env['TF_PLUGIN_DIR'];
  const from = plugins ? [`-plugin-dir=${plugins}`] : [];
  await terraform('init', '-input=false', ...from).catch((error: unknown) => {
    throw new Error(
      `Terraform could not get its provider. Where the public registry is out of reach, TF_PLUGIN_DIR names a folder that has it. ${error}`,
      { cause: error }
    );
  });
  return { folder, terraform, [Symbol.asyncDispose]: () => copy[Symbol.asyncDispose]() };
}

/** The infrastructure, applied to the AWS of the tests. */
export interface AppliedInfrastructure extends TerraformCopy {
  /** @returns what Terraform puts out, by name */
  outputs(): Promise<Record<string, unknown>>;
}

// What differs from production is where AWS is: no endpoint, key or check of ours stands in the product's own files.
const OVERRIDE = `
provider "aws" {
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
}
`;

/** @param only - resources, and what they rest on; all without it */
export async function applyInfrastructure(
  aws: TestAws,
  variables: object,
  only: readonly string[] = []
): Promise<AppliedInfrastructure> {
  const added = {
    'moto_override.tf': OVERRIDE,
    'test.auto.tfvars.json': JSON.stringify(variables),
  };
  const copy = await copyInfrastructure(added, aws.env);
  const targets = only.map(address => `-target=${address}`);
  await copy.terraform('apply', '-auto-approve', '-input=false', ...targets);
  const outputs = async () => {
    const all: Record<string, { value: unknown }> = JSON.parse(
      await copy.terraform('output', '-json')
    );
    return Object.fromEntries(Object.entries(all).map(([name, { value }]) => [name, value]));
  };
  return { ...copy, outputs };
}
