/* SPDX-License-Identifier: BSD-2-Clause */
/* What a step of PRUNE decides on users and devices that it was given. */
#include <string.h>

#include "../../plugins/storage_postgres/prune.h"
#include "unit.h"

static struct prune_device devices[3];
static struct prune_user users[2];
static struct prune prune;

/* One user with events 1 to 20; nothing is to be done yet. */
static void begin(unsigned n_devices)
{
	memset(devices, 0, sizeof(devices));
	memset(users, 0, sizeof(users));
	memset(&prune, 0, sizeof(prune));
	users[0].id = 1;
	users[0].first_seq = users[0].keep_from = 1;
	users[0].last_seq = 20;
	users[0].devices = devices;
	users[0].n_devices = n_devices;
	prune.users = users;
	prune.n_users = 1;
	prune.limit = 100;
	prune.devices_before = 1000;
}

static void device_at(unsigned i, uint64_t acked, uint64_t seen)
{
	devices[i].acked = acked;
	devices[i].seen = seen;
}

static void nothing_to_do_changes_nothing(void)
{
	begin(1);
	device_at(0, 7, 1000);
	prune_decide(&prune);
	CU_ASSERT(!prune.changed);
	CU_ASSERT(!prune.more);
	CU_ASSERT(!users[0].changed);
	CU_ASSERT_EQUAL(users[0].keep_from, 1);
	CU_ASSERT_EQUAL(devices[0].fate, PRUNE_KEEP);
}

static void old_events_go_up_to_the_limit(void)
{
	begin(0);
	prune.n_users = 2;
	users[1] = users[0];
	users[0].old_upto = 8;
	users[1].old_upto = 5;
	prune.limit = 10;
	prune_decide(&prune);
	CU_ASSERT_EQUAL(prune.events, 10);
	CU_ASSERT_EQUAL(users[0].keep_from, 9);
	CU_ASSERT_EQUAL(users[1].keep_from, 3);
	CU_ASSERT(prune.more);
	CU_ASSERT(prune.changed);
}

static void what_was_dropped_meanwhile_is_not_dropped_again(void)
{
	begin(0);
	users[0].first_seq = users[0].keep_from = 9;
	users[0].old_upto = 8;
	prune_decide(&prune);
	CU_ASSERT_EQUAL(prune.events, 0);
	CU_ASSERT_EQUAL(users[0].keep_from, 9);
	CU_ASSERT(!prune.changed);
}

static void a_device_goes_with_what_was_kept_for_it(void)
{
	begin(2);
	device_at(0, 5, 999);
	device_at(1, 15, 1000);
	prune_decide(&prune);
	CU_ASSERT_EQUAL(devices[0].fate, PRUNE_FORGET);
	CU_ASSERT_EQUAL(devices[1].fate, PRUNE_KEEP);
	CU_ASSERT_EQUAL(users[0].keep_from, 16);
	CU_ASSERT(users[0].forgot);
	CU_ASSERT_EQUAL(prune.devices, 1);
	CU_ASSERT(!prune.more);
}

static void with_the_last_device_all_goes(void)
{
	begin(2);
	device_at(0, 5, 1);
	device_at(1, 15, 2);
	prune_decide(&prune);
	CU_ASSERT_EQUAL(prune.devices, 2);
	CU_ASSERT_EQUAL(prune.events, 20);
	CU_ASSERT_EQUAL(users[0].keep_from, 21);
}

static void a_device_stays_until_the_last_of_its_events(void)
{
	begin(1);
	device_at(0, 5, 1);
	prune.limit = 19;
	prune_decide(&prune);
	CU_ASSERT_EQUAL(devices[0].fate, PRUNE_KEEP);
	CU_ASSERT(!users[0].forgot);
	CU_ASSERT_EQUAL(users[0].keep_from, 20);
	CU_ASSERT(prune.more);
	users[0].first_seq = 20;
	prune.events = 0;
	prune.more = false;
	prune_decide(&prune);
	CU_ASSERT_EQUAL(devices[0].fate, PRUNE_FORGET);
	CU_ASSERT_EQUAL(prune.events, 1);
	CU_ASSERT(!prune.more);
}

