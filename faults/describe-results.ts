import { CAMPAIGNS } from './campaigns.ts';
import type { Result } from './results.ts';
import { readResults } from './results.ts';

/** The campaigns with what their long forms found, as the tables of docs/reliability.md. */
export function describeCampaigns(): string {
  const results = readResults();
  return CAMPAIGNS.map(({ name, tries }) => {
    const runs = Object.entries(results).filter(([key]) => key.startsWith(`${name} on `));
    const rows = runs.map(([, result]) => describeRun(result));
    const table =
      rows.length === 0 ? 'The long form has not been run yet.' : [HEAD, ...rows].join('\n');
    return `### ${name}\n\n${tries}\n\n${table}\n\nAgain: \`npm run test:faults -- --long ${name}\``;
  }).join('\n\n');
}

const HEAD =
  '| Server | Units | Counted | Broken promises | Time | Seed | Day |\n|---|---|---|---|---|---|---|';

function describeRun({
  server,
  units,
  done,
  figures,
  broken,
  seconds,
  seed,
  date,
}: Result): string {
  const counted = Object.entries(figures).map(
    ([what, count]) => `${count.toLocaleString('en')} ${what}`
  );
  const state = done < units ? `${show(done)} of ${show(units)}` : show(units);
  const cells = [
    server,
    state,
    counted.join(', '),
    show(broken.length),
    `${Math.ceil(seconds / 60)} min`,
    `${seed}`,
    date,
  ];
  return `| ${cells.join(' | ')} |`;
}

function show(count: number): string {
  return count.toLocaleString('en');
}
