/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading results in PostgreSQL's binary format. Strings are borrowed from the
 * result, which lives until its batch is over. The columns' types are those of
 * our own statements: they are asserted by tests, not looked at again.
 */
#ifndef STORAGE_POSTGRES_ROWS_H
#define STORAGE_POSTGRES_ROWS_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <parlance/json.h>

static inline bool row_null(const PGresult *r, int row, int column)
{
	return PQgetisnull(r, row, column) != 0;
}

/* Eight bytes in network order. */
static inline uint64_t row_big(const char *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return __builtin_bswap64(value);
}

/* bigint; 0 when null. */
static inline uint64_t row_u64(const PGresult *r, int row, int column)
{
	return row_null(r, row, column) ? 0 : row_big(PQgetvalue(r, row, column));
}

/* The same of a column that is never null. */
static inline uint64_t row_int8(const PGresult *r, int row, int column)
{
	return row_big(PQgetvalue(r, row, column));
}

static inline bool row_bool(const PGresult *r, int row, int column)
{
	return !row_null(r, row, column) && PQgetvalue(r, row, column)[0] != 0;
}

/* text; s NULL when null. */
static inline struct par_str row_str(const PGresult *r, int row, int column)
{
	struct par_str s = { NULL, 0 };

	if (!row_null(r, row, column)) {
		s.s = PQgetvalue(r, row, column);
		s.len = (size_t)PQgetlength(r, row, column);
	}
	return s;
}

/* bigint[] of one dimension without nulls: the number of elements, 0 when null. */
static inline unsigned row_array_len(const PGresult *r, int row, int column)
{
	uint32_t n = 0;

	/* dimensions, flags, type, length, lower bound: 4 bytes each */
	if (!row_null(r, row, column) && PQgetlength(r, row, column) >= 20)
		memcpy(&n, PQgetvalue(r, row, column) + 12, sizeof(n));
	return __builtin_bswap32(n);
}

/* Its elements, where it has any, for row_number. */
static inline const char *row_numbers(const PGresult *r, int row, int column)
{
	return PQgetvalue(r, row, column) + 20;
}

/* Each stands behind its length. */
static inline uint64_t row_number(const char *numbers, unsigned i)
{
	return row_big(numbers + (size_t)i * 12 + 4);
}

#endif
