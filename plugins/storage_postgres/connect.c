/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making a connection, step by step; each step says why it failed. libpq gives no
 * SQLSTATE for a connection that was refused, but in the words of its message
 * when it is asked to: so one that was refused promptly at the start is tried once
 * more for it, to tell a wrong password from a database that is not up yet.
 */
#include "connect.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "run.h"
#include "schema.h"
#include "server.h"
#include "sqlstate.h"
#include "statements.h"

#define VERSION_MIN 140000

/* Defaults that the conninfo overrides, then the conninfo, then what it does not. */
enum { KEY_CONNECT_TIMEOUT, KEY_USER_TIMEOUT, KEY_IDLE, KEY_INTERVAL, KEY_COUNT, KEY_NAME, KEY_DB };

static const char *const keywords[] = {
	"connect_timeout",
	"tcp_user_timeout",
	"keepalives_idle",
	"keepalives_interval",
	"keepalives_count",
	"application_name",
	"dbname",
	"client_encoding",
	NULL,
};

/* Plans by index, whatever the statistics say at the moment, and made once. The limits are
 * shorter than our own patience, so that the server is the first to give up. None of them ends a
 * session that was cut off in the middle of a pipeline, with its locks: the server's end of the
 * connection needs keepalives as ours does. Over a Unix socket they are ignored. */
static const char settings[] =
    "SELECT set_config('statement_timeout', $1, false), set_config('lock_timeout', $2, false),"
    " set_config('idle_in_transaction_session_timeout', $3, false),"
    " set_config('default_transaction_isolation', 'read committed', false),"
    " set_config('plan_cache_mode', 'force_generic_plan', false),"
    " set_config('enable_seqscan', 'off', false), set_config('enable_bitmapscan', 'off', false),"
    " set_config('enable_hashjoin', 'off', false),"
    " set_config('enable_mergejoin', 'off', false), set_config('jit', 'off', false),"
    " set_config('max_parallel_workers_per_gather', '0', false),"
    " set_config('DateStyle', 'ISO', false), set_config('tcp_keepalives_idle', '10', false),"
    " set_config('tcp_keepalives_interval', '5', false),"
    " set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', $3, false)";

/* One line of it, without what libpq puts at the end. */
static void set_error(struct connect *c, const char *doing, const char *message)
{
	char *at;

	snprintf(c->error, sizeof(c->error), "%s%s", doing, message);
	for (at = c->error; *at != '\0'; at++) {
		if (iscntrl((unsigned char)*at))
			*at = ' ';
	}
	while (at > c->error && at[-1] == ' ')
		*--at = '\0';
}

static bool fail(struct connect *c, enum connect_outcome outcome, const char *sqlstate,
		 const char *doing, const char *message)
{
	c->outcome = outcome;
	snprintf(c->sqlstate, sizeof(c->sqlstate), "%s", sqlstate);
	set_error(c, doing, message);
	return false;
}

/* Clears the result. False when it is none: then PostgreSQL's words are in `error`. */
static bool check(struct connect *c, PGresult *result, const char *doing)
{
	ExecStatusType status = PQresultStatus(result);
	bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *words = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (!good && (state == NULL || words == NULL))
		fail(c, CONNECT_LATER, SQLSTATE_LOST, doing, "the connection was lost");
	else if (!good)
		fail(c, sqlstate_needs_help(state) ? CONNECT_NEVER : CONNECT_LATER, state, doing,
		     words);
	PQclear(result);
	return good;
}

