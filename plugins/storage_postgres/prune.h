/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one step of PRUNE does with the users whom it has locked: pure, on what
 * was read of them. batch_prune.c reads it, and writes what became of it. A step
 * leaves everything such that the next one, perhaps of another server, goes on from what it
 * finds: a device goes only with the last of the events that were kept for it.
 */
#ifndef STORAGE_POSTGRES_PRUNE_H
#define STORAGE_POSTGRES_PRUNE_H

#include <stdbool.h>
#include <stdint.h>

#include <parlance/json.h>

struct prune_device {
	struct par_str name;
	uint64_t acked, seen;
	bool connected;
	bool orphan; /* to a server that died */
	enum { PRUNE_KEEP, PRUNE_ADOPT, PRUNE_FORGET } fate;
};

struct prune_user {
	int64_t id;
	uint64_t first_seq, last_seq;
	uint64_t old_upto; /* events up to this one are too old; 0: none is */
	bool forgot, behind;
	uint64_t keep_from; /* first_seq from here on */
	bool changed;
	struct prune_device *devices;
	unsigned n_devices;
};

struct prune {
	uint64_t limit; /* events to drop at most, and devices to forget */
	uint64_t devices_before; /* 0: none is forgotten, nor adopted */
	struct prune_user *users;
	unsigned n_users;
	/* what became of it */
	uint64_t events, devices, adopted;
	bool changed; /* anything at all, groups too */
	bool more; /* something had to be left for the next step */
};

/* Before it: keep_from is first_seq. */
void prune_decide(struct prune *prune);

#endif
