/* SPDX-License-Identifier: BSD-2-Clause */
/* Running statements, what their failures mean, and copies of what they found. */
#include <stdarg.h>
#include <string.h>

#include "db.h"

static const char *const sql[] = {
#define X(name, text) text,
	STATEMENTS(X)
#undef X
};

bool db_prepare(struct db *db)
{
	unsigned i;

	for (i = 0; i < ST_COUNT; i++) {
		if (sqlite3_prepare_v3(db->handle, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &db->statements[i], NULL) != SQLITE_OK)
			return false;
	}
	return true;
}

void db_unprepare(struct db *db)
{
	unsigned i;

	for (i = 0; i < ST_COUNT; i++) {
		sqlite3_finalize(db->statements[i]);
		db->statements[i] = NULL;
	}
}

static void bind_from(struct db *db, sqlite3_stmt *statement, int first, const char *types,
		      va_list args)
{
	struct par_str s;
	int64_t v;
	int i, rc = SQLITE_OK;

	for (i = first; *types != '\0' && rc == SQLITE_OK; i++, types++) {
		if (*types == 't' || *types == 'b') {
			s = va_arg(args, struct par_str);
			rc = *types == 'b'
				 ? sqlite3_bind_blob(statement, i, s.s, (int)s.len, SQLITE_STATIC)
				 : sqlite3_bind_text(statement, i, s.s, (int)s.len, SQLITE_STATIC);
			continue;
		}
		v = va_arg(args, int64_t);
		rc = v == 0 && *types == 'n' ? sqlite3_bind_null(statement, i)
					     : sqlite3_bind_int64(statement, i, v);
	}
	if (rc != SQLITE_OK && db->error == SQLITE_OK)
		db->error = rc;
}

sqlite3_stmt *db_bind(struct db *db, enum statement which, const char *types, ...)
{
	sqlite3_stmt *statement = db->statements[which];
	va_list args;

	va_start(args, types);
	bind_from(db, statement, 1, types, args);
	va_end(args);
	return statement;
}

void db_bind_more(struct db *db, sqlite3_stmt *statement, int first, const char *types, ...)
{
	va_list args;

	va_start(args, types);
	bind_from(db, statement, first, types, args);
	va_end(args);
}

bool db_row(struct db *db, sqlite3_stmt *statement)
{
	int rc = sqlite3_step(statement);

	if (rc == SQLITE_ROW)
		return true;
	if (rc != SQLITE_DONE && db->error == SQLITE_OK)
		db->error = rc;
	return false;
}

void db_done(sqlite3_stmt *statement)
{
	sqlite3_reset(statement);
}

bool db_run(struct db *db, sqlite3_stmt *statement)
{
	db_row(db, statement);
	db_done(statement);
	return db->error == SQLITE_OK;
}

void db_wait_for_lock(struct db *db, bool wait)
{
	sqlite3_busy_timeout(db->handle, wait ? db->busy_timeout : 0);
}

int db_give_up(struct db *db)
{
	int error = db->error;

	/* Some failures roll back by themselves. */
	db->error = SQLITE_OK;
	if (error != SQLITE_OK && !sqlite3_get_autocommit(db->handle))
		db_run(db, db_bind(db, ST_ROLLBACK, ""));
	db->error = SQLITE_OK;
	return error;
}

struct par_str db_tx_copy(struct db *db, struct par_tx *tx, struct par_str s)
{
	if (s.s != NULL)
		s.s = memcpy(db->api->tx_alloc(tx, s.len + 1), s.s, s.len);
	return s;
}

struct par_str db_query_copy(struct db *db, struct par_query *q, struct par_str s)
{
	if (s.s != NULL)
		s.s = memcpy(db->api->query_alloc(q, s.len + 1), s.s, s.len);
	return s;
}

struct par_json *db_writer(struct db *db)
{
	if (db->writer.failed)
		par_json_free(&db->writer);
	par_json_reset(&db->writer);
	return &db->writer;
}

bool db_error_passes(int error)
{
	switch (error & 0xff) {
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_NOMEM:
		return true;
	default:
		return false;
	}
}

bool db_error_damage(int error)
{
	return (error & 0xff) == SQLITE_CORRUPT || (error & 0xff) == SQLITE_NOTADB;
}

const char *db_error_words(int error)
{
	if (error == SQLITE_READONLY_DBMOVED)
		return "the database file was moved or removed: put it back, or stop and restore a "
		       "backup";
	switch (error & 0xff) {
	case SQLITE_FULL:
		return "the disk is full";
	case SQLITE_IOERR:
		return "the disk refuses to read or write";
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return "the database is locked by another process";
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return "the database file cannot be written";
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return "the database file is damaged: restore a backup";
	default:
		return "the database failed";
	}
}
