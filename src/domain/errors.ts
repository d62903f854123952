/**
 * Every error and warning that the product can give, with what docs/errors.md says of it. Messages say what
 * happened to which value, what became of the data and what to do now; programs branch on `code`.
 */

/** What one code means. `exit` is the status with which the command line ends where the code ends the run. */
export interface ErrorEntry {
  /** 1 a request failed, 2 usage, 3 configuration, 4 a service, 5 the registry refuses, 6 a finding, 70 a fault of ours. */
  readonly exit: 1 | 2 | 3 | 4 | 5 | 6 | 70;
  readonly cause: string;
  readonly data: string;
  readonly remedy: string;
}

// Stryker disable all: words for people, which `npm run docs:check` compares with docs/errors.md
const NOTHING_WRITTEN = 'Nothing was written.';
const ONLY_THIS_ONE = 'Nothing was written for it; its neighbours in the batch are unharmed.';
const ONLY_READ = 'Nothing was changed: a check only reads.';
const ONLY_READ_EXPORT = 'Nothing was changed: the export was only read.';
const CHECK_AGAIN = 'Then `id-minter check` again.';
const VERIFY_AGAIN = 'Then `id-minter export verify` again.';
const LINE_PASSED_OVER =
  'The line was passed over: its work is not in the target, its identifier got no ID, its mapping was not imported. The run goes on.';

