-- SPDX-License-Identifier: BSD-2-Clause
--
-- Executes every statement of storage_postgres once, on a database that pg_fill.sql made,
-- and shows its plan; run by bench/pg-plans, which prepares them. What a batch asks
-- and writes is that of 20 transactions, one of them in the chat of a tenth of all messages.
-- Everything is rolled back.

\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
\pset footer off

-- Twenty chats with their members, and the ends of their lists of messages.
CREATE TEMP TABLE batch AS
SELECT c.id AS chat, c.key, c.last_id, c.last_time, m.usr, u.name, u.rank, u.last_seq, o.usr AS other,
       t.client_id AS last_client_id
  FROM (SELECT * FROM chat WHERE key = 'big-a' || chr(31) || 'big-b'
        UNION ALL
        (SELECT c.* FROM generate_series(1, 19) i JOIN chat c
             ON c.id = i * (SELECT max(id) FROM chat) / 20)) c
  JOIN LATERAL (SELECT * FROM member WHERE chat = c.id ORDER BY usr LIMIT 1) m ON true
  JOIN LATERAL (SELECT * FROM member WHERE chat = c.id ORDER BY usr DESC LIMIT 1) o ON true
  JOIN users u ON u.id = m.usr
  JOIN message t ON t.chat = c.id AND t.id = c.last_id;
SELECT array_agg(key) AS keys, array_agg(chat) AS chats, array_agg(usr) AS ids,
       array_agg(other) AS others, array_agg(name) AS names, array_agg(last_id) AS lasts,
       array_agg(last_id + 1) AS nexts, array_agg(last_seq + 1) AS seqs,
       array_agg(last_time) AS times, array_agg(last_client_id) AS client_ids,
       array_agg('new ' || chat) AS new_ids, array_agg(rank) AS ranks,
       array_agg(rpad('text', 128, ' text')) AS texts, array_agg(NULL::text) AS nothing,
       array_agg(NULL::bigint) AS no_number, array_agg(0::bigint) AS zero,
       array_agg(false) AS no, array_agg('new'::text) AS types, array_agg('phone'::text) AS phones,
       array_agg('other'::text) AS devices, array_agg('doc/' || chat % 100 + 1) AS docs,
       array_agg('bench'::text) AS plugins, array_agg(41::bigint) AS firsts, array_agg(43::bigint) AS upto
  FROM batch \gset
SELECT id AS away FROM users WHERE name = 'away' \gset
SELECT 'big-a' || chr(31) || 'big-b' AS big, last_id / 2 AS half, last_id AS whole, last_time
  FROM chat WHERE key = 'big-a' || chr(31) || 'big-b' \gset
SELECT c.id AS group, last_id AS group_last, array_agg(m.usr) AS members, array_agg(c.id) AS member_of,
       array_agg(last_id + 1) AS group_next, array_agg(0::bigint) AS roles, count(*) AS n_members,
       array_agg(c.key) AS group_keys, array_agg(1000000 + m.usr) AS strangers
  FROM chat c JOIN member m ON m.chat = c.id WHERE key = 'grp_bench' GROUP BY c.id \gset
SELECT min(at) + 1000 AS old FROM event \gset
SELECT min(seen) + 100000 AS unseen FROM device WHERE connected = 0 \gset
SELECT min(id) AS lane FROM lane \gset

\set plan 'EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) EXECUTE'
BEGIN;

\qecho -- ST_LANE_MARK
:plan ST_LANE_MARK (:lane, 1);

\qecho -- ST_CHATS
:plan ST_CHATS (:'keys');
\qecho -- ST_USERS
:plan ST_USERS (:'names');
\qecho -- ST_DOCS
:plan ST_DOCS (:'plugins', :'docs', :'no');
\qecho -- ST_MEMBERS
:plan ST_MEMBERS (:'keys', :'names', :'no');
\qecho -- ST_OTHERS
:plan ST_OTHERS (:'names', :'phones');
\qecho -- ST_DEVICES
:plan ST_DEVICES (:'names');
\qecho -- ST_SENT of messages that are new
:plan ST_SENT (:'keys', :'new_ids');
\qecho -- ST_SENT of messages that were sent before
:plan ST_SENT (:'keys', :'client_ids');
\qecho -- ST_MESSAGES_BY_ID
:plan ST_MESSAGES_BY_ID (:'keys', :'lasts');
\qecho -- ST_MARKS at the ends
:plan ST_MARKS (:'keys', :'names', :'lasts', :'no');
\qecho -- ST_MARKS, 300 before the end
:plan ST_MARKS (ARRAY[:'big'], ARRAY['big-a'], ARRAY[:whole - 300], ARRAY[false]);
\qecho -- ST_GROUP_USERS of a group, with the authors of half of it
:plan ST_GROUP_USERS (:'names', ARRAY['grp_bench'], ARRAY['grp_bench'], ARRAY['user1'], ARRAY[:group_last], ARRAY[true]);
\qecho -- ST_GROUPS
:plan ST_GROUPS (ARRAY['grp_bench']);
\qecho -- ST_GROUP_EVERY
:plan ST_GROUP_EVERY (ARRAY['grp_bench'], ARRAY[1]);
\qecho -- ST_GROUP_NAMED
:plan ST_GROUP_NAMED (ARRAY['grp_bench'], ARRAY['user1'], ARRAY[1]);
\qecho -- ST_GROUP_AUTHORS of half of a group
:plan ST_GROUP_AUTHORS (ARRAY['grp_bench'], ARRAY['user1'], ARRAY[:group_last], ARRAY[true]);

