/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables, as a list of numbered migrations that is only ever added to.
 * meta.version is the number of the last one applied; meta.writer is the
 * lowest number that a server must know to write the database, and
 * meta.writer_version the release that knew it: an older server runs on a newer
 * database as long as it knows that number, so servers can be replaced one
 * by one, and upgrades rolled back.
 *
 * chat.last_id and users.last_seq are where numbers come from: a row that is locked
 * from the reading of it to the commit, so numbers have no holes and no two
 * writers get the same. users.first_seq is that of the oldest event kept, users.last_at the
 * time of the last: event.at never falls from one event of a user to the next. member.theirs
 * is the last message that another member wrote, member.missed what the member
 * has not read; chat.content the last message that is no service message.
 * member.rank orders a user's list of chats, users.rank is the highest of them: it
 * changes only when a message arrives in a chat that is not his first already.
 * A chat that has a name is a group: `members` of them are in it, each with a role, which those
 * of a dialog have not; member.joined is when, and messages up to member.since are not there for
 * him. A group that was deleted has no name and no members; it is `gone`, until PRUNE has dropped
 * its messages, from the last to the first, and then it.
 * Rows that change often have room beside them (fillfactor) and no index on what
 * changes, so a change costs no index entry (HOT).
 *
 * device.connected is the number of the server that has the device, 0 when none has; a
 * server that is no longer in `server` has died. device.sent SENT_ALL: its server died, and
 * it may have been sent all. device.seen is exact while no server has it.
 */
#include "schema.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

static const char *const migrations[] = {
	"CREATE TABLE meta (version bigint NOT NULL, writer bigint NOT NULL,"
	" writer_version text NOT NULL);"
	"CREATE TABLE server (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
	" name text NOT NULL, started timestamptz NOT NULL DEFAULT now());"
	"CREATE TABLE lane (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
	" server bigint NOT NULL, batch bigint NOT NULL DEFAULT 0) WITH (fillfactor = 20);"
	"CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
	" name text COLLATE \"C\" NOT NULL UNIQUE, first_seq bigint NOT NULL DEFAULT 1,"
	" last_seq bigint NOT NULL DEFAULT 0, last_at bigint NOT NULL DEFAULT 0,"
	" rank bigint NOT NULL DEFAULT 0,"
	" forgot boolean NOT NULL DEFAULT false, behind boolean NOT NULL DEFAULT false)"
	" WITH (fillfactor = 50);"
	"CREATE INDEX users_behind ON users (id) WHERE behind;"
	"CREATE TABLE chat (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
	" key text COLLATE \"C\" NOT NULL UNIQUE, last_id bigint NOT NULL DEFAULT 0,"
	" last_time bigint NOT NULL DEFAULT 0, content bigint NOT NULL DEFAULT 0)"
	" WITH (fillfactor = 50);"
	"CREATE TABLE member (chat bigint NOT NULL, usr bigint NOT NULL,"
	" peer text COLLATE \"C\" NOT NULL, read bigint NOT NULL DEFAULT 0,"
	" read_at bigint NOT NULL DEFAULT 0, delivered bigint NOT NULL DEFAULT 0,"
	" delivered_at bigint NOT NULL DEFAULT 0, missed bigint NOT NULL DEFAULT 0,"
	" theirs bigint NOT NULL DEFAULT 0, rank bigint NOT NULL DEFAULT 0,"
	" PRIMARY KEY (chat, usr)) WITH (fillfactor = 70);"
	"CREATE UNIQUE INDEX member_peer ON member (usr, peer);"
	"CREATE INDEX member_rank ON member (usr, rank);"
	"CREATE TABLE message (chat bigint NOT NULL, id bigint NOT NULL, sender bigint NOT NULL,"
	" created bigint NOT NULL, kind bigint NOT NULL, ref bigint, fingerprint bigint,"
	" updated bigint, deleted bigint, deletion bigint, client_id text COLLATE \"C\","
	" text text, attachments text, forwarded text, payload text, PRIMARY KEY (chat, id));"
	"CREATE UNIQUE INDEX message_client ON message (chat, client_id, sender)"
	" WHERE client_id IS NOT NULL;"
	"CREATE TABLE hidden (chat bigint NOT NULL, message bigint NOT NULL, usr bigint NOT NULL,"
	" at bigint NOT NULL, PRIMARY KEY (chat, message, usr));"
	"CREATE TABLE event (usr bigint NOT NULL, seq bigint NOT NULL, at bigint NOT NULL,"
	" session bigint, type text NOT NULL, payload text NOT NULL, origin text,"
	" PRIMARY KEY (usr, seq));"
	"CREATE INDEX event_at ON event (at);"
	"CREATE TABLE device (usr bigint NOT NULL, name text COLLATE \"C\" NOT NULL,"
	" acked bigint NOT NULL, sent bigint NOT NULL, lost bigint NOT NULL DEFAULT 0,"
	" connected bigint NOT NULL, seen bigint NOT NULL, above bigint[],"
	" PRIMARY KEY (usr, name)) WITH (fillfactor = 50);"
	"CREATE INDEX device_seen ON device (seen) WHERE connected = 0;"
	"CREATE INDEX device_connected ON device (connected) WHERE connected <> 0;"
	"CREATE TABLE doc (plugin text COLLATE \"C\" NOT NULL, key text COLLATE \"C\" NOT NULL,"
	" value text NOT NULL, PRIMARY KEY (plugin, key));"
	"INSERT INTO meta (version, writer, writer_version) VALUES (0, 1, '0.1.0');",
	"ALTER TABLE chat ADD COLUMN name text, ADD COLUMN members bigint NOT NULL DEFAULT 0,"
	" ADD COLUMN gone boolean NOT NULL DEFAULT false;"
	"CREATE INDEX chat_gone ON chat (id) WHERE gone;"
	"ALTER TABLE member ADD COLUMN role bigint, ADD COLUMN joined bigint NOT NULL DEFAULT 0,"
	" ADD COLUMN since bigint NOT NULL DEFAULT 0;"
	"CREATE INDEX hidden_usr ON hidden (usr, chat, message);"
	"UPDATE meta SET writer = 2, writer_version = '0.1.0';",
};

