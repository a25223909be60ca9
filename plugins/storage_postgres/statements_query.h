/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What queries ask. Each is one statement, so all that it tells is of the same
 * moment. A page is cut where the rows are: behind `limit` ($1) or the bytes asked for ($2)
 * comes one row more, by which has_more is known, and no other. The first columns of a page are
 * of the chat or user, and stand in every row; when there is nothing in it there is one
 * row of them, with nulls behind.
 */
#ifndef STORAGE_POSTGRES_STATEMENTS_QUERY_H
#define STORAGE_POSTGRES_STATEMENTS_QUERY_H

/* The rows of a page so far, this one included, and their bytes; `len` is that of one. */
#define QUERY_COUNTED "sum(len) OVER w AS bytes, row_number() OVER w AS n"
#define QUERY_CUT "n <= 2 OR bytes - len <= $2::bigint"
#define QUERY_LIMIT "LIMIT $1::bigint + 1"

/* Not a NOT EXISTS: PostgreSQL would join it with all that is hidden in the chat. */
#define QUERY_SHOWN \
	"(SELECT h.at FROM hidden h" \
	" WHERE h.chat = m.chat AND h.message = m.id AND h.usr = me.usr) IS NULL"
/* The other of a dialog; in a group, where members have roles, nobody. */
#define QUERY_OTHER \
	" LEFT JOIN LATERAL (SELECT delivered, read FROM member" \
	" WHERE me.role IS NULL AND chat = me.chat AND usr <> me.usr LIMIT 1) o ON true"

/* Never more than what the page holds of it (query_history.c): a service message has no text of
 * the other one. */
#define QUERY_MESSAGE_LEN \
	"coalesce(octet_length(m.text), 0) + coalesce(octet_length(m.attachments), 0)" \
	" + coalesce(octet_length(m.forwarded), 0) + coalesce(octet_length(m.payload), 0)" \
	" + CASE WHEN m.kind < 2 THEN coalesce(octet_length(r.text), 0) ELSE 0 END"

/* $3 chat, $4 user: looked up by themselves, or PostgreSQL may go through all the chats of the
 * user, or all the members of the chat, as its statistics are. Of the message that one
 * replies to, edits or deletes: r. */
#define QUERY_MESSAGES(range, order) \
	"SELECT me.delivered, me.read, o.delivered, o.read, p.*" \
	" FROM member me" QUERY_OTHER \
	" LEFT JOIN LATERAL (SELECT * FROM (SELECT *, " QUERY_COUNTED \
	"  FROM (SELECT m.id, m.client_id, s.name AS sender, m.kind, m.text, m.attachments," \
	"   m.forwarded, m.payload, m.ref, m.created, m.updated, m.deleted," \
	"   r.client_id AS r_client_id, rs.name AS r_sender, r.created AS r_created," \
	"   r.text AS r_text, " QUERY_MESSAGE_LEN " AS len" \
	"   FROM (SELECT * FROM message m WHERE m.chat = me.chat AND m.id " range \
	"    AND m.id > me.since AND " QUERY_SHOWN " ORDER BY m.id " order " " QUERY_LIMIT ") m" \
	"   JOIN users s ON s.id = m.sender" \
	"   LEFT JOIN message r ON r.chat = m.chat AND r.id = m.ref" \
	"   LEFT JOIN users rs ON rs.id = r.sender) m" \
	"  WINDOW w AS (ORDER BY id " order " ROWS UNBOUNDED PRECEDING)) m" \
	"  WHERE " QUERY_CUT ") p ON true" \
	" WHERE me.chat = (SELECT id FROM chat WHERE key = $3)" \
	" AND me.usr = (SELECT id FROM users WHERE name = $4) ORDER BY p.id " order

/* A row of the list of chats: of member `me` in chat `c`. The last message shown is l, the
 * first missed f. */
#define QUERY_ENTRY \
	"me.peer, me.missed, me.delivered, me.read, o.delivered AS o_delivered," \
	" o.read AS o_read, l.id, l.text, coalesce(l.created, me.joined) AS created, s.name," \
	" l.deleted, f.id AS first_missed, c.name AS group_name, c.members, me.role"
#define QUERY_ENTRY_JOINS \
	QUERY_OTHER \
	" LEFT JOIN LATERAL (SELECT m.id, m.text, m.created, m.sender, m.deleted" \
	"  FROM message m WHERE m.chat = me.chat AND m.id <= c.content AND m.id > me.since" \
	"  AND m.kind < 2" \
	"  AND " QUERY_SHOWN " ORDER BY m.id DESC LIMIT 1) l ON true" \
	" LEFT JOIN users s ON s.id = l.sender" \
	" LEFT JOIN LATERAL (SELECT m.id FROM message m" \
	"  WHERE me.missed > 0 AND m.chat = me.chat AND m.id > me.read AND m.kind < 2" \
	"  AND m.sender <> me.usr AND m.deleted IS NULL AND " QUERY_SHOWN \
	"  ORDER BY m.id LIMIT 1) f ON true"