\qecho -- ST_MAKE_CHATS
:plan ST_MAKE_CHATS (ARRAY['new chat', 'user1' || chr(31) || 'user2']);
\qecho -- ST_MAKE_USERS
:plan ST_MAKE_USERS (ARRAY['somebody new', 'user1']);
\qecho -- ST_MAKE_MEMBERS
:plan ST_MAKE_MEMBERS (ARRAY['new chat', 'user1' || chr(31) || 'user2'], ARRAY['somebody new', 'user1'], ARRAY['user1', 'user2']);

\qecho -- ST_MESSAGES_ADD
:plan ST_MESSAGES_ADD (:'chats', :'nexts', :'ids', :'times', :'zero', :'no_number', :'zero', :'new_ids', :'texts', :'nothing', :'nothing', :'nothing');
\qecho -- ST_MESSAGES_CHANGE
:plan ST_MESSAGES_CHANGE (:'chats', :'lasts', :'times', :'no_number', :'no_number', :'texts', :'nothing');
\qecho -- ST_HIDDEN_ADD
:plan ST_HIDDEN_ADD (:'chats', :'lasts', :'ids', :'times');
\qecho -- ST_CHATS_SAVE
:plan ST_CHATS_SAVE (:'chats', :'nexts', :'times', :'nexts');
\qecho -- ST_MEMBERS_SAVE
:plan ST_MEMBERS_SAVE (:'chats', :'ids', :'lasts', :'times', :'lasts', :'times', :'zero', :'nexts', :'ranks');
\qecho -- ST_EVENTS_ADD
:plan ST_EVENTS_ADD (:'ids', :'seqs', :'times', :'no_number', :'types', :'texts', :'nothing');
\qecho -- ST_EVENTS_DROP
:plan ST_EVENTS_DROP (:'ids', :'firsts', :'upto');
\qecho -- ST_USERS_SAVE
:plan ST_USERS_SAVE (:'ids', :'firsts', :'seqs', :'ranks', :'no', :'no', :'times');
\qecho -- ST_DEVICES_FORGET
:plan ST_DEVICES_FORGET (ARRAY[:away], ARRAY['device100']);
\qecho -- ST_DEVICES_SAVE
:plan ST_DEVICES_SAVE (:'ids', :'phones', :'firsts', :'firsts', :'zero', :'zero', :'times', :'nothing');
\qecho -- ST_DEVICES_ADD
:plan ST_DEVICES_ADD (:'ids', :'devices', :'firsts', :'firsts', :'zero', :'zero', :'times', :'nothing');
\qecho -- ST_DOCS_PUT
:plan ST_DOCS_PUT (ARRAY['bench', 'bench'], ARRAY['doc/1', 'doc/new'], ARRAY['{}', '{}']);
\qecho -- ST_DOCS_DELETE
:plan ST_DOCS_DELETE (ARRAY['bench'], ARRAY['doc/2']);

\qecho -- ST_DOCS_NEW
:plan ST_DOCS_NEW (ARRAY['bench'], ARRAY['doc/newer'], ARRAY['{}']);

\qecho -- ST_MEMBERS_ADD of as many as the group has
:plan ST_MEMBERS_ADD (:'member_of', :'strangers', :'group_next', :'group_next', :'group_next', :'group_next', :'roles', :'roles', :'roles', :'roles', :'roles', :'roles', :'group_keys');
\qecho -- ST_MEMBERS_DROP of as many
:plan ST_MEMBERS_DROP (:'member_of', :'strangers');
\qecho -- ST_HIDDEN_DROP of as many
:plan ST_HIDDEN_DROP (:'member_of', :'members');
\qecho -- ST_ROLES_SAVE
:plan ST_ROLES_SAVE (:'member_of', :'members', :'roles');
\qecho -- ST_GROUPS_SAVE
:plan ST_GROUPS_SAVE (ARRAY[:group], ARRAY['Bench'], ARRAY[:n_members], ARRAY[false]);
\qecho -- ST_EVENTS_SHARE of one event to the group
:plan ST_EVENTS_SHARE (ARRAY[1], ARRAY[:n_members], ARRAY[1], ARRAY[7], ARRAY['new'], ARRAY['{"chatId":"grp_bench"'], ARRAY['phone'], ARRAY[true], :'strangers', :'group_next', :'group_next', :'roles');

