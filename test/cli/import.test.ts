import { describe, expect, test } from 'vitest';
import { openDesk } from '../support/command-line.ts';
import { openDeskOn, REGISTRY_KINDS } from './desk-on-registry.ts';
import { toLines } from './works.ts';

const b = (value: string) => `Work[sierra-system-number/${value}]`;

describe.each(REGISTRY_KINDS)('import on $name', kind => {
  test('takes CSV with its columns in any order, and changes nothing the second time', async () => {
    await using desk = await openDeskOn(kind, { free: 2 });
    await desk.write(
      'known.csv',
      'CanonicalId,Note,OntologyType,SourceId,SourceSystem\n' +
        'b2345678,x,Work,b1,sierra-system-number\n' +
        'b2345678,x,Work,f1,folio-instance\n' +
        'aaaaaaaa,x,Person,"n,1",lc-names\n'
    );

    const first = await desk.run(['import', 'known.csv']);
    const dump = await desk.registry.dump();
    const again = await desk.run(['import', 'known.csv']);

    expect(first.status).toBe(0);
    expect(first.stderr).toContain('Mappings: 3 added, 0 existing, 0 failed, 0 with a warning.');
    expect(again.stderr).toContain('Mappings: 0 added, 3 existing, 0 failed, 0 with a warning.');
    expect(await desk.registry.dump()).toBe(dump);
    expect(
      await desk.registry.sql(
        'SELECT OntologyType, SourceSystem, SourceId, CanonicalId FROM identifiers ORDER BY SourceId'
      )
    ).toEqual([
      ['Work', 'sierra-system-number', 'b1', 'b2345678'],
      ['Work', 'folio-instance', 'f1', 'b2345678'],
      ['Concept', 'lc-names', 'n,1', 'aaaaaaaa'],
    ]);
    // aaaaaaaa was in the pool and has left it; b2345678 came with the import.
    expect(
      await desk.registry.sql('SELECT CanonicalId, Status FROM canonical_ids ORDER BY CanonicalId')
    ).toEqual([
      ['aaaaaaaa', 'assigned'],
      ['aaaaaaab', 'free'],
      ['b2345678', 'assigned'],
    ]);
  });

  test('refuses single rows by themselves, names each, and takes the rest', async () => {
    await using desk = await openDeskOn(kind, { free: 1 });
    await desk.run(['import', '-'], {
      input: toLines([{ canonicalId: 'b2345678', source: b('b1') }]),
    });
    await desk.write(
      'known.ndjson',
      `${toLines([
        { canonicalId: 'c2345678', source: b('b1') },
        { canonicalId: 'b234567', source: b('b2') },
        { canonicalId: 'B2345678', source: b('b2') },
        { source: b('b2') },
        { canonicalId: 'c2345678', source: 'Work[' },
      ])}{"canonicalId": "c2345678",\n${toLines([
        { canonicalId: 'c2345678', source: b('b3') },
        { canonicalId: 'd2345678', source: b('b3') },
        {
          canonicalId: 'b2345678',
          source: { ontologyType: 'Work', sourceSystem: 'folio-instance', value: 'f1' },
        },
      ])}`
    );

    const { status, stdout, stderr } = await desk.run(['import', 'known.ndjson', '--json']);

    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      mappings: { added: 2, existing: 0, failed: 7 },
      warnings: 1,
    });
    const told = stderr
      .split('\n')
      .flatMap(line => /^(?:error|warning) (\w+: line \d+)/.exec(line)?.[1] ?? []);
    expect(told.sort()).toEqual([
      'INVALID_CANONICAL_ID: line 2',
      'INVALID_CANONICAL_ID: line 3',
      'INVALID_CANONICAL_ID: line 4',
      'INVALID_IDENTIFIER: line 5',
      'INVALID_JSON: line 6',
      'MAPPING_CONFLICT: line 1',
      'MAPPING_CONFLICT: line 8',
      'SHARED_CANONICAL_ID: line 9',
    ]);
    expect(stderr).toMatch(/MAPPING_CONFLICT: line 1: .*b1.* has .*b2345678.* says c2345678/);
    const rows = await desk.registry.sql(
      'SELECT SourceId, CanonicalId FROM identifiers ORDER BY SourceId'
    );
    expect(rows).toEqual([
      ['b1', 'b2345678'],
      ['b3', 'c2345678'],
      ['f1', 'b2345678'],
    ]);
    // The ID of a refused row has not gone in either.
    expect(
      await desk.registry.sql("SELECT 1 FROM canonical_ids WHERE CanonicalId = 'd2345678'")
    ).toEqual([]);
  });
});

describe('import', () => {
  test('names the columns that it needs', async () => {
    await using desk = await openDesk();
    await desk.write('ids.csv', 'OntologyType,SourceSystem,SourceId\nWork,s,1\n');
    const { status, stderr } = await desk.run(['import', 'ids.csv']);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error SOURCE_UNREADABLE: .*no column CanonicalId/);
    expect(await desk.list()).toEqual(['ids.csv']);
  });

  test('of nothing says so', async () => {
    await using desk = await openDesk();
    const { status, stderr } = await desk.run(['import', '-'], { input: '\n' });
    expect(status).toBe(0);
    expect(stderr).toContain(
      'There are no mappings in standard input.\nMappings: 0 added, 0 existing, 0 failed, 0 with a warning.'
    );
  });

  test('of a file that is not there makes no registry', async () => {
    await using desk = await openDesk();
    expect(await desk.run(['import', 'known.csv'])).toMatchObject({ status: 2 });
    expect(await desk.list()).toEqual([]);
  });
});