static void no_more_devices_than_the_limit(void)
{
	unsigned i;

	begin(3);
	for (i = 0; i < 3; i++)
		device_at(i, 20, 1);
	users[0].first_seq = users[0].keep_from = 21;
	prune.limit = 2;
	prune_decide(&prune);
	CU_ASSERT_EQUAL(prune.devices, 2);
	CU_ASSERT_EQUAL(devices[2].fate, PRUNE_KEEP);
	CU_ASSERT(prune.more);
}

static void the_connected_stay(void)
{
	begin(1);
	device_at(0, 5, 1);
	devices[0].connected = true;
	prune_decide(&prune);
	CU_ASSERT_EQUAL(devices[0].fate, PRUNE_KEEP);
	CU_ASSERT(!prune.changed);
}

static void orphans_are_seen_now(void)
{
	begin(1);
	device_at(0, 5, 1);
	devices[0].connected = devices[0].orphan = true;
	prune_decide(&prune);
	CU_ASSERT_EQUAL(devices[0].fate, PRUNE_ADOPT);
	CU_ASSERT_EQUAL(prune.adopted, 1);
	CU_ASSERT_EQUAL(prune.devices, 0);
	CU_ASSERT(prune.changed);
	CU_ASSERT(!users[0].changed);
}

static void without_a_time_no_device_is_touched(void)
{
	begin(2);
	device_at(0, 5, 0);
	device_at(1, 5, 0);
	devices[1].connected = devices[1].orphan = true;
	prune.devices_before = 0;
	prune_decide(&prune);
	CU_ASSERT(!prune.changed);
}

static void catching_up_drops_what_all_have_acked(void)
{
	begin(2);
	device_at(0, 12, 2000);
	device_at(1, 9, 2000);
	users[0].behind = true;
	prune.limit = 5;
	prune_decide(&prune);
	CU_ASSERT_EQUAL(users[0].keep_from, 6);
	CU_ASSERT(users[0].behind);
	CU_ASSERT(prune.more);
	prune.limit = 100;
	prune.more = false;
	prune_decide(&prune);
	CU_ASSERT_EQUAL(users[0].keep_from, 10);
	CU_ASSERT(!users[0].behind);
	CU_ASSERT(!prune.more);
}

static void without_devices_events_wait_for_the_first(void)
{
	begin(0);
	users[0].behind = true;
	prune_decide(&prune);
	CU_ASSERT_EQUAL(prune.events, 0);
	CU_ASSERT(!users[0].behind);
	CU_ASSERT(users[0].changed);
}

static const struct unit_test tests[] = {
	{ "nothing to do changes nothing", nothing_to_do_changes_nothing },
	{ "old events go up to the limit", old_events_go_up_to_the_limit },
	{ "what was dropped meanwhile is not dropped again",
	  what_was_dropped_meanwhile_is_not_dropped_again },
	{ "a device goes with what was kept for it", a_device_goes_with_what_was_kept_for_it },
	{ "with the last device all goes", with_the_last_device_all_goes },
	{ "a device stays until the last of its events",
	  a_device_stays_until_the_last_of_its_events },
	{ "no more devices than the limit", no_more_devices_than_the_limit },
	{ "the connected stay", the_connected_stay },
	{ "orphans are seen now", orphans_are_seen_now },
	{ "without a time no device is touched", without_a_time_no_device_is_touched },
	{ "catching up drops what all have acked", catching_up_drops_what_all_have_acked },
	{ "without devices events wait for the first", without_devices_events_wait_for_the_first },
	{ NULL, NULL },
};

int main(void)
{
	return unit_main("postgres prune", tests);
}
