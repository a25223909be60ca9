/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a batch of transactions asks and writes. Each statement takes arrays; the rows of
 * what is asked say in their first column whose they are, 1 being the first element.
 *
 * Rows are locked in the order of the statements, and within each in the order of
 * ids (documents: of keys), so that no two batches wait for each other in a circle. A
 * statement sees what was committed before it began: what a chat's or user's lock
 * protects is read by statements of its own, behind that which locks.
 *
 * The numbers of the rows that every message needs come as one array: libpq takes a column
 * apart at some cost, a number in an array at none.
 */
#ifndef STORAGE_POSTGRES_STATEMENTS_BATCH_H
#define STORAGE_POSTGRES_STATEMENTS_BATCH_H

/* Joined by an index with all of its conditions. Where they come from several tables, and
 * the database is new, PostgreSQL would else take one of them and filter by the others, which
 * is as good while there are few rows, and abide by it. */
#define BATCH_FENCED(from_where, name) \
	" JOIN LATERAL (SELECT * FROM " from_where " OFFSET 0) " name " ON true"

/* The same for rows that are deleted, which no fence goes around. It is always true, but
 * PostgreSQL takes it for so rare that it expects one range: then to look that up is cheaper
 * than to go through the table, whatever it believes of that. When it counts the events they
 * are few, most of the time, while their index is as large as it ever was. */
#define BATCH_ONE(number) number " % 1 = 0"

/* A message counts as missed when it is no service message, another wrote it, it is not
 * deleted and not hidden from the user. */
#define BATCH_MISSED(range) \
	"(SELECT count(*) FROM message x WHERE x.chat = c.id AND " range \
	" AND x.kind < 2 AND x.sender <> u.id AND x.deleted IS NULL" \
	" AND (SELECT h.at FROM hidden h" \
	" WHERE h.chat = x.chat AND h.message = x.id AND h.usr = u.id) IS NULL)"

/* What is missed behind message t, counted from the nearer end. What others wrote
 * before a member of a group joined can be marked too, once somebody writes, which may be in
 * this batch, as may be his joining. */
#define BATCH_MARK_MISSED \
	"CASE WHEN m.theirs IS NULL OR t.id >= m.theirs THEN 0 WHEN t.id <= m.read THEN m.missed" \
	" WHEN t.id - m.read < m.theirs - t.id" \
	" THEN m.missed - " BATCH_MISSED("x.id > m.read AND x.id <= t.id") " ELSE " BATCH_MISSED( \
	    "x.id > t.id AND x.id <= m.theirs") " END"
#define BATCH_MARK_JOINS \
	" LEFT" BATCH_FENCED("member m WHERE m.chat = c.id AND m.usr = u.id", "m") \
	    BATCH_FENCED("message x WHERE x.chat = c.id AND x.id <=" \
			 " CASE WHEN a.joins OR (m.role IS NOT NULL AND m.theirs = 0)" \
			 " THEN a.upto ELSE least(a.upto, m.theirs) END" \
			 " AND x.sender <> u.id ORDER BY x.id DESC LIMIT 1", \
			 "t")

/* A message m with what goes with it: the original of a service message (o), the service
 * message of its deletion (d), and the members that it is hidden from (h), in one row: they may be
 * many, and the text long. Who wrote it may be no member of a group any more. */
#define BATCH_MESSAGE \
	"SELECT a.n, m.id, m.sender, m.kind, m.created, m.ref, m.fingerprint, m.updated," \
	" m.deleted, m.deletion, m.client_id, m.text, o.client_id, d.created, d.client_id," \
	" h.usrs, h.ats," \
	" CASE WHEN c.name IS NOT NULL THEN (SELECT s.name FROM users s WHERE s.id = m.sender) " \
	"END"
#define BATCH_MESSAGE_JOINS \
	" LEFT JOIN message o ON o.chat = m.chat" \
	" AND o.id = CASE WHEN m.kind >= 2 THEN m.ref END" \
	" LEFT JOIN message d ON d.chat = m.chat AND d.id = m.deletion" \
	" CROSS JOIN LATERAL (SELECT array_agg(h.usr) AS usrs, array_agg(h.at) AS ats" \
	" FROM hidden h WHERE h.chat = m.chat AND h.message = m.id) h"

