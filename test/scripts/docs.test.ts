import { execFile } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { cp, mkdtempDisposable, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { ERRORS } from '../../src/domain/errors.ts';
import { VARIABLES } from '../../src/runtime/settings.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const PAGES = globSync(['*.md', '{docs,examples,infrastructure}/**/*.md'], { cwd: PROJECT });

async function openCopy() {
  const folder = await mkdtempDisposable(join(tmpdir(), 'id-minter-docs-'));
  for (const name of ['docs', 'schemas', 'infrastructure']) {
    await cp(join(PROJECT, name), join(folder.path, name), { recursive: true });
  }
  return folder;
}

async function docs(folder: string, ...args: string[]) {
  const script = join(PROJECT, 'scripts/docs.ts');
  return await promisify(execFile)(process.execPath, [script, ...args], { cwd: folder });
}

const readPage = (page: string) => readFile(join(PROJECT, page), 'utf8');

describe('the reference pages', () => {
  test('say what the code says', async () => {
    await using copy = await openCopy();
    const { stdout, stderr } = await docs(copy.path, '--check');
    expect(stdout + stderr).toBe('');
  });

  test.each([
    ...['docs/cli.md', 'docs/configuration.md', 'docs/errors.md', 'infrastructure/README.md'],
  ])(
    '%s: a part that the code does not say is named with the command that mends it',
    async page => {
      await using copy = await openCopy();
      const path = join(copy.path, page);
      const right = await readFile(path, 'utf8');
      await writeFile(path, right.replace(/(<!-- end of)/, 'by hand\n$1'));
      await expect(docs(copy.path, '--check')).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringMatching(`^${page}.*npm run docs`),
      });
      await docs(copy.path);
      expect(await readFile(path, 'utf8')).toBe(right);
    }
  );

  test('come with schemas, of which one that the code does not say is named too', async () => {
    await using copy = await openCopy();
    const path = join(copy.path, 'schemas/error.schema.json');
    await rm(path);
    await expect(docs(copy.path, '--check')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching('^schemas/error.schema.json.*npm run docs'),
    });
    await docs(copy.path);
    expect(await readFile(path, 'utf8')).toBe(await readPage('schemas/error.schema.json'));
  });

  test('have a section for each code and a line for each variable', async () => {
    const errors = await readPage('docs/errors.md');
    const configuration = await readPage('docs/configuration.md');
    for (const code of Object.keys(ERRORS)) expect(errors).toContain(`\n## ${code}\n`);
    for (const name of Object.keys(VARIABLES)) expect(configuration).toContain(`| \`${name}\` |`);
  });
});

describe.each(PAGES)('%s', page => {
  test('links to pages and sections that are there', async () => {
    const text = await readPage(page);
    const broken: string[] = [];
    for (const [, link = ''] of withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(link)) continue;
      const [path = '', section] = link.split('#');
      const target = path === '' ? page : join(dirname(page), path);
      const isThere = existsSync(join(PROJECT, target));
      if (!isThere || (section && !sectionsOf(await readPage(target)).includes(section))) {
        broken.push(link);
      }
    }
    expect(broken).toEqual([]);
  });

  test('names files and tests that are there', async () => {
    const text = await readPage(page);
    const missing: string[] = [];
    for (const [, path = '', title] of text.matchAll(NAMED_FILE)) {
      if (!existsSync(join(PROJECT, path))) missing.push(path);
      else if (title && !(await readPage(path)).includes(title)) missing.push(`${path}: ${title}`);
    }
    expect(missing).toEqual([]);
  });
});

/** `src/index.ts` in code marks, and for tests the sentence that may follow: `test/index.test.ts`, “mints into”. */
const NAMED_FILE =
  /`((?:src|test|scripts|migrations|examples|docs|bench|infrastructure)\/[\w./-]*\w)`(?:, “([^”]+)”)?/g;

function withoutCode(text: string): string {
  return text.replaceAll(/^```.*?^```/gms, '').replaceAll(/`[^`\n]*`/g, '');
}

/** The anchors that a page's headings have on the web. */
function sectionsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-')
  );
}
