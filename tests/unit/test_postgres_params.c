/* SPDX-License-Identifier: BSD-2-Clause */
/* storage_postgres: parameters in PostgreSQL's binary format, byte by byte, and what its
 * error codes lead to. */
#include <string.h>

#include "../../plugins/storage_postgres/params.h"
#include "../../plugins/storage_postgres/sqlstate.h"
#include "unit.h"

#define IS(p, i, bytes) \
	do { \
		CU_ASSERT_EQUAL((p)->lengths[i], (int)sizeof(bytes) - 1); \
		CU_ASSERT_EQUAL((p)->formats[i], 1); \
		CU_ASSERT_EQUAL(memcmp((p)->values[i], bytes, sizeof(bytes) - 1), 0); \
	} while (0)

static void values_are_bare(void)
{
	struct params p;

	params_init(&p);
	params_int8(&p, params_value(&p, PARAM_INT8), -2);
	params_bool(&p, params_value(&p, PARAM_BOOL), true);
	params_text(&p, params_value(&p, PARAM_TEXT), par_str_of("h\303\251"));
	params_text(&p, params_value(&p, PARAM_TEXT), par_str_of(""));
	params_text(&p, params_value(&p, PARAM_TEXT), (struct par_str){ NULL, 0 });
	params_null(&p, params_value(&p, PARAM_INT8));
	CU_ASSERT(params_finish(&p));
	CU_ASSERT_EQUAL(p.n, 6);
	IS(&p, 0, "\377\377\377\377\377\377\377\376");
	IS(&p, 1, "\1");
	IS(&p, 2, "h\303\251");
	IS(&p, 3, "");
	CU_ASSERT_PTR_NOT_NULL(p.values[3]); /* empty is not null */
	CU_ASSERT_PTR_NULL(p.values[4]);
	CU_ASSERT_PTR_NULL(p.values[5]);
	params_free(&p);
}

static void arrays_have_a_head(void)
{
	struct params p;
	unsigned numbers, texts, empty;

	params_init(&p);
	numbers = params_array(&p, PARAM_INT8);
	texts = params_array(&p, PARAM_TEXT);
	empty = params_array(&p, PARAM_BOOL);
	CU_ASSERT_EQUAL(empty, 2);
	params_int8(&p, numbers, 1);
	params_text(&p, texts, par_str_of("ab"));
	params_int8(&p, numbers, 0x0102030405060708);
	params_text(&p, texts, (struct par_str){ NULL, 0 });
	CU_ASSERT(params_finish(&p));
	IS(&p, 0,
	   "\0\0\0\1\0\0\0\0\0\0\0\24\0\0\0\2\0\0\0\1"
	   "\0\0\0\10\0\0\0\0\0\0\0\1\0\0\0\10\1\2\3\4\5\6\7\10");
	IS(&p, 1,
	   "\0\0\0\1\0\0\0\1\0\0\0\31\0\0\0\2\0\0\0\1"
	   "\0\0\0\2ab\377\377\377\377");
	IS(&p, 2, "\0\0\0\0\0\0\0\0\0\0\0\20");
	params_free(&p);
}

static void they_serve_again(void)
{
	struct params p;
	unsigned i, array;

	params_init(&p);
	array = params_array(&p, PARAM_TEXT);
	params_null(&p, array);
	for (i = 0; i < 1000; i++)
		params_text(&p, array, par_str_of("0123456789"));
	CU_ASSERT(params_finish(&p));
	CU_ASSERT_EQUAL(p.lengths[0], 20 + 4 + 1000 * 14);
	params_clear(&p);
	CU_ASSERT_EQUAL(p.n, 0);
	params_int8(&p, params_array(&p, PARAM_INT8), 7);
	CU_ASSERT(params_finish(&p));
	IS(&p, 0, "\0\0\0\1\0\0\0\0\0\0\0\24\0\0\0\1\0\0\0\1\0\0\0\10\0\0\0\0\0\0\0\7");
	params_free(&p);
}