#define BATCH_ASKED(X) \
	X(ST_CHATS, "SELECT ARRAY[a.n, c.id, c.last_id, c.last_time, c.content]" \
		    " FROM unnest($1::text[]) WITH ORDINALITY a (key, n)" \
		    " JOIN chat c ON c.key = a.key ORDER BY c.id FOR UPDATE OF c") \
	X(ST_USERS, \
	  "SELECT ARRAY[a.n, u.id, u.first_seq, u.last_seq, u.rank, u.forgot::int, u.behind::int," \
	  " u.last_at]" \
	  " FROM unnest($1::text[]) WITH ORDINALITY a (name, n)" \
	  " JOIN users u ON u.name = a.name ORDER BY u.id FOR UPDATE OF u") \
	X(ST_DOCS, "SELECT a.n, CASE WHEN a.expects THEN d.value END" \
		   " FROM unnest($1::text[], $2::text[], $3::boolean[])" \
		   " WITH ORDINALITY a (plugin, key, expects, n)" \
		   " JOIN doc d ON d.plugin = a.plugin AND d.key = a.key" \
		   " ORDER BY d.plugin, d.key FOR UPDATE OF d") \
	X(ST_MEMBERS, \
	  "SELECT ARRAY[a.n, m.usr, m.read, m.read_at, m.delivered, m.delivered_at, m.missed," \
	  " m.theirs, m.rank], m.peer," \
	  " (SELECT t.client_id FROM message t WHERE t.chat = m.chat AND t.id = m.theirs" \
	  " AND m.theirs > m.read AND (a.every OR m.peer = a.peer))" \
	  " FROM unnest($1::text[], $2::text[], $3::boolean[])" \
	  " WITH ORDINALITY a (key, peer, every, n)" \
	  " JOIN chat c ON c.key = a.key JOIN member m ON m.chat = c.id") \
	X(ST_OTHERS, "SELECT a.n FROM unnest($1::text[], $2::text[])" \
		     " WITH ORDINALITY a (name, device, n) JOIN users u ON u.name = a.name" \
		     " WHERE EXISTS (SELECT 1 FROM device d WHERE d.usr = u.id" \
		     " AND d.name IS DISTINCT FROM a.device)") \
	X(ST_DEVICES, "SELECT ARRAY[a.n, d.acked, d.sent, d.lost, d.connected," \
		      " (d.connected <> 0 AND s.id IS NULL)::int, d.seen], d.name, d.above" \
		      " FROM unnest($1::text[]) WITH ORDINALITY a (name, n)" \
		      " JOIN users u ON u.name = a.name JOIN device d ON d.usr = u.id" \
		      " LEFT JOIN server s ON s.id = d.connected") \
	X(ST_SENT, \
	  BATCH_MESSAGE " FROM unnest($1::text[], $2::text[])" \
			" WITH ORDINALITY a (key, client_id, n)" \
			" JOIN chat c ON c.key = a.key" BATCH_FENCED( \
			    "message m WHERE m.chat = c.id AND m.client_id = a.client_id", "m") \
			    BATCH_MESSAGE_JOINS) \
	X(ST_MESSAGES_BY_ID, BATCH_MESSAGE \
	  " FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY a (key, id, n)" \
	  " JOIN chat c ON c.key = a.key" BATCH_FENCED( \
	      "message m WHERE m.chat = c.id AND m.id = a.id", "m") BATCH_MESSAGE_JOINS) \
	X(ST_MARKS, \
	  "SELECT a.n, t.id, t.client_id, " BATCH_MARK_MISSED \
	  " FROM unnest($1::text[], $2::text[], $3::bigint[], $4::boolean[])" \
	  " WITH ORDINALITY a (key, name, upto, joins, n)" \
	  " JOIN chat c ON c.key = a.key JOIN users u ON u.name = a.name" BATCH_MARK_JOINS)

/* Names that are to be there. The commit need not be durable: the one that
 * makes use of them comes after it, and makes it so. */
#define BATCH_MADE(X) \
	X(ST_MAKE_ASYNC, "SET LOCAL synchronous_commit TO off") \
	X(ST_MAKE_CHATS, "INSERT INTO chat (key) SELECT a.key FROM unnest($1::text[]) a (key)" \
			 " ORDER BY a.key COLLATE \"C\" ON CONFLICT (key) DO NOTHING") \
	X(ST_MAKE_USERS, "INSERT INTO users (name) SELECT a.name FROM unnest($1::text[]) a (name)" \
			 " ORDER BY a.name COLLATE \"C\" ON CONFLICT (name) DO NOTHING") \
	X(ST_MAKE_MEMBERS, "INSERT INTO member (chat, usr, peer) SELECT c.id, u.id, a.peer" \
			   " FROM unnest($1::text[], $2::text[], $3::text[]) a (key, name, peer)" \
			   " JOIN chat c ON c.key = a.key JOIN users u ON u.name = a.name" \
			   " ORDER BY c.id, u.id ON CONFLICT DO NOTHING")

