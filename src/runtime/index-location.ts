import { IdMinterError } from '../domain/errors.ts';
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
  /** Where the URL stands, for messages; `--source` or `--target` if it is not said. */
  readonly flag?: string;
  readonly prefix?: string | undefined;
  readonly dateSuffix?: string | undefined;
  readonly mode?: string | undefined;
  readonly pipelineDate?: string | undefined;
}

/** The date of a pipeline that is none of the real ones. */
const DEV = 'dev';

/**
 * Finds out which index is meant. A flag wins over a variable, and an exact name over prefix and suffix.
 *
 * @throws IdMinterError INVALID_CONFIGURATION, USAGE; NOT_AVAILABLE where the cluster is named in AWS Secrets Manager
 */
export function locateIndex(
  side: 'SOURCE' | 'TARGET',
  flags: IndexFlags,
  { environment, settings }: { environment: Environment; settings: Settings }
): IndexAddress {
  const { url, index: inPath } = splitUrl(flags, side);
  if (inPath !== undefined && flags.index !== undefined && inPath !== flags.index) {
    throw new IdMinterError(
      'USAGE',
      `Two indexes are named, ${inPath} and ${flags.index}: give one. Nothing was done.`
    );
  }
  const cluster = locateCluster(url, side, { mode: flags.mode, environment, settings });
  const index = inPath ?? nameIndex(side, flags, { environment, settings });
  return { ...cluster, index, name: `${cluster.url}/${index}` };
}

/** The path of a URL on a command line names the index, as the tools that copy indexes have it. */
function splitUrl(
  { url, flag }: IndexFlags,
  side: 'SOURCE' | 'TARGET'
): { url?: string; index?: string } {
  if (url === undefined) return {};
  const from = flag ?? `--${side.toLowerCase()}`;
  const { origin, pathname } = parseUrl(url, from);
  const [index, ...more] = pathname.split('/').filter(Boolean);
  if (more.length > 0) throw invalid(from, 'its path has more than an index');
  return { url: origin, ...(index !== undefined && { index: decodeURIComponent(index) }) };
}

function locateCluster(
  url: string | undefined,
  side: 'SOURCE' | 'TARGET',
  {
    mode,
    environment,
    settings,
  }: { mode: string | undefined; environment: Environment; settings: Settings }
): Pick<IndexAddress, 'url' | 'apiKey'> {
  const apiKey = settings.ES_API_KEY;
  if (url !== undefined) return { url, apiKey };
  if (mode !== undefined && mode !== 'local') throw unavailableMode(side, mode);
  const named = [`ES_${side}_URL`, 'ES_URL'].find(name => environment[name]);
  if (named !== undefined && mode === undefined) {
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

function unavailableMode(side: 'SOURCE' | 'TARGET', mode: string): IdMinterError {
  const flag = `--${side.toLowerCase()}-es-mode`;
  if (mode !== 'public' && mode !== 'private') {
    return new IdMinterError(
      'USAGE',
      `${flag} ${mode}: public, private and local are allowed. Nothing was done.`
    );
  }
  return new IdMinterError(
    'NOT_AVAILABLE',
    `${flag} ${mode} names a cluster in AWS Secrets Manager, which this version does not read. Nothing was minted. ` +
      `Leave it out, and give the cluster in ES_${side}_URL or ES_URL and its key in ES_API_KEY.`,
    { mode }
  );
}