\qecho -- ST_QUERY_EVENTS
:plan ST_QUERY_EVENTS (256, 1048576, 'away', 'device1', 1000);
\qecho -- ST_QUERY_MESSAGES_UP
:plan ST_QUERY_MESSAGES_UP (50, 262144, :'big', 'big-a', :half);
\qecho -- ST_QUERY_MESSAGES_DOWN of the long chat
:plan ST_QUERY_MESSAGES_DOWN (50, 262144, :'big', 'big-a', :whole);
\qecho -- ST_QUERY_MESSAGES_DOWN of an ordinary chat
:plan ST_QUERY_MESSAGES_DOWN (50, 262144, 'user1' || chr(31) || 'user2', 'user1', 9007199254740992);
\qecho -- ST_QUERY_CHATS of the user with the most chats
:plan ST_QUERY_CHATS (50, 262144, 'many', NULL);
\qecho -- ST_QUERY_CHATS after another
:plan ST_QUERY_CHATS (50, 262144, 'many', 'user20');
\qecho -- ST_QUERY_CHAT
:plan ST_QUERY_CHAT (:'big', 'big-a');
\qecho -- ST_QUERY_PEERS of the user with the most dialogs
:plan ST_QUERY_PEERS (128, 'many', NULL);
\qecho -- ST_QUERY_PEERS after another
:plan ST_QUERY_PEERS (128, 'many', 'user50');
\qecho -- ST_QUERY_CHAT of the group
:plan ST_QUERY_CHAT ('grp_bench', 'user1');
\qecho -- ST_QUERY_MESSAGES_DOWN of the group
:plan ST_QUERY_MESSAGES_DOWN (50, 262144, 'grp_bench', 'user1', 9007199254740992);
\qecho -- ST_QUERY_MEMBERS
:plan ST_QUERY_MEMBERS (50, 'grp_bench', 'user1', NULL);
\qecho -- ST_QUERY_DOC_GET
:plan ST_QUERY_DOC_GET ('bench', 'doc/7');
\qecho -- ST_QUERY_DOC_SCAN
:plan ST_QUERY_DOC_SCAN (50, 262144, 'bench', 'doc/5', 'doc/50');
\qecho -- ST_QUERY_DOCS
:plan ST_QUERY_DOCS (50, 262144, 'bench', :'docs'::text[] || ARRAY['none']);

\qecho -- ST_PRUNE_LANES
:plan ST_PRUNE_LANES (1);
\qecho -- ST_PRUNE_SERVERS
:plan ST_PRUNE_SERVERS (1);
\qecho -- ST_PRUNE_GONE
:plan ST_PRUNE_GONE (250);
\qecho -- ST_PRUNE_MESSAGES
:plan ST_PRUNE_MESSAGES (ARRAY[:group], ARRAY[:group_last - 50], ARRAY[:group_last]);
\qecho -- ST_PRUNE_HIDDEN
:plan ST_PRUNE_HIDDEN (ARRAY[:group], ARRAY[:group_last - 50], ARRAY[:group_last]);
\qecho -- ST_PRUNE_CUT
:plan ST_PRUNE_CUT (ARRAY[:group], ARRAY[1]);
\qecho -- ST_PRUNE_GROUPS
:plan ST_PRUNE_GROUPS (ARRAY[:group], ARRAY[1]);
\qecho -- ST_PRUNE_OLD
:plan ST_PRUNE_OLD (:old, 250);
\qecho -- ST_PRUNE_ORPHANS
:plan ST_PRUNE_ORPHANS (250);
\qecho -- ST_PRUNE_UNSEEN
:plan ST_PRUNE_UNSEEN (:unseen, 10);
\qecho -- ST_PRUNE_BEHIND
:plan ST_PRUNE_BEHIND (10);
\qecho -- ST_PRUNE_USERS
:plan ST_PRUNE_USERS (:'ids');
\qecho -- ST_PRUNE_DEVICES
:plan ST_PRUNE_DEVICES (:'ids');
\qecho -- ST_EVENTS_DROP, of PRUNE
:plan ST_EVENTS_DROP (ARRAY[:away], ARRAY[1], ARRAY[250]);
\qecho -- ST_PRUNE_ADOPT
:plan ST_PRUNE_ADOPT (:'ids', :'phones', 4611686018427387904, :last_time);
\qecho -- ST_PRUNE_FORGET
:plan ST_PRUNE_FORGET (ARRAY[:away], ARRAY['device99']);
\qecho -- ST_PRUNE_SAVE
:plan ST_PRUNE_SAVE (:'ids', :'firsts', :'no', :'no');

ROLLBACK;
