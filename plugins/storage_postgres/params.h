/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parameters of one execution, built in PostgreSQL's binary format: single
 * values, and arrays of one dimension that grow row by row. libpq copies them
 * when it is asked to send, so one struct serves a lane for ever and keeps
 * its memory. Core thread.
 *
 *	struct params *p = lane_params(lane);   empty
 *	unsigned ids = params_array(p, PARAM_INT8), texts = params_array(p, PARAM_TEXT);
 *	for each row: params_int8(p, ids, row->id); params_text(p, texts, row->text);
 *	lane_ask(lane, ST_...);
 */
#ifndef STORAGE_POSTGRES_PARAMS_H
#define STORAGE_POSTGRES_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parlance/json.h>

#define PARAMS_MAX 24

enum param_type { PARAM_INT8, PARAM_TEXT, PARAM_BOOL };

struct param {
	enum param_type type;
	bool array;
	bool has_null;
	uint32_t n; /* elements of the array */
	char *bytes; /* malloc'ed; kept from one execution to the next */
	size_t len, cap;
};

struct params {
	struct param param[PARAMS_MAX];
	unsigned n;
	bool failed; /* out of memory, or beyond what one parameter may hold */
	/* what libpq is handed, filled by params_finish */
	const char *values[PARAMS_MAX];
	int lengths[PARAMS_MAX];
	int formats[PARAMS_MAX];
};

void params_init(struct params *p);
void params_free(struct params *p);
void params_clear(struct params *p);

/* The next parameter, $1 being the first: an array, or a single value. Returns its
 * index, for the functions below. */
unsigned params_array(struct params *p, enum param_type type);
unsigned params_value(struct params *p, enum param_type type);

/* The next element of the array, or the single value. */
void params_int8(struct params *p, unsigned i, int64_t value);
void params_bool(struct params *p, unsigned i, bool value);
/* s NULL: null. Borrowed no longer than the call. */
void params_text(struct params *p, unsigned i, struct par_str value);
void params_null(struct params *p, unsigned i);

/* Before it is handed to libpq; false when it failed. */
bool params_finish(struct params *p);

#endif
