/* SPDX-License-Identifier: BSD-2-Clause */
/* Handles, the timers built on them, and calls posted to the core thread. */
#include <pthread.h>
#include <stdlib.h>

#include "engine/handle.h"
#include "engine/post.h"
#include "engine/timer.h"
#include "unit.h"

static void an_old_handle_finds_nothing(void)
{
	struct handles h = { 0 };
	int a, b;
	uint64_t first = handles_add(&h, &a), second;

	CU_ASSERT(first != 0);
	CU_ASSERT_PTR_EQUAL(handles_get(&h, first), &a);
	handles_remove(&h, first);
	CU_ASSERT_PTR_NULL(handles_get(&h, first));
	second = handles_add(&h, &b); /* in the same slot */
	CU_ASSERT(second != first);
	CU_ASSERT_PTR_NULL(handles_get(&h, first));
	CU_ASSERT_PTR_EQUAL(handles_get(&h, second), &b);
	handles_remove(&h, first); /* nobody's: changes nothing */
	CU_ASSERT_PTR_EQUAL(handles_get(&h, second), &b);
	CU_ASSERT_PTR_NULL(handles_get(&h, 0));
	CU_ASSERT_PTR_NULL(handles_get(&h, UINT64_MAX));
	handles_free(&h);
}

static void handles_outlive_growth(void)
{
	struct handles h = { 0 };
	static int objects[1000];
	uint64_t ids[1000];
	unsigned i;

	for (i = 0; i < 1000; i++)
		ids[i] = handles_add(&h, &objects[i]);
	for (i = 0; i < 1000; i++)
		CU_ASSERT_PTR_EQUAL(handles_get(&h, ids[i]), &objects[i]);
	handles_free(&h);
}

static void nothing(void *state, void *arg)
{
	(void)state;
	(void)arg;
}

static void timers_come_in_the_order_of_their_deadlines(void)
{
	struct timers t = { 0 };
	struct timer_call call;
	uint64_t last = 0;
	unsigned i, seen = 0;

	srand(7);
	for (i = 0; i < 500; i++) {
		uint64_t at = (uint64_t)(rand() % 1000);

		timers_start(&t, at, NULL, nothing, NULL, (void *)(uintptr_t)at);
	}
	CU_ASSERT_FALSE(timers_take_due(&t, timers_next(&t) - 1, &call));
	while (timers_take_due(&t, 1000, &call)) {
		CU_ASSERT((uintptr_t)call.arg >= last);
		last = (uintptr_t)call.arg;
		seen++;
	}
	CU_ASSERT_EQUAL(seen, 500);
	CU_ASSERT_EQUAL(timers_next(&t), UINT64_MAX);
	timers_free(&t);
}

static void a_stopped_timer_does_not_come(void)
{
	struct timers t = { 0 };
	struct timer_call call;
	uint64_t ids[64];
	unsigned i, seen = 0;

	for (i = 0; i < 64; i++)
		ids[i] = timers_start(&t, (i * 37) % 64, NULL, nothing, NULL, &ids[i]);
	for (i = 0; i < 64; i += 2)
		CU_ASSERT(timers_stop(&t, ids[i]));
	CU_ASSERT_FALSE(timers_stop(&t, ids[0]));
	while (timers_take_due(&t, 1000, &call)) {
		CU_ASSERT(((uint64_t *)call.arg - ids) % 2 == 1);
		seen++;
	}
	CU_ASSERT_EQUAL(seen, 32);
	CU_ASSERT_FALSE(timers_stop(&t, ids[1]));
	timers_free(&t);
}

static void a_plugin_takes_its_timers_with_it(void)
{
	struct timers t = { 0 };
	struct timer_call call;
	struct par_plugin *mine = (struct par_plugin *)&t, *other = (struct par_plugin *)&call;
	unsigned i, seen = 0;

	for (i = 0; i < 100; i++)
		timers_start(&t, (i * 13) % 100, i % 3 == 0 ? mine : other, nothing, NULL, NULL);
	timers_stop_owner(&t, mine);
	while (timers_take_due(&t, 1000, &call)) {
		CU_ASSERT_PTR_EQUAL(call.owner, other);
		seen++;
	}
	CU_ASSERT_EQUAL(seen, 66);
	timers_free(&t);
}

/* Two threads post, one takes: all comes, in each poster's order. */
static _Atomic unsigned wakes;

static void wake(void *arg)
{
	(void)arg;
	wakes++;
}

static void *post_many(void *arg)
{
	struct posts *p = arg;
	uintptr_t i;

	for (i = 1; i <= 1000; i++)
		posts_add(p, NULL, nothing, p, (void *)i);
	return NULL;
}

static void posted_calls_keep_their_order(void)
{
	struct posts p;
	struct post *post, *next;
	pthread_t thread;
	uintptr_t expected = 1;

	posts_init(&p, wake, NULL);
	pthread_create(&thread, NULL, post_many, &p);
	while (expected <= 1000) {
		posts_wait(&p);
		for (post = posts_take(&p); post != NULL; post = next) {
			next = post->next;
			CU_ASSERT_EQUAL((uintptr_t)post->arg, expected);
			expected++;
			free(post);
		}
	}
	pthread_join(thread, NULL);
	CU_ASSERT(wakes >= 1);
	CU_ASSERT_PTR_NULL(posts_take(&p));
	posts_free(&p);
}

static void square(void *state, void *arg)
{
	unsigned *number = arg;

	(void)state;
	*number *= *number;
}

static void offloaded_work_comes_back(void)
{
	struct posts p;
	struct post *post, *next;
	unsigned numbers[8], i, back = 0;

	posts_init(&p, wake, NULL);
	for (i = 0; i < 8; i++) {
		numbers[i] = i;
		posts_offload(&p, NULL, square, nothing, NULL, &numbers[i]);
	}
	CU_ASSERT_EQUAL(p.offloaded, 8);
	while (back < 8) {
		posts_wait(&p);
		for (post = posts_take(&p); post != NULL; post = next) {
			next = post->next;
			CU_ASSERT_PTR_EQUAL((void *)post->work, (void *)square);
			back++;
			free(post);
		}
	}
	for (i = 0; i < 8; i++)
		CU_ASSERT_EQUAL(numbers[i], i * i);
	posts_free(&p);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "an old handle finds nothing", an_old_handle_finds_nothing },
		{ "handles outlive growth", handles_outlive_growth },
		{ "timers come in the order of their deadlines",
		  timers_come_in_the_order_of_their_deadlines },
		{ "a stopped timer does not come", a_stopped_timer_does_not_come },
		{ "a plugin takes its timers with it", a_plugin_takes_its_timers_with_it },
		{ "posted calls keep their order", posted_calls_keep_their_order },
		{ "offloaded work comes back", offloaded_work_comes_back },
		{ NULL, NULL },
	};

	return unit_main("timer", tests);
}
