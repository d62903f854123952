-- The rights of a minter: `mint`, `assign`, `import`, and everything that only reads. It can neither change nor
-- delete a mapping. Write your database in the place of `identifiers`; run it after `id-minter migrate`.
GRANT SELECT, INSERT ON identifiers.identifiers TO 'id_minter'@'%';
GRANT SELECT, INSERT, UPDATE (Status) ON identifiers.canonical_ids TO 'id_minter'@'%';
GRANT SELECT ON identifiers.id_minter_migrations TO 'id_minter'@'%';