static void too_much_fails_and_the_next_does_not(void)
{
	static char text[1 << 20];
	struct par_str large = { text, sizeof(text) };
	struct params p;
	unsigned i, array;

	params_init(&p);
	memset(text, 'x', sizeof(text));
	array = params_array(&p, PARAM_TEXT);
	for (i = 0; i < 63; i++)
		params_text(&p, array, large);
	CU_ASSERT(params_finish(&p));
	params_text(&p, array, large);
	params_text(&p, array, large);
	CU_ASSERT_FALSE(params_finish(&p));
	params_clear(&p);
	params_text(&p, params_value(&p, PARAM_TEXT), par_str_of("x"));
	CU_ASSERT(params_finish(&p));
	IS(&p, 0, "x");
	params_clear(&p);
	for (i = 0; i < PARAMS_MAX; i++)
		params_bool(&p, params_value(&p, PARAM_BOOL), false);
	CU_ASSERT(params_finish(&p));
	params_value(&p, PARAM_BOOL);
	CU_ASSERT_FALSE(params_finish(&p));
	params_free(&p);
}

static void codes_have_meanings(void)
{
	CU_ASSERT_EQUAL(failure_of("40001"), FAILURE_AGAIN); /* serialization */
	CU_ASSERT_EQUAL(failure_of("40P01"), FAILURE_AGAIN); /* deadlock */
	CU_ASSERT_EQUAL(failure_of("22021"), FAILURE_WORK); /* not UTF-8 */
	CU_ASSERT_EQUAL(failure_of("23505"), FAILURE_AGAIN); /* unique: somebody was quicker */
	CU_ASSERT_EQUAL(failure_of("23503"), FAILURE_WORK); /* foreign key */
	CU_ASSERT_EQUAL(failure_of("42P01"), FAILURE_LOST);
	CU_ASSERT_EQUAL(failure_of("42804"), FAILURE_WORK); /* no such table */
	CU_ASSERT_EQUAL(failure_of("XX001"), FAILURE_WORK); /* damage */
	CU_ASSERT_EQUAL(failure_of(""), FAILURE_WORK);
	CU_ASSERT_EQUAL(failure_of("55P03"), FAILURE_SLOW); /* lock_timeout */
	CU_ASSERT_EQUAL(failure_of("57014"), FAILURE_SLOW); /* statement_timeout */
	CU_ASSERT_EQUAL(failure_of("53100"), FAILURE_STATE); /* disk full */
	CU_ASSERT_EQUAL(failure_of("25006"), FAILURE_STATE); /* read-only */
	CU_ASSERT_EQUAL(failure_of("57P01"), FAILURE_LOST); /* shutdown */
	CU_ASSERT_EQUAL(failure_of("57P02"), FAILURE_LOST); /* crash of another process */
	CU_ASSERT_EQUAL(failure_of("25P03"), FAILURE_LOST); /* idle in transaction */
	CU_ASSERT_EQUAL(failure_of(SQLSTATE_LOST), FAILURE_LOST);
	CU_ASSERT(sqlstate_needs_help("28P01")); /* password */
	CU_ASSERT(sqlstate_needs_help("3D000")); /* no such database */
	CU_ASSERT_FALSE(sqlstate_needs_help("57P03")); /* starting up */
	CU_ASSERT_FALSE(sqlstate_needs_help(""));
	CU_ASSERT_STRING_EQUAL(sqlstate_words("53100"), "the disk of the database is full");
	CU_ASSERT_STRING_EQUAL(sqlstate_words("22021"), "the database failed");
}

static const struct unit_test tests[] = {
	{ "values are bare", values_are_bare },
	{ "arrays have a head", arrays_have_a_head },
	{ "they serve again", they_serve_again },
	{ "too much fails, and the next does not", too_much_fails_and_the_next_does_not },
	{ "codes have meanings", codes_have_meanings },
	{ NULL, NULL },
};

int main(void)
{
	return unit_main("storage_postgres: parameters", tests);
}
