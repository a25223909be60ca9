/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What PRUNE asks and does. It finds what is old through indexes, locks the users
 * whom that concerns, but for those who are locked already, and only then reads what it
 * decides by: PostgreSQL shows each statement what was committed before it. Events go
 * with ST_EVENTS_DROP.
 *
 * The ids of a chat have no holes: so the messages of a group that was deleted are dropped by
 * their ids, from the end, and chat.last_id says how many are left.
 *
 * Which servers died is in server.h. The devices of the dead are those whose server's number
 * lies between two that live.
 */
#ifndef STORAGE_POSTGRES_STATEMENTS_PRUNE_H
#define STORAGE_POSTGRES_STATEMENTS_PRUNE_H

#include "server.h"

#define PRUNE_STATEMENTS(X) \
	X(ST_PRUNE_LANES, SERVER_BURY_LANES) \
	X(ST_PRUNE_SERVERS, SERVER_BURY) \
	X(ST_PRUNE_GONE, "SELECT id, last_id FROM chat WHERE gone ORDER BY id LIMIT $1::bigint" \
			 " FOR UPDATE SKIP LOCKED") \
	X(ST_PRUNE_OLD, "SELECT usr, max(seq), count(*) FROM" \
			" (SELECT usr, seq FROM event WHERE at < $1::bigint" \
			"  ORDER BY at LIMIT $2::bigint) e GROUP BY usr") \
	X(ST_PRUNE_ORPHANS, \
	  "SELECT d.usr FROM (SELECT lag(id, 1, 0::bigint) OVER (ORDER BY id) AS dead_from," \
	  "  id AS upto FROM server" \
	  "  UNION ALL SELECT coalesce(max(id), 0), 9223372036854775807 FROM server) g" \
	  " CROSS JOIN LATERAL (SELECT usr FROM device WHERE connected <> 0" \
	  "  AND connected > g.dead_from AND connected < g.upto LIMIT $1::bigint) d" \
	  " LIMIT $1::bigint") \
	X(ST_PRUNE_UNSEEN, "SELECT usr FROM device WHERE connected = 0 AND seen < $1::bigint" \
			   " ORDER BY seen LIMIT $2::bigint") \
	X(ST_PRUNE_BEHIND, "SELECT id FROM users WHERE behind ORDER BY id LIMIT $1::bigint") \
\
	X(ST_PRUNE_USERS, "SELECT id, first_seq, last_seq, forgot, behind FROM users" \
			  " WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE SKIP LOCKED") \
	X(ST_PRUNE_DEVICES, \
	  "SELECT d.usr, d.name, d.acked, d.connected, d.seen, NOT EXISTS" \
	  " (SELECT 1 FROM server s WHERE s.id = d.connected) AS orphan" \
	  " FROM device d WHERE d.usr = ANY ($1::bigint[]) ORDER BY d.usr, d.name") \
\
	X(ST_PRUNE_MESSAGES, \
	  "DELETE FROM message m USING unnest($1::bigint[], $2::bigint[], $3::bigint[])" \
	  " p (chat, first, last) WHERE m.chat = p.chat AND m.id >= p.first AND m.id <= p.last" \
	  " AND " BATCH_ONE("p.chat")) \
	X(ST_PRUNE_HIDDEN, \
	  "DELETE FROM hidden h USING unnest($1::bigint[], $2::bigint[], $3::bigint[])" \
	  " p (chat, first, last)" \
	  " WHERE h.chat = p.chat AND h.message >= p.first AND h.message <= p.last" \
	  " AND " BATCH_ONE("p.chat")) \
	X(ST_PRUNE_GROUPS, \
	  "DELETE FROM chat c USING unnest($1::bigint[], $2::bigint[]) p (id, first)" \
	  " WHERE c.id = p.id AND p.first = 1") \
	X(ST_PRUNE_CUT, \
	  "UPDATE chat c SET last_id = p.first - 1" \
	  " FROM unnest($1::bigint[], $2::bigint[]) p (id, first) WHERE c.id = p.id") \
\
	X(ST_PRUNE_ADOPT, \
	  "UPDATE device d SET connected = 0, sent = $3::bigint, seen = $4::bigint" \
	  " FROM unnest($1::bigint[], $2::text[]) p (usr, name)" \
	  " WHERE d.usr = p.usr AND d.name = p.name") \
	X(ST_PRUNE_FORGET, \
	  "DELETE FROM device d USING unnest($1::bigint[], $2::text[]) p (usr, name)" \
	  " WHERE d.usr = p.usr AND d.name = p.name") \
	X(ST_PRUNE_SAVE, \
	  "UPDATE users u SET first_seq = p.first_seq, forgot = p.forgot, behind = p.behind FROM" \
	  " unnest($1::bigint[], $2::bigint[], $3::boolean[], $4::boolean[])" \
	  " p (id, first_seq, forgot, behind) WHERE u.id = p.id")

#endif
