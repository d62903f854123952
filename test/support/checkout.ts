import { cp, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Desk } from './command-line.ts';
import { openDesk } from './command-line.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const COPIED = [
  ...['.npmrc', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'bin', 'src', 'scripts'],
  ...['migrations', 'examples', 'tools', 'README.md'],
];

/** What stands between two fences of a page, and what it says it needs. */
export interface Block {
  readonly language: string;
  readonly text: string;
  /** Named by a comment before it; undefined where it runs as it is. */
  readonly needs: string | undefined;
}

/** A copy of the project, in which commands may leave what they make. */
export async function openCheckout(): Promise<Desk> {
  const desk = await openDesk();
  for (const name of COPIED) {
    await cp(join(PROJECT, name), desk.path(name), { recursive: true });
  }
  await symlink(join(PROJECT, 'node_modules'), desk.path('node_modules'), 'junction');
  return desk;
}

export function readBlocks(page: string): Block[] {
  const fenced = /(?:<!-- needs: (.*) -->\n)?^```(\w+)\n([\s\S]*?)^```$/gm;
  return [...page.matchAll(fenced)].map(([, needs, language = '', text = '']) => ({
    language,
    text,
    needs,
  }));
}