/** Each code with its cause, what became of the data, the remedy, and the exit status of the command line. */
export const ERRORS = {
  INVALID_IDENTIFIER: {
    exit: 1,
    cause:
      'A part of a source identifier is missing, not a string, over 255 characters, holds a lone surrogate or a character that the registry cannot store, or breaks the text form (an empty type or system, `[` in a type, `/` in a system).',
    data: ONLY_THIS_ONE,
    remedy:
      'Correct the part that the message names at its source, and say the same command again.',
  },
  IDENTIFIER_COLLISION: {
    exit: 1,
    cause:
      'The registry takes two spellings for one identifier: they differ only by case, accent or trailing space, which the collation of its columns ignores.',
    data: 'The spelling that came first keeps its canonical ID; the other one got none.',
    remedy:
      '`id-minter lookup` shows the spelling that stands. Correct the other one at its source. If both really are different things, they need a registry with exact spelling (`id-minter migrate --exact` on a new database).',
  },
  PREDECESSOR_NOT_FOUND: {
    exit: 1,
    cause:
      'The predecessor that the record names has no canonical ID, neither in the registry nor from the same batch.',
    data: `${ONLY_THIS_ONE} No new ID was minted, because that would change the public identifier.`,
    remedy:
      'Mint the predecessor first (or `id-minter import` its mapping), then send the record again. If it never had an ID, remove the predecessor from the record.',
  },
  PREDECESSOR_CYCLE: {
    exit: 1,
    cause: 'The records of one batch name each other, or themselves, as predecessors.',
    data: ONLY_THIS_ONE,
    remedy: 'Correct at the source which record replaced which, and say the same command again.',
  },
  CONFLICTING_PREDECESSORS: {
    exit: 1,
    cause: 'One batch names two different predecessors for one source identifier that is new.',
    data: ONLY_THIS_ONE,
    remedy:
      '`id-minter lookup` shows the canonical ID of each. Keep the predecessor whose ID the record shall inherit, and say the same command again.',
  },
  POOL_EXHAUSTED: {
    exit: 5,
    cause:
      'The pool has fewer free canonical IDs than the batch needs, or other minters hold the rest at this moment.',
    data: 'No ID was taken from the pool. Requests that needed no new ID succeeded.',
    remedy: 'Run `id-minter pool top-up`, then the same batch again.',
  },
  POOL_CORRUPT: {
    exit: 5,
    cause:
      'A canonical ID that the pool calls free is in use already, or is malformed. As a warning: it was passed over and another one drawn. As an error: no sound one was left.',
    data: 'The ID was not handed out. One in use is now marked assigned.',
    remedy:
      'Find out who writes to the pool. For the error: `id-minter pool top-up`, then the same batch again.',
  },
  MAPPING_CONFLICT: {
    exit: 1,
    cause:
      'An imported mapping contradicts the registry or an earlier line: its source identifier has another canonical ID.',
    data: 'The registry keeps the mapping it had; the other lines of the import went in.',
    remedy:
      '`id-minter lookup` shows what the registry has. Decide which ID the public URL has. A mapping in the registry is never changed by an import.',
  },
  INVALID_CANONICAL_ID: {
    exit: 1,
    cause:
      'A canonical ID is not of the form ^[a-hjkmnp-z][a-hjkmnp-z2-9]{7}$ (eight characters, a letter first, without i, l, o, 0 and 1).',
    data: NOTHING_WRITTEN,
    remedy:
      'Correct the ID; it is case-sensitive and lower-case. Then say the same `id-minter import` again.',
  },
  EMPTY_VALUE: {
    exit: 1,
    cause:
      'A warning: the source identifier has an empty value, as labels without Latin letters collapse to. All such labels share one canonical ID.',
    data: 'It was minted like any other.',
    remedy:
      'If the labels mean different things, give them values at their source, and say the same command again.',
  },
  INHERITANCE_CONFLICT: {
    exit: 1,
    cause:
      'A warning: the record names a predecessor that holds another canonical ID than the record itself, mostly because the record was cited, and so minted, before it was delivered.',
    data: 'The record keeps the ID it has: a mapping never changes.',
    remedy:
      '`id-minter lookup` of both shows which is older and who shares it. Decide which of the two the public URL shall have, and redirect the other.',
  },
  SHARED_DOCUMENT_ID: {
    exit: 1,
    cause:
      'A warning: two works of one batch share a canonical ID, so that only one document can stand under it.',
    data: 'One of them was written; the message names both.',
    remedy:
      'Usually the record and its successor are both in scope: retire the older one at its source. `id-minter lookup` of the ID shows all that share it.',
  },
  SHARED_CANONICAL_ID: {
    exit: 1,
    cause:
      'A warning: an import gave a source identifier an ID that another source identifier in the registry had already.',
    data: 'The mapping is in the registry.',
    remedy:
      '`id-minter lookup` of the ID shows all that share it. Right if one replaced the other. If they are unrelated, the mappings come from a registry that was forked: do not use the ID, and ask who holds it.',
  },
  ORPHAN_MAPPING: {
    exit: 6,
    cause:
      'A mapping has a canonical ID that the pool does not know, so that the same ID could be drawn and given once more. Tables were loaded without their foreign key, or in part.',
    data: ONLY_READ,
    remedy: `If the load was not complete, complete it. Else add the ID to canonical_ids with the status assigned: the mapping stands. ${CHECK_AGAIN}`,
  },
  USED_BUT_FREE: {
    exit: 6,
    cause:
      'A mapping uses a canonical ID that the pool calls free. This minter passes such IDs over; others may give it once more.',
    data: ONLY_READ,
    remedy: `Set its status to assigned. Then find out who wrote the mapping or the pool, and look whether other records got the ID. ${CHECK_AGAIN}`,
  },
  ASSIGNED_BUT_UNUSED: {
    exit: 6,
    cause:
      'The pool calls a canonical ID assigned that no mapping uses: a mapping was deleted, or its row did not come along in a copy.',
    data: ONLY_READ,
    remedy:
      'If the ID was ever public, restore its mapping from a backup (`id-minter import`). Do not set it free: it must never mean something else.',
  },
  UNKNOWN_STATUS: {
    exit: 6,
    cause:
      'A canonical ID has a status that is neither free nor assigned, as a load without strict checks leaves it.',
    data: ONLY_READ,
    remedy: `Set it to assigned where a mapping uses the ID, else to free. ${CHECK_AGAIN}`,
  },
  MALFORMED_ID: {
    exit: 6,
    cause:
      'A stored canonical ID is not of the form ^[a-hjkmnp-z][a-hjkmnp-z2-9]{7}$ (eight characters, a letter first, without i, l, o, 0 and 1). A free one is never given.',
    data: ONLY_READ,
    remedy: `A free one can be deleted from canonical_ids. One that a mapping uses may be public: find out where it came from before it is touched. ${CHECK_AGAIN}`,
  },
  MALFORMED_IDENTIFIER: {
    exit: 6,
    cause:
      'A stored source identifier breaks the rules (an empty type or system, `[` in a type, `/` in a system, over 255 characters), so that it can never be asked for.',
    data: ONLY_READ,
    remedy:
      'Find out who wrote it. Where a well-formed one is meant, `id-minter import` gives that the same ID.',
  },
  UNFOLDED_TYPE: {
    exit: 6,
    cause:
      'A mapping is stored under a type that this registry looks up as `Concept`, so that it is never found: the next record with it gets another ID.',
    data: ONLY_READ,
    remedy:
      '`id-minter import` the mapping: it goes in as Concept with the same ID, unless Concept has another already. Then the unfolded row can go.',
  },
  DOUBLED_MAPPING: {
    exit: 6,
    cause:
      'One source identifier is there more than once, which a registry’s key does not allow and a copy of it can have.',
    data: ONLY_READ,
    remedy: `Do not use the copy: make it anew from the registry. ${CHECK_AGAIN}`,
  },
  ABSENT_IDENTIFIER: {
    exit: 6,
    cause:
      'A source identifier or a predecessor of the file that says what should be there is not in the registry.',
    data: ONLY_READ,
    remedy: 'Mint it, or correct its spelling in the file; `id-minter lookup` offers near ones.',
  },
  TWINS: {
    exit: 1,
    cause:
      'A warning: source identifiers differ only by case, accent or outer space. The registry tells them apart, but one thing may have got two canonical IDs.',
    data: ONLY_READ,
    remedy:
      '`id-minter lookup` shows which is older. If they are different things, all is well. If they are one, correct the spelling at its source, decide which of the two IDs the public URL shall have, and redirect the other.',
  },
  INVALID_JSON: {
    exit: 1,
    cause: 'A line is not one whole JSON value, or not UTF-8. The message names line and column.',
    data: LINE_PASSED_OVER,
    remedy: 'Correct the line; the same command again completes the rest without changing any ID.',
  },
  LINE_TOO_LONG: {
    exit: 1,
    cause: 'A line is longer than 32 MiB, so it was passed over without being read into memory.',
    data: LINE_PASSED_OVER,
    remedy: 'Check that the file has one JSON document a line, and say the same command again.',
  },
  TOO_DEEP: {
    exit: 1,
    cause: 'A document is nested deeper than 1,000 levels.',
    data: LINE_PASSED_OVER,
    remedy:
      'Correct the document at its source; real works stay below 50 levels. Then say the same command again.',
  },
  INVALID_WORK: {
    exit: 1,
    cause: 'A document is not a work: not an object, or without `state.sourceIdentifier`.',
    data: 'The work is not in the target; the run goes on.',
    remedy:
      'Send works as the transformers write them, bare or as {"_id", "_source"}, and say the same command again.',
  },
  INVALID_ROW: {
    exit: 1,
    cause:
      'A line of a CSV file has another number of fields than its header, or unbalanced quotes, or is not UTF-8.',
    data: 'The line got no ID; the others are unharmed.',
    remedy:
      'Correct the quoting or the encoding of the line that the message names, and say the same command again.',
  },
  WORK_NOT_FOUND: {
    exit: 1,
    cause: 'A source identifier was asked for, but the source holds no such work.',
    data: NOTHING_WRITTEN,
    remedy:
      'Check the spelling, and whether the work has reached the source; then say the same command again.',
  },
  DEADLINE: {
    exit: 4,
    cause:
      'A Lambda function was about to reach the end of its time, and stopped by itself before it would have been killed.',
    data: 'Every ID minted so far is in the registry, and every document that was counted as succeeded is in the index. The report names the works that are left, or counts them.',
    remedy:
      'Send the same request again: it finds what is done, and goes on. If it happens again, give the function more time, or requests of fewer works. From a desk `id-minter mint --source-identifiers @FILE` has no deadline.',
  },
  ALL_WORKS_FAILED: {
    exit: 1,
    cause: 'Every work of a request to a Lambda function failed, so that it failed as a whole.',
    data: 'No document was written. The report has the reason of each work.',
    remedy:
      'Where all fail alike the reason is mostly one: an index that refuses, a pool without free IDs (`id-minter pool top-up`). Mend it, and send the same request again.',
  },
  USAGE: {
    exit: 2,
    cause: 'The command line is not one that the program understands.',
    data: NOTHING_WRITTEN,
    remedy: 'See `id-minter --help`, or `id-minter COMMAND --help`.',
  },
  INVALID_REQUEST: {
    exit: 2,
    cause:
      'A function was invoked with a request that it does not understand: a key lacks its value, or has one that is not allowed, or none or several of the keys are there that say which works are meant; or a partition in S3 is not what find_work wrote.',
    data: 'Nothing was minted for it; the other messages of a batch are unharmed.',
    remedy:
      'Correct the key that the message names, and send the request again. `id-minter mint` and `id-minter find-work` do the same from a command line.',
  },
  SOURCE_UNREADABLE: {
    exit: 2,
    cause:
      'The file to read is not there, is a folder, may not be read, or has not the columns that the command needs.',
    data: NOTHING_WRITTEN,
    remedy: 'Correct the path or the file, and say the same command again.',
  },
  TARGET_UNWRITABLE: {
    exit: 2,
    cause: 'The file to write cannot be made: its folder is not there or may not be written.',
    data: 'Nothing was minted or written.',
    remedy: 'Correct the path, or make the folder, and say the same command again.',
  },
  TARGET_FAILED: {
    exit: 4,
    cause: 'Writing failed in mid-run, mostly because the disk is full.',
    data: 'Every ID minted so far is in the registry; nothing stands under the target file’s name.',
    remedy: 'Make room, and say the same command again: it gives the same IDs.',
  },
  INVALID_CONFIGURATION: {
    exit: 3,
    cause:
      'An environment variable, a part of the registry URL or a secret has a value that is not allowed.',
    data: NOTHING_WRITTEN,
    remedy:
      'Correct the value that the message names; docs/configuration.md lists what is allowed. Then say the same command again.',
  },
  REGISTRY_NOT_NAMED: {
    exit: 3,
    cause:
      'No registry is named, and the surroundings look like production, where a fresh file must not be minted into by mistake.',
    data: NOTHING_WRITTEN,
    remedy:
      'Give `--registry URL` or `ID_MINTER_REGISTRY`, or the RDS_* variables, and say the same command again.',
  },
  REGISTRY_NOT_FOUND: {
    exit: 3,
    cause: 'The registry’s file or database does not exist.',
    data: NOTHING_WRITTEN,
    remedy:
      'Correct the name, or create it: `id-minter migrate` makes a SQLite file; a MySQL database needs CREATE DATABASE first.',
  },
  REGISTRY_ACCESS_DENIED: {
    exit: 3,
    cause: 'The database refuses the user, the password, or a privilege that the command needs.',
    data: NOTHING_WRITTEN,
    remedy:
      'Check RDS_USERNAME and RDS_PASSWORD, or the secret or IAM user in their place; migrations/mysql/grants/ has the grants that each role needs. `id-minter pool` shows whether user and password are right.',
  },
  REGISTRY_UNAVAILABLE: {
    exit: 4,
    cause:
      'The database cannot be reached, or a deadlock, lock wait, lost connection or failover lasted longer than the retries.',
    data: 'What was answered before is right and stays; the batch at hand is either in the registry as a whole or not at all.',
    remedy: 'See that the database answers, and say the same command again: it gives the same IDs.',
  },
  SCHEMA_MISSING: {
    exit: 5,
    cause: 'The database lacks the registry’s tables, or a migration that this version needs.',
    data: NOTHING_WRITTEN,
    remedy: 'Run `id-minter migrate`.',
  },
  SCHEMA_NEWER: {
    exit: 5,
    cause: 'A newer version has changed the database in a way that this version cannot work with.',
    data: NOTHING_WRITTEN,
    remedy:
      '`id-minter migrate status` names what is unknown here. Use the version that the message names, or a later one.',
  },
  SCHEMA_UNSUPPORTED: {
    exit: 5,
    cause:
      'The registry’s tables have columns or a character set that the product cannot keep its promises on.',
    data: NOTHING_WRITTEN,
    remedy:
      'docs/configuration.md says which tables and character sets are supported. `id-minter migrate` on a new database makes them.',
  },
  MIGRATION_UNFINISHED: {
    exit: 5,
    cause:
      'A migration was started and never finished. MySQL commits each schema change by itself, so it may be half done.',
    data: 'The mappings that were there are there.',
    remedy:
      '`id-minter migrate status` names it. Compare the tables with migrations/mysql/schema.sql, finish or undo by hand, then correct its row in id_minter_migrations.',
  },
  ROLLBACK_REFUSED: {
    exit: 5,
    cause: 'The rollback would drop mappings, and nobody said that exactly this many may go.',
    data: NOTHING_WRITTEN,
    remedy:
      'Back up first. Then `id-minter migrate rollback --drop-mappings COUNT` with exactly the count that the message names.',
  },
  EXPORT_NOT_FOUND: {
    exit: 3,
    cause:
      'The folder or bucket is not there, or holds no export of a registry: no table canonical_ids or identifiers below it, or those of several databases.',
    data: NOTHING_WRITTEN,
    remedy:
      'Name the folder of one export, in which `export_info_….json` or `manifest.json` and the folder of the database stand. Then say the same command again.',
  },
  EXPORT_ACCESS_DENIED: {
    exit: 3,
    cause:
      'The folder or bucket refuses this user, or there are no credentials for it. AWS refuses as well what a KMS key does not allow.',
    data: NOTHING_WRITTEN,
    remedy:
      'Give the right that the message names (s3:ListBucket, s3:GetObject, s3:PutObject, kms:Decrypt), or the credentials, and say the same command again.',
  },
  EXPORT_UNAVAILABLE: {
    exit: 4,
    cause: 'Reading or writing an export failed in mid-run: the network, the service or the disk.',
    data: 'What is in a registry is right. An export that was being written has no manifest.json, so that nobody takes it for whole.',
    remedy:
      'Mend it, and say the same command again; `export write` needs an empty folder: remove what it left, or name another.',
  },
  EXPORT_INCOMPLETE: {
    exit: 6,
    cause:
      'An export is not whole: it has neither manifest nor export_info, they do not say COMPLETE, a table or a file is missing, or a folder lacks its _SUCCESS.',
    data: ONLY_READ_EXPORT,
    remedy:
      'If it is still being written, wait. Else take another export: `id-minter export verify` names all that is missing.',
  },
  EXPORT_DAMAGED: {
    exit: 6,
    cause:
      'A file of an export is not what it should be: it cannot be read, is not as long as the manifest says, holds another number of rows or another digest, or a value that no registry holds.',
    data: ONLY_READ_EXPORT,
    remedy:
      'Copy it again from where it was written, or take another export. `id-minter export verify` names each file and value.',
  },
  DOUBLED_ID: {
    exit: 6,
    cause:
      'One canonical ID is in the pool of an export more than once, which a registry’s key does not allow.',
    data: ONLY_READ_EXPORT,
    remedy: `Do not restore from it: take another export. ${VERIFY_AGAIN}`,
  },
  MAPPING_LOST: {
    exit: 6,
    cause:
      'A mapping of the export is not in the registry, byte for byte: it was deleted or spelt anew, or the export is of another registry.',
    data: ONLY_READ_EXPORT,
    remedy:
      'If the export is of this registry, its ID may be public: `id-minter import` gives it back to the source identifier. Find out who deletes there.',
  },
  MAPPING_CHANGED: {
    exit: 6,
    cause:
      'A source identifier has one canonical ID in the export and another one in the registry. Minting never changes a mapping: somebody did, or the export was changed.',
    data: ONLY_READ_EXPORT,
    remedy:
      '`id-minter lookup` of both IDs shows who else has them; an export of another day shows which of the two was right. Decide which ID the public URL has, and redirect the other.',
  },
  ID_LOST: {
    exit: 6,
    cause:
      'A canonical ID of the export is not in the registry’s pool, so that it could be drawn and given once more.',
    data: ONLY_READ_EXPORT,
    remedy: `If the export is of this registry, put the ID back into canonical_ids, as assigned where it was so in the export. ${VERIFY_AGAIN}`,
  },
  STATUS_CHANGED: {
    exit: 6,
    cause:
      'A canonical ID has another status in the registry than in the export, and has not gone from free to assigned, which is all that minting does.',
    data: ONLY_READ_EXPORT,
    remedy: `One that was assigned may be public, and must not be given again: set it to assigned, and find out who set it free. ${VERIFY_AGAIN}`,
  },
  TIME_CHANGED: {
    exit: 6,
    cause:
      'A row has another time in the registry than in the export. Minting never changes one, and the oldest mapping of an ID is its original.',
    data: ONLY_READ_EXPORT,
    remedy: `Find out who wrote there, and which time is right; correct CreatedAt if the registry is wrong. ${VERIFY_AGAIN}`,
  },
  NOT_EXPORTED: {
    exit: 6,
    cause:
      'A row of the registry is more than 15 minutes older than the snapshot of the export, and not in it: the export lacks a part, is older than it says or of another registry, or the row was put in by hand.',
    data: ONLY_READ_EXPORT,
    remedy: `Do not rely on this export: make another one. ${VERIFY_AGAIN}`,
  },
  CONCEPT_TYPES_CHANGED: {
    exit: 6,
    cause:
      'The registry looks up other types as `Concept` than the export says. The list is fixed when a registry is created, so the two are not of one registry, or one of them was changed.',
    data: ONLY_READ_EXPORT,
    remedy:
      '`id-minter migrate status` shows the registry that is meant. Restored as it is, the export would look up other identifiers.',
  },
  RESTORE_REFUSED: {
    exit: 5,
    cause:
      'An export can only be restored into an empty registry that folds the same types as the exported one, and this one has rows, or another export is half-way in it.',
    data: NOTHING_WRITTEN,
    remedy:
      'Name a new database: `id-minter migrate` makes the tables. Where another export is half-way, complete that one by its own `id-minter export restore`.',
  },
  RESTORE_UNFINISHED: {
    exit: 5,
    cause:
      'An export is being restored into the registry, or the restore broke off. IDs that it has not brought yet would be minted anew.',
    data: NOTHING_WRITTEN,
    remedy:
      'Say the same `id-minter export restore` again: it goes on where it stopped. Or drop the database and begin anew.',
  },
  INDEX_NOT_FOUND: {
    exit: 3,
    cause: 'The cluster has no index of this name, and makes none by itself.',
    data: NOTHING_WRITTEN,
    remedy:
      'Correct the name (`--source-index`, `--target-index`, ES_SOURCE_INDEX, ES_TARGET_INDEX), or make the index with its mapping. Then say the same command again.',
  },
  INDEX_ACCESS_DENIED: {
    exit: 3,
    cause: 'Elasticsearch refuses the API key, or there is none, or it lacks a privilege.',
    data: 'Nothing was read or written by the request that was refused.',
    remedy:
      'Give a key in ES_API_KEY that has the privilege read on the source and index (or write) on the target, and say the same command again.',
  },
  INDEX_UNAVAILABLE: {
    exit: 4,
    cause:
      'Elasticsearch cannot be reached, or was too busy, or its answers broke off, for longer than the retries: 10 seconds before its first answer, two minutes after that. Or a shard did not answer, or the point in time of the run was lost with its node.',
    data: 'Every ID minted so far is in the registry, and every document that was counted as succeeded is in the index.',
    remedy: 'See that the cluster answers, and say the same command again: it gives the same IDs.',
  },
  PARTITION_REFUSED: {
    exit: 3,
    cause:
      'S3 refuses to write or read a partition or its manifest: the bucket or the object is not there, there are no credentials, or they lack a right.',
    data: 'Nothing was minted. Partitions that were written before are used by nobody.',
    remedy:
      'Correct CATALOGUE_GRAPH_S3_BUCKET or the URL, or give the right that the message names (s3:PutObject, s3:GetObject, kms:GenerateDataKey, kms:Decrypt). Then say the same command again.',
  },
  PARTITION_UNAVAILABLE: {
    exit: 4,
    cause: 'S3 could not be reached, or failed for longer than the retries.',
    data: 'Nothing was minted. Partitions that were written before are used by nobody.',
    remedy: 'See that S3 answers, and say the same command again: it writes partitions anew.',
  },
  DOCUMENT_REFUSED: {
    exit: 1,
    cause:
      'The index does not take a document: a field does not fit its mapping, or it is too large. The message has the reason that Elasticsearch gives.',
    data: 'The document is not in the index; its IDs are in the registry. All others are unharmed.',
    remedy:
      'Correct the document at its source, or the mapping of the index, and say the same command again.',
  },
  REPORT_FAILED: {
    exit: 4,
    cause: 'The report of a run could not be written to its bucket.',
    data: 'The documents that the run counts are in the index. Announcement and metrics went on without it.',
    remedy:
      'Correct S3_BUCKET, or give the right that the message names, and say the same command again: it gives the same IDs and writes a report.',
  },
  ANNOUNCEMENT_FAILED: {
    exit: 4,
    cause:
      'Documents were written, and the topic of SNS did not take their announcement: for a minute nothing got through, or a message was refused for good, or the run had to end before.',
    data: 'The documents are in the index, and nobody was told of those that the report names as `unannounced_ids`; where there is no report, standard error or the log names them.',
    remedy:
      'See that SNS answers and DOWNSTREAM_SNS_TOPIC_ARN is right, and say the same command again: it gives the same IDs and announces them.',
  },
  METRICS_FAILED: {
    exit: 4,
    cause: 'The metrics of a run did not reach CloudWatch.',
    data: 'All else of the run is done: documents, report and announcement.',
    remedy:
      'Give the right cloudwatch:PutMetricData, or see that CloudWatch can be reached. Nothing else is missing: there is no need to say the same command again.',
  },
  SECRET_NOT_FOUND: {
    exit: 3,
    cause:
      'AWS Secrets Manager has no secret of this name in this region, or it is about to be deleted. RDS_SECRET_NAME names the one of the database, and the modes public and private of an index name theirs.',
    data: 'What was written before is right.',
    remedy:
      'Correct the name that the message shows, or AWS_REGION, or make the secret; docs/configuration.md lists the names. Then say the same command again.',
  },
  SECRET_ACCESS_DENIED: {
    exit: 3,
    cause:
      'AWS refuses this role a secret or the key that encrypts it, or there are no valid AWS credentials, which IAM logins need as well.',
    data: 'What was written before is right.',
    remedy:
      'Give secretsmanager:GetSecretValue on the secret that the message names (and kms:Decrypt on its key), or the credentials, and say the same command again.',
  },
  SECRET_UNAVAILABLE: {
    exit: 4,
    cause: 'AWS Secrets Manager cannot be reached, or was too busy for longer than the retries.',
    data: 'What was answered before is right and stays; the batch at hand is either in the registry as a whole or not at all.',
    remedy:
      'See that Secrets Manager can be reached from here (in a VPC by its endpoint), and say the same command again: it gives the same IDs.',
  },
  INTERNAL: {
    exit: 70,
    cause: 'A fault of the product itself.',
    data: 'Every ID that was answered is in the registry.',
    remedy: 'Run again with `--debug` and report what it prints.',
  },
} as const satisfies Record<string, ErrorEntry>;
// Stryker restore all

/** What programs branch on. A code that is published keeps its meaning. */
export type ErrorCode = keyof typeof ERRORS;

/** The codes that are told beside an answer, while the data is served. */
export type WarningCode = Extract<
  ErrorCode,
  | 'EMPTY_VALUE'
  | 'INHERITANCE_CONFLICT'
  | 'POOL_CORRUPT'
  | 'SHARED_DOCUMENT_ID'
  | 'SHARED_CANONICAL_ID'
  | 'TWINS'
>;

/** Something that a person should look at, though the data was served. `details` holds the values named in `message`. */
export interface Warning {
  readonly code: WarningCode;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** The one error class of the product. `details` holds the values named in the message; a wrapped error is the `cause`. */
export class IdMinterError extends Error {
  override readonly name = 'IdMinterError';
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    { cause, ...details }: Readonly<Record<string, unknown>> = {}
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
  }
}
