/** The public names of the library. What is not exported here may change at any time. */
export type { CanonicalId } from './domain/canonical-id.ts';
export { isCanonicalId, parseCanonicalId } from './domain/canonical-id.ts';
export type { ErrorCode, ErrorEntry, Warning, WarningCode } from './domain/errors.ts';
export { ERRORS, IdMinterError } from './domain/errors.ts';
export type {
  Answer,
  DatedMapping,
  Given,
  ImportAnswer,
  Mapping,
  MintAnswer,
  MintRequest,
  MintResult,
  Outcome,
  PoolCount,
  Refused,
  Registry,
  Status,
} from './domain/registry.ts';
export type { SourceIdentifier } from './domain/source-identifier.ts';
export { formatSourceIdentifier, parseSourceIdentifier } from './domain/source-identifier.ts';
export type { OpenOptions } from './runtime/library.ts';
export { openRegistry } from './runtime/library.ts';
