/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a batch asks and writes besides where it is about groups; how, says statements_batch.h.
 * However many members a group has, it is one row of an array or one statement.
 */
#ifndef STORAGE_POSTGRES_STATEMENTS_GROUP_H
#define STORAGE_POSTGRES_STATEMENTS_GROUP_H

#include "statements_batch.h"

/* clang-format off */

/* The latest messages (PAR_AUTHORS_LOOK) up to the mark a that others wrote and that it is the
 * first to cover (x), with the members (m) who did, as far as they are members. Its parameters
 * are the key, the user's name, the message and whether it is a mark of reading. */
#define GROUP_AUTHORS(key, name, upto, read) \
	" FROM unnest(" key "::text[], " name "::text[], " upto "::bigint[], " read "::boolean[])" \
	" WITH ORDINALITY a (key, name, upto, read, n)" \
	" JOIN chat c ON c.key = a.key JOIN users r ON r.name = a.name" \
	BATCH_FENCED("member w WHERE w.chat = c.id AND w.usr = r.id", "w") \
	BATCH_FENCED("message x WHERE x.chat = c.id AND x.id <= least(a.upto, w.theirs)" \
		     " AND x.id > CASE WHEN a.read THEN w.read ELSE w.delivered END" \
		     " AND x.sender <> r.id ORDER BY x.id DESC LIMIT 256", "x") \
	" LEFT" BATCH_FENCED("member m WHERE m.chat = c.id AND m.usr = x.sender", "m")

/* The numbers of member m. */
#define GROUP_MEMBER \
	"ARRAY[a.n, m.usr, m.read, m.read_at, m.delivered, m.delivered_at, m.missed, m.theirs," \
	" m.rank, m.role, m.joined, m.since]"

#define GROUP_ASKED(X) \
	X(ST_GROUP_USERS, \
	  "SELECT ARRAY[0, u.id, u.first_seq, u.last_seq, u.rank, u.forgot::int, u.behind::int," \
	  " u.last_at], u.name FROM (" \
	  "SELECT s.id FROM unnest($1::text[]) a (name) JOIN users s ON s.name = a.name" \
	  " UNION SELECT m.usr FROM unnest($2::text[]) a (key) JOIN chat c ON c.key = a.key" \
	  BATCH_FENCED("member m WHERE m.chat = c.id", "m") \
	  " UNION SELECT m.usr" GROUP_AUTHORS("$3", "$4", "$5", "$6") " WHERE m.usr IS NOT NULL" \
	  ") l (id) JOIN users u ON u.id = l.id ORDER BY u.id FOR UPDATE OF u") \
	X(ST_GROUPS, \
	  "SELECT a.n, c.gone, c.name FROM unnest($1::text[]) WITH ORDINALITY a (key, n)" \
	  " JOIN chat c ON c.key = a.key") \
	X(ST_GROUP_EVERY, \
	  "SELECT " GROUP_MEMBER " FROM unnest($1::text[], $2::bigint[]) a (key, n)" \
	  " JOIN chat c ON c.key = a.key" BATCH_FENCED("member m WHERE m.chat = c.id", "m")) \
	X(ST_GROUP_NAMED, \
	  "SELECT " GROUP_MEMBER \
	  " FROM unnest($1::text[], $2::text[], $3::bigint[]) a (key, name, n)" \
	  " JOIN chat c ON c.key = a.key JOIN users u ON u.name = a.name" \
	  BATCH_FENCED("member m WHERE m.chat = c.id AND m.usr = u.id", "m")) \
	X(ST_GROUP_AUTHORS, \
	  "SELECT a.n, x.id, CASE WHEN m.usr IS NOT NULL THEN " GROUP_MEMBER " END, u.name" \
	  GROUP_AUTHORS("$1", "$2", "$3", "$4") \
	  " JOIN users u ON u.id = x.sender ORDER BY a.n, x.id DESC")

/* clang-format on */

/* An event of many is sent to PostgreSQL once, with the range of the arrays of users that are
 * his; what each gets besides is put behind it there. */
#define GROUP_WRITTEN(X) \
	X(ST_MEMBERS_DROP, "DELETE FROM member m USING unnest($1::bigint[], $2::bigint[])" \
			   " a (chat, usr) WHERE m.chat = a.chat AND m.usr = a.usr") \
	X(ST_HIDDEN_DROP, \
	  "DELETE FROM hidden h USING unnest($1::bigint[], $2::bigint[]) a (chat, usr)" \
	  " WHERE h.chat = a.chat AND h.usr = a.usr AND " BATCH_ONE("a.usr")) \
	X(ST_MEMBERS_ADD, \
	  "INSERT INTO member (chat, usr, read, read_at, delivered, delivered_at, missed, theirs," \
	  " rank, role, joined, since, peer)" \
	  " SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]," \
	  " $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[]," \
	  " $10::bigint[], $11::bigint[], $12::bigint[], $13::text[])") \
	X(ST_ROLES_SAVE, \
	  "UPDATE member m SET role = a.role" \
	  " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) a (chat, usr, role)" \
	  " WHERE m.chat = a.chat AND m.usr = a.usr") \
	X(ST_GROUPS_SAVE, "UPDATE chat c SET name = a.name, members = a.members, gone = a.gone" \
			  " FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::boolean[])" \
			  " a (id, name, members, gone) WHERE c.id = a.id") \
	X(ST_EVENTS_SHARE, \
	  "INSERT INTO event (usr, seq, at, session, type, payload, origin)" \
	  " SELECT r.usr, r.seq, r.at, CASE WHEN r.usr = s.own THEN s.session END, s.type," \
	  " s.payload || CASE WHEN s.counts THEN ',\"missed\":' || r.missed || '}' ELSE '' END," \
	  " CASE WHEN r.usr = s.own THEN s.origin END" \
	  " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[]," \
	  " $6::text[], $7::text[], $8::boolean[])" \
	  " s (first, last, own, session, type, payload, origin, counts)" \
	  " JOIN LATERAL unnest(($9::bigint[])[s.first:s.last], ($10::bigint[])[s.first:s.last]," \
	  " ($11::bigint[])[s.first:s.last], ($12::bigint[])[s.first:s.last])" \
	  " r (usr, seq, at, missed) ON true")

#define GROUP_STATEMENTS(X) \
	GROUP_ASKED(X) \
	GROUP_WRITTEN(X)

#endif
