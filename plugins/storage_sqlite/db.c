/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening the file, and running statements. The file is made before SQLite
 * sees it, readable by its owner only; the files beside it (-wal, -shm) get
 * the same mode from SQLite.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "cache.h"
#include "db.h"
#include "wal_file.h"

/* 32 MB of pages. The log is copied into the file every 2000 pages, which
 * takes a few ms, and is cut back to 16 MB after it had to grow. */
#define PRAGMAS \
	"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF;" \
	"PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 2000;" \
	"PRAGMA journal_size_limit = 16777216; PRAGMA secure_delete = FAST;" \
	"PRAGMA temp_store = MEMORY"

static const char *const sql[] = {
#define X(name, text) text,
	STATEMENTS(X)
#undef X
};

/* Opens or makes the file; -1 with the reason and the remedy in `error`. */
static int file_open(const char *path, char *error, size_t error_size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	const char *slash = strrchr(path, '/');

	if (fd >= 0)
		return fd;
	if (errno == ENOENT)
		snprintf(error, error_size,
			 "the folder %.*s does not exist: make it, writable for the server's user,"
			 " or set another path in storage_sqlite",
			 slash == NULL ? 1 : (int)(slash - path), slash == NULL ? "." : path);
	else if (errno == EACCES || errno == EROFS || errno == EPERM)
		snprintf(error, error_size,
			 "cannot write %s: %s; let user id %u own the file and its folder, or set"
			 " another path in storage_sqlite",
			 path, strerror(errno), (unsigned)geteuid());
	else
		snprintf(error, error_size, "cannot open %s: %s", path, strerror(errno));
	return -1;
}

static bool file_make(const char *path, char *error, size_t error_size)
{
	int fd = file_open(path, error, error_size);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* One server a file: what another one stores would be told to nobody here. The
 * lock is on a file beside it, since closing any descriptor of the database
 * itself would drop SQLite's own locks, and goes with the process. */
static bool file_lock(struct db *db, const char *path, char *error, size_t error_size)
{
	char name[4096];

	snprintf(name, sizeof(name), "%s.lock", path);
	db->lock_fd = file_open(name, error, error_size);
	if (db->lock_fd < 0)
		return false;
	if (flock(db->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	snprintf(error, error_size,
		 "%s is used by another server, which holds %s: stop that one, or give this one a "
		 "path of its own in storage_sqlite",
		 path, name);
	close(db->lock_fd);
	db->lock_fd = -1;
	return false;
}

static bool load_hash_key(struct db *db)
{
	sqlite3_stmt *statement;
	bool good = false;

	if (sqlite3_prepare_v2(db->handle, "SELECT value FROM meta WHERE key = 'hash_key'", -1,
			       &statement, NULL) != SQLITE_OK)
		return false;
	if (sqlite3_step(statement) == SQLITE_ROW &&
	    sqlite3_column_bytes(statement, 0) == sizeof(db->hash_key)) {
		memcpy(db->hash_key, sqlite3_column_blob(statement, 0), sizeof(db->hash_key));
		good = true;
	}
	sqlite3_finalize(statement);
	return good;
}

/* What is kept in memory of the file as a whole. */
static bool load_state(struct db *db)
{
	sqlite3_stmt *statement;

	if (!db_run(db, db_bind(db, ST_GENERATION_NEXT, "")))
		return false;
	statement = db_bind(db, ST_GENERATION, "");
	if (db_row(db, statement))
		db->generation = db_u64(statement, 0);
	db_done(statement);
	statement = db_bind(db, ST_EVENT_LAST_AT, "");
	if (db_row(db, statement))
		db->last_at = db_u64(statement, 0);
	db_done(statement);
	return db->error == SQLITE_OK && db->generation > 0;
}

static bool prepare_all(struct db *db)
{
	unsigned i;

	for (i = 0; i < ST_COUNT; i++) {
		if (sqlite3_prepare_v3(db->handle, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &db->statements[i], NULL) != SQLITE_OK)
			return false;
	}
	return true;
}

bool db_open(struct db *db, const char *path, uint64_t busy_timeout, char *error, size_t error_size)
{
	bool good;

	if (!file_make(path, error, error_size) || !file_lock(db, path, error, error_size))
		return false;
	good = wal_file_register() == SQLITE_OK &&
	       sqlite3_open_v2(path, &db->handle,
			       SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
				   SQLITE_OPEN_EXRESCODE,
			       WAL_FILE_VFS) == SQLITE_OK;
	if (good) {
		sqlite3_busy_timeout(db->handle, (int)busy_timeout);
		good = sqlite3_exec(db->handle, PRAGMAS, NULL, NULL, NULL) == SQLITE_OK;
	}
	if (good && !schema_migrate(db->handle, path, error, error_size)) {
		db_close(db);
		return false;
	}
	good = good && load_hash_key(db) && prepare_all(db) && load_state(db);
	if (!good) {
		snprintf(error, error_size, "cannot use %s: %s", path, sqlite3_errmsg(db->handle));
		db_close(db);
	}
	return good;
}

void db_close(struct db *db)
{
	unsigned i;

	cache_clear(db);
	for (i = 0; i < ST_COUNT; i++) {
		sqlite3_finalize(db->statements[i]);
		db->statements[i] = NULL;
	}
	/* The last connection to go copies the log into the file and removes it. */
	sqlite3_close(db->handle);
	db->handle = NULL;
	wal_file_unregister();
	if (db->lock_fd >= 0)
		close(db->lock_fd);
	db->lock_fd = -1;
	par_json_free(&db->writer);
}

sqlite3_stmt *db_bind(struct db *db, enum statement which, const char *types, ...)
{
	sqlite3_stmt *statement = db->statements[which];
	struct par_str s;
	va_list args;
	int64_t v;
	int i, rc = SQLITE_OK;

	va_start(args, types);
	for (i = 1; types[i - 1] != '\0' && rc == SQLITE_OK; i++) {
		if (types[i - 1] == 't' || types[i - 1] == 'b') {
			s = va_arg(args, struct par_str);
			rc = types[i - 1] == 'b'
				 ? sqlite3_bind_blob(statement, i, s.s, (int)s.len, SQLITE_STATIC)
				 : sqlite3_bind_text(statement, i, s.s, (int)s.len, SQLITE_STATIC);
			continue;
		}
		v = va_arg(args, int64_t);
		rc = v == 0 && types[i - 1] == 'n' ? sqlite3_bind_null(statement, i)
						   : sqlite3_bind_int64(statement, i, v);
	}
	va_end(args);
	if (rc != SQLITE_OK && db->error == SQLITE_OK)
		db->error = rc;
	return statement;
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
	db->writer.len = 0;
	db->writer.comma = false;
	return &db->writer;
}

bool db_error_passes(int error)
{
	switch (error & 0xff) {
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_NOMEM:
		return true;
	default:
		return false;
	}
}

const char *db_error_words(int error)
{
	switch (error & 0xff) {
	case SQLITE_FULL:
		return "the disk is full";
	case SQLITE_IOERR:
		return "the disk refuses to read or write";
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
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
