-- The users that the functions log in as, with tokens of IAM in the place of passwords and never without TLS. Run it once,
-- before the grants of `migrations/mysql/grants/minter.sql` and `migrations/mysql/grants/pool-filler.sql`; saying it again changes nothing.
CREATE USER IF NOT EXISTS 'id_minter'@'%' IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL;
CREATE USER IF NOT EXISTS 'id_minter_pool_filler'@'%' IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL;
