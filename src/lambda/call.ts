import type { RunLog } from '../runtime/log.ts';
import { openLog } from '../runtime/log.ts';
import type { Settings } from '../runtime/settings.ts';
import { readSettings } from '../runtime/settings.ts';
import type { Deadline, Invocation } from './deadline.ts';

/** One call of a function: what it works with. */
export interface Call {
  readonly settings: Settings;
  readonly deadline: Deadline;
  readonly log: RunLog;
}

/** @throws IdMinterError INVALID_CONFIGURATION */
export function beginCall({ awsRequestId: traceId }: Invocation, deadline: Deadline): Call {
  const settings = readSettings(process.env);
  return { settings, deadline, log: openLog({ environment: process.env, settings, traceId }) };
}
