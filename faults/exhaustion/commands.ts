import type { CanonicalId } from '../../src/domain/canonical-id.ts';
import type { MintRequest } from '../../src/domain/registry.ts';
import type { SourceIdentifier } from '../../src/domain/source-identifier.ts';
import type { written } from '../../test/cli/works.ts';
import { fromLines, toLines, workOf } from '../../test/cli/works.ts';
import type { MysqlRegistry } from '../../test/registry/mysql/mysql-registry.ts';
import type { Desk, Ended } from '../../test/support/command-line.ts';
import { openDesk } from '../../test/support/command-line.ts';
import { sierra } from '../../test/support/identifiers.ts';
import type { Dump } from '../../test/support/store-kinds.ts';
import { demand, demandEqual } from '../campaign.ts';
import { History } from '../history.ts';

/** What one command is to mint, and minted again after what it lacked is there. */
export const SOURCES: readonly SourceIdentifier[] = Array.from({ length: 600 }, (_, index) =>
  sierra(`b${index}`)
);

export const MINT = ['mint', 'works.ndjson', '--target', 'out.ndjson', '--batch-size', '100'];

/** A desk with works to mint, and the registry that its commands mint into. */
export async function openDeskOn(
  registry: MysqlRegistry | undefined,
  works: readonly object[] = SOURCES.map(source => workOf(source))
): Promise<Desk> {
  const desk = await openDesk();
  if (registry) desk.environment = await environmentOf(registry, 'minter');
  await desk.write('works.ndjson', toLines(works));
  return desk;
}

export async function environmentOf(
  registry: MysqlRegistry,
  role: 'minter' | 'pool-filler'
): Promise<Desk['environment']> {
  const settings = role === 'minter' ? registry.minter : await registry.as(role);
  const { user, host, port, database } = settings;
  return {
    ID_MINTER_REGISTRY: `mysql://${user}@${host}:${port}/${database}`,
    RDS_PASSWORD: await settings.password(),
  };
}

/** A command that failed as it has to. */
export function demandFailure(
  { status, stderr }: Ended,
  expected: { readonly status: number; readonly code: string; readonly says?: RegExp }
): void {
  const what = `A command ended with ${status}: ${stderr.slice(0, 2_000)}`;
  demand(status === expected.status, () => `${what}, not with ${expected.status}`);
  const codes = [...stderr.matchAll(/^error (\w+): .*$/gm)];
  demand(codes.length > 0, () => `${what}, and says no code`);
  for (const [line, code] of codes) {
    demandEqual(what, code, expected.code);
    demand(expected.says?.test(line) ?? true, () => `${what}, and does not say ${expected.says}`);
  }
}

/** What the same command is to complete. */
interface Completion {
  readonly args?: readonly string[];
  readonly target?: string;
  /** Every identifier of the works. */
  readonly requests?: readonly MintRequest[];
  /** What the registry held after the failure: it has to stand. */
  readonly before: Dump;
  readonly dump: () => Promise<Dump>;
}

/** The same command again completes: what stood before stands, and the works came out with what the registry holds. */
export async function demandCompletion(
  desk: Desk,
  {
    args = MINT,
    target = 'out.ndjson',
    requests = SOURCES.map(source => ({ source })),
    before,
    dump,
  }: Completion
): Promise<void> {
  const history = new History();
  history.asked(requests);
  const ended = await desk.run(args);
  demand(ended.status === 0, () => `The same again ended with ${ended.status}: ${ended.stderr}`);
  const minted = fromLines<Written>(await desk.read(target));
  const works = fromLines(await desk.read('works.ndjson'));
  demandEqual('Works written', minted.length, works.length);
  history.acknowledged(
    minted.map(({ state: { sourceIdentifier, canonicalId } }) => ({
      source: {
        ontologyType: sourceIdentifier.ontologyType,
        sourceSystem: sourceIdentifier.identifierType.id,
        value: sourceIdentifier.value,
      },
      canonicalId,
    }))
  );
  history.verify(await dump(), before.identifiers);
}

interface Written {
  readonly state: {
    readonly canonicalId: CanonicalId;
    readonly sourceIdentifier: ReturnType<typeof written>;
  };
}

/** No half-written file under any name: a target that stands is whole, as where only the report had no room. */
export async function demandNothingLeft(desk: Desk): Promise<void> {
  const names = await desk.list();
  const partial = names.filter(name => name.includes('.partial'));
  demandEqual('Files that a failed command left', [...partial, ...(await desk.leftovers())], []);
  if (!names.includes('out.ndjson')) return;
  const [written, given] = [await desk.read('out.ndjson'), await desk.read('works.ndjson')];
  demandEqual('Works in the target', fromLines(written).length, fromLines(given).length);
}
