/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mailbox on one thread: order, bounds, wrapping, when an eventfd is
 * written and when not. Then two threads that sleep and wake each other over a
 * box much smaller than the traffic: a lost wake-up hangs the test, a torn or
 * reordered slot fails it. Last, the frames that travel in such a box.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "seam/mailbox.h"
#include "seam/message.h"
#include "seam/out_frame.h"
#include "unit.h"

/* The number of wake-ups since the last call. */
static uint64_t wakes(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == (ssize_t)sizeof(n) ? n : 0;
}

static void push_run(struct mailbox *box, uint64_t first, uint64_t count)
{
	for (uint64_t v = first; v < first + count; v++)
		CU_ASSERT_TRUE(mailbox_push(box, &v));
}

static void take_run(struct mailbox *box, uint64_t first, uint64_t count)
{
	while (count > 0) {
		uint32_t n;
		uint64_t *slots = mailbox_peek(box, &n);
		CU_ASSERT_PTR_NOT_NULL_FATAL(slots);
		CU_ASSERT_FATAL(n <= count);
		for (uint32_t i = 0; i < n; i++)
			CU_ASSERT_EQUAL(slots[i], first + i);
		mailbox_consume(box, n);
		first += n;
		count -= n;
	}
}

static void test_visible_after_publish(void)
{
	struct mailbox *box = mailbox_new(sizeof(uint64_t), 8, -1, -1);
	uint32_t n = 7;

	CU_ASSERT_PTR_NULL(mailbox_peek(box, &n));
	CU_ASSERT_EQUAL(n, 0);
	push_run(box, 1, 3);
	CU_ASSERT_PTR_NULL(mailbox_peek(box, &n));
	CU_ASSERT_TRUE(mailbox_sleep(box));
	mailbox_publish(box);
	CU_ASSERT_FALSE(mailbox_sleep(box));
	take_run(box, 1, 3);
	CU_ASSERT_PTR_NULL(mailbox_peek(box, &n));
	CU_ASSERT_TRUE(mailbox_sleep(box));
	mailbox_free(&box);
	CU_ASSERT_PTR_NULL(box);
	mailbox_free(&box);
}

static void test_full_and_room(void)
{
	struct mailbox *box = mailbox_new(sizeof(uint64_t), 5, -1, -1);
	uint64_t v = 0;
	uint32_t n;

	CU_ASSERT_EQUAL(mailbox_room(box), 8);
	push_run(box, 0, 8);
	CU_ASSERT_EQUAL(mailbox_room(box), 0);
	CU_ASSERT_FALSE(mailbox_push(box, &v));
	CU_ASSERT_TRUE(mailbox_want_room(box));
	CU_ASSERT_PTR_NOT_NULL(mailbox_peek(box, &n));
	CU_ASSERT_EQUAL(n, 8);
	mailbox_consume(box, 3);
	CU_ASSERT_FALSE(mailbox_want_room(box));
	CU_ASSERT_EQUAL(mailbox_room(box), 3);
	push_run(box, 8, 3);
	CU_ASSERT_FALSE(mailbox_push(box, &v));
	mailbox_publish(box);
	take_run(box, 3, 8);
	mailbox_free(&box);
}

/* Slots of an odd size, in batches that do not divide the ring: every position
 * of the wrap is passed. */
static void test_wrap(void)
{
	struct slot {
		char bytes[13];
	} slot, *got;
	struct mailbox *box = mailbox_new(sizeof(slot), 8, -1, -1);
	unsigned sent = 0, taken = 0;
	uint32_t n;

	while (sent < 1000) {
		for (unsigned i = 0; i < 5; i++, sent++) {
			memset(slot.bytes, (int)(sent & 0xff), sizeof(slot.bytes));
			CU_ASSERT_TRUE_FATAL(mailbox_push(box, &slot));
		}
		mailbox_publish(box);
		while ((got = mailbox_peek(box, &n)) != NULL) {
			for (uint32_t i = 0; i < n; i++, taken++) {
				CU_ASSERT_EQUAL((uint8_t)got[i].bytes[0], taken & 0xff);
				CU_ASSERT_EQUAL((uint8_t)got[i].bytes[12], taken & 0xff);
			}
			mailbox_consume(box, n);
		}
	}
	CU_ASSERT_EQUAL(taken, 1000);
	mailbox_free(&box);
}

