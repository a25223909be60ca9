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
 * writers get the same. users.first_seq is that of the oldest event kept. member.theirs
 * is the last message that another member wrote, member.missed what the member
 * has not read; chat.content the last message that is no service message.
 * member.rank orders a user's list of chats, users.rank is the highest of them: it
 * changes only when a message arrives in a chat that is not his first already.
 * Rows that change often have room beside them (fillfactor) and no index on what
 * changes, so a change costs no index entry (HOT).
 *
 * device.connected is the number of the server that has the device, 0 when none has; a
 * server that is no longer in `server` has died. device.sent SENT_ALL: its server died, and
 * it may have been sent all. device.seen is exact while no server has it.
 */
#include "schema.h"

static const char *const migrations[] = {
	"CREATE TABLE meta (version bigint NOT NULL, writer bigint NOT NULL,"
	" writer_version text NOT NULL);"
	"CREATE TABLE server (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
	" name text NOT NULL, started timestamptz NOT NULL DEFAULT now());"
	"CREATE TABLE lane (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
	" server bigint NOT NULL, batch bigint NOT NULL DEFAULT 0) WITH (fillfactor = 20);"
	"CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
	" name text COLLATE \"C\" NOT NULL UNIQUE, first_seq bigint NOT NULL DEFAULT 1,"
	" last_seq bigint NOT NULL DEFAULT 0, rank bigint NOT NULL DEFAULT 0,"
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
	"CREATE UNIQUE INDEX message_client ON message (chat, sender, client_id)"
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
};
