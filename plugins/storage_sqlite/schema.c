/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables, as a list of numbered migrations that is only ever added to. The
 * number of the last one applied is the file's user_version. meta.writer is
 * the lowest number that a server must know to write the file, and
 * meta.writer_version the release that knew it: an older server runs on a
 * newer file as long as it knows that number, so upgrades can be rolled back.
 *
 * Rows of messages and events carry two numbers in one integer key: see
 * row_id() in db.h. A chat's messages lie together, in the order of that key,
 * since they are read together for ever. Events lie in the order they came and
 * have an index by that key: most are acked and gone soon, and a commit with
 * events for many users writes a page or two and not one for each of them.
 *
 * What can be derived from the rows is not stored a second time for each
 * message, since every page written costs more than reading it once when a
 * chat is loaded:
 *   - the last id and time of a chat are those of its last message,
 *   - the last seq of a user is that of his last event; when that is dropped it
 *     is written to user.last_seq,
 *   - member.missed and .theirs are right as of the message `counted`,
 *   - chat.content (the last message that is no service message) is right
 *     when the last message is a service message; else it is that one,
 *   - member.rank orders a user's list of chats and changes only when a
 *     message arrives in a chat that is not his first already.
 *
 * A group is a chat with a name; `size` is the number of its members. Each has a row in
 * `role` too, with the time when he joined and the message up to which nothing is there for
 * him: in columns of `member` it would make every mark in a dialog dearer. One that was deleted is `gone`: it has no members, and PRUNE drops its
 * messages, and the row last, so that its number is not used again before.
 *
 * Each opening of the file is a generation, counted in meta. device.connected is
 * the generation of the server that has the device, 0 when none has: any other
 * than the present one is that of a server that died. device.seen is exact while
 * no server has it, and device.sent SENT_ALL (device.c) after its server died.
 * event.at never falls from one row to the next, so the oldest are the first.
 */
#include <stdio.h>

#include "db.h"

#define APPLICATION_ID 0x5061726c /* "Parl" */

static const char *const migrations[] = {
	"CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	"CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
	"CREATE TABLE chat (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE,"
	" content INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE member (chat INTEGER NOT NULL, user INTEGER NOT NULL, peer TEXT NOT NULL,"
	" read INTEGER NOT NULL DEFAULT 0, read_at INTEGER NOT NULL DEFAULT 0,"
	" delivered INTEGER NOT NULL DEFAULT 0, delivered_at INTEGER NOT NULL DEFAULT 0,"
	" counted INTEGER NOT NULL DEFAULT 0, missed INTEGER NOT NULL DEFAULT 0,"
	" theirs INTEGER NOT NULL DEFAULT 0, rank INTEGER NOT NULL DEFAULT 0,"
	" PRIMARY KEY (chat, user)) WITHOUT ROWID;"
	"CREATE INDEX member_rank ON member (user, rank);"
	"CREATE UNIQUE INDEX member_peer ON member (user, peer);"
	"CREATE TABLE message (id INTEGER PRIMARY KEY, sender INTEGER NOT NULL,"
	" kind INTEGER NOT NULL, created INTEGER NOT NULL, client_id TEXT, fingerprint INTEGER,"
	" dedupe INTEGER, ref INTEGER, text TEXT, attachments TEXT, forwarded TEXT,"
	" payload TEXT, updated INTEGER, deleted INTEGER, deletion INTEGER);"
	"CREATE UNIQUE INDEX message_dedupe ON message (dedupe) WHERE dedupe IS NOT NULL;"
	"CREATE TABLE hidden (user INTEGER NOT NULL, message INTEGER NOT NULL,"
	" at INTEGER NOT NULL, PRIMARY KEY (user, message)) WITHOUT ROWID;"
	"CREATE TABLE event (n INTEGER PRIMARY KEY, id INTEGER NOT NULL UNIQUE, type TEXT NOT "
	"NULL, payload TEXT NOT NULL,"
	" origin TEXT);"
	"CREATE TABLE device (user INTEGER NOT NULL, name TEXT NOT NULL, acked INTEGER NOT NULL,"
	" sent INTEGER NOT NULL, above BLOB, connected INTEGER NOT NULL, seen INTEGER NOT NULL,"
	" PRIMARY KEY (user, name)) WITHOUT ROWID;"
	"CREATE TABLE doc (plugin TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,"
	" PRIMARY KEY (plugin, key)) WITHOUT ROWID;"
	"INSERT INTO meta (key, value) VALUES ('probe', 0), ('writer', 1),"
	" ('writer_version', '0.1.0'), ('hash_key', randomblob(16));"
	"PRAGMA application_id = 1348563564;",

	/* Nobody knows when it was that what is there was stored, nor whether a device
	 * was forgotten, nor of whose events there are some left that all have acked. */
	"ALTER TABLE event ADD COLUMN at INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE event ADD COLUMN session INTEGER;"
	"UPDATE event SET at = CAST(strftime('%s', 'now') AS INTEGER) * 1000;"
	"ALTER TABLE user ADD COLUMN last_seq INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE user ADD COLUMN forgot INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE user ADD COLUMN behind INTEGER NOT NULL DEFAULT 0;"
	"UPDATE user SET forgot = 1, behind = 1;"
	"CREATE INDEX user_behind ON user (behind) WHERE behind = 1;"
	"ALTER TABLE device ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX device_seen ON device (connected, seen);"
	"INSERT INTO meta (key, value) VALUES ('generation', 1);"
	"UPDATE meta SET value = 2 WHERE key = 'writer';",

	/* Groups. What is there is dialogs. */
	"ALTER TABLE chat ADD COLUMN name TEXT;"
	"ALTER TABLE chat ADD COLUMN size INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE chat ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX chat_gone ON chat (gone) WHERE gone = 1;"
	"CREATE TABLE role (chat INTEGER NOT NULL, user INTEGER NOT NULL, role INTEGER NOT NULL,"
	" joined INTEGER NOT NULL, since INTEGER NOT NULL, PRIMARY KEY (chat, user))"
	" WITHOUT ROWID;"
	"UPDATE meta SET value = 3 WHERE key = 'writer';",
};

