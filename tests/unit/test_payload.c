/* SPDX-License-Identifier: BSD-2-Clause */
/* What is taken for a name, and what is said of what is not. */
#include <string.h>

#include <parlance/payload.h>

#include "unit.h"

static struct par_str name_of(struct par_payload *p, struct json_object *value)
{
	struct json_object *object = json_object_new_object();
	struct par_str name;

	json_object_object_add(object, "name", json_object_get(value));
	par_payload_begin(p, object);
	name = par_payload_name(p, "name", 64, PAR_REQUIRED);
	json_object_put(object);
	return name;
}

static const struct {
	const char *what, *name;
} good[] = {
	{ "plain", "Trip" },
	{ "spaces around it", "  a b  " },
	{ "quotes", "\"\\'/<&>" },
	{ "two bytes", "Gr\xc3\xbc\xc3\x9f"
		       "e" },
	{ "the first behind the controls", "\xc2\xa0x\xc2\xa1" },
	{ "Chinese", "\xe6\x97\x85\xe8\xa1\x8c" },
	{ "Arabic", "\xd8\xb1\xd8\xad\xd9\x84\xd8\xa9" },
	{ "Arabic with its mark", "\xd8\xb1\xd8\x9c\xd8\xad 1" },
	{ "Persian with a non-joiner", "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xb1\xd9\x88\xd9\x85" },
	{ "Hebrew", "\xd7\x98\xd7\x99\xd7\x95\xd7\x9c" },
	{ "Hebrew and Latin with both marks", "\xe2\x80\x8f\xd7\x98\xd7\x99 C++\xe2\x80\x8e!" },
	{ "Hindi with a joiner", "\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d\xe0\xa4\xb7" },
	{ "combining marks", "e\xcc\x81o\xcc\x88\xcc\xa3" },
	{ "Mongolian with its selector", "\xe1\xa0\xa0\xe1\xa0\x8b" },
	{ "a family with joiners", "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d"
				   "\xf0\x9f\x91\xa7" },
	{ "a heart with its selector", "\xe2\x9d\xa4\xef\xb8\x8f" },
	{ "a colour of skin", "\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd" },
	{ "a flag of tags", "\xf0\x9f\x8f\xb4\xf3\xa0\x81\xa7\xf3\xa0\x81\xa2\xf3\xa0\x81\xbf" },
	{ "beside the ranges", "\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa." },
	{ "what could not be read", "\xef\xbf\xbd" },
	{ "the last character", "\xf4\x8f\xbf\xbd" },
	{ "the longest", "1234567890123456789012345678901234567890123456789012345678901234" },
};

#define TEXT(bytes) \
	{ \
		bytes, sizeof(bytes) - 1 \
	}

