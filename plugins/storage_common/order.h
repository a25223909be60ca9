/* SPDX-License-Identifier: BSD-2-Clause */
/* The order of names by their bytes, a shorter one before those that begin with it. Shared by
 * the storages of this tree; pure. */
#ifndef STORAGE_COMMON_ORDER_H
#define STORAGE_COMMON_ORDER_H

#include <string.h>

#include <parlance/json.h>

static inline int str_order(struct par_str a, struct par_str b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len == 0 ? 0 : memcmp(a.s, b.s, len);

	if (order != 0 || a.len == b.len)
		return order;
	return a.len < b.len ? -1 : 1;
}

#endif
