import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildLambdas, LAMBDAS } from '../../scripts/build-lambdas.ts';
import type { Ratio } from '../figures.ts';
import { figureOf, figuresOf } from '../figures.ts';
import { clientMeter } from '../meter.ts';
import { demand, ratioOf, runPairs, scaleOfPairs, wallOf } from '../pairs.ts';
import type { Workload } from '../workload.ts';

/** Until a function is ready for its first request, as far as that is its own doing. */
export const functionsStart: Workload = {
  name: 'functions',
  question: 'How soon is a function in the cloud ready?',
  run: 'Node imports the bundle of a function, as Lambda does at a cold start.',
  against: 'the same Node with nothing to do',
  server: false,
  async *measure({ program, pairs, folder }) {
    const bundles = join(folder, 'functions');
    await buildLambdas(bundles);
    const { node } = await program();
    const evaluate = (code: string) => node(['--input-type=module', '-e', code]);
    const figures: Record<string, Ratio | undefined> = {};
    let measured: Awaited<ReturnType<typeof runPairs>> = [];
    for (const name of Object.keys(LAMBDAS)) {
      const url = pathToFileURL(join(bundles, name, 'index.mjs')).href;
      let told = '';
      measured = await runPairs(
        {
          ours: async () => ({
            run: async () => {
              const ran = await evaluate(
                `console.log(typeof (await import(${JSON.stringify(url)})).handler)`
              );
              told = ran.stdout;
              return ran;
            },
            verify: async () =>
              demand(told === 'function\n', () => `${name} has no handler: ${told}`),
          }),
          theirs: async () => ({ run: () => evaluate('0'), verify: async () => {} }),
        },
        pairs(),
        clientMeter
      );
      figures[`${name}, wall`] = ratioOf(measured, wallOf);
      figures[`${name}, ms more`] = figureOf(
        measured.map(({ ours, theirs }) => ours.wallMs - theirs.wallMs)
      );
    }
    yield {
      at: {},
      pairs: measured.length,
      figures: figuresOf(figures),
      scale: scaleOfPairs(measured, 'find_work', 'node'),
    };
  },
};