static const struct {
	const char *what;
	struct par_str name;
	const char *message;
} bad[] = {
	{ "nothing", TEXT(""), "name must be 1 to 64 bytes" },
	{ "too long", TEXT("12345678901234567890123456789012345678901234567890123456789012345"),
	  "name must be 1 to 64 bytes" },
	{ "NUL", TEXT("a\0b"), "name must be one line, and not hold U+0000" },
	{ "a tab", TEXT("a\tb"), "name must be one line, and not hold U+0009" },
	{ "a line feed", TEXT("a\nb"), "name must be one line, and not hold U+000A" },
	{ "a line feed at the end", TEXT("a\n"), "name must be one line, and not hold U+000A" },
	{ "an escape", TEXT("\x1b[2J"), "name must be one line, and not hold U+001B" },
	{ "delete", TEXT("a\x7f"), "name must be one line, and not hold U+007F" },
	{ "C1", TEXT("\xc2\x80x"), "name must be one line, and not hold U+0080" },
	{ "next line", TEXT("a\xc2\x85"), "name must be one line, and not hold U+0085" },
	{ "the last of C1", TEXT("a\xc2\x9f"), "name must be one line, and not hold U+009F" },
	{ "line separator",
	  TEXT("a\xe2\x80\xa8"
	       "b"),
	  "name must be one line, and not hold U+2028" },
	{ "paragraph separator", TEXT("\xe2\x80\xa9"),
	  "name must be one line, and not hold U+2029" },
	{ "embedding",
	  TEXT("\xe2\x80\xaa"
	       "a"),
	  "name must be one line, and not hold U+202A" },
	{ "override",
	  TEXT("gpj\xe2\x80\xae"
	       "exe"),
	  "name must be one line, and not hold U+202E" },
	{ "isolate", TEXT("\xd7\x98\xe2\x81\xa6"), "name must be one line, and not hold U+2066" },
	{ "pop isolate",
	  TEXT("\xe2\x81\xa9"
	       "a"),
	  "name must be one line, and not hold U+2069" },
	{ "a space", TEXT(" "), "name must not be blank" },
	{ "spaces of all kinds", TEXT(" \xc2\xa0\xe2\x80\x83\xe3\x80\x80\xe1\x9a\x80\xe2\x81\x9f"),
	  "name must not be blank" },
	{ "of no width", TEXT("\xe2\x80\x8b\xe2\x80\x8d\xef\xbb\xbf\xe2\x81\xa0\xc2\xad"),
	  "name must not be blank" },
	{ "fillers", TEXT("\xe3\x85\xa4\xef\xbe\xa0\xe2\xa0\x80\xe1\x85\x9f"),
	  "name must not be blank" },
	{ "a selector alone", TEXT("\xef\xb8\x8f"), "name must not be blank" },
	{ "tags alone", TEXT("\xf3\xa0\x81\xa7"), "name must not be blank" },
};

static void test_good(void)
{
	struct json_object *value;
	struct par_payload p;
	unsigned i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		value = json_object_new_string(good[i].name);
		CU_ASSERT(par_str_equal(name_of(&p, value), par_str_of(good[i].name)));
		CU_ASSERT_EQUAL(p.error, PAR_OK);
		if (p.error != PAR_OK)
			printf("%s: %s\n", good[i].what, p.message);
		json_object_put(value);
	}
}

static void test_bad(void)
{
	struct json_object *value;
	struct par_payload p;
	unsigned i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		value = json_object_new_string_len(bad[i].name.s, (int)bad[i].name.len);
		name_of(&p, value);
		CU_ASSERT_EQUAL(p.error, PAR_E_BAD_PAYLOAD);
		CU_ASSERT_STRING_EQUAL(p.path, "name");
		CU_ASSERT_STRING_EQUAL(p.message, bad[i].message);
		if (strcmp(p.message, bad[i].message) != 0)
			printf("%s: %s\n", bad[i].what, p.message);
		json_object_put(value);
	}
}

static void test_not_a_name(void)
{
	struct json_object *value = json_object_new_int(5);
	struct par_payload p;

	CU_ASSERT_PTR_NULL(name_of(&p, value).s);
	CU_ASSERT_STRING_EQUAL(p.message, "name must be a string");
	json_object_put(value);
	par_payload_begin(&p, NULL);
	CU_ASSERT_PTR_NULL(par_payload_name(&p, "name", 64, PAR_OPTIONAL).s);
	CU_ASSERT_EQUAL(p.error, PAR_OK);
	CU_ASSERT_PTR_NULL(par_payload_name(&p, "name", 64, PAR_REQUIRED).s);
	CU_ASSERT_STRING_EQUAL(p.message, "name is missing");
	/* what was refused before stays so */
	CU_ASSERT_PTR_NULL(par_payload_name(&p, "title", 64, PAR_REQUIRED).s);
	CU_ASSERT_STRING_EQUAL(p.path, "name");
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "names", test_good },
		{ "no names", test_bad },
		{ "what is no string", test_not_a_name },
		{ NULL, NULL },
	};

	return unit_main("payload", tests);
}
