/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/pg_floor: how many messages PostgreSQL stores when nothing but libpq is in front
 * of it: the statements of storage_postgres, in batches of one size, over one connection or
 * several with chats of their own; see README.md. The rate of a server can be
 * compared with it. Tables, users, chats and devices are made before anything is
 * measured, and stay.
 */
#include "pg_floor.h"

#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "server.h"

#define CONNECTIONS_MAX 32

struct floor {
	struct floor_options o;
	struct floor_lane lanes[CONNECTIONS_MAX];
	pthread_barrier_t start;
	double seconds;
	double own_cpu, database_cpu; /* seconds; 0: PostgreSQL is on another machine */
};

struct lane_thread {
	struct floor *floor;
	struct floor_lane *lane;
	uint64_t messages;
};

static const char usage[] =
    "usage: bench/pg_floor [OPTION]...\n"
    "  --conninfo TEXT     the database (dbname=parlance)\n"
    "  --batch N           messages in one transaction (20)\n"
    "  --together N        of them so many one behind the other are of one chat (1)\n"
    "  --connections N     each with chats of its own (1)\n"
    "  --chats N           of all together (100)\n"
    "  --messages N        how many (100000)\n"
    "  --seconds N         for how long at the most (60)\n"
    "  --text BYTES        of each message (128)\n"
    "  --json              one line of JSON instead of the table\n";

static const struct option options[] = {
	{ "conninfo", required_argument, NULL, 'c' },
	{ "batch", required_argument, NULL, 'b' },
	{ "together", required_argument, NULL, 'g' },
	{ "connections", required_argument, NULL, 'n' },
	{ "chats", required_argument, NULL, 'k' },
	{ "messages", required_argument, NULL, 'm' },
	{ "seconds", required_argument, NULL, 's' },
	{ "text", required_argument, NULL, 't' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void read_options(struct floor_options *o, bool *json, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->postgres.conninfo = optarg;
			break;
		case 'b':
			o->batch = (unsigned)bench_number(optarg, 1, FLOOR_BATCH);
			break;
		case 'g':
			o->together = (unsigned)bench_number(optarg, 1, FLOOR_BATCH);
			break;
		case 'n':
			o->connections = (unsigned)bench_number(optarg, 1, CONNECTIONS_MAX);
			break;
		case 'k':
			o->chats = (unsigned)bench_number(optarg, 1, FLOOR_CHATS);
			break;
		case 'm':
			o->messages = bench_number(optarg, 1, 100000000);
			break;
		case 's':
			o->seconds = (double)bench_number(optarg, 1, 86400);
			break;
		case 't':
			o->text = (unsigned)bench_number(optarg, 1, FLOOR_TEXT);
			break;
		case 'j':
			*json = true;
			break;
		default:
			fputs(usage, c == 'h' ? stdout : stderr);
			exit(c == 'h' ? 0 : 2);
		}
	}
	if (o->chats < o->connections)
		bench_die("each connection needs a chat: more --chats");
}

/* --- before --- */

static void run(PGconn *conn, const char *sql)
{
	PGresult *r = PQexec(conn, sql);

	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		bench_die("%s", PQerrorMessage(conn));
	PQclear(r);
}

/* All that may ever be used, so that it is the same for every run. A device has acked
 * what is there. */
static void make_rows(const char *conninfo)
{
	PGconn *conn = PQconnectdb(conninfo);

	if (PQstatus(conn) != CONNECTION_OK)
		bench_die("%s", PQerrorMessage(conn));
	run(conn,
	    "INSERT INTO users (name) SELECT 'floor-' || i || s FROM generate_series(0, 4999) i,"
	    " unnest(ARRAY['-a', '-b']) s ON CONFLICT DO NOTHING");
	run(conn, "INSERT INTO chat (key) SELECT 'floor-' || i || '-a' || chr(31) || 'floor-' || i"
		  " || '-b' FROM generate_series(0, 4999) i ON CONFLICT DO NOTHING");
	run(conn,
	    "INSERT INTO member (chat, usr, peer) SELECT c.id, u.id, o.name"
	    " FROM generate_series(0, 4999) i"
	    " JOIN users u ON u.name IN ('floor-' || i || '-a', 'floor-' || i || '-b')"
	    " JOIN users o ON o.name IN ('floor-' || i || '-a', 'floor-' || i || '-b')"
	    " AND o.id <> u.id JOIN chat c ON c.key ="
	    " 'floor-' || i || '-a' || chr(31) || 'floor-' || i || '-b' ON CONFLICT DO NOTHING");
	run(conn,
	    "INSERT INTO device (usr, name, acked, sent, connected, seen)"
	    " SELECT id, 'bench', last_seq, last_seq, 0, 0 FROM users WHERE name LIKE 'floor-%'"
	    " ON CONFLICT DO NOTHING");
	run(conn, "ANALYZE users, chat, member, device");
	PQfinish(conn);
}

static void make_lane(struct floor *f, unsigned i, unsigned from, unsigned to)
{
	struct floor_lane *lane = &f->lanes[i];
	unsigned n;

	lane->o = &f->o;
	lane->n_chats = to - from;
	lane->chats = mem_zalloc(lane->n_chats * sizeof(*lane->chats));
	for (n = 0; n < lane->n_chats; n++) {
		struct floor_chat *chat = &lane->chats[n];
		snprintf(chat->sender, sizeof(chat->sender), "floor-%u-a", from + n);
		snprintf(chat->receiver, sizeof(chat->receiver), "floor-%u-b", from + n);
		snprintf(chat->key, sizeof(chat->key), "%s\x1f%s", chat->sender, chat->receiver);
		chat->first_seq = 1;
	}
	lane->messages = mem_alloc(f->o.batch * sizeof(*lane->messages));
	lane->written = mem_alloc(lane->n_chats * sizeof(struct floor_chat *));
	lane->acked = mem_alloc(lane->n_chats * sizeof(struct floor_chat *));
	lane->took = mem_alloc((f->o.messages / f->o.batch + 2) * sizeof(double));
	params_init(&lane->params);
	floor_connect(lane);
}

