-- SPDX-License-Identifier: BSD-2-Clause
--
-- Fills an empty database of storage_postgres with 10 million messages, to look at
-- plans and sizes. The tables must be there (parlanced --migrate).
--
--     psql -f bench/pg_fill.sql -d DATABASE
--     psql -v messages=100000 -f bench/pg_fill.sql -d DATABASE
--
-- One chat has a tenth of all messages (big-a and big-b); one user (many) has a
-- thousandth of them as chats; another (away) as many waiting events as there are in
-- the big chat, and 100 devices. All others have three or four chats of 50 messages,
-- stored in turns, so that a page of a chat lies all over the table. A hundredth of the users
-- are in a group (grp_bench) with as many messages as that user has chats.

\set ON_ERROR_STOP on
\if :{?messages} \else \set messages 10000000 \endif
\timing on

SELECT count(*) > 0 AS filled FROM users \gset
\if :filled
\echo the database is not empty
\quit
\endif

SELECT :messages / 100 AS users, :messages * 89 / 5000 AS chats, :messages / 1000 AS many,
       :messages / 10 AS big, 1700000000000 AS start \gset
SELECT :users + 1 AS id_many, :users + 2 AS id_a, :users + 3 AS id_b, :users + 4 AS id_away,
       :chats + :many + 1 AS id_big, :chats + :many + 2 AS id_group, :users / 100 AS group \gset

-- Who is in which chat; a comes first.
CREATE TEMP TABLE pair (chat bigint PRIMARY KEY, a bigint, b bigint, messages bigint);
INSERT INTO pair
SELECT c, (c - 1) % :users + 1, (c + 7 * ((c - 1) / :users)) % :users + 1, 50
  FROM generate_series(1, :chats) c;
INSERT INTO pair SELECT :chats + i, :id_many, i, 10 FROM generate_series(1, :many) i;
INSERT INTO pair VALUES (:id_big, :id_a, :id_b, :big);
ANALYZE pair;

INSERT INTO server (name) SELECT 'server' || i FROM generate_series(1, 3) i;
INSERT INTO lane (server) SELECT s.id FROM server s, generate_series(1, 4);

INSERT INTO users (id, name, first_seq, last_seq, last_at, forgot, behind) OVERRIDING SYSTEM VALUE
SELECT i, 'user' || i, 41, 50, :start + 50000, i % 10 = 0, i % 1000 = 0 FROM generate_series(1, :users) i;
INSERT INTO users (id, name) OVERRIDING SYSTEM VALUE
VALUES (:id_many, 'many'), (:id_a, 'big-a'), (:id_b, 'big-b'), (:id_away, 'away');
SELECT setval(pg_get_serial_sequence('users', 'id'), :id_away);

INSERT INTO chat (id, key, last_id, last_time, content) OVERRIDING SYSTEM VALUE
SELECT p.chat, least(a.name, b.name) || chr(31) || greatest(a.name, b.name), p.messages,
       :start + p.messages * 1000, p.messages - (p.messages % 25 = 0)::int
  FROM pair p JOIN users a ON a.id = p.a JOIN users b ON b.id = p.b ORDER BY p.chat;
SELECT setval(pg_get_serial_sequence('chat', 'id'), :id_big);

-- One statement a round: round k has message k of every chat, and a fiftieth of the big one.
-- Of 25 messages one is an edit, one a deletion, one was deleted, and one is a call.
SELECT format($round$
INSERT INTO message (chat, id, sender, created, kind, ref, fingerprint, updated, deleted, deletion,
                     client_id, text, payload)
SELECT p.chat, p.id, CASE p.id %% 2 WHEN 1 THEN p.a ELSE p.b END, %2$s + p.id * 1000, k.kind,
       CASE k.kind WHEN 2 THEN p.id - 1 WHEN 3 THEN p.id - 10 END,
       ('x' || substr(md5(p.chat || ' ' || p.id), 1, 16))::bit(64)::bigint,
       CASE WHEN p.id %% 25 = 24 THEN %2$s + p.id * 1000 + 1000 END,
       CASE WHEN k.deleted THEN %2$s + p.id * 1000 + 10000 END,
       CASE WHEN k.deleted THEN p.id + 10 END,
       substr(md5('id ' || p.chat || ' ' || p.id), 1, 20),
       CASE WHEN k.kind = 0 AND NOT k.deleted THEN rpad('message ' || p.id || ' ', 128, 'text ') END,
       CASE WHEN k.kind = 1 THEN '{"status":"received","callType":"video"}' END
  FROM (SELECT chat, a, b, messages, %1$s::bigint AS id FROM pair WHERE messages >= %1$s AND chat <> %3$s
        UNION ALL
        SELECT p.chat, p.a, p.b, p.messages, i FROM pair p, generate_series(%4$s::bigint, %5$s) i
         WHERE p.chat = %3$s) p,
       LATERAL (SELECT CASE p.id %% 25 WHEN 0 THEN 2 WHEN 20 THEN 3 WHEN 15 THEN 1 ELSE 0 END AS kind,
                       p.id %% 25 = 10 AND p.id + 10 <= p.messages AS deleted) k
 ORDER BY p.chat, p.id $round$,
              k, :start, :id_big, (k - 1) * (:big / 50) + 1, k * (:big / 50))
  FROM generate_series(1, 50) k \gexec