/* The code in a message such as "... FATAL:  28P01: password ...". */
static void find_sqlstate(const char *message, char *sqlstate)
{
	const char *at = message;

	while ((at = strstr(at, ":  ")) != NULL) {
		at += 3;
		if (strspn(at, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5) {
			memcpy(sqlstate, at, 5);
			sqlstate[5] = '\0';
		}
	}
}

static void find_reason(struct connect *c, PGconn *conn)
{
	PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
	PQreset(conn);
	if (PQstatus(conn) != CONNECTION_OK)
		find_sqlstate(PQerrorMessage(conn), c->sqlstate);
	PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
}

static bool open_connection(struct connect *c)
{
	char seconds[24], patience[24];
	const char *values[] = {
		seconds, patience, "10", "5", "3", "parlanced", c->options->conninfo, "UTF8", NULL
	};
	uint64_t quick = run_deadline(c->options->connect_timeout / 2);
	PGconn *conn;

	snprintf(seconds, sizeof(seconds), "%" PRIu64, (c->options->connect_timeout + 999) / 1000);
	snprintf(patience, sizeof(patience), "%" PRIu64, c->options->timeout);
	conn = PQconnectdbParams(keywords, values, 1);
	c->connection.conn = conn;
	if (conn == NULL)
		return fail(c, CONNECT_LATER, "53200", "out of memory", "");
	if (PQstatus(conn) != CONNECTION_OK) {
		fail(c, CONNECT_LATER, "", "", PQerrorMessage(conn));
		if (c->first && run_deadline(0) < quick)
			find_reason(c, conn);
	}
	if (PQstatus(conn) != CONNECTION_OK) {
		/* which libpq finds by itself, and without a code */
		if (c->sqlstate[0] == '\0' && PQconnectionNeedsPassword(conn))
			snprintf(c->sqlstate, sizeof(c->sqlstate), "28P01");
		if (sqlstate_needs_help(c->sqlstate))
			c->outcome = CONNECT_NEVER;
		return false;
	}
	PQsetNoticeReceiver(conn, run_no_notice, NULL);
	return true;
}

static bool is_on(PGconn *conn, const char *parameter)
{
	const char *value = PQparameterStatus(conn, parameter);

	return value != NULL && strcmp(value, "on") == 0;
}

static bool suits(struct connect *c)
{
	PGconn *conn = c->connection.conn;
	const char *encoding = PQparameterStatus(conn, "server_encoding");

	if (PQserverVersion(conn) < VERSION_MIN)
		return fail(c, CONNECT_NEVER, "", "PostgreSQL 14 or later is needed, this is ",
			    PQparameterStatus(conn, "server_version"));
	if (encoding == NULL || strcmp(encoding, "UTF8") != 0)
		return fail(c, CONNECT_NEVER, "",
			    "the database must be made with ENCODING 'UTF8', it has ",
			    encoding == NULL ? "none" : encoding);
	if (is_on(conn, "in_hot_standby") || is_on(conn, "default_transaction_read_only"))
		return fail(c, CONNECT_LATER, SQLSTATE_READ_ONLY, "the database is read-only", "");
	return true;
}

static bool apply_settings(struct connect *c)
{
	char statement[24], lock[24], idle[24];
	const char *values[] = { statement, lock, idle };
	uint64_t timeout = c->options->timeout;

	snprintf(statement, sizeof(statement), "%" PRIu64, timeout * 3 / 4);
	snprintf(lock, sizeof(lock), "%" PRIu64, timeout / 4);
	snprintf(idle, sizeof(idle), "%" PRIu64, timeout);
	return check(c, run_statement(c->connection.conn, settings, 3, values),
		     "the session cannot be set up: ");
}

/* What schema.c and server.c find wrong needs a person, unless it is the state of the
 * database that will not let them. */
static bool judge(struct connect *c, bool good, const struct reason *reason)
{
	bool passes = reason->sqlstate[0] != '\0' && failure_of(reason->sqlstate) != FAILURE_WORK &&
		      !sqlstate_needs_help(reason->sqlstate);

	if (!good)
		fail(c, passes ? CONNECT_LATER : CONNECT_NEVER, reason->sqlstate, "", reason->text);
	return good;
}

static bool enter(struct connect *c)
{
	struct connection *n = &c->connection;
	char text[sizeof(c->error)];
	struct reason reason = { text, sizeof(text), "" };
	int64_t server;

	if (!judge(c, c->first ? schema_migrate(n->conn, &reason) : schema_check(n->conn, &reason),
		   &reason))
		return false;
	server = server_register(n->conn, n->server, &reason);
	if (!judge(c, server != 0, &reason))
		return false;
	n->server = server;
	if (c->first)
		server_bury(n->conn, n->server);
	return true;
}

/* Ends the process that the last connection of the lane had: it may hold locks,
 * and does not know that we are gone. */
static void end_last(struct connect *c)
{
	char pid[16];
	const char *values[] = { pid, c->connection.began };

	if (c->connection.pid == 0)
		return;
	snprintf(pid, sizeof(pid), "%d", c->connection.pid);
	PQclear(run_statement(c->connection.conn,
			      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
			      " WHERE pid = $1::int AND backend_start = $2::timestamptz"
			      " AND usename = current_user",
			      2, values));
}

/* The lane's row, once its last transaction is over. */
static bool read_mark(struct connect *c)
{
	char id[24];
	const char *values[] = { id };
	PGresult *result;
	int64_t expected = c->connection.batch + 1;

	snprintf(id, sizeof(id), "%" PRId64, c->connection.lane);
	result =
	    run_statement(c->connection.conn,
			  "SELECT batch FROM lane WHERE id = $1::bigint FOR UPDATE", 1, values);
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		return check(c, result, "the last transaction is not over: ");
	if (PQntuples(result) == 1) {
		c->connection.batch = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
		c->doubt = c->connection.batch == expected ? DOUBT_STOOD : DOUBT_FELL;
	} else {
		c->connection.lane = 0;
		c->doubt = DOUBT_STAYS;
	}
	if (!c->in_doubt)
		c->doubt = DOUBT_NONE;
	PQclear(result);
	return true;
}

static bool make_row(struct connect *c)
{
	char server[24];
	const char *values[] = { server };
	PGresult *result;

	snprintf(server, sizeof(server), "%" PRId64, c->connection.server);
	result =
	    run_statement(c->connection.conn,
			  "INSERT INTO lane (server) VALUES ($1::bigint) RETURNING id", 1, values);
	if (PQresultStatus(result) == PGRES_TUPLES_OK) {
		c->connection.lane = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
		c->connection.batch = 0;
	}
	return check(c, result, "table lane cannot be written: ");
}

/* As the database tells it: what libpq was told may be a pooler's invention. */
static bool read_process(struct connect *c)
{
	struct connection *n = &c->connection;
	PGresult *result = run_statement(n->conn,
					 "SELECT pid, backend_start FROM pg_stat_activity"
					 " WHERE pid = pg_backend_pid()",
					 0, NULL);

	n->pid = 0;
	if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1) {
		n->pid = atoi(PQgetvalue(result, 0, 0));
		snprintf(n->began, sizeof(n->began), "%s", PQgetvalue(result, 0, 1));
	}
	return check(c, result, "pg_stat_activity cannot be read: ");
}

