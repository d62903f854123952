/**
 * Tries to make the minter break its promises. `npm run test:faults` is the gate: every campaign in its short form.
 * `npm run test:faults -- --long NAME` goes on with the long form where the last call left it, and keeps what it
 * found in `faults/results.json`.
 */
import { parseArgs } from 'node:util';
import pMap from 'p-map';
import type { Random } from '../scripts/invented-identifiers.ts';
import { seededRandom } from '../scripts/invented-identifiers.ts';
import { SERVER_NAMES } from '../test/support/servers/kinds.ts';
import type { TestServer } from '../test/support/servers/open-servers.ts';
import { openServers } from '../test/support/servers/open-servers.ts';
import type { Campaign, Figures, Form } from './campaign.ts';
import { CAMPAIGNS } from './campaigns.ts';
import type { Result } from './results.ts';
import { addFigures, keepResult, readResults } from './results.ts';

const USAGE = `npm run test:faults                        the gate: every campaign, short
npm run test:faults -- NAME...             the gate, of these campaigns alone
npm run test:faults -- --long NAME         the long form, from where the last call ended
  --seed N       instead of a new one (gate) or that of the result (long)
  --unit N       this unit alone; nothing is kept
  --minutes N    a long form stops after so many, between two units (default: 45)

Campaigns:
${CAMPAIGNS.map(({ name, tries }) => `  ${name.padEnd(18)} ${tries}`).join('\n')}`;

interface Order {
  readonly form: Form;
  readonly campaigns: readonly Campaign[];
  readonly seed: number | undefined;
  readonly unit: number | undefined;
  readonly minutes: number;
}

process.exitCode = await main();

async function main(): Promise<number> {
  const order = readOrder();
  if (typeof order === 'string') {
    console.error(order);
    return 2;
  }
  await using open = await openServers();
  const [server] = open.servers;
  if (server === undefined) throw new Error('A server was opened, and is not there.');
  console.log(`${SERVER_NAMES[server.kind]} ${server.version}: ${server.chosen}.`);
  let failed = 0;
  for (const campaign of order.campaigns) {
    if (!(await wage(campaign, order, server))) failed += 1;
  }
  console.log(`${order.campaigns.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function readOrder(): Order | string {
  const number = (name: string, text: string | undefined) => {
    if (text === undefined || /^\d{1,10}$/.test(text))
      return text === undefined ? undefined : Number(text);
    throw new Error(`--${name} is to be a whole number, not ${text}.`);
  };
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        long: { type: 'string' },
        seed: { type: 'string' },
        unit: { type: 'string' },
        minutes: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
    if (values.help) return USAGE;
    const names = values.long === undefined ? positionals : [values.long, ...positionals];
    const campaigns = names.map(name => {
      const campaign = CAMPAIGNS.find(known => known.name === name);
      if (campaign === undefined) throw new Error(`There is no campaign ${name}.`);
      return campaign;
    });
    return {
      form: values.long === undefined ? 'gate' : 'long',
      campaigns: campaigns.length === 0 ? CAMPAIGNS : campaigns,
      seed: number('seed', values.seed),
      unit: number('unit', values.unit),
      minutes: number('minutes', values.minutes) ?? 45,
    };
  } catch (error) {
    return `${error instanceof Error ? error.message : error}\n\n${USAGE}`;
  }
}

/** @returns whether every promise held */
async function wage(campaign: Campaign, order: Order, server: TestServer): Promise<boolean> {
  const { form, unit } = order;
  const name = `${campaign.name} on ${server.kind}`;
  const kept = form === 'long' ? readResults()[name] : undefined;
  const seed = order.seed ?? kept?.seed ?? Math.floor(Math.random() * 2 ** 31);
  const before = kept?.seed === seed && unit === undefined ? kept : undefined;
  console.log(`${name}: seed ${seed}`);
  const began = performance.now();
  await using open = await campaign.open({ form, seed, server });
  const isKept = form === 'long' && unit === undefined;
  const until = isKept ? began + order.minutes * 60_000 : Number.POSITIVE_INFINITY;
  const first = before?.done ?? 0;
  const atOnce = open.atOnce ?? 1;
  let figures: Figures = before?.figures ?? {};
  const broken = [...(before?.broken ?? [])];
  let done = first;
  const result = (): Result => ({
    ...{ server: `${server.kind} ${server.version}`, seed, units: open.units, done },
    seconds: Math.round((before?.seconds ?? 0) + (performance.now() - began) / 1000),
    ...{ figures, broken, date: new Date().toISOString().slice(0, 10) },
  });
  const all = unit === undefined ? range(first, open.units) : [unit];
  // In blocks, so that `done` is a number from which to go on. A gate that has found something has done its work.
  const block = Math.max(atOnce, Math.ceil(open.units / 200));
  const goesOn = () => performance.now() < until && (form === 'long' || broken.length === 0);
  while (done - first < all.length && goesOn()) {
    const units = all.slice(done - first, done - first + block);
    await pMap(
      units,
      async number => {
        try {
          const counted = await open.run(number, randomOf(seed, campaign.name, number));
          figures = addFigures(figures, counted);
        } catch (error) {
          const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
          broken.push({ unit: number, why });
          console.log(`BROKEN ${name}, unit ${number}: ${why}`);
          const long = form === 'long' ? '--long ' : '';
          console.log(
            `Again: npm run test:faults -- ${long}${campaign.name} --seed ${seed} --unit ${number}`
          );
        }
      },
      { concurrency: atOnce }
    );
    done += units.length;
    if (isKept) keepResult(name, result());
  }
  const { seconds } = result();
  const told = Object.entries(figures).map(
    ([what, count]) => `${count.toLocaleString('en')} ${what}`
  );
  const state =
    done < open.units && unit === undefined
      ? `${done} of ${open.units} units so far`
      : `${done - first} units`;
  console.log(
    `${broken.length === 0 ? 'held' : 'BROKEN'} ${name}: ${state}, ${told.join(', ')}, ${seconds} s`
  );
  return broken.length === 0;
}

/** Independent of what other units draw, so that one can be run by itself. */
function randomOf(seed: number, name: string, unit: number): Random {
  let mixed = seed;
  for (const letter of `${name} ${unit}`)
    mixed = Math.imul(mixed ^ letter.charCodeAt(0), 0x01000193);
  return seededRandom(mixed);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
}
