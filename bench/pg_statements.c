/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints the statements of storage_postgres as PREPAREs for psql, for bench/pg-plans.
 * Those that have no plan (BEGIN and the like) are left out.
 */
#include <stdio.h>
#include <string.h>

#include "../plugins/storage_postgres/statements.h"

static int has_plan(const char *sql)
{
	static const char *const words[] = { "SELECT", "INSERT", "UPDATE", "DELETE", "WITH" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strncmp(sql, words[i], strlen(words[i])) == 0)
			return 1;
	}
	return 0;
}

int main(void)
{
	int i;

	for (i = 0; i < ST_COUNT; i++) {
		const char *sql = statement_sql((enum statement)i);
		if (has_plan(sql))
			printf("PREPARE %s AS %s;\n", statement_name((enum statement)i), sql);
	}
	return 0;
}
