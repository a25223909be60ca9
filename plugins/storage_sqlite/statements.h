/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every statement that is run more than once, prepared when the file is
 * opened. The schema is in schema.c. A message counts as missed by a member
 * when COUNTS holds: it is no service message, another wrote it, it is not
 * deleted and not hidden from him.
 */
#ifndef STORAGE_SQLITE_STATEMENTS_H
#define STORAGE_SQLITE_STATEMENTS_H

#define COUNTS \
	"m.kind < 2 AND m.sender <> ?1 AND m.deleted IS NULL" \
	" AND NOT EXISTS (SELECT 1 FROM hidden h WHERE h.user = ?1 AND h.message = m.id)"
#define SHOWN "NOT EXISTS (SELECT 1 FROM hidden h WHERE h.user = ?1 AND h.message = m.id)"
#define MEMBER_COLUMNS \
	"m.user, u.name, m.peer, m.read, m.read_at, m.delivered, m.delivered_at," \
	" m.counted, m.missed, m.theirs, m.rank"
#define GROUP_MEMBERS \
	"SELECT " MEMBER_COLUMNS ", r.role, r.joined, r.since FROM member m" \
	" JOIN role r ON r.chat = m.chat AND r.user = m.user JOIN user u ON u.id = m.user" \
	" WHERE m.chat = ?1"
#define MESSAGE_COLUMNS \
	"m.id, m.client_id, u.name, m.kind, m.text, m.attachments, m.forwarded, m.payload," \
	" m.ref, m.created, m.updated, m.deleted"

/* Events that are alike but for their receivers, so many in one statement. A failure takes
 * back the whole batch, so SQLite need not keep what a part of the statement has changed. */
#define EVENT_ROWS 16
#define EVENT_PAIRS "(?, ?), (?, ?), (?, ?), (?, ?)"

#define STATEMENTS(X) \
	X(ST_BEGIN, "BEGIN IMMEDIATE") \
	X(ST_COMMIT, "COMMIT") \
	X(ST_ROLLBACK, "ROLLBACK") \
	X(ST_SAVEPOINT, "SAVEPOINT tx") \
	X(ST_RELEASE, "RELEASE tx") \
	X(ST_ROLLBACK_TO, "ROLLBACK TO tx") \
	X(ST_DATA_VERSION, "PRAGMA data_version") \
	X(ST_PROBE, "UPDATE meta SET value = value + 1 WHERE key = 'probe'") \
	X(ST_GENERATION_NEXT, "UPDATE meta SET value = value + 1 WHERE key = 'generation'") \
	X(ST_GENERATION, "SELECT value FROM meta WHERE key = 'generation'") \
\
	X(ST_USER_FIND, "SELECT id FROM user WHERE name = ?1") \
	X(ST_USER_ADD, "INSERT INTO user (name) VALUES (?1)") \
	X(ST_USER_ENDS, "SELECT (SELECT max(rank) FROM member WHERE user = ?1)," \
			" (SELECT min(id) FROM event WHERE id BETWEEN ?2 AND ?3)," \
			" (SELECT max(id) FROM event WHERE id BETWEEN ?2 AND ?3)," \
			" last_seq, forgot, behind FROM user WHERE id = ?1") \
	X(ST_USER_EMPTIED, "UPDATE user SET last_seq = ?2 WHERE id = ?1" \
			   " AND NOT EXISTS (SELECT 1 FROM event WHERE id BETWEEN ?3 AND ?4)") \
	X(ST_USER_FORGOT, "UPDATE user SET forgot = 1 WHERE id = ?1") \
	X(ST_USER_BEHIND, "UPDATE user SET behind = ?2 WHERE id = ?1") \
	X(ST_USER_FIND_BEHIND, "SELECT name FROM user WHERE behind = 1 LIMIT 1") \
\
	X(ST_CHAT_FIND, "SELECT id, content, name, size FROM chat WHERE key = ?1 AND gone = 0") \
	X(ST_CHAT_KEY, "SELECT id, content, name, size, key FROM chat WHERE id = ?1") \
	X(ST_CHAT_ADD, "INSERT INTO chat (key) VALUES (?1)") \
	X(ST_CHAT_CONTENT, "UPDATE chat SET content = ?2 WHERE id = ?1") \
	X(ST_CHAT_LAST, "SELECT id, created, kind FROM message WHERE id BETWEEN ?1 AND ?2" \
			" ORDER BY id DESC LIMIT 1") \
\
	X(ST_MEMBER_ADD, "INSERT INTO member (chat, user, peer) VALUES (?1, ?2, ?3)") \
	X(ST_MEMBERS, "SELECT " MEMBER_COLUMNS \
		      " FROM member m JOIN user u ON u.id = m.user WHERE m.chat = ?1") \
	X(ST_MEMBER_COUNT, "SELECT count(*) FILTER (WHERE " COUNTS "), max(m.id) FROM message m" \
			   " WHERE m.id > ?2 AND m.id <= ?3 AND m.sender <> ?1") \
	X(ST_MEMBER_SAVE, \
	  "UPDATE member SET read = ?3, read_at = ?4, delivered = ?5, delivered_at = ?6," \
	  " counted = ?7, missed = ?8, theirs = ?9 WHERE chat = ?1 AND user = ?2") \
	X(ST_MEMBER_RANK, "UPDATE member SET rank = ?3 WHERE chat = ?1 AND user = ?2") \
