-- 0001_create_identifiers_schema.sql
-- The two tables of the registry: the pool of canonical IDs, and which source identifier has which of them. They
-- are those of RFC 083, so that the Python minter can work on them too; a database that has them is taken over.
-- Instant, in an empty database.
-- Works with code from 1.0.0 on.
CREATE TABLE canonical_ids (
  CanonicalId VARCHAR(8) NOT NULL PRIMARY KEY,
  Status ENUM('free', 'assigned') NOT NULL DEFAULT 'free',
  CreatedAt TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP,
  -- The free IDs in order: a claim starts anywhere among them.
  INDEX idx_free (Status, CanonicalId)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;

CREATE TABLE identifiers (
  OntologyType VARCHAR(255) NOT NULL,
  SourceSystem VARCHAR(255) NOT NULL,
  SourceId VARCHAR(255) NOT NULL,
  CanonicalId VARCHAR(8) NOT NULL,
  CreatedAt TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (OntologyType, SourceSystem, SourceId),
  INDEX idx_canonical (CanonicalId),
  FOREIGN KEY (CanonicalId) REFERENCES canonical_ids (CanonicalId)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
