import type { TestProject } from 'vitest/node';
import { SERVER_NAMES } from './servers/kinds.ts';
import type { TestServer } from './servers/open-servers.ts';
import { openServers } from './servers/open-servers.ts';
import { describeSharedData } from './shared-data.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    servers: readonly TestServer[];
  }
}

/** Runs once before the tests, which read the servers with `inject('servers')`. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  console.log(describeSharedData());
  const open = await openServers();
  for (const { kind, version, chosen } of open.servers) {
    console.log(`${SERVER_NAMES[kind]} ${version} for the tests: ${chosen}.`);
  }
  project.provide('servers', open.servers);
  return async () => {
    await open[Symbol.asyncDispose]();
  };
}
