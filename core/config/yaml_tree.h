/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * YAML as a tree of nodes that know their place. Private to core/config, its
 * tests and the fuzz target. Only what a config needs is taken: scalars, lists
 * and mappings with scalar keys. Anchors, aliases, tags and further documents
 * are refused, and so is a mapping that gives a key twice. The tree lives in
 * the arena that it was parsed into.
 */
#ifndef PARLANCE_YAML_TREE_H
#define PARLANCE_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"
#include "config.h"

#define YAML_SIZE_MAX ((size_t)1 << 20) /* of one file */
#define YAML_DEPTH_MAX 16
#define YAML_NODES_MAX 10000 /* of one file */
#define YAML_KEYS_MAX 1000 /* of one mapping */
#define YAML_SCALAR_MAX ((size_t)64 << 10)

struct yaml_place {
	const char *file;
	unsigned line; /* from 1; 0: the place has no lines, it is a --set */
	unsigned column;
};

enum yaml_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct yaml_node {
	enum yaml_kind kind;
	bool plain; /* a scalar without quotes */
	struct yaml_place place;
	const char *text; /* of a scalar; holds no NUL */
	const char *key; /* in a mapping, else NULL */
	struct yaml_place key_place;
	struct yaml_node *next; /* in the list or mapping that this is in */
	struct yaml_node *first, *last; /* of a list or mapping */
	unsigned count;
};

/* Parses `len` bytes. `name` names the source in places and must live as long
 * as the arena; without `lines` its places have line 0. An empty source is a
 * null scalar. NULL with the reason in `error`. */
struct yaml_node *yaml_parse(struct arena *arena, const char *name, bool lines, const char *text,
			     size_t len, char error[CONFIG_ERROR_MAX]);

struct yaml_node *yaml_new_map(struct arena *arena, struct yaml_place place);
void yaml_append(struct yaml_node *parent, struct yaml_node *child);
/* The value of a key, or NULL. */
struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);
/* "key:", "key: ~" or "key: null". */
bool yaml_is_null(const struct yaml_node *node);
/* "a mapping", for messages. */
const char *yaml_kind_name(const struct yaml_node *node);

/* Writes "FILE:LINE" (or "FILE" without a line). */
void yaml_place_text(const struct yaml_place *place, char *text, size_t size);
/* Writes "FILE:LINE: message"; always false. */
bool yaml_error(char error[CONFIG_ERROR_MAX], const struct yaml_place *place, const char *format,
		...) __attribute__((format(printf, 3, 4)));
/* The error of a key that stands in `first` already. Always false. */
bool yaml_error_twice(char error[CONFIG_ERROR_MAX], const struct yaml_place *again,
		      const char *path, const struct yaml_place *first);

/* A whole config from memory, without includes: what config_load does, but the
 * file. For tests and the fuzz target; config_free frees it. */
struct config *config_parse(const char *name, const char *text, size_t len,
			    char error[CONFIG_ERROR_MAX]);

#endif