static void test_wakes_only_a_sleeper(void)
{
	int reader_fd = eventfd(0, EFD_NONBLOCK);
	struct mailbox *box = mailbox_new(sizeof(uint64_t), 8, reader_fd, -1);

	push_run(box, 0, 1);
	mailbox_publish(box);
	CU_ASSERT_EQUAL(wakes(reader_fd), 0);
	take_run(box, 0, 1);

	CU_ASSERT_TRUE(mailbox_sleep(box));
	mailbox_publish(box);
	CU_ASSERT_EQUAL(wakes(reader_fd), 0);
	push_run(box, 1, 3);
	CU_ASSERT_EQUAL(wakes(reader_fd), 0);
	mailbox_publish(box);
	CU_ASSERT_EQUAL(wakes(reader_fd), 1);
	push_run(box, 4, 1);
	mailbox_publish(box);
	CU_ASSERT_EQUAL(wakes(reader_fd), 0);
	mailbox_awake(box);
	take_run(box, 1, 4);

	CU_ASSERT_TRUE(mailbox_sleep(box));
	mailbox_awake(box);
	push_run(box, 5, 1);
	mailbox_publish(box);
	CU_ASSERT_EQUAL(wakes(reader_fd), 0);
	mailbox_free(&box);
	close(reader_fd);
}

static void test_wakes_writer_at_half(void)
{
	int writer_fd = eventfd(0, EFD_NONBLOCK);
	struct mailbox *box = mailbox_new(sizeof(uint64_t), 8, -1, writer_fd);

	push_run(box, 0, 8);
	CU_ASSERT_TRUE(mailbox_want_room(box)); /* publishes too */
	take_run(box, 0, 0);
	mailbox_consume(box, 3);
	CU_ASSERT_EQUAL(wakes(writer_fd), 0);
	mailbox_consume(box, 1);
	CU_ASSERT_EQUAL(wakes(writer_fd), 1);
	mailbox_consume(box, 1);
	CU_ASSERT_EQUAL(wakes(writer_fd), 0);
	take_run(box, 5, 3);
	CU_ASSERT_FALSE(mailbox_want_room(box));
	push_run(box, 8, 8);
	mailbox_publish(box);
	take_run(box, 8, 8);
	CU_ASSERT_EQUAL(wakes(writer_fd), 0);
	mailbox_free(&box);
	close(writer_fd);
}

#define TRAFFIC 200000

struct pair {
	struct mailbox *box;
	int reader_fd;
	int writer_fd;
};

static void block(int fd)
{
	uint64_t n;

	if (read(fd, &n, sizeof(n)) != (ssize_t)sizeof(n))
		abort();
}

static void *write_traffic(void *arg)
{
	struct pair *p = arg;
	uint64_t slot[3];

	for (uint64_t v = 0; v < TRAFFIC; v++) {
		slot[0] = slot[1] = slot[2] = v;
		while (!mailbox_push(p->box, slot)) {
			if (mailbox_want_room(p->box))
				block(p->writer_fd);
		}
		if (v % 7 == 0 || v == TRAFFIC - 1)
			mailbox_publish(p->box);
	}
	return NULL;
}

/* Blocking eventfds: a wake-up that is lost leaves both sides blocked. */
static void test_two_threads(void)
{
	struct pair p = { .reader_fd = eventfd(0, 0), .writer_fd = eventfd(0, 0) };
	uint64_t expected = 0;
	bool good = true;
	pthread_t writer;

	p.box = mailbox_new(3 * sizeof(uint64_t), 16, p.reader_fd, p.writer_fd);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&writer, NULL, write_traffic, &p), 0);
	while (expected < TRAFFIC) {
		uint32_t n;
		uint64_t(*slots)[3] = mailbox_peek(p.box, &n);
		if (slots == NULL) {
			if (mailbox_sleep(p.box))
				block(p.reader_fd);
			mailbox_awake(p.box);
			continue;
		}
		for (uint32_t i = 0; i < n; i++, expected++)
			good = good && slots[i][0] == expected && slots[i][2] == expected;
		mailbox_consume(p.box, n);
	}
	CU_ASSERT_TRUE(good);
	pthread_join(writer, NULL);
	mailbox_free(&p.box);
	close(p.reader_fd);
	close(p.writer_fd);
}

