#!/usr/bin/env node
// Plain JavaScript that old Node versions read too, so that they can say what is wrong.
import { existsSync } from 'node:fs';

if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(
    `id-minter needs Node 24 or later, and this is Node ${process.versions.node}; nothing was done. ` +
      'Install Node 24 (https://nodejs.org), or in a checkout run `npm ci` and then `npx id-minter`, ' +
      'which brings its own, and say the command again.'
  );
  process.exit(3);
}

// A checkout runs its sources as they are; the published package holds only what was built from them.
const source = new URL('../src/cli/main.ts', import.meta.url);
const built = new URL('../dist/cli/main.js', import.meta.url);
const { main } = await import(existsSync(source) ? source.href : built.href);
await main();