#define BATCH_WRITTEN(X) \
	X(ST_MESSAGES_ADD, \
	  "INSERT INTO message (chat, id, sender, created, kind, ref, fingerprint, client_id," \
	  " text, attachments, forwarded, payload)" \
	  " SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]," \
	  " $5::bigint[], $6::bigint[], $7::bigint[], $8::text[], $9::text[], $10::text[]," \
	  " $11::text[], $12::text[])") \
	X(ST_MESSAGES_CHANGE, \
	  "UPDATE message m SET updated = a.updated, deleted = a.deleted, deletion = a.deletion," \
	  " text = CASE WHEN a.deleted IS NULL THEN coalesce(a.text, m.text) END," \
	  " attachments = CASE WHEN a.deleted IS NULL" \
	  " THEN coalesce(a.attachments, m.attachments) END," \
	  " forwarded = CASE WHEN a.deleted IS NULL THEN m.forwarded END," \
	  " payload = CASE WHEN a.deleted IS NULL THEN m.payload END" \
	  " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]," \
	  " $6::text[], $7::text[])" \
	  " a (chat, id, updated, deleted, deletion, text, attachments)" \
	  " WHERE m.chat = a.chat AND m.id = a.id") \
	X(ST_HIDDEN_ADD, "INSERT INTO hidden (chat, message, usr, at)" \
			 " SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]," \
			 " $4::bigint[])") \
	X(ST_CHATS_SAVE, \
	  "UPDATE chat c SET last_id = a.last_id, last_time = a.last_time, content = a.content" \
	  " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])" \
	  " a (id, last_id, last_time, content) WHERE c.id = a.id") \
	X(ST_MEMBERS_SAVE, \
	  "UPDATE member m SET read = a.read, read_at = a.read_at, delivered = a.delivered," \
	  " delivered_at = a.delivered_at, missed = a.missed, theirs = a.theirs, rank = a.rank" \
	  " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]," \
	  " $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[])" \
	  " a (chat, usr, read, read_at, delivered, delivered_at, missed, theirs, rank)" \
	  " WHERE m.chat = a.chat AND m.usr = a.usr") \
	X(ST_EVENTS_ADD, "INSERT INTO event (usr, seq, at, session, type, payload, origin)" \
			 " SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]," \
			 " $4::bigint[], $5::text[], $6::text[], $7::text[])") \
	X(ST_EVENTS_DROP, "DELETE FROM event e" \
			  " USING unnest($1::bigint[], $2::bigint[], $3::bigint[])" \
			  " a (usr, first, last)" \
			  " WHERE e.usr = a.usr AND e.seq >= a.first AND e.seq <= a.last" \
			  " AND " BATCH_ONE("a.usr")) \
	X(ST_USERS_SAVE, \
	  "UPDATE users u SET first_seq = a.first_seq, last_seq = a.last_seq, rank = a.rank," \
	  " forgot = a.forgot, behind = a.behind, last_at = a.last_at" \
	  " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::boolean[]," \
	  " $6::boolean[], $7::bigint[])" \
	  " a (id, first_seq, last_seq, rank, forgot, behind, last_at)" \
	  " WHERE u.id = a.id") \
	X(ST_DEVICES_FORGET, "DELETE FROM device d USING unnest($1::bigint[], $2::text[])" \
			     " a (usr, name) WHERE d.usr = a.usr AND d.name = a.name") \
	X(ST_DEVICES_SAVE, \
	  "UPDATE device d SET acked = a.acked, sent = a.sent, lost = a.lost," \
	  " connected = a.connected, seen = a.seen, above = a.above::bigint[]" \
	  " FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[]," \
	  " $6::bigint[], $7::bigint[], $8::text[])" \
	  " a (usr, name, acked, sent, lost, connected, seen, above)" \
	  " WHERE d.usr = a.usr AND d.name = a.name") \
	X(ST_DEVICES_ADD, \
	  "INSERT INTO device (usr, name, acked, sent, lost, connected, seen, above)" \
	  " SELECT a.usr, a.name, a.acked, a.sent, a.lost, a.connected, a.seen," \
	  " a.above::bigint[]" \
	  " FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[]," \
	  " $6::bigint[], $7::bigint[], $8::text[])" \
	  " a (usr, name, acked, sent, lost, connected, seen, above)") \
	X(ST_DOCS_PUT, "INSERT INTO doc (plugin, key, value) SELECT a.plugin, a.key, a.value" \
		       " FROM unnest($1::text[], $2::text[], $3::text[]) a (plugin, key, value)" \
		       " ORDER BY a.plugin COLLATE \"C\", a.key COLLATE \"C\"" \
		       " ON CONFLICT (plugin, key) DO UPDATE SET value = excluded.value") \
	X(ST_DOCS_NEW, "INSERT INTO doc (plugin, key, value) SELECT a.plugin, a.key, a.value" \
		       " FROM unnest($1::text[], $2::text[], $3::text[]) a (plugin, key, value)" \
		       " ORDER BY a.plugin COLLATE \"C\", a.key COLLATE \"C\"") \
	X(ST_DOCS_DELETE, "DELETE FROM doc d USING unnest($1::text[], $2::text[])" \
			  " a (plugin, key) WHERE d.plugin = a.plugin AND d.key = a.key")

#define BATCH_STATEMENTS(X) \
	BATCH_ASKED(X) \
	BATCH_MADE(X) \
	BATCH_WRITTEN(X)

#endif
