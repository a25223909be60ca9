/* SPDX-License-Identifier: BSD-2-Clause */
/* File descriptors that plugins watch, with the real loop around the core: pipes and
 * sockets that are ready, watches that change and go, and what comes of a callback. */
#include <fcntl.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include <parlance/storage.h>

#include "watch_world.h"

static void what_is_there_is_told_until_it_is_read(void)
{
	struct end end;

	begin();
	end_open(&end, PAR_READABLE);
	turns(1);
	CU_ASSERT_EQUAL(end.calls, 0);
	end_say(&end);
	turns(3);
	CU_ASSERT_EQUAL(end.calls, 3);
	CU_ASSERT_EQUAL(end.ready, PAR_READABLE);
	end.drain = true;
	turns(1);
	turns(1);
	CU_ASSERT_EQUAL(end.calls, 4);
	end_close(&end);
	finish();
}

static void *say_late(void *arg)
{
	end_say(arg);
	return NULL;
}

static void the_loop_wakes(void)
{
	struct end end;
	pthread_t thread;

	begin();
	end_open(&end, PAR_READABLE);
	turns(1);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, say_late, &end), 0);
	turns(2);
	CU_ASSERT(end.calls > 0);
	pthread_join(thread, NULL);
	end_close(&end);
	finish();
}

static void what_is_watched_may_change(void)
{
	struct end end;

	begin();
	end_open(&end, 0);
	end_say(&end);
	turns(1);
	CU_ASSERT_EQUAL(end.calls, 0);
	CU_ASSERT(api_table.watch_change(plugin, end.id, PAR_WRITABLE));
	turns(1);
	CU_ASSERT_EQUAL(end.ready, PAR_WRITABLE);
	CU_ASSERT(api_table.watch_change(plugin, end.id, PAR_READABLE | PAR_WRITABLE));
	turns(1);
	CU_ASSERT_EQUAL(end.ready, PAR_READABLE | PAR_WRITABLE);
	CU_ASSERT(api_table.watch_change(plugin, end.id, PAR_READABLE));
	turns(1);
	CU_ASSERT_EQUAL(end.ready, PAR_READABLE);
	CU_ASSERT_EQUAL(end.calls, 3);
	CU_ASSERT(api_table.watch_change(plugin, end.id, 0));
	turns(1);
	CU_ASSERT_EQUAL(end.calls, 3);
	end_close(&end);
	finish();
}

static void the_other_sides_end_is_told(void)
{
	struct end reader, writer, neither;

	begin();
	end_open(&reader, PAR_READABLE);
	end_open(&writer, PAR_WRITABLE);
	end_open(&neither, 0);
	close(reader.other);
	close(writer.other);
	close(neither.other);
	turns(1);
	CU_ASSERT_EQUAL(reader.ready, PAR_READABLE);
	CU_ASSERT_EQUAL(writer.ready, PAR_WRITABLE);
	CU_ASSERT_EQUAL(neither.calls, 0);
	finish();
	close(reader.fd);
	close(writer.fd);
	close(neither.fd);
}

static void a_callback_may_stop_its_own_watch(void)
{
	struct end end;

	begin();
	end_open(&end, PAR_READABLE | PAR_WRITABLE);
	end_say(&end);
	end.victim = end.id;
	turns(1);
	turns(1);
	CU_ASSERT_EQUAL(end.calls, 1);
	CU_ASSERT_EQUAL(end.ready, PAR_READABLE | PAR_WRITABLE);
	end_close(&end);
	finish();
}

/* Both are ready, and whoever comes first ends or mutes the other. */
static void a_callback_may_stop_anothers_in_the_same_turn(void)
{
	struct end a, b, c, d;

	begin();
	end_open(&a, PAR_WRITABLE);
	end_open(&b, PAR_WRITABLE);
	end_open(&c, PAR_WRITABLE);
	end_open(&d, PAR_WRITABLE);
	a.victim = b.id;
	b.victim = a.id;
	c.muted = d.id;
	d.muted = c.id;
	turns(1);
	CU_ASSERT_EQUAL(a.calls + b.calls, 1);
	CU_ASSERT_EQUAL(c.calls + d.calls, 1);
	turns(1);
	CU_ASSERT_EQUAL(a.calls + b.calls, 2);
	CU_ASSERT_EQUAL(c.calls + d.calls, 2);
	end_close(&a);
	end_close(&b);
	end_close(&c);
	end_close(&d);
	finish();
}

/* A storage as small as can be: answers when its descriptor is ready. */
static struct par_tx *kept;
static unsigned submitted, flushed, answered, answers_wanted;

static void tiny_submit(void *state, struct par_tx *tx)
{
	(void)state;
	kept = tx;
	submitted++;
}

static void tiny_query(void *state, struct par_query *query)
{
	(void)state;
	(void)query;
}

static void tiny_flush(void *state)
{
	(void)state;
	CU_ASSERT_PTR_NOT_NULL(kept);
	flushed++;
}

static void submit_again(void *state, void *arg)
{
	struct par_tx *tx;

	(void)arg;
	if (++answered == answers_wanted)
		return;
	tx = api_table.tx_new(plugin, submit_again, state);
	api_table.tx_submit(tx);
}

