/* SPDX-License-Identifier: BSD-2-Clause */
/* The statements as tables. */
#include "statements.h"

static const char *const names[] = {
#define X(symbol, sql) #symbol,
	STATEMENTS(X)
#undef X
};

static const char *const texts[] = {
#define X(symbol, sql) sql,
	STATEMENTS(X)
#undef X
};

const char *statement_name(enum statement statement)
{
	return names[statement];
}

const char *statement_sql(enum statement statement)
{
	return texts[statement];
}
