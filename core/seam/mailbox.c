/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ring behind mailbox.h. Positions count up without bound (mod 2^32) and
 * are cut to the ring with a mask; `tail - head` is what is in it. Each side
 * remembers the other's position as it last saw it and looks again only when
 * that is not enough, so that in the common case no cache line changes hands.
 *
 * Who owns what: `tail` and `head_seen` the writer's thread, `tail_seen` the
 * reader's. `published` is stored by the writer alone, `head` by the reader
 * alone. `reader_sleeps` and `writer_waits` are raised by the one that is to
 * be woken, and lowered by either.
 *
 * No wake-up is lost, because each side stores first and looks second, all of
 * it sequentially consistent: writer "published, then is the reader asleep?",
 * reader "I sleep, then is anything published?". One of the two sees the
 * other. The same for a full box with `head` and `writer_waits`. Without an fd
 * nobody is woken, and release and acquire are enough.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "mailbox.h"

#define CACHE_LINE 64
#define MAILBOX_CAPACITY_MAX (1u << 30)

struct mailbox {
	char *slots;
	size_t slot_size;
	uint32_t capacity;
	int reader_fd;
	int writer_fd;

	char pad_writer[CACHE_LINE];
	uint32_t tail; /* pushed, though perhaps not published */
	uint32_t head_seen;
	char pad_published[CACHE_LINE];
	_Atomic uint32_t published;
	char pad_reader[CACHE_LINE];
	uint32_t tail_seen;
	char pad_head[CACHE_LINE];
	_Atomic uint32_t head;
	char pad_flags[CACHE_LINE];
	_Atomic bool reader_sleeps;
	_Atomic bool writer_waits;
	char pad_end[CACHE_LINE];
};

struct mailbox *mailbox_new(size_t slot_size, uint32_t capacity, int reader_fd, int writer_fd)
{
	struct mailbox *box = mem_zalloc(sizeof(*box));

	box->capacity = 2;
	while (box->capacity < capacity && box->capacity < MAILBOX_CAPACITY_MAX)
		box->capacity *= 2;
	box->slot_size = slot_size;
	box->slots = mem_alloc(slot_size * box->capacity);
	box->reader_fd = reader_fd;
	box->writer_fd = writer_fd;
	return box;
}

void mailbox_free(struct mailbox **box)
{
	if (*box == NULL)
		return;
	free((*box)->slots);
	free(*box);
	*box = NULL;
}

static char *slot_at(const struct mailbox *box, uint32_t position)
{
	return box->slots + box->slot_size * (position & (box->capacity - 1));
}

/* An eventfd's count cannot overflow by ones, and EAGAIN would mean that it is
 * readable anyway. */
static void wake(int fd)
{
	const uint64_t one = 1;

	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* Wakes whoever raised the flag, once. The plain look first keeps the line
 * shared while nobody sleeps. */
static void wake_if(_Atomic bool *flag, int fd)
{
	if (atomic_load(flag) && atomic_exchange(flag, false))
		wake(fd);
}

static uint32_t writer_used(struct mailbox *box)
{
	if (box->tail - box->head_seen == box->capacity)
		box->head_seen = atomic_load_explicit(&box->head, memory_order_acquire);
	return box->tail - box->head_seen;
}

bool mailbox_push(struct mailbox *box, const void *slot)
{
	if (writer_used(box) == box->capacity)
		return false;
	memcpy(slot_at(box, box->tail), slot, box->slot_size);
	box->tail++;
	return true;
}

uint32_t mailbox_room(struct mailbox *box)
{
	box->head_seen = atomic_load_explicit(&box->head, memory_order_acquire);
	return box->capacity - (box->tail - box->head_seen);
}

void mailbox_publish(struct mailbox *box)
{
	if (box->tail == atomic_load_explicit(&box->published, memory_order_relaxed))
		return;
	if (box->reader_fd < 0) {
		atomic_store_explicit(&box->published, box->tail, memory_order_release);
		return;
	}
	atomic_store(&box->published, box->tail);
	wake_if(&box->reader_sleeps, box->reader_fd);
}

/* Publishes first: the reader could not make room by reading what it cannot
 * see. */
bool mailbox_want_room(struct mailbox *box)
{
	mailbox_publish(box);
	atomic_store(&box->writer_waits, true);
	box->head_seen = atomic_load(&box->head);
	if (box->tail - box->head_seen < box->capacity) {
		atomic_store_explicit(&box->writer_waits, false, memory_order_relaxed);
		return false;
	}
	return true;
}

void *mailbox_peek(struct mailbox *box, uint32_t *n)
{
	uint32_t head = atomic_load_explicit(&box->head, memory_order_relaxed);
	uint32_t to_end = box->capacity - (head & (box->capacity - 1));

	if (box->tail_seen == head)
		box->tail_seen = atomic_load_explicit(&box->published, memory_order_acquire);
	*n = box->tail_seen - head;
	if (*n == 0)
		return NULL;
	if (*n > to_end)
		*n = to_end;
	return slot_at(box, head);
}

void mailbox_consume(struct mailbox *box, uint32_t n)
{
	uint32_t head = atomic_load_explicit(&box->head, memory_order_relaxed) + n;

	if (box->writer_fd < 0) {
		atomic_store_explicit(&box->head, head, memory_order_release);
		return;
	}
	atomic_store(&box->head, head);
	if (atomic_load(&box->writer_waits) &&
	    atomic_load(&box->published) - head <= box->capacity / 2)
		wake_if(&box->writer_waits, box->writer_fd);
}

bool mailbox_sleep(struct mailbox *box)
{
	uint32_t head = atomic_load_explicit(&box->head, memory_order_relaxed);

	atomic_store(&box->reader_sleeps, true);
	if (atomic_load(&box->published) == head)
		return true;
	mailbox_awake(box);
	return false;
}

void mailbox_awake(struct mailbox *box)
{
	atomic_store_explicit(&box->reader_sleeps, false, memory_order_relaxed);
}
