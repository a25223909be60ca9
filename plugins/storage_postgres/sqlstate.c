/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of what each code, or class of codes, means: the first line that fits counts. */
#include "sqlstate.h"

#include <string.h>

struct meaning {
	const char *begins;
	enum failure failure;
	const char *words;
};

static const struct meaning meanings[] = {
	{ "40", FAILURE_AGAIN, "transactions stood in each other's way" },
	{ "23505", FAILURE_AGAIN, "somebody else was quicker to store the same" },
	{ "55P03", FAILURE_SLOW, "the database's rows are locked for too long" },
	{ "57014", FAILURE_SLOW, "the database is too slow" },
	{ "25006", FAILURE_STATE, "the database is read-only" },
	{ "53100", FAILURE_STATE, "the disk of the database is full" },
	{ "53200", FAILURE_STATE, "PostgreSQL is out of memory" },
	{ "53300", FAILURE_LOST, "PostgreSQL has no connection left" },
	{ "53", FAILURE_STATE, "PostgreSQL lacks something" },
	{ "58", FAILURE_STATE, "PostgreSQL cannot use its files" },
	{ "42501", FAILURE_STATE, "the role lacks a right" },
	{ "57P03", FAILURE_LOST, "PostgreSQL is starting or stopping" },
	{ "57", FAILURE_LOST, "PostgreSQL ended the connection" },
	{ "08", FAILURE_LOST, "the connection to PostgreSQL was lost" },
	{ "28", FAILURE_LOST, "PostgreSQL refuses the role or its password" },
	{ "3D000", FAILURE_LOST, "there is no such database" },
	/* the transaction was idle for too long: we were stopped */
	{ "25P03", FAILURE_LOST, "PostgreSQL ended the connection" },
	/* a prepared statement is gone, or does not fit tables that were changed since */
	{ "26000", FAILURE_LOST, "PostgreSQL lost the statements" },
	{ "0A000", FAILURE_LOST, "the tables were changed" },
	{ "42P01", FAILURE_LOST, "a table is missing" },
	{ "42703", FAILURE_LOST, "a column is missing" },
	{ "54", FAILURE_WORK, "it is too much for PostgreSQL" },
	{ "", FAILURE_WORK, "the database failed" },
};

static const struct meaning *meaning_of(const char *sqlstate)
{
	const struct meaning *m = meanings;

	while (strncmp(sqlstate, m->begins, strlen(m->begins)) != 0)
		m++;
	return m;
}

enum failure failure_of(const char *sqlstate)
{
	return meaning_of(sqlstate)->failure;
}

const char *sqlstate_words(const char *sqlstate)
{
	return meaning_of(sqlstate)->words;
}

bool sqlstate_needs_help(const char *sqlstate)
{
	return strncmp(sqlstate, "28", 2) == 0 || strcmp(sqlstate, "3D000") == 0 ||
	       strcmp(sqlstate, "42501") == 0;
}
