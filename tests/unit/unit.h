/* SPDX-License-Identifier: BSD-2-Clause */
/* The main() of a unit test: a table of named CUnit tests, run one after the
 * other; the exit status says whether all passed. And the sources' own files. */
#ifndef PARLANCE_UNIT_H
#define PARLANCE_UNIT_H

#include <stdio.h>
#include <stdlib.h>

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>

struct unit_test {
	const char *name;
	void (*run)(void);
};

/* A file of the sources; freed by the caller. */
static inline char *unit_source(const char *name)
{
	const char *folder = getenv("srcdir");
	char path[512], *text = (char *)calloc(1, 65536);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder == NULL ? "." : folder, name);
	file = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT(fread(text, 1, 65535, file) > 0);
	fclose(file);
	return text;
}

static inline int unit_main(const char *suite, const struct unit_test *tests)
{
	CU_pSuite s;
	unsigned failures;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	s = CU_add_suite(suite, NULL, NULL);
	if (s == NULL)
		return 2;
	for (; tests->name != NULL; tests++) {
		if (CU_add_test(s, tests->name, tests->run) == NULL)
			return 2;
	}
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures == 0 ? 0 : 1;
}

#endif
