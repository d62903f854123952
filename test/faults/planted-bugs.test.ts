import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CAMPAIGNS } from '../../faults/campaigns.ts';
import { PLANTED_BUGS } from '../../faults/planted-bugs.ts';

test.each(PLANTED_BUGS)('“$name” can be planted, and its campaigns are there', bug => {
  for (const { file, text } of bug.edits) {
    const places = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8').split(text);
    expect({ file, text, places: places.length - 1 }).toEqual({ file, text, places: 1 });
  }
  const known = CAMPAIGNS.map(({ name }) => name);
  expect(bug.foundBy.filter(name => !known.includes(name))).toEqual([]);
});
