/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bringing a database to the version of this server, refusing one that is not for it, and
 * the servers that use it. In a cluster that tests/unit/check-postgres starts.
 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../plugins/storage_postgres/schema.h"
#include "../../plugins/storage_postgres/server.h"
#include "unit.h"

#define DATABASE "dbname=fresh_schema"

static char error[512];
static struct reason reason = { error, sizeof(error), "" };

static PGconn *connect_to(const char *conninfo)
{
	PGconn *conn = PQconnectdb(conninfo);

	if (PQstatus(conn) != CONNECTION_OK)
		fprintf(stderr, "%s", PQerrorMessage(conn));
	CU_ASSERT_EQUAL_FATAL(PQstatus(conn), CONNECTION_OK);
	return conn;
}

static void run(PGconn *conn, const char *sql)
{
	PGresult *result = PQexec(conn, sql);

	if (PQresultStatus(result) == PGRES_FATAL_ERROR)
		fprintf(stderr, "%s: %s", sql, PQresultErrorMessage(result));
	CU_ASSERT_FATAL(PQresultStatus(result) != PGRES_FATAL_ERROR);
	PQclear(result);
}

/* The first value of the answer, as a number. */
static long ask(PGconn *conn, const char *sql)
{
	PGresult *result = PQexec(conn, sql);
	long value;

	CU_ASSERT_EQUAL_FATAL(PQntuples(result), 1);
	value = strtol(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	return value;
}

/* An empty database, and a connection to it. */
static PGconn *fresh(void)
{
	PGconn *conn = connect_to("dbname=postgres");

	run(conn, "SET client_min_messages = error");
	run(conn, "DROP DATABASE IF EXISTS fresh_schema WITH (FORCE)");
	run(conn, "CREATE DATABASE fresh_schema");
	PQfinish(conn);
	error[0] = reason.sqlstate[0] = '\0';
	return connect_to(DATABASE);
}

static PGconn *fresh_with_tables(void)
{
	PGconn *conn = fresh();

	CU_ASSERT_FATAL(schema_migrate(conn, &reason));
	return conn;
}

static bool migrate(PGconn *conn)
{
	error[0] = reason.sqlstate[0] = '\0';
	return schema_migrate(conn, &reason);
}

static bool says(const char *words)
{
	if (strstr(error, words) == NULL)
		fprintf(stderr, "no \"%s\" in: %s\n", words, error);
	return strstr(error, words) != NULL;
}

/* --- schema.c --- */

static void migrates_once(void)
{
	PGconn *conn = fresh_with_tables();
	long version = ask(conn, "SELECT version FROM meta");

	CU_ASSERT(version > 0);
	CU_ASSERT(migrate(conn));
	CU_ASSERT_EQUAL(ask(conn, "SELECT version FROM meta"), version);
	CU_ASSERT(schema_check(conn, &reason));
	CU_ASSERT_EQUAL(PQtransactionStatus(conn), PQTRANS_IDLE);
	PQfinish(conn);
}

#define AT_ONCE 4

/* Servers that start at the same time, each in a process of its own: none may fail. */
static void many_at_once(void)
{
	PGconn *conn = fresh();
	pid_t children[AT_ONCE];
	int status;
	unsigned i;

	for (i = 0; i < AT_ONCE; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			PGconn *own = PQconnectdb(DATABASE);
			bool good = schema_migrate(own, &reason);
			if (!good)
				fprintf(stderr, "%s\n", error);
			_exit(good ? 0 : 1);
		}
	}
	for (i = 0; i < AT_ONCE; i++) {
		CU_ASSERT_EQUAL(waitpid(children[i], &status, 0), children[i]);
		CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	CU_ASSERT_EQUAL(ask(conn, "SELECT count(*) FROM meta"), 1);
	PQfinish(conn);
}

static void newer_that_we_may_write(void)
{
	PGconn *conn = fresh_with_tables();

	run(conn, "UPDATE meta SET version = 1000, writer_version = '9.9.9'");
	CU_ASSERT(migrate(conn));
	CU_ASSERT(schema_check(conn, &reason));
	CU_ASSERT_EQUAL(ask(conn, "SELECT version FROM meta"), 1000);
	PQfinish(conn);
}

static void newer_that_we_may_not(void)
{
	PGconn *conn = fresh_with_tables();

	run(conn, "UPDATE meta SET version = 1000, writer = 1000, writer_version = '9.9.9'");
	CU_ASSERT(!migrate(conn));
	CU_ASSERT(says("Parlance 9.9.9 or later"));
	error[0] = reason.sqlstate[0] = '\0';
	CU_ASSERT(!schema_check(conn, &reason));
	CU_ASSERT(says("Parlance 9.9.9 or later"));
	PQfinish(conn);
}

/* Its tables are somebody else's; even one of ours that is lacking does not come to them. */
static void not_ours(void)
{
	PGconn *conn = fresh();

	run(conn, "CREATE TABLE message (id int)");
	CU_ASSERT(!migrate(conn));
	CU_ASSERT(says("a database of its own"));
	run(conn, "CREATE TABLE meta (key text, value text)");
	CU_ASSERT(!migrate(conn));
	CU_ASSERT(says("a database of its own"));
	CU_ASSERT_EQUAL(ask(conn, "SELECT count(*) FROM pg_class WHERE relname = 'chat'"), 0);
	PQfinish(conn);
}

static void damaged(void)
{
	PGconn *conn = fresh_with_tables();

	run(conn, "DELETE FROM meta");
	CU_ASSERT(!migrate(conn));
	CU_ASSERT(says("damaged"));
	CU_ASSERT_STRING_EQUAL(reason.sqlstate, "");
	PQfinish(conn);
}

/* What fails leaves nothing behind, and the connection fit for another try. */
static void fails_as_a_whole(void)
{
	PGconn *conn = fresh();

	run(conn, "CREATE TYPE doc AS ENUM ('in', 'the', 'way')");
	CU_ASSERT(!migrate(conn));
	CU_ASSERT(says("migration 1"));
	CU_ASSERT_STRING_EQUAL(reason.sqlstate, "42710");
	CU_ASSERT_EQUAL(PQtransactionStatus(conn), PQTRANS_IDLE);
	CU_ASSERT_EQUAL(ask(conn, "SELECT count(*) FROM pg_class WHERE relname = 'meta'"), 0);
	run(conn, "DROP TYPE doc");
	CU_ASSERT(migrate(conn));
	PQfinish(conn);
}

/* A role that may not make tables is told who may; once they are there it needs no such
 * right. */
static void without_rights(void)
{
	PGconn *owner = fresh(), *conn;

	run(owner, "SET client_min_messages = error");
	run(owner, "DROP ROLE IF EXISTS fresh_server");
	run(owner, "CREATE ROLE fresh_server LOGIN");
	run(owner, "REVOKE CREATE ON SCHEMA public FROM public");
	conn = connect_to(DATABASE " user=fresh_server");
	CU_ASSERT(!migrate(conn));
	CU_ASSERT(says("parlanced --migrate"));
	CU_ASSERT(migrate(owner));
	CU_ASSERT(!migrate(conn));
	CU_ASSERT(says("give role fresh_server its rights"));
	run(owner,
	    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO fresh_server");
	CU_ASSERT(migrate(conn));
	CU_ASSERT(server_register(conn, 0, &reason) > 0);
	PQfinish(conn);
	run(owner, "DROP OWNED BY fresh_server; DROP ROLE fresh_server");
	PQfinish(owner);
}

/* --- server.c --- */

/* The end of a connection, as PostgreSQL sees it: its locks are free. */
static void end(PGconn *conn, PGconn *other)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM pg_locks WHERE pid = %d",
		 PQbackendPID(conn));
	PQfinish(conn);
	while (ask(other, sql) != 0)
		;
}