#define SCHEMA_VERSION ((int64_t)(sizeof(migrations) / sizeof(migrations[0])))

/* What tells a database of ours from another one that has tables of the same names. */
#define LOOK \
	"SELECT (SELECT count(*) FROM unnest(ARRAY['meta', 'server', 'lane', 'users', 'chat'," \
	" 'member', 'message', 'hidden', 'event', 'device', 'doc']) t (name)" \
	" WHERE to_regclass(t.name) IS NOT NULL)," \
	" (SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass('meta')" \
	" AND attname IN ('version', 'writer', 'writer_version') AND NOT attisdropped)"
#define META_COLUMNS 3

/* One server at a time; a migration may take as long as it takes. */
#define LOCK \
	"BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '5s';" \
	"SELECT pg_advisory_xact_lock(" SERVER_LOCK_CLASS ", 0)"

/* What to do about it, behind PostgreSQL's words. Returns false. */
static bool advise(PGconn *conn, struct reason *reason)
{
	size_t len = strlen(reason->text);

	if (strcmp(reason->sqlstate, "42501") == 0 || strcmp(reason->sqlstate, "3F000") == 0)
		snprintf(
		    reason->text + len, reason->size - len,
		    "; run parlanced --migrate with a conninfo of the owner of database %s, and"
		    " give role %s its rights (docs/storage-postgres.md)",
		    PQdb(conn), PQuser(conn));
	else if (strcmp(reason->sqlstate, "55P03") == 0)
		snprintf(reason->text + len, reason->size - len,
			 "; another server is at work on the tables");
	return false;
}

