/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints the statements of storage_postgres as PREPAREs for psql, for bench/pg-plans; with
 * an argument, what makes each one's plan without executing it: nulls. Those that
 * have no plan (BEGIN and the like) are left out.
 */
#include <stdio.h>
#include <stdlib.h>
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

/* The highest $n. */
static int count_parameters(const char *sql)
{
	int max = 0, n;

	for (; *sql != '\0'; sql++) {
		n = *sql == '$' ? atoi(sql + 1) : 0;
		if (n > max)
			max = n;
	}
	return max;
}

static void print_explain(const char *name, const char *sql)
{
	int i, n = count_parameters(sql);

	printf("EXPLAIN EXECUTE %s", name);
	for (i = 0; i < n; i++)
		printf("%sNULL", i == 0 ? " (" : ", ");
	printf("%s;\n", n > 0 ? ")" : "");
}

int main(int argc, char **argv)
{
	int i;

	(void)argv;
	for (i = 0; i < ST_COUNT; i++) {
		const char *name = statement_name((enum statement)i);
		const char *sql = statement_sql((enum statement)i);
		if (!has_plan(sql))
			continue;
		if (argc > 1)
			print_explain(name, sql);
		else
			printf("PREPARE %s AS %s;\n", name, sql);
	}
	return 0;
}