#define QUERY_STATEMENTS(X) \
	X(ST_QUERY_EVENTS, \
	  "SELECT u.first_seq, u.last_seq, d.acked, p.*" \
	  " FROM users u LEFT JOIN device d ON d.usr = u.id AND d.name = $4" \
	  " LEFT JOIN LATERAL (SELECT * FROM (SELECT *, " QUERY_COUNTED \
	  "  FROM (SELECT seq, type, payload, origin = $4 AS mine, session," \
	  "   octet_length(payload) AS len FROM event WHERE usr = u.id AND seq > $5::bigint" \
	  "   ORDER BY seq " QUERY_LIMIT ") e" \
	  "  WINDOW w AS (ORDER BY seq ROWS UNBOUNDED PRECEDING)) e" \
	  "  WHERE " QUERY_CUT ") p ON true" \
	  " WHERE u.name = $3 ORDER BY p.seq") \
	X(ST_QUERY_MESSAGES_UP, QUERY_MESSAGES(">= $5::bigint", "ASC")) \
	X(ST_QUERY_MESSAGES_DOWN, QUERY_MESSAGES("< $5::bigint", "DESC")) \
	X(ST_QUERY_CHATS, \
	  "SELECT a.rank AS place, p.*" \
	  " FROM users u LEFT JOIN member a ON a.usr = u.id AND a.peer = $4" \
	  " LEFT JOIN LATERAL (SELECT * FROM (SELECT *, " QUERY_COUNTED \
	  "  FROM (SELECT " QUERY_ENTRY ", me.rank, coalesce(octet_length(l.text), 0) AS len" \
	  "   FROM (SELECT * FROM member WHERE usr = u.id AND rank > 0 AND rank <" \
	  "    coalesce(a.rank, CASE WHEN $4 IS NULL THEN 9223372036854775807 ELSE 0 END)" \
	  "    ORDER BY rank DESC " QUERY_LIMIT ") me" \
	  "   JOIN chat c ON c.id = me.chat" QUERY_ENTRY_JOINS ") e" \
	  "  WINDOW w AS (ORDER BY rank DESC ROWS UNBOUNDED PRECEDING)) e" \
	  "  WHERE " QUERY_CUT ") p ON true" \
	  " WHERE u.name = $3 ORDER BY p.rank DESC") \
	X(ST_QUERY_CHAT, \
	  "SELECT " QUERY_ENTRY " FROM member me JOIN chat c ON c.id = me.chat" QUERY_ENTRY_JOINS \
	  " WHERE me.chat = (SELECT id FROM chat WHERE key = $1)" \
	  " AND me.usr = (SELECT id FROM users WHERE name = $2)" \
	  " AND (c.last_id > 0 OR me.role IS NOT NULL)") \
	X(ST_QUERY_MEMBERS, \
	  "SELECT p.* FROM member me LEFT JOIN LATERAL" \
	  " (SELECT u.name, m.role, m.joined, m.delivered, m.delivered_at, m.read, m.read_at" \
	  "  FROM member m JOIN users u ON u.id = m.usr WHERE m.chat = me.chat" \
	  "  AND u.name > coalesce($4, '') ORDER BY u.name LIMIT $1::bigint + 1) p ON true" \
	  " WHERE me.chat = (SELECT id FROM chat WHERE key = $2)" \
	  " AND me.usr = CASE WHEN $3::text IS NOT NULL" \
	  "  THEN (SELECT id FROM users WHERE name = $3)" \
	  "  ELSE (SELECT usr FROM member" \
	  "   WHERE chat = (SELECT id FROM chat WHERE key = $2) LIMIT 1)" \
	  "  END ORDER BY p.name") \
	X(ST_QUERY_PEERS, \
	  "SELECT peer FROM member WHERE usr = (SELECT id FROM users WHERE name = $2)" \
	  " AND peer > coalesce($3, '') COLLATE \"C\" AND peer <> $2 AND rank > 0" \
	  " AND NOT starts_with(peer, 'grp_') ORDER BY peer " QUERY_LIMIT) \
	X(ST_QUERY_DOC_GET, "SELECT key, value FROM doc WHERE plugin = $1 AND key = $2") \
	X(ST_QUERY_DOC_SCAN, \
	  "SELECT key, value FROM (SELECT *, " QUERY_COUNTED \
	  " FROM (SELECT key, value, octet_length(key) + octet_length(value) AS len FROM doc" \
	  "  WHERE plugin = $3 AND key >= greatest($4 COLLATE \"C\", $5 COLLATE \"C\")" \
	  "  AND ($5 IS NULL OR key > $5) ORDER BY key " QUERY_LIMIT ") d" \
	  " WINDOW w AS (ORDER BY key ROWS UNBOUNDED PRECEDING)) d" \
	  " WHERE starts_with(key, $4) AND (" QUERY_CUT ") ORDER BY key") \
	X(ST_QUERY_DOCS, \
	  "SELECT value FROM (SELECT *, " QUERY_COUNTED \
	  " FROM (SELECT k.place, d.value, coalesce(octet_length(d.value), 0) AS len" \
	  "  FROM unnest($4::text[]) WITH ORDINALITY k (key, place)" \
	  "  LEFT JOIN LATERAL (SELECT value FROM doc" \
	  "   WHERE plugin = $3 AND key = k.key LIMIT 1) d ON true" \
	  "  ORDER BY k.place " QUERY_LIMIT ") d" \
	  " WINDOW w AS (ORDER BY place ROWS UNBOUNDED PRECEDING)) d" \
	  " WHERE " QUERY_CUT " ORDER BY place")

#endif
