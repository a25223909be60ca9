/* SPDX-License-Identifier: BSD-2-Clause */
/* storage_postgres: what goes together, in which order, and what is taken out. */
#include <string.h>

#include "queue_world.h"

static void what_comes_goes_together(void)
{
	world_begin();
	world_take("");
	add_append('a', "alice", "bob");
	add_append('b', "alice", "bob");
	add_event('c', "carol");
	add_query('d', PAR_QUERY_DEVICE, "alice");
	CU_ASSERT_EQUAL(world_queue.waiting, 4);
	world_done(world_take("abcd"));
	CU_ASSERT_EQUAL(world_queue.waiting, 0);
	world_take("");
	world_end();
}

static void no_more_than_asked_for(void)
{
	struct work *first;
	unsigned n;

	world_begin();
	add_event('a', "alice");
	add_event('b', "bob");
	add_event('c', "alice");
	first = queue_take(&world_queue, 2, &n);
	CU_ASSERT_EQUAL(n, 2);
	world_take("");
	world_done(first);
	world_done(world_take("c"));
	world_end();
}

static void a_batch_is_of_one_kind(void)
{
	world_begin();
	add_event('a', "alice");
	add_query('b', PAR_QUERY_EVENTS, "bob");
	add_event('c', "carol");
	add_query('d', PAR_QUERY_CHATS, "dave");
	world_done(world_take("ac"));
	world_done(world_take("bd"));
	world_end();
}

static void a_prune_waits_and_goes_alone(void)
{
	struct work *first, *second;

	world_begin();
	add_event('a', "alice");
	add_query('b', PAR_QUERY_EVENTS, "bob");
	first = world_take("a");
	add_prune('c');
	add_prune('d');
	add_event('e', "erin");
	second = world_take("b");
	world_take("");
	world_done(first);
	world_take("");
	world_done(second);
	first = world_take("c");
	add_query('f', PAR_QUERY_EVENTS, "frank");
	world_take("");
	world_done(first);
	world_done(world_take("d"));
	world_done(world_take("e"));
	world_done(world_take("f"));
	world_end();
}

static void what_comes_back_is_the_first_again(void)
{
	struct work *first;

	world_begin();
	add_event('a', "alice");
	add_event('b', "bob");
	add_event('c', "alice");
	first = world_take("abc");
	add_event('d', "bob");
	world_take("");
	queue_return(&world_queue, first);
	CU_ASSERT_EQUAL(world_queue.waiting, 4);
	first = world_take("abcd");
	queue_return(&world_queue, first);
	queue_return(&world_queue, NULL);
	add_event('e', "erin");
	world_done(world_take("abcde"));
	world_end();
}

static void who_is_to_be_alone_is_alone(void)
{
	struct work *works, *work, *second;

	world_begin();
	add_event('a', "alice");
	add_event('b', "alice");
	add_event('c', "carol");
	works = world_take("abc");
	for (work = works; work != NULL; work = work->next)
		work->alone = true;
	queue_return(&world_queue, works);
	add_event('d', "dave");
	add_event('e', "alice");
	works = world_take("a");
	work = world_take("c");
	second = world_take("d");
	queue_return(&world_queue, work);
	queue_return(&world_queue, second); /* d, which may go with others, is before c */
	second = world_take("d");
	world_done(world_take("c"));
	world_done(second);
	world_done(works);
	world_done(world_take("b"));
	world_done(world_take("e"));
	world_end();
}

static void what_waits_too_long_is_taken_out(void)
{
	struct work *first, *expired;

	world_begin();
	add_event_at('a', "alice", 1);
	first = world_take("a");
	add_event_at('b', "alice", 2);
	add_event_at('c', "carol", 4);
	add_event_at('d', "alice", 3);
	add_event_at('e', "alice", 5);
	expired = queue_expire(&world_queue, 3);
	CU_ASSERT_STRING_EQUAL(world_letters(expired), "bd");
	world_drop(expired);
	CU_ASSERT_EQUAL(world_queue.waiting, 2);
	world_done(world_take("c"));
	world_done(first);
	world_done(world_take("e"));
	world_end();
}

static void what_writes_is_taken_out(void)
{
	struct work *expired;

	world_begin();
	add_event('a', "alice");
	add_query('b', PAR_QUERY_EVENTS, "alice");
	add_query('c', PAR_QUERY_DEVICE, "alice");
	add_prune('d');
	expired = queue_expire_writes(&world_queue);
	CU_ASSERT_STRING_EQUAL(world_letters(expired), "acd");
	world_drop(expired);
	world_done(world_take("b"));
	world_end();
}

static void a_look_goes_no_further_than_that(void)
{
	struct work *first, *second;
	unsigned i;

	world_begin();
	add_event('a', "alice");
	first = world_take("a");
	for (i = 0; i < QUEUE_LOOK - 1; i++)
		add_event('b', "alice");
	add_event('c', "carol");
	second = world_take("c");
	add_event('b', "alice");
	add_event('d', "dave");
	world_take("");
	world_done(second);
	world_take("");
	world_drop(queue_expire(&world_queue, 0));
	add_event('e', "erin");
	world_done(world_take("e"));
	world_done(first);
	world_end();
}

static const struct unit_test tests[] = {
	{ "what comes goes together", what_comes_goes_together },
	{ "no more than asked for", no_more_than_asked_for },
	{ "a batch is of one kind", a_batch_is_of_one_kind },
	{ "a prune waits and goes alone", a_prune_waits_and_goes_alone },
	{ "what comes back is the first again", what_comes_back_is_the_first_again },
	{ "who is to be alone is alone", who_is_to_be_alone_is_alone },
	{ "what waits too long is taken out", what_waits_too_long_is_taken_out },
	{ "what writes is taken out", what_writes_is_taken_out },
	{ "a look goes no further than that", a_look_goes_no_further_than_that },
	{ NULL, NULL },
};

int main(void)
{
	return unit_main("storage_postgres: queue", tests);
}