static void the_dead_are_buried(void)
{
	PGconn *one = fresh_with_tables(), *two = connect_to(DATABASE);
	int64_t first = server_register(one, 0, &reason);
	int64_t second = server_register(two, 0, &reason);

	CU_ASSERT(first > 0 && second > 0 && first != second);
	server_bury(one, first);
	CU_ASSERT_EQUAL(ask(one, "SELECT count(*) FROM server"), 2);
	end(two, one);
	server_bury(one, first);
	CU_ASSERT_EQUAL(ask(one, "SELECT id FROM server"), first);
	PQfinish(one);
}

/* Any connection of a server keeps it alive. */
static void one_connection_is_enough(void)
{
	PGconn *one = fresh_with_tables(), *two = connect_to(DATABASE);
	PGconn *of_two = connect_to(DATABASE);
	int64_t first = server_register(one, 0, &reason);
	int64_t second = server_register(two, 0, &reason);

	CU_ASSERT_EQUAL(server_register(of_two, second, &reason), second);
	end(two, one);
	server_bury(one, first);
	CU_ASSERT_EQUAL(ask(one, "SELECT count(*) FROM server"), 2);
	PQfinish(of_two);
	PQfinish(one);
}

/* A server that was cut off, and buried by another, is the same when it comes again; and
 * what became of its last commit can still be found out. */
static void comes_back(void)
{
	PGconn *one = fresh_with_tables(), *two = connect_to(DATABASE);
	int64_t first = server_register(one, 0, &reason);
	int64_t second = server_register(two, 0, &reason);

	run(two, "INSERT INTO lane (server) SELECT max(id) FROM server");
	end(two, one);
	server_bury(one, first);
	two = connect_to(DATABASE);
	CU_ASSERT_EQUAL(server_register(two, second, &reason), second);
	CU_ASSERT_EQUAL(ask(one, "SELECT count(*) FROM server"), 2);
	server_bury(one, first);
	CU_ASSERT_EQUAL(ask(one, "SELECT count(*) FROM lane"), 1);
	end(two, one);
	server_bury(one, first);
	server_bury(one, first);
	CU_ASSERT_EQUAL(ask(one, "SELECT count(*) FROM lane"), 0);
	PQfinish(one);
}

static void leaves(void)
{
	PGconn *conn = fresh_with_tables();
	int64_t id = server_register(conn, 0, &reason);

	run(conn, "INSERT INTO lane (server) SELECT max(id) FROM server");
	server_leave(conn, id);
	CU_ASSERT_EQUAL(ask(conn, "SELECT count(*) FROM server"), 0);
	CU_ASSERT_EQUAL(ask(conn, "SELECT count(*) FROM lane"), 0);
	PQfinish(conn);
}

static const struct unit_test tests[] = {
	{ "migrates once", migrates_once },
	{ "many at once", many_at_once },
	{ "newer that we may write", newer_that_we_may_write },
	{ "newer that we may not", newer_that_we_may_not },
	{ "not ours", not_ours },
	{ "damaged", damaged },
	{ "fails as a whole", fails_as_a_whole },
	{ "without rights", without_rights },
	{ "the dead are buried", the_dead_are_buried },
	{ "one connection is enough", one_connection_is_enough },
	{ "comes back", comes_back },
	{ "leaves", leaves },
	{ NULL, NULL },
};

int main(void)
{
	return unit_main("postgres schema", tests);
}