\
	X(ST_GROUP_TAKEN, "SELECT 1 FROM chat WHERE key = ?1") \
	X(ST_GROUP_ADD, "INSERT INTO chat (key, name) VALUES (?1, ?2)") \
	X(ST_GROUP_NAME, "UPDATE chat SET name = ?2 WHERE id = ?1") \
	X(ST_GROUP_SIZE, "UPDATE chat SET size = ?2 WHERE id = ?1") \
	X(ST_GROUP_GONE, "UPDATE chat SET gone = 1, size = 0 WHERE id = ?1") \
	X(ST_GROUP_FIND_GONE, "SELECT id FROM chat WHERE gone = 1 LIMIT 1") \
	X(ST_GROUP_DROP_MESSAGES, \
	  "DELETE FROM message WHERE id IN" \
	  " (SELECT id FROM message WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3)") \
	X(ST_GROUP_DROP, "DELETE FROM chat WHERE id = ?1") \
	X(ST_GROUP_MEMBERS, GROUP_MEMBERS) \
	X(ST_GROUP_MEMBER, GROUP_MEMBERS " AND m.user = ?2") \
	X(ST_MEMBER_JOIN, "INSERT INTO member (chat, user, peer, read, delivered, counted, rank)" \
			  " VALUES (?1, ?2, ?3, ?4, ?4, ?4, ?5)") \
	X(ST_MEMBER_GO, "DELETE FROM member WHERE chat = ?1 AND user = ?2") \
	X(ST_ROLE_SAVE, "INSERT OR REPLACE INTO role (chat, user, role, joined, since)" \
			" VALUES (?1, ?2, ?3, ?4, ?5)") \
	X(ST_ROLE_GO, "DELETE FROM role WHERE chat = ?1 AND user = ?2") \
	X(ST_HIDDEN_FORGET, "DELETE FROM hidden WHERE user = ?1 AND message BETWEEN ?2 AND ?3") \
	X(ST_MESSAGE_SENDERS, "SELECT id, sender, kind < 2 AND deleted IS NULL FROM message" \
			      " WHERE id > ?1 AND id <= ?2 ORDER BY id") \
	X(ST_MESSAGE_AUTHORS, \
	  "SELECT DISTINCT u.id FROM message m CROSS JOIN user u ON u.id = m.sender" \
	  " WHERE m.id > ?1 AND m.id <= ?2 AND m.sender <> ?3 ORDER BY u.name") \
