/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libyaml's events become nodes, by recursive descent: yaml_parse → read_node
 * → read_list, read_map. Used by config.c at start and at reload, on the main
 * thread. Every size is limited before memory is spent on it, and recursion is
 * bounded by YAML_DEPTH_MAX; keys are compared one by one, which the limit on
 * their number keeps cheap.
 */
#include "yaml_tree.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

struct reader {
	yaml_parser_t parser;
	yaml_event_t event; /* the one looked at; zeroed when there is none */
	struct arena *arena;
	const char *name;
	bool lines;
	unsigned nodes;
	const char *source;
	size_t source_len;
	char *error;
};

static struct yaml_node *read_node(struct reader *r, unsigned depth);

void yaml_place_text(const struct yaml_place *place, char *text, size_t size)
{
	if (place->line == 0)
		snprintf(text, size, "%s", place->file);
	else
		snprintf(text, size, "%s:%u", place->file, place->line);
}

bool yaml_error(char error[CONFIG_ERROR_MAX], const struct yaml_place *place, const char *format,
		...)
{
	va_list args;
	size_t len;

	/* A long path must not crowd out what is wrong. */
	yaml_place_text(place, error, CONFIG_ERROR_MAX / 2);
	len = strlen(error);
	len += (size_t)snprintf(error + len, CONFIG_ERROR_MAX - len, ": ");
	va_start(args, format);
	vsnprintf(error + len, CONFIG_ERROR_MAX - len, format, args);
	va_end(args);
	return false;
}

bool yaml_error_twice(char error[CONFIG_ERROR_MAX], const struct yaml_place *again,
		      const char *path, const struct yaml_place *first)
{
	char where[CONFIG_ERROR_MAX / 4];

	yaml_place_text(first, where, sizeof(where));
	return yaml_error(error, again, "\"%.64s\" is given twice; it stands in %s already", path,
			  where);
}

static struct yaml_place reader_place(const struct reader *r, const yaml_mark_t *mark)
{
	struct yaml_place place = { r->name, 0, 0 };

	if (r->lines) {
		place.line = (unsigned)mark->line + 1;
		place.column = (unsigned)mark->column + 1;
	}
	return place;
}

/* Says what libyaml did not like. Its reader counts bytes where its scanner
 * and parser have marks. */
static void reader_syntax_error(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	yaml_mark_t mark = p->problem_mark;
	struct yaml_place place;
	size_t i;

	if (p->error == YAML_READER_ERROR) {
		memset(&mark, 0, sizeof(mark));
		for (i = 0; i < p->problem_offset && i < r->source_len; i++) {
			mark.column = r->source[i] == '\n' ? 0 : mark.column + 1;
			mark.line += r->source[i] == '\n';
		}
	}
	place = reader_place(r, &mark);
	yaml_error(r->error, &place,
		   "this is not YAML (column %zu: %s%s%s); expected KEY: VALUE, with UTF-8 text, "
		   "indented by spaces, never by tabs",
		   mark.column + 1, p->context == NULL ? "" : p->context,
		   p->context == NULL ? "" : ", ", p->problem == NULL ? "no memory" : p->problem);
}

static bool reader_next(struct reader *r)
{
	yaml_event_delete(&r->event);
	memset(&r->event, 0, sizeof(r->event));
	if (yaml_parser_parse(&r->parser, &r->event))
		return true;
	reader_syntax_error(r);
	return false;
}

/* Refuses the event looked at. Always NULL. */
static struct yaml_node *reader_refuse(struct reader *r, const char *what)
{
	struct yaml_place place = reader_place(r, &r->event.start_mark);

	yaml_error(r->error, &place, "%s", what);
	return NULL;
}

/* Anchors and tags, which every kind of node may carry. */
static bool reader_check_decoration(struct reader *r)
{
	const yaml_event_t *e = &r->event;
	const void *anchor = NULL, *tag = NULL;

	if (e->type == YAML_SCALAR_EVENT) {
		anchor = e->data.scalar.anchor;
		tag = e->data.scalar.tag;
	} else if (e->type == YAML_SEQUENCE_START_EVENT) {
		anchor = e->data.sequence_start.anchor;
		tag = e->data.sequence_start.tag;
	} else if (e->type == YAML_MAPPING_START_EVENT) {
		anchor = e->data.mapping_start.anchor;
		tag = e->data.mapping_start.tag;
	}
	if (anchor != NULL)
		reader_refuse(r, "an anchor (&NAME) is not allowed; expected the value itself");
	else if (tag != NULL)
		reader_refuse(r, "a tag (!NAME) is not allowed; expected the value itself");
	return anchor == NULL && tag == NULL;
}

/* The text of the scalar looked at, copied; NULL when it is refused. */
static const char *reader_scalar(struct reader *r)
{
	const char *value = (const char *)r->event.data.scalar.value;
	size_t len = r->event.data.scalar.length;
	char *text;

	if (len > YAML_SCALAR_MAX) {
		reader_refuse(r, "the text is too long; expected 64 KiB at most");
		return NULL;
	}
	if (memchr(value, '\0', len) != NULL) {
		reader_refuse(r, "the text holds a NUL; expected text without it");
		return NULL;
	}
	text = (char *)arena_alloc(r->arena, len + 1);
	memcpy(text, value, len);
	text[len] = '\0';
	return text;
}

static struct yaml_node *node_new(struct arena *arena, enum yaml_kind kind, struct yaml_place place)
{
	struct yaml_node *node = (struct yaml_node *)arena_alloc(arena, sizeof(*node));

	memset(node, 0, sizeof(*node));
	node->kind = kind;
	node->place = place;
	return node;
}

static struct yaml_node *read_list(struct reader *r, struct yaml_node *list, unsigned depth)
{
	struct yaml_node *item;

