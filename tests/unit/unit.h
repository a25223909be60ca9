/* SPDX-License-Identifier: BSD-2-Clause */
/* The main() of a unit test: a table of named CUnit tests, run one after the
 * other; the exit status says whether all passed. */
#ifndef PARLANCE_UNIT_H
#define PARLANCE_UNIT_H

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>

struct unit_test {
	const char *name;
	void (*run)(void);
};

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
