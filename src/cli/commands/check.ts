import type { Finding } from '../../domain/audit.ts';
import type { ErrorCode } from '../../domain/errors.ts';
import { boundHeap } from '../../runtime/heap.ts';
import { openIdentifiers } from '../../runtime/open-documents.ts';
import { IDENTIFIERS_A_BATCH } from '../../steps/batch-defaults.ts';
import { CheckTally, checkDeclared, checkRegistry } from '../../steps/check-registry.ts';
import { EXIT, exitFor } from '../exit.ts';
import type { CommonOptions, Io } from '../io.ts';
import { speech } from '../io.ts';
import { describeRun, startProgress } from '../progress.ts';
import { openFor } from '../session.ts';

export interface CheckOptions extends CommonOptions {
  readonly declared?: string;
}

/** `id-minter check`: audits a registry, and changes nothing. */
export async function check(options: CheckOptions, io: Io): Promise<number> {
  boundHeap();
  await using resources = new AsyncDisposableStack();
  const speak = speech(io, options);
  const file =
    options.declared === undefined ? undefined : await openIdentifiers(options.declared, io);
  resources.defer(() => file?.close());
  const registry = resources.use(await openFor(io, options, { purpose: 'read' }));
  const tally = new CheckTally();
  const unread = new Set<ErrorCode>();
  using progress = startProgress(io, options, seconds => describeProgress(tally, seconds));
  const tell = (finding: Finding): void => {
    const { code, message } = finding;
    if (options.json) speak.data(JSON.stringify(finding));
    else speak.tell(code === 'TWINS' ? 'warning' : 'error', code, message);
  };
  const { signal } = io;
  await checkRegistry({ registry, tell, tally, signal });
  if (file) {
    await checkDeclared({
      ...{ registry, rows: file.rows(), tell, tally, batchSize: IDENTIFIERS_A_BATCH, signal },
      refuse: (place, { code, message }) => {
        unread.add(code);
        speak.tell('error', code, `${place}: ${message}`);
      },
    });
  }
  progress.stop();
  if (signal.aborted) return EXIT.done;
  const counts = summarise(tally);
  if (options.json) speak.data(JSON.stringify(counts));
  else speak.data(render(tally));
  speak.say(describeEnd(tally));
  if (unread.size > 0) return exitFor(unread);
  return tally.damage > 0 ? EXIT.differences : EXIT.done;
}

/** How many mappings there are is known only at the end of the first reading. */
function describeProgress({ readings, mappings, declared }: CheckTally, seconds: number): string {
  if (readings > 1 && declared === 0) return `${mappings} mappings, looking at twins`;
  if (declared > 0) return `${declared} declared identifiers`;
  return describeRun({ done: mappings, unit: 'mappings', share: undefined, whole: '' }, seconds);
}

function summarise(tally: CheckTally) {
  const { free, assigned, shared, mappings, emptyValues, declared, unreadable, findings } = tally;
  const { TWINS: twins, ...damage } = Object.fromEntries(findings);
  return {
    canonicalIds: { free, assigned, shared },
    ...{ mappings, emptyValues },
    declared: { compared: declared, failed: unreadable },
    findings: damage,
    warnings: twins === undefined ? {} : { TWINS: twins },
  };
}

function render({ free, assigned, mappings, findings }: CheckTally): string {
  const counts = [['free', free], ['assigned', assigned], ['mappings', mappings], ...findings];
  return counts.map(([what, count]) => `${what} ${count}`).join('\n');
}

function describeEnd(tally: CheckTally): string {
  const { mappings, damage, findings, declared, unreadable } = tally;
  const warnings = findings.get('TWINS') ?? 0;
  const sentences = [`Checked ${mappings} mappings: ${damage} findings, ${warnings} warnings.`];
  if (declared + unreadable > 0) {
    sentences.push(`Declared: ${declared} compared, ${unreadable} unreadable.`);
  }
  if (damage + warnings > 0) {
    sentences.push('Nothing was changed; docs/errors.md says of each what to do.');
  }
  return sentences.join(' ');
}
