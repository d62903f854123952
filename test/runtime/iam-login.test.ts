import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest';
import { openRegistry } from '../../src/runtime/open-registry.ts';
import { parseRegistryUrl } from '../../src/runtime/registry-location.ts';
import { readSettings } from '../../src/runtime/settings.ts';
import type { TlsServer } from '../registry/mysql/tls-server.ts';
import { AUTHORITY, startTlsServer } from '../registry/mysql/tls-server.ts';

const trusted = getCACertificates('default');
const [server] = inject('servers');
const url = server?.url ?? '';

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'a-secret-key');
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  setDefaultCACertificates([...trusted, AUTHORITY]);
});

afterEach(() => setDefaultCACertificates(trusted));

/** How a login ends at a server that only asks, and lets nobody in. */
async function logIn({ port }: TlsServer, query: string): Promise<unknown> {
  const environment = { RDS_PASSWORD: 'canary-77' };
  const settings = readSettings(environment);
  const location = parseRegistryUrl(`mysql://minter@localhost:${port}/ids?tls=verify${query}`, {
    ...{ environment, settings },
  });
  return await openRegistry(location, { purpose: 'read' }).catch((error: unknown) => error);
}

test('a token of IAM reaches a server that proves who it is, as it was signed', async () => {
  await using database = await startTlsServer(url, 'localhost', { asksInClear: true });
  expect(await logIn(database, '&auth=iam')).toMatchObject({
    code: 'REGISTRY_ACCESS_DENIED',
    message: expect.stringMatching(/the user minter.*AWSAuthenticationPlugin.*rds-db:connect/),
  });
  const tokens = database.inClear.map(text => new URL(`https://${text}`));
  expect(tokens.map(({ host }) => host)).toEqual([`localhost:${database.port}`]);
  expect(tokens.map(({ searchParams }) => searchParams.get('DBUser'))).toEqual(['minter']);
});

test('a token of IAM does not reach one that does not', async () => {
  await using impostor = await startTlsServer(url, 'db.example.org', { asksInClear: true });
  expect(await logIn(impostor, '&auth=iam')).toMatchObject({ code: 'INVALID_CONFIGURATION' });
  expect({ logins: impostor.logins, inClear: impostor.inClear }).toEqual({
    ...{ logins: 0, inClear: [] },
  });
});

test('a password is sent as it is to nobody, and the error says how to log in by IAM', async () => {
  await using database = await startTlsServer(url, 'localhost', { asksInClear: true });
  expect(await logIn(database, '')).toMatchObject({
    code: 'INVALID_CONFIGURATION',
    message: expect.stringMatching(/the user minter as it is.*RDS_IAM_AUTHENTICATION=true/),
  });
  expect(database).toMatchObject({ logins: 1, inClear: [] });
});
