/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mailbox: a bounded ring of fixed-size slots from one writer thread to one
 * reader thread, without locks. Slots become visible a batch at a time, with
 * one release store; a sleeping reader is woken by one eventfd write a batch,
 * one that is awake by none.
 *
 * Writer:  mailbox_push (until full), mailbox_publish at the end of its turn.
 * Reader:  mailbox_peek, use the slots in place, mailbox_consume; before it
 *          blocks in poll: mailbox_sleep, which says no when there is mail.
 * A writer that found the box full asks mailbox_want_room; the reader wakes it
 * through the writer's own eventfd when half of the box is free again.
 *
 * With both sides on one thread the fds are -1 and nobody is woken: the loop
 * runs both in turn.
 */
#ifndef PARLANCE_MAILBOX_H
#define PARLANCE_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mailbox;

/* `capacity` is rounded up to a power of two. The fds stay the caller's. */
struct mailbox *mailbox_new(size_t slot_size, uint32_t capacity, int reader_fd, int writer_fd);
void mailbox_free(struct mailbox **box);

/* Writer. Copies the slot in; false when full. Not visible before publish. */
bool mailbox_push(struct mailbox *box, const void *slot);
/* Writer. How many pushes will succeed at least. */
uint32_t mailbox_room(struct mailbox *box);
/* Writer. Makes all pushed slots visible, and wakes the reader if it sleeps. */
void mailbox_publish(struct mailbox *box);
/* Writer. Asks for a wake-up when there is room; false when there is already. */
bool mailbox_want_room(struct mailbox *box);

/* Reader. The first of *n contiguous readable slots; NULL and 0 when empty. */
void *mailbox_peek(struct mailbox *box, uint32_t *n);
/* Reader. Gives n slots back. */
void mailbox_consume(struct mailbox *box, uint32_t n);
/* Reader, before blocking. False when there is mail: do not block. */
bool mailbox_sleep(struct mailbox *box);
/* Reader, after blocking. */
void mailbox_awake(struct mailbox *box);

#endif