/* Runs the statements. NULL when they were refused: then the reason is given. */
static PGresult *run(PGconn *conn, uint64_t limit, const char *sql, const char *doing,
		     struct reason *reason)
{
	PGresult *result = run_limited(conn, limit, sql, 0, NULL);

	if (run_good(result, doing, reason))
		return result;
	advise(conn, reason);
	PQclear(result);
	return NULL;
}

static bool run_only(PGconn *conn, const char *sql, const char *doing, struct reason *reason)
{
	PGresult *result = run(conn, RUN_LIMIT_LONG, sql, doing, reason);

	PQclear(result);
	return result != NULL;
}

static int64_t number(const PGresult *result, int column)
{
	return strtoll(PQgetvalue(result, 0, column), NULL, 10);
}

/* The version of the tables, judged. False: refused. */
static bool read_meta(PGconn *conn, int64_t *version, struct reason *reason)
{
	PGresult *result = run(conn, RUN_LIMIT, "SELECT version, writer, writer_version FROM meta",
			       "cannot read the schema's version", reason);
	bool good = result != NULL;

	if (good && PQntuples(result) != 1) {
		snprintf(reason->text, reason->size,
			 "table meta of database %s is damaged: put a backup back", PQdb(conn));
		good = false;
	} else if (good) {
		*version = number(result, 0);
		if (*version > SCHEMA_VERSION && number(result, 1) > SCHEMA_VERSION) {
			snprintf(reason->text, reason->size,
				 "database %s was written by a newer server: run Parlance %s or"
				 " later, or put a backup back",
				 PQdb(conn), PQgetvalue(result, 0, 2));
			good = false;
		}
	}
	PQclear(result);
	return good;
}

/* The version as it is now; 0: there are no tables yet. False: refused. */
static bool read_version(PGconn *conn, int64_t *version, struct reason *reason)
{
	PGresult *result = run(conn, RUN_LIMIT, LOOK, "cannot look for the tables", reason);
	int64_t tables, columns;

	if (result == NULL)
		return false;
	tables = number(result, 0);
	columns = number(result, 1);
	PQclear(result);
	*version = 0;
	if (tables == 0)
		return true;
	if (columns == META_COLUMNS)
		return read_meta(conn, version, reason);
	snprintf(reason->text, reason->size,
		 "database %s has tables that are not Parlance's (meta, users, message ...): give"
		 " storage_postgres a database of its own",
		 PQdb(conn));
	return false;
}

/* In a transaction, and with the lock: one migration, if one is lacking still. */
static bool step(PGconn *conn, int64_t *version, struct reason *reason)
{
	char doing[64], text[24];
	const char *values[1] = { text };
	PGresult *result;
	bool good;

	if (!read_version(conn, version, reason))
		return false;
	if (*version >= SCHEMA_VERSION)
		return true;
	snprintf(doing, sizeof(doing), "migration %" PRId64 " of the tables failed", *version + 1);
	if (!run_only(conn, migrations[*version], doing, reason))
		return false;
	snprintf(text, sizeof(text), "%" PRId64, ++*version);
	result = run_statement(conn, "UPDATE meta SET version = $1::bigint", 1, values);
	good = run_good(result, doing, reason) || advise(conn, reason);
	PQclear(result);
	return good;
}

bool schema_check(PGconn *conn, struct reason *reason)
{
	int64_t version;

	return read_meta(conn, &version, reason);
}

bool schema_migrate(PGconn *conn, struct reason *reason)
{
	static const char doing[] = "cannot bring the tables up to date";
	int64_t version;
	bool good = read_version(conn, &version, reason);

	while (good && version < SCHEMA_VERSION) {
		good = run_only(conn, LOCK, doing, reason) && step(conn, &version, reason) &&
		       run_only(conn, "COMMIT", doing, reason);
		if (!good)
			PQclear(run_statement(conn, "ROLLBACK", 0, NULL));
	}
	return good;
}
