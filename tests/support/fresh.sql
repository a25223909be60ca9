-- SPDX-License-Identifier: BSD-2-Clause
-- psql -v name=fresh_NAME -f fresh.sql: a new database; those that it made before go.

SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database
	WHERE datname LIKE 'fresh\_%' \gexec
CREATE DATABASE :"name";
