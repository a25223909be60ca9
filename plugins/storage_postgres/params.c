/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parameters in binary. An array on the wire is a head of five numbers (dimensions,
 * whether it has nulls, type, elements, lower bound) and then each element behind
 * its length. The head's room is left free when the array begins, and filled
 * by params_finish.
 */
#include "params.h"

#include <stdlib.h>
#include <string.h>

#define ARRAY_HEAD 20
#define ARRAY_HEAD_EMPTY 12 /* an array without elements has no dimension */
#define FIRST_CAP 256
/* The most that one parameter may hold, and that it keeps for the next execution. */
#define BYTES_MAX ((size_t)64 << 20)
#define BYTES_KEPT ((size_t)1 << 20)

void params_init(struct params *p)
{
	memset(p, 0, sizeof(*p));
}

void params_free(struct params *p)
{
	unsigned i;

	for (i = 0; i < PARAMS_MAX; i++)
		free(p->param[i].bytes);
	params_init(p);
}

void params_clear(struct params *p)
{
	unsigned i;

	for (i = 0; i < p->n; i++) {
		struct param *param = &p->param[i];
		if (param->cap > BYTES_KEPT) {
			free(param->bytes);
			param->bytes = NULL;
			param->cap = 0;
		}
	}
	p->n = 0;
	p->failed = false;
}

/* Room for so many more bytes than there are. False when that is too much. */
static bool grow(struct params *p, struct param *param, size_t n)
{
	size_t cap = param->cap == 0 ? FIRST_CAP : param->cap;
	char *bytes = NULL;

	if (!p->failed && n <= BYTES_MAX - param->len) {
		while (cap < param->len + n)
			cap *= 2;
		bytes = realloc(param->bytes, cap);
	}
	if (bytes == NULL) {
		p->failed = true;
		return false;
	}
	param->bytes = bytes;
	param->cap = cap;
	return true;
}

/* The next so many bytes, which belong to it from now on; NULL when that is too much. */
static inline char *take(struct params *p, struct param *param, size_t n)
{
	char *bytes;

	if (n > param->cap - param->len && !grow(p, param, n))
		return NULL;
	bytes = param->bytes + param->len;
	param->len += n;
	return bytes;
}

static unsigned add(struct params *p, enum param_type type, bool array)
{
	struct param *param;

	if (p->n == PARAMS_MAX) {
		p->failed = true;
		return PARAMS_MAX - 1;
	}
	param = &p->param[p->n];
	param->type = type;
	param->array = array;
	param->has_null = false;
	param->n = 0;
	param->len = 0;
	/* a value without bytes is no null either */
	if (param->cap > 0 || grow(p, param, ARRAY_HEAD))
		param->len = array ? ARRAY_HEAD : 0;
	return p->n++;
}

unsigned params_array(struct params *p, enum param_type type)
{
	return add(p, type, true);
}

unsigned params_value(struct params *p, enum param_type type)
{
	return add(p, type, false);
}

static void put32(char *to, uint32_t value)
{
	value = __builtin_bswap32(value);
	memcpy(to, &value, sizeof(value));
}

/* Room for the value of the next element, or for the single one. NULL when it failed. */
static char *element(struct params *p, unsigned i, size_t len)
{
	struct param *param = &p->param[i];
	char *to = take(p, param, param->array ? len + 4 : len);

	param->n++;
	if (to == NULL || !param->array)
		return to;
	put32(to, (uint32_t)len);
	return to + 4;
}

void params_int8(struct params *p, unsigned i, int64_t value)
{
	char *to = element(p, i, sizeof(value));
	uint64_t bytes = __builtin_bswap64((uint64_t)value);

	if (to != NULL)
		memcpy(to, &bytes, sizeof(bytes));
}

void params_bool(struct params *p, unsigned i, bool value)
{
	char *to = element(p, i, 1);

	if (to != NULL)
		*to = value;
}

void params_text(struct params *p, unsigned i, struct par_str value)
{
	char *to;

	if (value.s == NULL) {
		params_null(p, i);
		return;
	}
	to = element(p, i, value.len);
	if (to != NULL)
		memcpy(to, value.s, value.len);
}

void params_null(struct params *p, unsigned i)
{
	struct param *param = &p->param[i];
	char *to;

	param->has_null = true;
	if (!param->array)
		return;
	to = take(p, param, 4);
	param->n++;
	if (to != NULL)
		put32(to, UINT32_MAX);
}

static uint32_t type_number(enum param_type type)
{
	switch (type) {
	case PARAM_INT8:
		return 20;
	case PARAM_TEXT:
		return 25;
	case PARAM_BOOL:
		return 16;
	}
	return 0;
}

static void fill_head(struct param *param)
{
	put32(param->bytes, param->n > 0);
	put32(param->bytes + 4, param->has_null);
	put32(param->bytes + 8, type_number(param->type));
	put32(param->bytes + 12, param->n);
	put32(param->bytes + 16, 1);
}

bool params_finish(struct params *p)
{
	unsigned i;

	if (p->failed)
		return false;
	for (i = 0; i < p->n; i++) {
		struct param *param = &p->param[i];
		if (param->array)
			fill_head(param);
		p->values[i] = !param->array && param->has_null ? NULL : param->bytes;
		p->lengths[i] =
		    (int)(param->array && param->n == 0 ? ARRAY_HEAD_EMPTY : param->len);
		p->formats[i] = 1;
	}
	return true;
}
