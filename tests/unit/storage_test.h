/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of the storage test: each file's tests, and the store they share,
 * which is fresh for every test. */
#ifndef STORAGE_TEST_H
#define STORAGE_TEST_H

#include "support/store.h"
#include "unit.h"

extern struct store store;

#define STORAGE_TESTS(X) \
	X(append_counts_up) \
	X(append_recognises_a_resend) \
	X(append_refuses_a_reused_client_id) \
	X(append_to_oneself) \
	X(append_replies) \
	X(append_keeps_time) \
	X(append_keeps_all_fields) \
	X(edit_in_place) \
	X(edit_refused) \
	X(edit_recognises_a_resend) \
	X(change_finds_by_client_id) \
	X(delete_erases) \
	X(delete_twice) \
	X(delete_refused) \
	X(hide_is_for_one) \
	X(missed_counts) \
	X(missed_survives_changes) \
	X(mark_covers) \
	X(mark_meaning_of_upto) \
	X(mark_refused) \
	X(mark_along) \
	X(messages_pages) \
	X(messages_bounds) \
	X(chats_list) \
	X(chats_pages) \
	X(chats_show_what_is_left) \
	X(event_fills_holes) \
	X(event_own) \
	X(events_pages) \
	X(device_first_and_later) \
	X(device_after_a_crash) \
	X(cursor_never_goes_back) \
	X(cursor_prunes) \
	X(docs) \
	X(docs_scan) \
	X(tx_is_atomic) \
	X(tx_takes_back_everything) \
	X(tx_when) \
	X(batch_isolates) \
	X(batch_keeps_order) \
	X(restart)

#define X(name) void test_##name(void);
STORAGE_TESTS(X)
#undef X

#endif