#define SCHEMA_VERSION ((int64_t)(sizeof(migrations) / sizeof(migrations[0])))

/* The first column of the first row; -1: none. */
static int64_t ask(sqlite3 *handle, const char *sql)
{
	sqlite3_stmt *statement;
	int64_t value = -1;

	if (sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) != SQLITE_OK)
		return -1;
	if (sqlite3_step(statement) == SQLITE_ROW)
		value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return value;
}

static bool refuse_newer(sqlite3 *handle, const char *path, char *error, size_t error_size)
{
	sqlite3_stmt *statement;
	const unsigned char *version = NULL;

	if (sqlite3_prepare_v2(handle, "SELECT value FROM meta WHERE key = 'writer_version'", -1,
			       &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		version = sqlite3_column_text(statement, 0);
	snprintf(error, error_size,
		 "%s was written by a newer server: run Parlance %s or later, or put a backup back",
		 path, version == NULL ? (const unsigned char *)"of that age" : version);
	sqlite3_finalize(statement);
	return false;
}

static bool apply(sqlite3 *handle, int64_t version, char *error, size_t error_size)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "PRAGMA user_version = %lld", (long long)version);
	if (sqlite3_exec(handle, migrations[version - 1], NULL, NULL, NULL) == SQLITE_OK &&
	    sqlite3_exec(handle, sql, NULL, NULL, NULL) == SQLITE_OK)
		return true;
	snprintf(error, error_size, "migration %lld of the database failed: %s; nothing is changed",
		 (long long)version, sqlite3_errmsg(handle));
	return false;
}

bool schema_migrate(sqlite3 *handle, const char *path, char *error, size_t error_size)
{
	int64_t version, id;
	bool good = true;

	if (sqlite3_exec(handle, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK) {
		snprintf(error, error_size, "cannot lock %s: %s; is another server using it?", path,
			 sqlite3_errmsg(handle));
		return false;
	}
	version = ask(handle, "PRAGMA user_version");
	id = ask(handle, "PRAGMA application_id");
	if (id != APPLICATION_ID && (id != 0 || ask(handle, "SELECT 1 FROM sqlite_schema") != -1)) {
		snprintf(error, error_size,
			 "%s is not a database of Parlance: set another path in storage_sqlite",
			 path);
		good = false;
	} else if (version > SCHEMA_VERSION &&
		   ask(handle, "SELECT value FROM meta WHERE key = 'writer'") > SCHEMA_VERSION) {
		good = refuse_newer(handle, path, error, error_size);
	}
	while (good && version < SCHEMA_VERSION)
		good = apply(handle, ++version, error, error_size);
	if (good && sqlite3_exec(handle, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
		snprintf(error, error_size, "cannot write %s: %s", path, sqlite3_errmsg(handle));
		good = false;
	}
	if (!good)
		sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
	return good;
}
