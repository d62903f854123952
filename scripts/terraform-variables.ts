import { readFileSync } from 'node:fs';

const FILE = 'infrastructure/variables.tf';

/** The table of the variables in infrastructure/variables.tf: name, default, meaning. */
export function describeTerraformVariables(): string {
  const text = readFileSync(FILE, 'utf8');
  const rows = [...text.matchAll(/^variable "(\w+)" \{\n(.*?)^\}/gms)].map(
    ([, name, body = '']) => {
      const description: unknown = JSON.parse(argument(body, 'description') ?? 'null');
      if (typeof description !== 'string') throw new Error(`${FILE}: ${name} has no description.`);
      return `| \`${name}\` | ${describeDefault(argument(body, 'default'))} | ${description} |`;
    }
  );
  return ['| Variable | Default | Meaning |', '|---|---|---|', ...rows].join('\n');
}

/** What stands behind `name =` in a block, as it is written. */
function argument(body: string, name: string): string | undefined {
  return new RegExp(`^  ${name} +=(.*)$`, 'm').exec(body)?.[1]?.trim();
}

function describeDefault(written: string | undefined): string {
  if (written === undefined) return 'has to be given';
  if (written === 'null') return 'none';
  return `\`${written.replaceAll('"', '')}\``;
}
