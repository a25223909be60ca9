/* SPDX-License-Identifier: BSD-2-Clause */
/* The types of messages as small numbers, which is how storages keep them. */
#ifndef STORAGE_COMMON_KIND_H
#define STORAGE_COMMON_KIND_H

#include <parlance/json.h>

/* The values are on disks: never change one. */
#define KINDS(X) \
	X(KIND_NEW, 0, "new") \
	X(KIND_CALL, 1, "call") \
	X(KIND_EDIT, 2, "edit") \
	X(KIND_DELETE, 3, "delete")

enum kind {
#define X(symbol, value, name) symbol = value,
	KINDS(X)
#undef X
};

static inline struct par_str kind_name(enum kind kind)
{
	static const char *const names[] = {
#define X(symbol, value, name) [symbol] = name,
		KINDS(X)
#undef X
	};

	return par_str_of(names[kind]);
}

/* Service messages tell of a change; nobody has to read them. */
static inline bool kind_is_service(enum kind kind)
{
	return kind == KIND_EDIT || kind == KIND_DELETE;
}

/* Of an APPEND: everything but a call is a message. */
static inline enum kind kind_of_append(struct par_str type)
{
	return par_str_equal(type, par_str_of("call")) ? KIND_CALL : KIND_NEW;
}

#endif