static void test_frame_of_writer(void)
{
	struct out_frame *frame;
	struct par_json w;

	out_frame_begin(&w);
	par_json_object_begin(&w);
	par_json_member_u64(&w, "n", 7);
	par_json_object_end(&w);
	frame = out_frame_end(&w);
	CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
	CU_ASSERT_EQUAL(frame->len, 7);
	CU_ASSERT_EQUAL(memcmp(frame->text, "{\"n\":7}", 7), 0);
	CU_ASSERT_PTR_NULL(w.block);
	CU_ASSERT_PTR_EQUAL(out_frame_ref(frame), frame);
	out_frame_unref(frame);
	CU_ASSERT_EQUAL(memcmp(frame->text, "{\"n\":7}", 7), 0);
	out_frame_unref(frame);
	out_frame_unref(NULL);

	out_frame_begin(&w);
	frame = out_frame_end(&w);
	CU_ASSERT_EQUAL(frame->len, 0);
	out_frame_unref(frame);

	out_frame_begin(&w);
	w.limit = 100;
	par_json_bytes(&w, "abc", 3);
	par_json_room(&w, 101);
	CU_ASSERT_PTR_NULL(out_frame_end(&w));
}

static void check_event(const char *type, const char *payload, const char *text)
{
	struct out_frame *frame = out_frame_event(par_str_of(type), par_str_of(payload));
	size_t len = payload == NULL ? 0 : strlen(payload);

	CU_ASSERT_EQUAL_FATAL(frame->len, strlen(text));
	CU_ASSERT_EQUAL(memcmp(frame->text, text, frame->len), 0);
	CU_ASSERT_EQUAL(frame->payload_len, len);
	CU_ASSERT_EQUAL(frame->payload_at + len + 1, frame->len);
	if (len > 0)
		CU_ASSERT_EQUAL(memcmp(frame->text + frame->payload_at, payload, len), 0);
	out_frame_unref(frame);
}

static void test_frame_of_event(void)
{
	check_event("new", "{\"a\":1}", ",\"eventType\":\"new\",\"payload\":{\"a\":1}}");
	check_event("new", NULL, ",\"eventType\":\"new\"}");
	check_event("a\"b\n\n\n\n\n\n\n\n\n", "{}",
		    ",\"eventType\":\"a\\\"b\\n\\n\\n\\n\\n\\n\\n\\n\\n\",\"payload\":{}}");
}

static void *drop_frame(void *arg)
{
	out_frame_unref(arg);
	return NULL;
}

/* For the sanitizers: the last of two threads frees. */
static void test_frame_dropped_by_two(void)
{
	for (int i = 0; i < 200; i++) {
		struct out_frame *frame = out_frame_event(par_str_of("x"), par_str_of("1"));
		pthread_t other;
		out_frame_ref(frame);
		CU_ASSERT_EQUAL_FATAL(pthread_create(&other, NULL, drop_frame, frame), 0);
		out_frame_unref(frame);
		pthread_join(other, NULL);
	}
}

static void test_message(void)
{
	struct message *m = message_new(par_str_of("req001"), true, par_str_of("new"), NULL);

	CU_ASSERT_TRUE(m->has_id);
	CU_ASSERT_EQUAL(m->error, PAR_OK);
	CU_ASSERT_TRUE(par_str_equal(message_id(m), par_str_of("req001")));
	CU_ASSERT_TRUE(par_str_equal(message_type(m), par_str_of("new")));
	CU_ASSERT_STRING_EQUAL(message_id(m).s, "req001");
	CU_ASSERT_STRING_EQUAL(message_type(m).s, "new");
	message_free(&m);
	CU_ASSERT_PTR_NULL(m);
	message_free(&m);
	m = message_new(par_str_of(NULL), false, par_str_of(NULL), NULL);
	CU_ASSERT_EQUAL(message_id(m).len + message_type(m).len, 0);
	message_free(&m);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "slots are visible after publish", test_visible_after_publish },
		{ "full box and room", test_full_and_room },
		{ "wrapping", test_wrap },
		{ "only a sleeping reader is woken", test_wakes_only_a_sleeper },
		{ "a waiting writer is woken at half", test_wakes_writer_at_half },
		{ "two threads", test_two_threads },
		{ "frame out of a writer", test_frame_of_writer },
		{ "frame of an event", test_frame_of_event },
		{ "frame dropped by two threads", test_frame_dropped_by_two },
		{ "message", test_message },
		{ NULL, NULL },
	};

	return unit_main("mailbox", tests);
}
