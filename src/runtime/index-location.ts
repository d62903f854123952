import { IdMinterError } from '../domain/errors.ts';
import { readSecrets, unfitSecret } from './secrets.ts';
import type { Environment, Settings } from './settings.ts';

/** Where an index is. */
export interface IndexAddress {
  /** `https://HOST:PORT/INDEX`, for people */
  readonly name: string;
  /** Of the cluster: `https://HOST:PORT`, without credentials. */
  readonly url: string;
  readonly apiKey: string | undefined;
  readonly index: string;
}

/** What a command line says of an index. */
export interface IndexFlags {
  /** Of the cluster, or of the index: `https://HOST:PORT/INDEX`. */
  readonly url?: string | undefined;
  readonly index?: string | undefined;
  readonly prefix?: string | undefined;
  readonly dateSuffix?: string | undefined;
  readonly mode?: string | undefined;
  readonly pipelineDate?: string | undefined;
}

/** The date of a pipeline that is none of the real ones. */
const DEV = 'dev';

/** Where a cluster is named by secrets, and by which of its hosts: inside its network, or from anywhere. */
type SecretMode = 'private' | 'public';

/**
 * Finds out which index is meant. A flag wins over a variable, and an exact name over prefix and suffix. In a Lambda a
 * cluster that nothing names is the private one of its pipeline. All that can be said without secrets is said before any
 * is read.
 *
 * @throws IdMinterError INVALID_CONFIGURATION, USAGE; SECRET_NOT_FOUND, SECRET_ACCESS_DENIED or SECRET_UNAVAILABLE where
 *   the cluster is named in AWS Secrets Manager
 */
export async function locateIndex(
  side: 'SOURCE' | 'TARGET',
  flags: IndexFlags,
  { environment, settings }: { environment: Environment; settings: Settings }
): Promise<IndexAddress> {
  const { url, index: inPath } = splitUrl(flags, side);
  if (inPath !== undefined && flags.index !== undefined && inPath !== flags.index) {
    throw new IdMinterError(
      'USAGE',
      `Two indexes are named, ${inPath} and ${flags.index}: give one. Nothing was done.`
    );
  }
  const index = inPath ?? nameIndex(side, flags, { environment, settings });
  const mode = chooseMode(side, { url, mode: flags.mode, environment });
  const cluster =
    mode === 'private' || mode === 'public'
      ? await readCluster(mode, flags.pipelineDate ?? settings.PIPELINE_DATE)
      : locateCluster(url, side, { isLocal: mode === 'local', environment, settings });
  return { ...cluster, index, name: `${cluster.url}/${index}` };
}

/** The path of a URL on a command line names the index, as the tools that copy indexes have it. */
function splitUrl(
  { url }: IndexFlags,
  side: 'SOURCE' | 'TARGET'
): { url?: string; index?: string } {
  if (url === undefined) return {};
  const { origin, pathname } = parseUrl(url, `--${side.toLowerCase()}`);
  const [index, ...more] = pathname.split('/').filter(Boolean);
  if (more.length > 0) throw invalid(`--${side.toLowerCase()}`, 'its path has more than an index');
  return { url: origin, ...(index !== undefined && { index: decodeURIComponent(index) }) };
}

/** @returns undefined where a URL or the defaults say which cluster it is */
function chooseMode(
  side: 'SOURCE' | 'TARGET',
  {
    url,
    mode,
    environment,
  }: { url: string | undefined; mode: string | undefined; environment: Environment }
): SecretMode | 'local' | undefined {
  if (url !== undefined) return undefined;
  if (mode === 'private' || mode === 'public' || mode === 'local') return mode;
  if (mode !== undefined) {
    throw new IdMinterError(
      'USAGE',
      `--${side.toLowerCase()}-es-mode ${mode}: public, private and local are allowed. Nothing was done.`
    );
  }
  const isNamed = urlVariable(side, environment) !== undefined;
  return environment['AWS_LAMBDA_FUNCTION_NAME'] && !isNamed ? 'private' : undefined;
}

function urlVariable(side: 'SOURCE' | 'TARGET', environment: Environment): string | undefined {
  return [`ES_${side}_URL`, 'ES_URL'].find(name => environment[name]);
}