/* --- the run --- */

static void *run_lane(void *arg)
{
	struct lane_thread *t = arg;
	struct floor_lane *lane = t->lane;
	const struct floor_options *o = lane->o;
	double end;

	pthread_barrier_wait(&t->floor->start);
	lane->acked_at = bench_clock();
	end = lane->acked_at + o->seconds;
	while (lane->n_messages < t->messages && bench_clock() < end) {
		uint64_t left = t->messages - lane->n_messages;
		floor_batch(lane, left < o->batch ? (unsigned)left : o->batch);
	}
	return NULL;
}

/* What the processes at the other ends have had so far, in seconds. */
static double database_cpu(const struct floor *f)
{
	struct server_cpu none = { .n = 0 }, cpu;
	double all = 0, busiest;
	unsigned i;

	for (i = 0; i < f->o.connections; i++) {
		struct bench_server process = { .pid = f->lanes[i].connection.pid };
		server_cpu(&process, &cpu);
		all += server_cpu_between(&none, &cpu, &busiest);
	}
	return all;
}

static uint64_t run_all(struct floor *f)
{
	struct lane_thread threads[CONNECTIONS_MAX];
	pthread_t ids[CONNECTIONS_MAX];
	unsigned i, n = f->o.connections;
	double started, own = bench_own_cpu(), database = database_cpu(f);
	uint64_t messages = 0;

	pthread_barrier_init(&f->start, NULL, n + 1);
	for (i = 0; i < n; i++) {
		threads[i] = (struct lane_thread){ f, &f->lanes[i], f->o.messages / n };
		if (pthread_create(&ids[i], NULL, run_lane, &threads[i]) != 0)
			bench_die("no thread");
	}
	pthread_barrier_wait(&f->start);
	started = bench_clock();
	for (i = 0; i < n; i++)
		pthread_join(ids[i], NULL);
	f->seconds = bench_clock() - started;
	f->own_cpu = bench_own_cpu() - own;
	f->database_cpu = database_cpu(f) - database;
	for (i = 0; i < n; i++)
		messages += f->lanes[i].n_messages;
	pthread_barrier_destroy(&f->start);
	return messages;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Of the first connection's batches, in ms. */
static double percent(const struct floor_lane *lane, double part)
{
	uint64_t i = (uint64_t)((double)lane->batches * part / 100);

	return lane->took[i < lane->batches ? i : lane->batches - 1] * 1e3;
}

static void print(const struct floor *f, uint64_t messages, bool json)
{
	const struct floor_lane *lane = &f->lanes[0];
	const struct floor_options *o = &f->o;
	double rate = (double)messages / f->seconds;

	if (json) {
		printf("{\"messages\":%" PRIu64 ",\"seconds\":%.3f,\"batch\":%u,\"together\":%u,"
		       "\"connections\":%u,\"rate\":%.0f,\"p50\":%.3f,\"p99\":%.3f,"
		       "\"cpuSeconds\":%.3f,\"databaseCpuSeconds\":%.3f}\n",
		       messages, f->seconds, o->batch, o->together, o->connections, rate,
		       percent(lane, 50), percent(lane, 99), f->own_cpu, f->database_cpu);
		return;
	}
	printf("%u a batch (%u of a chat together), %u connections, %u chats, %u bytes of text\n",
	       o->batch, o->together, o->connections, o->chats, o->text);
	printf("  stored                    %10.0f messages/s, %" PRIu64 " in %.2f s\n", rate,
	       messages, f->seconds);
	printf("  a batch took              %10.2f ms half, %.2f ms 99%%, %.2f ms all\n",
	       percent(lane, 50), percent(lane, 99), percent(lane, 100));
	printf("  PostgreSQL's CPU          %10.2f us a message\n",
	       f->database_cpu / (double)messages * 1e6);
	printf("  this program's CPU        %10.2f us a message\n",
	       f->own_cpu / (double)messages * 1e6);
}

int main(int argc, char **argv)
{
	static struct floor f = {
		.o = { .postgres = { .conninfo = "dbname=parlance",
				     .connect_timeout = 10000,
				     .timeout = 60000 },
		       .messages = 100000,
		       .seconds = 60,
		       .batch = 20,
		       .together = 1,
		       .connections = 1,
		       .chats = 100,
		       .text = 128,
		       .cursor_interval = 1 },
	};
	struct floor_options *o = &f.o;
	uint64_t messages;
	bool json = false;
	unsigned i;

	read_options(o, &json, argc, argv);
	snprintf(o->salt, sizeof(o->salt), "%08x%08x", (unsigned)time(NULL), (unsigned)getpid());
	for (i = 0; i < o->connections; i++)
		make_lane(&f, i, i * o->chats / o->connections,
			  (i + 1) * o->chats / o->connections);
	make_rows(o->postgres.conninfo);
	messages = run_all(&f);
	for (i = 0; i < o->connections; i++)
		floor_leave(&f.lanes[i]);
	qsort(f.lanes[0].took, f.lanes[0].batches, sizeof(double), compare);
	print(&f, messages, json);
	return 0;
}
