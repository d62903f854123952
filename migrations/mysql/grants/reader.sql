-- The rights of `lookup`, `check`, `export write`, `export verify --against` and every `--dry-run`: it changes nothing. Write your database in the place of
-- `identifiers`; run it after `id-minter migrate`.
GRANT SELECT ON identifiers.identifiers TO 'id_minter_reader'@'%';
GRANT SELECT ON identifiers.canonical_ids TO 'id_minter_reader'@'%';
GRANT SELECT ON identifiers.id_minter_migrations TO 'id_minter_reader'@'%';