static void tiny_ready(void *state, void *arg, unsigned ready)
{
	struct par_tx *tx = kept;

	(void)state;
	(void)arg;
	(void)ready;
	kept = NULL;
	if (tx != NULL)
		api_table.tx_done(tx);
}

/* Each turn: the result comes, its submitter submits the next, and that is flushed. */
static void what_comes_of_it_leaves_in_the_same_turn(void)
{
	static const struct par_storage_role role = { .size = sizeof(role),
						      .submit = tiny_submit,
						      .query = tiny_query,
						      .flush = tiny_flush };
	int fds[2];

	begin();
	plugin->phase = PLUGIN_LOADING;
	CU_ASSERT(api_table.provide_storage(plugin, &role, plugin));
	plugin->phase = PLUGIN_RUNNING;
	submitted = flushed = answered = 0;
	answers_wanted = 3;
	CU_ASSERT_FATAL(pipe2(fds, O_NONBLOCK) == 0);
	CU_ASSERT_NOT_EQUAL(
	    api_table.watch_start(plugin, fds[1], PAR_WRITABLE, tiny_ready, plugin, NULL), 0);
	api_table.tx_submit(api_table.tx_new(plugin, submit_again, NULL));
	turns(1);
	CU_ASSERT_EQUAL(answered, 1);
	CU_ASSERT_EQUAL(submitted, 2);
	CU_ASSERT_EQUAL(flushed, 1);
	turns(2);
	CU_ASSERT_EQUAL(answered, 3);
	CU_ASSERT_EQUAL(submitted, 3);
	CU_ASSERT_EQUAL(flushed, 2);
	close(fds[0]);
	close(fds[1]);
	finish();
}

static uint64_t wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Until the clock has gone on by more than a callback may take. */
static void keep_busy(void)
{
	struct timespec begin_at, now;

	clock_gettime(CLOCK_MONOTONIC, &begin_at);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - begin_at.tv_sec) * 1000000000L + now.tv_nsec - begin_at.tv_nsec <
	       (WATCH_SLOW_MS + 1) * 1000000L);
}

static void look_at_the_clock(void *state, void *arg, unsigned ready)
{
	(void)state;
	(void)ready;
	*(uint64_t *)arg = api_table.now(plugin);
	keep_busy();
	CU_ASSERT(api_table.watch_stop(plugin, 1));
}

static void the_clock_is_fresh_and_the_watchdog_awake(void)
{
	uint64_t now = 0, before;
	int fds[2];

	begin();
	CU_ASSERT_FATAL(pipe2(fds, O_NONBLOCK) == 0);
	CU_ASSERT_EQUAL(
	    api_table.watch_start(plugin, fds[1], PAR_WRITABLE, look_at_the_clock, plugin, &now),
	    1);
	keep_busy();
	before = wall_ms();
	turns(1);
	CU_ASSERT(now >= before);
	CU_ASSERT(logged("the callback for watched descriptor took"));
	close(fds[0]);
	close(fds[1]);
	finish();
}

static bool rang;

static void ring(void *state, void *arg)
{
	(void)state;
	(void)arg;
	rang = true;
}

static void set_timer(void *state, void *arg, unsigned ready)
{
	(void)ready;
	CU_ASSERT(api_table.watch_change(plugin, *(par_watch_id *)arg, 0));
	api_table.timer_start(plugin, 1, ring, state, NULL);
}

static bool has_rung(void *arg)
{
	(void)arg;
	return rang;
}

static void a_timer_that_it_starts_rings(void)
{
	par_watch_id id;
	int fds[2];

	begin();
	rang = false;
	CU_ASSERT_FATAL(pipe2(fds, O_NONBLOCK) == 0);
	id = api_table.watch_start(plugin, fds[1], PAR_WRITABLE, set_timer, plugin, &id);
	loop_run(loop, core, NULL, has_rung, NULL);
	CU_ASSERT(rang);
	close(fds[0]);
	close(fds[1]);
	finish();
}

static void what_is_left_is_dropped_at_unload(void)
{
	struct end end;

	begin();
	end_open(&end, PAR_READABLE | PAR_WRITABLE);
	end_say(&end);
	core_stop_plugins(core);
	turns(1);
	CU_ASSERT_EQUAL(end.calls, 0);
	end_close(&end);
	finish();
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "what is there is told until it is read",
		  what_is_there_is_told_until_it_is_read },
		{ "the loop wakes", the_loop_wakes },
		{ "what is watched may change", what_is_watched_may_change },
		{ "the other side's end is told", the_other_sides_end_is_told },
		{ "a callback may stop its own watch", a_callback_may_stop_its_own_watch },
		{ "a callback may stop another's in the same turn",
		  a_callback_may_stop_anothers_in_the_same_turn },
		{ "what comes of it leaves in the same turn",
		  what_comes_of_it_leaves_in_the_same_turn },
		{ "the clock is fresh and the watchdog awake",
		  the_clock_is_fresh_and_the_watchdog_awake },
		{ "a timer that it starts rings", a_timer_that_it_starts_rings },
		{ "what is left is dropped at unload", what_is_left_is_dropped_at_unload },
		{ NULL, NULL },
	};

	alarm(60); /* a loop that waits for what does not come */
	return unit_main("watch", tests);
}
