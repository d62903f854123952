/**
 * The public names of the library. What is not exported here may change at any time.
 *
 * @module id-minter
 */
export type { Audited, HeldMapping, Holding } from './domain/audit.ts';
export type { CanonicalId } from './domain/canonical-id.ts';
export { isCanonicalId, parseCanonicalId } from './domain/canonical-id.ts';
export type { Stage } from './domain/documents.ts';
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
export type {
  MappingRecord,
  PoolRecord,
  RegistrySnapshot,
  RegistryTables,
} from './domain/registry-tables.ts';
export type { SourceIdentifier } from './domain/source-identifier.ts';
export { formatSourceIdentifier, parseSourceIdentifier } from './domain/source-identifier.ts';
export type {
  AssignAnswer,
  AssignIdentifiersOptions,
  AssignRun,
  GivenIdentifier,
  IdentifierCounts,
  IdentifierRequest,
} from './library/assign-identifiers.ts';
export { assignIdentifiers } from './library/assign-identifiers.ts';
export type { MintRun, MintWorksOptions, WorkCounts } from './library/mint-works.ts';
export { mintWorks } from './library/mint-works.ts';
export type { OpenOptions } from './library/open-registry.ts';
export { openRegistry } from './library/open-registry.ts';
export type {
  FailedWorkResult,
  MintedWorkResult,
  StandingBackResult,
  WorkFailure,
  WorkResult,
} from './library/works-in-order.ts';
