-- The database and the four users of ID Minter, which have no rights yet. Put passwords of your own in the place of
-- `change-me-…`, here and in the commands.
CREATE DATABASE IF NOT EXISTS identifiers;
CREATE USER 'id_minter_migrator'@'%' IDENTIFIED BY 'change-me-migrator';
CREATE USER 'id_minter_pool_filler'@'%' IDENTIFIED BY 'change-me-pool-filler';
CREATE USER 'id_minter'@'%' IDENTIFIED BY 'change-me-minter';
CREATE USER 'id_minter_reader'@'%' IDENTIFIED BY 'change-me-reader';