/** The four secrets of a pipeline's cluster, each a text by itself. */
async function readCluster(
  mode: SecretMode,
  pipelineDate: string | undefined
): Promise<Pick<IndexAddress, 'url' | 'apiKey'>> {
  if (pipelineDate === undefined) {
    throw new IdMinterError(
      'INVALID_CONFIGURATION',
      `The ${mode} Elasticsearch is that of a pipeline, and none is named. Nothing was started. Set PIPELINE_DATE or give ` +
        '--pipeline-date; or name the cluster in ES_URL.',
      { mode }
    );
  }
  const prefix = `elasticsearch/pipeline_storage_${pipelineDate}`;
  const names = [
    `${prefix}/protocol`,
    `${prefix}/${mode}_host`,
    `${prefix}/port`,
    `${prefix}/id_minter/api_key`,
  ] as const;
  const texts = await readSecrets({ names, namedBy: 'PIPELINE_DATE or --pipeline-date' });
  const [protocol = '', host = '', port = '', apiKey = ''] = texts.map(text => text.trim());
  if (!/^https?$/.test(protocol)) unfitSecret(names[0], 'http and https are allowed');
  if (!/^[\w.-]+$/.test(host)) unfitSecret(names[1], 'it is no name of a host');
  if (!/^\d{1,5}$/.test(port)) unfitSecret(names[2], 'it is no number of a port');
  // The client would send none, and the cluster speak of a missing key.
  if (apiKey === '') unfitSecret(names[3], 'it is empty');
  return { url: `${protocol}://${host}:${port}`, apiKey };
}

function locateCluster(
  url: string | undefined,
  side: 'SOURCE' | 'TARGET',
  {
    isLocal,
    environment,
    settings,
  }: { isLocal: boolean; environment: Environment; settings: Settings }
): Pick<IndexAddress, 'url' | 'apiKey'> {
  const apiKey = settings.ES_API_KEY;
  if (url !== undefined) return { url, apiKey };
  const named = isLocal ? undefined : urlVariable(side, environment);
  if (named !== undefined) {
    const { origin, pathname } = parseUrl(environment[named] ?? '', named);
    return { url: `${origin}${pathname.replace(/\/$/, '')}`, apiKey };
  }
  const { ES_LOCAL_SCHEME: scheme, ES_LOCAL_HOST: host, ES_LOCAL_PORT: port } = settings;
  return { url: `${scheme}://${host}:${port}`, apiKey: settings.ES_LOCAL_API_KEY ?? apiKey };
}

function nameIndex(
  side: 'SOURCE' | 'TARGET',
  { index, prefix, dateSuffix, pipelineDate }: IndexFlags,
  { environment, settings }: { environment: Environment; settings: Settings }
): string {
  if (index !== undefined) return index;
  const exact = settings[`ES_${side}_INDEX`];
  const isMadeByFlags = prefix !== undefined || dateSuffix !== undefined;
  if (!isMadeByFlags && environment[`ES_${side}_INDEX`]) return exact;
  const suffix = dateSuffix ?? settings[`ES_${side}_INDEX_DATE_SUFFIX`];
  const date = suffix ?? pipelineDate ?? settings.PIPELINE_DATE;
  const isMade = isMadeByFlags || environment[`ES_${side}_INDEX_PREFIX`] || date !== undefined;
  // Without any of them the name alone is the default.
  return isMade ? `${prefix ?? settings[`ES_${side}_INDEX_PREFIX`]}-${date ?? DEV}` : exact;
}

/** A URL with credentials is not shown. */
function parseUrl(text: string, from: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw invalid(from, 'an Elasticsearch is named http://HOST:PORT or https://HOST:PORT');
  }
  if (url.username !== '' || url.password !== '') {
    throw invalid(
      from,
      'credentials never stand in a URL, where logs and process lists show them: use ES_API_KEY'
    );
  }
  if (url.search !== '' || url.hash !== '') throw invalid(from, 'it has more than a path');
  return url;
}

function invalid(from: string, why: string): IdMinterError {
  return new IdMinterError(
    'INVALID_CONFIGURATION',
    `The URL in ${from} cannot be used: ${why}. Nothing was started. Correct it.`,
    { from, why }
  );
}