\
	X(ST_MESSAGE_ADD, \
	  "INSERT OR IGNORE INTO message (id, sender, kind, created, client_id, fingerprint," \
	  " dedupe, ref, text, attachments, forwarded, payload)" \
	  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)") \
	X(ST_MESSAGE_SENT, \
	  "SELECT id, kind, created, fingerprint, ref, sender, client_id FROM message" \
	  " WHERE dedupe = ?1") \
	X(ST_MESSAGE_HEAD, \
	  "SELECT sender, kind, created, ref, deleted, deletion, client_id FROM message" \
	  " WHERE id = ?1") \
	X(ST_MESSAGE_BEFORE, \
	  "SELECT id, client_id FROM message WHERE id > ?1 AND id <= ?2 AND sender <> ?3" \
	  " ORDER BY id DESC LIMIT 1") \
	X(ST_MESSAGE_ONE, \
	  "SELECT " MESSAGE_COLUMNS " FROM message m JOIN user u ON u.id = m.sender" \
	  " WHERE m.id = ?1") \
	X(ST_MESSAGE_EDIT, "UPDATE message SET updated = ?2, text = coalesce(?3, text)," \
			   " attachments = coalesce(?4, attachments) WHERE id = ?1") \
	X(ST_MESSAGE_ERASE, \
	  "UPDATE message SET deleted = ?2, deletion = ?3, text = NULL, attachments = NULL," \
	  " forwarded = NULL, payload = NULL WHERE id = ?1") \
	X(ST_MESSAGES_UP, \
	  "SELECT " MESSAGE_COLUMNS " FROM message m JOIN user u ON u.id = m.sender" \
	  " WHERE m.id >= ?2 AND m.id <= ?3 AND " SHOWN " ORDER BY m.id") \
	X(ST_MESSAGES_DOWN, \
	  "SELECT " MESSAGE_COLUMNS " FROM message m JOIN user u ON u.id = m.sender" \
	  " WHERE m.id >= ?2 AND m.id <= ?3 AND " SHOWN " ORDER BY m.id DESC") \
	X(ST_MESSAGE_SHOWN, "SELECT m.id, m.text, m.created, u.name, m.deleted" \
			    " FROM message m JOIN user u ON u.id = m.sender" \
			    " WHERE m.id > ?2 AND m.id <= ?3 AND m.kind < 2 AND " SHOWN \
			    " ORDER BY m.id DESC LIMIT 1") \
	X(ST_MISSED_COUNT, \
	  "SELECT count(*) FROM message m WHERE m.id > ?2 AND m.id <= ?3 AND " COUNTS) \
	X(ST_MISSED_FIRST, "SELECT m.id FROM message m WHERE m.id > ?2 AND m.id <= ?3 AND " COUNTS \
			   " ORDER BY m.id LIMIT 1") \
	X(ST_HIDDEN_FIND, "SELECT at FROM hidden WHERE user = ?1 AND message = ?2") \
	X(ST_HIDDEN_ADD, "INSERT INTO hidden (user, message, at) VALUES (?1, ?2, ?3)") \
\
	X(ST_CHATS_FIRST, \
	  "SELECT chat FROM member WHERE user = ?1 AND rank > 0 ORDER BY rank DESC") \
	X(ST_CHATS_NEXT, "SELECT chat FROM member WHERE user = ?1 AND rank > 0 AND rank < ?2" \
			 " ORDER BY rank DESC") \
	X(ST_PEERS, "SELECT peer FROM member WHERE user = ?1 AND peer > ?2 AND peer <> ?3" \
		    " AND rank > 0 AND substr(peer, 1, 4) <> 'grp_' ORDER BY peer") \
	X(ST_CHATS_PLACE, "SELECT rank FROM member WHERE user = ?1 AND peer = ?2") \
\
	X(ST_EVENT_ADD, "INSERT INTO event (id, type, payload, at) VALUES (?1, ?2, ?3, ?4)") \
	X(ST_EVENT_ADD_OWN, "INSERT INTO event (id, type, payload, at, origin, session)" \
			    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)") \
	X(ST_EVENTS_ADD, \
	  "INSERT OR FAIL INTO event (type, at, id, payload) SELECT ?1, ?2, column1, column2" \
	  " FROM (VALUES " EVENT_PAIRS ", " EVENT_PAIRS ", " EVENT_PAIRS ", " EVENT_PAIRS ")") \
	X(ST_EVENT_LAST_AT, "SELECT at FROM event ORDER BY n DESC LIMIT 1") \
	X(ST_EVENTS, "SELECT id, type, payload, origin, session FROM event" \
		     " WHERE id > ?1 AND id <= ?2 ORDER BY id") \
	X(ST_EVENTS_DROP, "DELETE FROM event WHERE id BETWEEN ?1 AND ?2") \
	X(ST_EVENTS_OLD, "SELECT max(n) FROM (SELECT n, at FROM event ORDER BY n LIMIT ?2)" \
			 " WHERE at < ?1") \
	X(ST_EVENTS_OLD_USERS, \
	  "SELECT id >> 32, max(id & 0xffffffff) FROM event WHERE n <= ?1 GROUP BY id >> 32") \
	X(ST_EVENTS_DROP_OLD, "DELETE FROM event WHERE n <= ?1") \
\
	X(ST_DEVICES, \
	  "SELECT name, acked, sent, above, connected, seen, lost FROM device WHERE user = ?1") \
	X(ST_DEVICE_SAVE, \
	  "INSERT OR REPLACE INTO device (user, name, acked, sent, above, connected, seen, lost)" \
	  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)") \
	X(ST_DEVICE_ACKED, "UPDATE device SET acked = ?3, sent = ?4, above = ?5" \
			   " WHERE user = ?1 AND name = ?2") \
	X(ST_DEVICE_FORGET, "DELETE FROM device WHERE user = ?1 AND name = ?2") \
	X(ST_DEVICES_ORPHANED, \
	  "UPDATE device SET connected = 0, sent = ?3, seen = ?2 WHERE (user, name) IN" \
	  " (SELECT user, name FROM device WHERE connected > 0 AND connected < ?1 LIMIT ?4)") \
	X(ST_DEVICE_UNSEEN, "SELECT u.name, d.name FROM device d JOIN user u ON u.id = d.user" \
			    " WHERE d.connected = 0 AND d.seen < ?1 ORDER BY d.seen LIMIT 1") \
\
	X(ST_DOC_PUT, "INSERT OR REPLACE INTO doc (plugin, key, value) VALUES (?1, ?2, ?3)") \
	X(ST_DOC_DELETE, "DELETE FROM doc WHERE plugin = ?1 AND key = ?2") \
	X(ST_DOC_GET, "SELECT key, value FROM doc WHERE plugin = ?1 AND key = ?2") \
	X(ST_DOC_SCAN, "SELECT key, value FROM doc WHERE plugin = ?1 AND key >= ?2 ORDER BY key") \
	X(ST_DOC_SCAN_AFTER, \
	  "SELECT key, value FROM doc WHERE plugin = ?1 AND key > ?2 ORDER BY key")

enum statement {
#define X(name, sql) name,
	STATEMENTS(X)
#undef X
	    ST_COUNT
};

#endif
