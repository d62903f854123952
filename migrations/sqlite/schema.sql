-- What the migrations make, for comparison. Made anew by `npx vitest --update test/registry/sqlite`.

CREATE TABLE canonical_ids (
  CanonicalId TEXT NOT NULL PRIMARY KEY,
  Status TEXT NOT NULL DEFAULT 'free' CHECK (Status IN ('free', 'assigned')),
  CreatedAt TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_free ON canonical_ids (CanonicalId) WHERE Status = 'free';

CREATE TABLE id_minter_migrations (
    Id TEXT NOT NULL PRIMARY KEY,
    StartedAt TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    FinishedAt TEXT,
    OldestCode TEXT NOT NULL,
    Facts TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

CREATE TABLE identifiers (
  OntologyType TEXT NOT NULL,
  SourceSystem TEXT NOT NULL,
  SourceId TEXT NOT NULL,
  CanonicalId TEXT NOT NULL REFERENCES canonical_ids (CanonicalId),
  CreatedAt TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (OntologyType, SourceSystem, SourceId)
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_canonical ON identifiers (CanonicalId);