static bool settle_lane(struct connect *c)
{
	end_last(c);
	if (c->connection.lane != 0 && !read_mark(c))
		return false;
	if (c->connection.lane == 0 && !make_row(c))
		return false;
	return read_process(c);
}

static const char *doing(enum statement statement, char *words, size_t size)
{
	snprintf(words, size, "%s cannot be prepared: ", statement_name(statement));
	return words;
}

/* All of them in one go; the connection stays in pipeline mode. */
static bool prepare(struct connect *c)
{
	PGconn *conn = c->connection.conn;
	uint64_t deadline = run_deadline(RUN_LIMIT);
	bool good = true, over = false;
	char words[64];
	int i;

	PQenterPipelineMode(conn);
	for (i = 0; i < ST_COUNT; i++)
		good &= PQsendPrepare(conn, statement_name(i), statement_sql(i), 0, NULL) == 1;
	if (!good || PQpipelineSync(conn) == 0)
		return fail(c, CONNECT_LATER, SQLSTATE_LOST, "the connection was lost", "");
	for (i = 0; !over && PQstatus(conn) == CONNECTION_OK;) {
		PGresult *result = run_next(conn, deadline);
		over = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
		if (result == NULL)
			continue;
		if (!over && good && i < ST_COUNT)
			good = check(c, result, doing(i++, words, sizeof(words)));
		else
			PQclear(result);
	}
	if (good && !over)
		return fail(c, CONNECT_LATER, SQLSTATE_LOST, "the connection was lost", "");
	return good;
}

void connect_make(struct connect *c)
{
	c->outcome = CONNECT_DONE;
	c->doubt = DOUBT_NONE;
	c->sqlstate[0] = c->error[0] = '\0';
	if (open_connection(c) && suits(c) && apply_settings(c) && enter(c) && settle_lane(c) &&
	    prepare(c) && PQsetnonblocking(c->connection.conn, 1) == 0)
		return;
	if (c->outcome == CONNECT_DONE)
		c->outcome = CONNECT_LATER;
	connect_close(c->connection.conn, false);
	c->connection.conn = NULL;
}

void connect_close(PGconn *conn, bool gone)
{
	static const struct linger at_once = { 1, 0 };
	int fd = PQsocket(conn);

	if (gone && fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		shutdown(fd, SHUT_RDWR);
	}
	PQfinish(conn);
}

static const char *option(const PQconninfoOption *parsed, const char *keyword)
{
	while (parsed->keyword != NULL && strcmp(parsed->keyword, keyword) != 0)
		parsed++;
	return parsed->keyword == NULL || parsed->val == NULL ? "" : parsed->val;
}

static bool is_uri(const char *conninfo)
{
	return strncmp(conninfo, "postgresql://", 13) == 0 ||
	       strncmp(conninfo, "postgres://", 11) == 0;
}

/* In front of the parameters. */
static bool has_two_ats(const char *uri)
{
	const char *end = uri + strcspn(uri, "?"), *at = strchr(uri, '@');

	return at != NULL && (at = strchr(at + 1, '@')) != NULL && at < end;
}

/* In a URI a password with an @ or / that is not written as %40 or %2F ends there, and what
 * follows is taken for the host or the port, which libpq quotes when it finds none such. With
 * both, the host may look like one: p@ss/word is a host of the name ss. */
static bool holds_secret(const char *conninfo, const PQconninfoOption *parsed)
{
	const char *host = option(parsed, "host"), *port = option(parsed, "port"), *at = host;

	if (is_uri(conninfo) && has_two_ats(conninfo))
		return true;
	if (port[strspn(port, "0123456789,")] != '\0')
		return true;
	while ((at = strchr(at, '@')) != NULL) {
		/* an abstract socket begins with one */
		if (at != host && at[-1] != ',')
			return true;
		at++;
	}
	return false;
}

bool connect_check(const char *conninfo, char *error, size_t error_size)
{
	char *words = NULL;
	PQconninfoOption *parsed = PQconninfoParse(conninfo, &words);
	bool good = parsed != NULL;

	/* libpq's own words may hold a part of a password. */
	if (!good)
		snprintf(error, error_size,
			 "conninfo is neither a URI nor keywords that libpq knows: see"
			 " docs/storage-postgres.md");
	if (good && holds_secret(conninfo, parsed)) {
		snprintf(error, error_size,
			 "conninfo has a host or a port that is none; write %%40 for an @ and %%2F"
			 " for a / in the password of a URI");
		good = false;
	}
	PQconninfoFree(parsed);
	PQfreemem(words);
	return good;
}
