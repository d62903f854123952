-- The rights of `pool top-up` and `pool`: it adds free canonical IDs and counts them; a mapping it can only read.
-- Write your database in the place of `identifiers`; run it after `id-minter migrate`.
GRANT SELECT ON identifiers.identifiers TO 'id_minter_pool_filler'@'%';
GRANT SELECT, INSERT ON identifiers.canonical_ids TO 'id_minter_pool_filler'@'%';
GRANT SELECT ON identifiers.id_minter_migrations TO 'id_minter_pool_filler'@'%';