	for (;;) {
		if (!reader_next(r))
			return NULL;
		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			return list;
		item = read_node(r, depth);
		if (item == NULL)
			return NULL;
		yaml_append(list, item);
	}
}

/* The value that follows the key looked at. */
static struct yaml_node *read_pair(struct reader *r, struct yaml_node *map, unsigned depth)
{
	struct yaml_place place = reader_place(r, &r->event.start_mark);
	const struct yaml_node *before;
	struct yaml_node *value;
	const char *key;

	if (r->event.type == YAML_ALIAS_EVENT || !reader_check_decoration(r))
		return reader_refuse(r, "a key may be no alias, anchor or tag; expected a word");
	if (r->event.type != YAML_SCALAR_EVENT)
		return reader_refuse(r, "a key may be no list and no mapping; expected a word");
	key = reader_scalar(r);
	if (key == NULL)
		return NULL;
	before = yaml_get(map, key);
	if (before != NULL) {
		yaml_error_twice(r->error, &place, key, &before->key_place);
		return NULL;
	}
	if (map->count >= YAML_KEYS_MAX)
		return reader_refuse(r, "too many keys; expected 1000 at most");
	if (!reader_next(r))
		return NULL;
	value = read_node(r, depth);
	if (value != NULL) {
		value->key = key;
		value->key_place = place;
	}
	return value;
}

static struct yaml_node *read_map(struct reader *r, struct yaml_node *map, unsigned depth)
{
	struct yaml_node *value;

	for (;;) {
		if (!reader_next(r))
			return NULL;
		if (r->event.type == YAML_MAPPING_END_EVENT)
			return map;
		value = read_pair(r, map, depth);
		if (value == NULL)
			return NULL;
		yaml_append(map, value);
	}
}

/* The node that begins with the event looked at; it ends at its last event. */
static struct yaml_node *read_node(struct reader *r, unsigned depth)
{
	struct yaml_place place = reader_place(r, &r->event.start_mark);
	struct yaml_node *node;

	if (r->event.type == YAML_ALIAS_EVENT)
		return reader_refuse(
		    r, "an alias (*NAME) is not allowed; expected the value, or text in quotes");
	if (!reader_check_decoration(r))
		return NULL;
	if (depth > YAML_DEPTH_MAX)
		return reader_refuse(r, "nested too deeply; expected 16 levels at most");
	if (++r->nodes > YAML_NODES_MAX)
		return reader_refuse(r, "too many values; expected 10000 at most");
	switch (r->event.type) {
	case YAML_SEQUENCE_START_EVENT:
		return read_list(r, node_new(r->arena, NODE_LIST, place), depth + 1);
	case YAML_MAPPING_START_EVENT:
		return read_map(r, node_new(r->arena, NODE_MAP, place), depth + 1);
	default:
		node = node_new(r->arena, NODE_SCALAR, place);
		node->plain = r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
		node->text = reader_scalar(r);
		return node->text == NULL ? NULL : node;
	}
}

/* STREAM-START, then nothing or one document, then STREAM-END. */
static struct yaml_node *read_stream(struct reader *r)
{
	struct yaml_place start = { r->name, r->lines ? 1 : 0, r->lines ? 1 : 0 };
	struct yaml_node *root;

	if (!reader_next(r) || !reader_next(r))
		return NULL;
	if (r->event.type == YAML_STREAM_END_EVENT) {
		root = node_new(r->arena, NODE_SCALAR, start);
		root->plain = true;
		root->text = "";
		return root;
	}
	if (!reader_next(r))
		return NULL;
	root = read_node(r, 1);
	if (root == NULL || !reader_next(r) || !reader_next(r))
		return NULL;
	if (r->event.type != YAML_STREAM_END_EVENT)
		return reader_refuse(r, "a second document begins; expected one document");
	return root;
}

struct yaml_node *yaml_parse(struct arena *arena, const char *name, bool lines, const char *text,
			     size_t len, char error[CONFIG_ERROR_MAX])
{
	struct yaml_place start = { name, 0, 0 };
	struct reader r;
	struct yaml_node *root;

	if (len > YAML_SIZE_MAX) {
		yaml_error(error, &start, "larger than 1 MiB; expected a config file");
		return NULL;
	}
	memset(&r, 0, sizeof(r));
	r.arena = arena;
	r.name = name;
	r.lines = lines;
	r.source = text;
	r.source_len = len;
	r.error = error;
	if (!yaml_parser_initialize(&r.parser)) {
		yaml_error(error, &start, "no memory to read it");
		return NULL;
	}
	/* Set, for else a byte order mark would choose. */
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	root = read_stream(&r);
	yaml_event_delete(&r.event);
	yaml_parser_delete(&r.parser);
	return root;
}

struct yaml_node *yaml_new_map(struct arena *arena, struct yaml_place place)
{
	return node_new(arena, NODE_MAP, place);
}

void yaml_append(struct yaml_node *parent, struct yaml_node *child)
{
	if (parent->first == NULL)
		parent->first = child;
	else
		parent->last->next = child;
	parent->last = child;
	child->next = NULL;
	parent->count++;
}

struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
	struct yaml_node *node = map->first;

	while (node != NULL && strcmp(node->key, key) != 0)
		node = node->next;
	return node;
}

bool yaml_is_null(const struct yaml_node *node)
{
	return node->kind == NODE_SCALAR && node->plain &&
	       (node->text[0] == '\0' || strcmp(node->text, "~") == 0 ||
		strcmp(node->text, "null") == 0);
}

const char *yaml_kind_name(const struct yaml_node *node)
{
	if (node->kind == NODE_SCALAR)
		return yaml_is_null(node) ? "nothing" : "a single value";
	return node->kind == NODE_LIST ? "a list" : "a mapping";
}
