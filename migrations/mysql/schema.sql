-- What the migrations make, as the database describes it. Made by test/registry/mysql.
CREATE TABLE `canonical_ids` (
  `CanonicalId` varchar(8) NOT NULL,
  `Status` enum('free','assigned') NOT NULL DEFAULT 'free',
  `CreatedAt` timestamp NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (`CanonicalId`),
  KEY `idx_free` (`Status`,`CanonicalId`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1;
CREATE TABLE `identifiers` (
  `OntologyType` varchar(255) NOT NULL,
  `SourceSystem` varchar(255) NOT NULL,
  `SourceId` varchar(255) NOT NULL,
  `CanonicalId` varchar(8) NOT NULL,
  `CreatedAt` timestamp NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (`OntologyType`,`SourceSystem`,`SourceId`),
  KEY `idx_canonical` (`CanonicalId`),
  CONSTRAINT `identifiers_ibfk_1` FOREIGN KEY (`CanonicalId`) REFERENCES `canonical_ids` (`CanonicalId`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1;
CREATE TABLE `id_minter_migrations` (
  `Id` varchar(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `StartedAt` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  `FinishedAt` timestamp NULL DEFAULT NULL,
  `OldestCode` varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `Facts` text CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (`Id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
