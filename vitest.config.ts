import { defineConfig } from 'vitest/config';
import { whyNoInfrastructure } from './test/support/aws/tools.ts';
import { whyNoElasticsearch } from './test/support/elasticsearch/open-elasticsearch.ts';

// The domain needs no server: its tests alone start none.
const domain = 'test/domain/**/*.test.ts';

// Nor does the infrastructure, whose tests start an AWS of their own.
const infrastructure = 'test/infrastructure/**/*.test.ts';

const missing = process.env['CI'] === 'true' ? undefined : whyNoInfrastructure();
if (missing !== undefined) {
  console.warn(`The infrastructure is NOT tested in this run. ${missing}.`);
}

// What is tried on an Elasticsearch, and what files and indexes promise alike.
const elasticsearch = 'test/{documents,cli}/elasticsearch/**/*.test.ts';
const documents = 'test/documents/contract/**/*.test.ts';

const noElasticsearch = process.env['CI'] === 'true' ? undefined : await whyNoElasticsearch();
if (noElasticsearch !== undefined) {
  console.warn(`Elasticsearch is NOT tested in this run. ${noElasticsearch}`);
}

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
      ...(missing === undefined
        ? [{ extends: true as const, test: { name: 'infrastructure', include: [infrastructure] } }]
        : []),
      ...(noElasticsearch === undefined
        ? [
            {
              extends: true as const,
              test: {
                name: 'elasticsearch',
                include: [elasticsearch, documents],
                globalSetup: 'test/support/elasticsearch/global-setup.ts',
              },
            },
          ]
        : []),
      {
        extends: true,
        test: {
          name: 'product',
          include: ['test/**/*.test.ts'],
          exclude: [
            ...[domain, infrastructure, elasticsearch],
            ...(noElasticsearch === undefined ? [documents] : []),
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
