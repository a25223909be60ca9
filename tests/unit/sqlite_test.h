/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of storage_sqlite share: its file, a second connection to it that
 * plays another process, and limits on files that play a full disk. */
#ifndef SQLITE_TEST_H
#define SQLITE_TEST_H

#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "support/store.h"
#include "unit.h"

#define OBJECT PLUGIN_BUILD_DIR "/storage_sqlite.so"

static inline const char *file_path(struct store *s, const char *name)
{
	return store_format(s, "%s/%s", s->dir, name);
}

static inline sqlite3 *other_open(struct store *s)
{
	sqlite3 *other;

	CU_ASSERT_EQUAL_FATAL(sqlite3_open(file_path(s, "p.db"), &other), SQLITE_OK);
	return other;
}

static inline void other_exec(sqlite3 *other, const char *sql)
{
	CU_ASSERT_EQUAL(sqlite3_exec(other, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* One statement on the file, by a connection of its own. */
static inline void other_run(struct store *s, const char *sql)
{
	sqlite3 *other = other_open(s);

	other_exec(other, sql);
	sqlite3_close(other);
}

/* The first number that the file answers with; -1: none. */
static inline int64_t ask_file(struct store *s, const char *sql)
{
	sqlite3 *other = other_open(s);
	sqlite3_stmt *statement;
	int64_t value = -1;

	CU_ASSERT_EQUAL_FATAL(sqlite3_prepare_v2(other, sql, -1, &statement, NULL), SQLITE_OK);
	if (sqlite3_step(statement) == SQLITE_ROW)
		value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(other);
	return value;
}

static inline bool says(const char *text, const char *words)
{
	return text != NULL && strstr(text, words) != NULL;
}

static inline const char *store_down(struct store *s)
{
	return s->host->storage->down(s->host->storage_state);
}

static inline int64_t store_metric(struct store *s, const char *name)
{
	return host_metric(s->host, "storage_sqlite", name);
}

/* Waits until the storage says this of itself; NULL: that it is well. */
static inline void until_down_says(struct store *s, const char *words)
{
	const struct timespec moment = { 0, 2000000 };
	unsigned i;

	for (i = 0; i < 15000; i++) {
		const char *down = store_down(s);
		if (words == NULL ? down == NULL : says(down, words))
			return;
		nanosleep(&moment, NULL);
	}
	CU_FAIL("the storage does not say what it should");
}

static inline struct outcome *submit_append(struct store *s, unsigned i)
{
	struct par_tx *tx = store_tx(s);

	add_append(s, tx, "alice", "bob", store_format(s, "c%u", i), "text");
	return store_submit(s, tx);
}

/* A limit on the size of files stands for a full disk. */
static inline void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes;
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

#endif
