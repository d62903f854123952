/** Why a call of AWS failed. `busy` may pass: the same call can succeed later. */
export type AwsFailureKind =
  | 'not found'
  | 'no credentials'
  | 'denied'
  | 'no region'
  | 'refused'
  | 'busy';

export interface AwsFailure {
  readonly kind: AwsFailureKind;
  /** For people: the name that AWS gives it, and its message. */
  readonly reason: string;
}

/** Reads what a client of AWS rejects with: its own errors, the service's, and the network's. */
export function readAwsFailure(error: unknown): AwsFailure {
  const { name = '', message = String(error) } = error instanceof Error ? error : {};
  const { $metadata } = (error ?? {}) as { $metadata?: { httpStatusCode?: number } };
  const reason = [name, message].filter(text => text !== '' && text !== 'Error').join(': ');
  return { kind: kindOf(`${name} ${message}`, name, $metadata?.httpStatusCode), reason };
}

function kindOf(said: string, name: string, status: number | undefined): AwsFailureKind {
  if (/thrott|TooManyRequests|RequestLimitExceeded|SlowDown/i.test(name)) return 'busy';
  if (status === 404) return 'not found';
  if (/^\w*(credential|token|accesskey|signature)/i.test(said)) return 'no credentials';
  if (status === 403) return 'denied';
  // The client says so in words alone.
  if (/Region is missing/i.test(said)) return 'no region';
  const isRefused = status !== undefined && status >= 400 && status < 500;
  return isRefused && status !== 408 && status !== 429 ? 'refused' : 'busy';
}

/** So that a network that swallows everything ends in an error. */
export const AWS_TIMEOUTS = { requestTimeout: 60_000, connectionTimeout: 10_000 } as const;
