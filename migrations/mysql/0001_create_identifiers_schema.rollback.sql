-- 0001_create_identifiers_schema.rollback.sql
-- Loses every mapping and the whole pool: the registry is as empty as before its first day.
-- Mappings: dropped.
DROP TABLE identifiers;
DROP TABLE canonical_ids;
