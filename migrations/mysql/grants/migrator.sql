-- The rights of `migrate`, `migrate status`, `migrate rollback` and `export restore`: it makes, fills, changes and drops the tables of the
-- registry. Only a person or a deployment should have them. Write your database in the place of `identifiers`.
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES ON identifiers.* TO 'id_minter_migrator'@'%';
