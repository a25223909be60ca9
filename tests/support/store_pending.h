/* SPDX-License-Identifier: BSD-2-Clause */
/* What store.c, store_tx.c and store_query.c share: a transaction or query that
 * is under way, with the place its results are copied to. */
#ifndef PARLANCE_TESTS_STORE_PENDING_H
#define PARLANCE_TESTS_STORE_PENDING_H

#include "store.h"

struct store_pending {
	struct store *store;
	struct outcome outcome;
	struct page page;
};

/* The test cannot go on. */
_Noreturn void store_die(const char *what, const char *why);
/* Lives as long as the store. */
struct store_pending *store_pending_new(struct store *s);
/* A copy in the store's arena that ends with a NUL; NULL stays NULL. */
const char *store_keep(struct store *s, struct par_str text);

#endif
