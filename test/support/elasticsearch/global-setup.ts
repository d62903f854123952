import type { TestProject } from 'vitest/node';
import type { TestElasticsearch } from './open-elasticsearch.ts';
import { openElasticsearch } from './open-elasticsearch.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    elasticsearch: TestElasticsearch;
  }
}

/** Runs once before the tests, which read it with `inject('elasticsearch')`. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const open = await openElasticsearch();
  const { url, version, chosen } = open;
  console.log(`Elasticsearch ${version} for the tests: ${chosen}.`);
  project.provide('elasticsearch', { url, version, chosen });
  return async () => {
    await open[Symbol.asyncDispose]();
  };
}