-- In the big chat a hundredth of what a has read is hidden from him.
INSERT INTO hidden SELECT chat, 12, a, :start + 60000 FROM pair WHERE messages = 50 AND chat % 20 = 0;
INSERT INTO hidden
SELECT :id_big, i, :id_a, :start + i * 1000 FROM generate_series(100, :big / 2, 100) i;

-- a has read four fifths of an ordinary chat and half of the big one; b all.
INSERT INTO member (chat, usr, peer, read, read_at, delivered, delivered_at, theirs, missed, rank)
SELECT w.chat, w.usr, peer.name, w.read, :start, w.messages, :start, w.theirs, coalesce(m.n, 0),
       row_number() OVER (PARTITION BY w.usr ORDER BY w.chat)
  FROM (SELECT chat, a AS usr, b AS peer, messages, messages AS theirs,
               CASE chat WHEN :id_big THEN messages / 2 ELSE messages * 4 / 5 END AS read FROM pair
        UNION ALL
        SELECT chat, b, a, messages, messages - 1, messages - 1 FROM pair) w
  JOIN users peer ON peer.id = w.peer
  LEFT JOIN (SELECT p.chat, p.a AS usr, count(*) AS n FROM message m JOIN pair p USING (chat)
              WHERE m.sender <> p.a AND m.kind < 2 AND m.deleted IS NULL
                AND m.id > CASE p.chat WHEN :id_big THEN p.messages / 2 ELSE p.messages * 4 / 5 END
              GROUP BY p.chat, p.a) m ON m.chat = w.chat AND m.usr = w.usr
 ORDER BY w.chat, w.usr;
UPDATE users u SET rank = m.rank
  FROM (SELECT usr, max(rank) AS rank FROM member GROUP BY usr) m WHERE u.id = m.usr;

-- The group: its members have read half of it.
INSERT INTO chat (id, key, last_id, last_time, content, name, members) OVERRIDING SYSTEM VALUE
VALUES (:id_group, 'grp_bench', :many, :start + :many * 1000, :many, 'Bench', :group);
SELECT setval(pg_get_serial_sequence('chat', 'id'), :id_group);
INSERT INTO message (chat, id, sender, created, kind, fingerprint, client_id, text)
SELECT :id_group, i, i % :group + 1, :start + i * 1000, 0, i, 'group ' || i, rpad('message ', 128, 'text ')
  FROM generate_series(1, :many) i;
UPDATE users SET rank = rank + 1 WHERE id <= :group;
INSERT INTO member (chat, usr, peer, read, read_at, delivered, delivered_at, theirs, missed, rank, role, joined)
SELECT :id_group, u.id, 'grp_bench', :many / 2, :start, :many / 2, :start,
       CASE WHEN u.id = :many % :group + 1 THEN :many - 1 ELSE :many END, n.missed, u.rank,
       CASE u.id WHEN 1 THEN 2 ELSE 0 END, :start
  FROM users u
  JOIN LATERAL (SELECT count(*) AS missed FROM message
                 WHERE chat = :id_group AND id > :many / 2 AND sender <> u.id) n ON true
 WHERE u.id <= :group;

-- Ten events wait for each user, one of them of his own other device; and for one user many.
INSERT INTO event (usr, seq, at, session, type, payload, origin)
SELECT e.usr, e.seq, :start + e.seq * 1000, CASE WHEN e.seq % 10 = 5 THEN 7 END, 'new',
       format('{"chatId":"user%s","sender":"user%s","messageId":%s,"clientMessageId":"%s",'
              '"message":"%s","timestamp":%s,"missed":1}',
              e.usr + 1, e.usr + 1, e.seq, md5(e.usr || ' ' || e.seq), rpad('message ', 128, 'text '),
              :start + e.seq * 1000),
       CASE WHEN e.seq % 10 = 5 THEN 'phone' END
  FROM (SELECT u AS usr, s AS seq FROM generate_series(41, 50) s, generate_series(1, :users) u
        UNION ALL
        SELECT :id_away, i FROM generate_series(1, :big) i) e
 ORDER BY e.seq, e.usr;
UPDATE users SET last_seq = :big, last_at = :start + :big * 1000 WHERE id = :id_away;

-- A third of the phones are connected; some to a server that is gone.
INSERT INTO device (usr, name, acked, sent, lost, connected, seen, above)
SELECT u, 'phone', 40, CASE WHEN u % 3 = 0 THEN 50 ELSE 40 END, 0,
       CASE WHEN u % 300 = 0 THEN 999 WHEN u % 3 = 0 THEN u % 9 / 3 + 1 ELSE 0 END,
       :start + u * 1000, CASE WHEN u % 7 = 0 THEN ARRAY[43, 44]::bigint[] END
  FROM generate_series(1, :users) u;
INSERT INTO device (usr, name, acked, sent, connected, seen)
SELECT u, 'laptop', 50, 50, 0, :start + u * 1000 FROM generate_series(2, :users, 2) u;
INSERT INTO device (usr, name, acked, sent, connected, seen)
SELECT :id_away, 'device' || i, 0, 0, 0, :start + i * 1000 FROM generate_series(1, 100) i;

INSERT INTO doc (plugin, key, value)
SELECT 'bench', 'doc/' || i, format('{"n":%s,"text":"%s"}', i, repeat('x', 400))
  FROM generate_series(1, :many) i;

\if :{?bare} \else
VACUUM (ANALYZE);
\endif

SELECT relname AS name, relkind AS kind, pg_size_pretty(pg_relation_size(oid)) AS size,
       reltuples::bigint AS rows
  FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')
 ORDER BY pg_relation_size(oid) DESC;
