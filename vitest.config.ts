import { defineConfig } from 'vitest/config';
import { whyNoAws, whyNoInfrastructure } from './test/support/aws/tools.ts';
import { whyNoElasticsearch } from './test/support/elasticsearch/open-elasticsearch.ts';

// The domain needs no server: its tests alone start none.
const domain = 'test/domain/**/*.test.ts';

// Nor does the infrastructure, whose tests start an AWS of their own.
const infrastructure = 'test/infrastructure/**/*.test.ts';

// Exports in a bucket, logins out of secrets and what a run tells of itself need that AWS too.
const aws = ['test/**/*-{s3,secrets}.test.ts', 'test/notices/aws/*.test.ts'];

/** Where all has to be tested, nothing is left out: what is missing fails. */
async function isLeftOut(
  what: string,
  whyNot: () => string | undefined | Promise<string | undefined>
) {
  const missing = process.env['CI'] === 'true' ? undefined : await whyNot();
  if (missing !== undefined) console.warn(`${what} NOT tested in this run. ${missing}.`);
  return missing !== undefined;
}

// What is tried on an Elasticsearch, and what files and indexes promise alike.
const elasticsearch = 'test/{documents,cli}/elasticsearch/**/*.test.ts';
// Functions are tried in all their surroundings: a database server and AWS too.
const lambdas = 'test/lambda/**/*.test.ts';
// The state machine that invokes them is the one that is deployed.
const pipeline = 'test/lambda/pipeline.test.ts';
const documents = 'test/documents/contract/**/*.test.ts';

const noInfrastructure = await isLeftOut('The infrastructure is', whyNoInfrastructure);
const noAws = await isLeftOut('Exports in S3, secrets, reports and functions are', whyNoAws);
const noElasticsearch = await isLeftOut('Elasticsearch is', whyNoElasticsearch);

const MINT_PATH =
  'src/registry/{registry,mint-batch,retries,import-batch,dry-run-store,topping-up,remembering}.ts';

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 120_000,
    unstubEnvs: true,
    projects: [
      { extends: true, test: { name: 'domain', include: [domain] } },
      ...(noInfrastructure
        ? []
        : [
            {
              extends: true as const,
              // Terraform and moto take long where others work on the machine too.
              test: {
                name: 'infrastructure',
                include: [infrastructure],
                testTimeout: 300_000,
                hookTimeout: 600_000,
              },
            },
          ]),
      ...(noElasticsearch
        ? []
        : [
            {
              extends: true as const,
              test: {
                name: 'elasticsearch',
                include: [elasticsearch, documents, ...(noAws ? [] : [lambdas])],
                exclude: [...(noAws ? aws : []), ...(noInfrastructure ? [pipeline] : [])],
                globalSetup: [
                  'test/support/elasticsearch/global-setup.ts',
                  'test/support/global-setup.ts',
                ],
              },
            },
          ]),
      {
        extends: true,
        test: {
          name: 'product',
          include: ['test/**/*.test.ts'],
          exclude: [
            ...[domain, infrastructure, elasticsearch, lambdas],
            ...(noAws ? aws : []),
            ...(noElasticsearch ? [] : [documents]),
          ],
          globalSetup: 'test/support/global-setup.ts',
        },
      },
    ],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      // The rules, and the way of a mint over SQLite: no branch of them is left untried.
      thresholds: Object.fromEntries(
        ['src/domain/**/*.ts', MINT_PATH, 'src/registry/sqlite/*.ts'].map(files => [
          files,
          { branches: 100 },
        ])
      ),
    },
  },
});
