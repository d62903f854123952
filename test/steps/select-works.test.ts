import { describe, expect, test } from 'vitest';
import type { SourceWork, UnreadableWork } from '../../src/domain/documents.ts';
import { IdMinterError } from '../../src/domain/errors.ts';
import { identify } from '../../src/domain/identified-work.ts';
import { selectWorks } from '../../src/steps/select-works.ts';
import { workOf } from '../cli/works.ts';
import { allOf } from '../support/byte-streams.ts';
import { image, sierra } from '../support/identifiers.ts';
import { sourceOf } from './in-memory.ts';

const WORKS: readonly (SourceWork | UnreadableWork)[] = [
  { place: 'line 1', document: workOf(sierra('b1')) },
  { place: 'line 2', document: workOf(sierra('b2')), wrapper: { _id: 'id2' } },
  { place: 'line 3', error: new IdMinterError('INVALID_JSON', 'Broken.') },
  { place: 'line 4', document: null },
  { place: 'line 5', document: { state: {} }, wrapper: { _id: 'id5' } },
  { place: 'line 6', document: workOf(sierra('b1')) },
  { place: 'line 7', document: workOf(image('V1')), wrapper: { _id: 7 } },
];
const works = () => sourceOf(WORKS.map(work => identify(work)));

const selected = async (...ids: string[]) =>
  (await allOf(selectWorks(works(), ids).works())).map(work =>
    'fault' in work && work.fault.error.code === 'WORK_NOT_FOUND'
      ? `${work.place} WORK_NOT_FOUND`
      : work.place
  );

describe('works that were asked for', () => {
  test.each<[why: string, ids: string[], places: string[]]>([
    ['by text form, each time they come', ['Work[sierra-system-number/b1]'], ['line 1', 'line 6']],
    ['by the id of the document', ['id2'], ['line 2']],
    ['by system and value, where they are works', ['sierra-system-number/b2'], ['line 2']],
    ['though nobody can say what they are', ['id5'], ['line 5']],
    ['by several names', ['id2', 'Work[sierra-system-number/b2]', 'id2'], ['line 2']],
    [
      'in the order of the source',
      ['id5', 'Work[sierra-system-number/b1]'],
      ['line 1', 'line 5', 'line 6'],
    ],
    ['whatever their type', ['Image[miro-image-number/V1]'], ['line 7']],
  ])('come %s', async (_why, ids, places) => {
    expect(await selected(...ids)).toEqual(places);
  });

  test('and are not there are failures, each once', async () => {
    const missing = ['b1', 'miro-image-number/V1', 'work[sierra-system-number/b1]', '7'];
    expect(await selected('id2', ...missing, 'b1')).toEqual([
      'line 2',
      ...missing.map(name => `${name} WORK_NOT_FOUND`),
    ]);
  });

  test('are named with where they were looked for', async () => {
    const [work] = await allOf(selectWorks(works(), ['b9']).works());
    expect(work).toMatchObject({
      fault: {
        stage: 'read',
        error: {
          message: expect.stringMatching(
            /^b9 is not in works in memory\. Nothing was minted for it\. /
          ),
        },
      },
    });
  });

  test('leave the source closed when they are left early', async () => {
    const source = works();
    for await (const _work of selectWorks(source, ['id2']).works()) break;
    expect(source.isClosed).toBe(true);
    expect(source.given).toBe(2);
  });
});
