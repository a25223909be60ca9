/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening the file and closing it. The file is made before SQLite sees it,
 * readable by its owner only; the files beside it (-wal, -shm) get the same mode
 * from SQLite. And seeing that it is still there: SQLite itself would go on with
 * a file that has no name any more, and all of it would be gone with the server.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache.h"
#include "db.h"
#include "wal_file.h"

/* 32 MB of pages. The log is cut back to 16 MB after it had to grow. */
#define PRAGMAS \
	"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF;" \
	"PRAGMA cache_size = -32768; PRAGMA journal_size_limit = 16777216; PRAGMA secure_delete " \
	"= FAST;" \
	"PRAGMA temp_store = MEMORY"

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

/* Copies what an earlier server left in the log into the file. If it died after
 * the disk refused to sync the log, pages of it may be in the system's memory
 * only, and look sound; nothing must be put behind those. */
static bool settle_log(struct db *db)
{
	int rc =
	    sqlite3_wal_checkpoint_v2(db->handle, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

	return rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_FULL;
}

static bool file_note(struct file_id *file, const char *path, const char *suffix)
{
	struct stat st;
	size_t size = strlen(path) + strlen(suffix) + 1;

	file->path = malloc(size);
	if (file->path == NULL)
		return false;
	snprintf(file->path, size, "%s%s", path, suffix);
	if (stat(file->path, &st) != 0)
		return false;
	file->device = st.st_dev;
	file->inode = st.st_ino;
	return true;
}

static bool files_note(struct db *db, const char *path)
{
	return file_note(&db->files[0], path, "") && file_note(&db->files[1], path, "-wal");
}

bool db_moved(const struct db *db)
{
	struct stat st;
	unsigned i;

	for (i = 0; i < DB_FILES; i++) {
		if (stat(db->files[i].path, &st) != 0)
			return errno == ENOENT || errno == ENOTDIR;
		if (st.st_dev != db->files[i].device || st.st_ino != db->files[i].inode)
			return true;
	}
	return false;
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
		db->busy_timeout = (int)busy_timeout;
		db_wait_for_lock(db, true);
		good = sqlite3_exec(db->handle, PRAGMAS, NULL, NULL, NULL) == SQLITE_OK &&
		       settle_log(db);
	}
	if (good && !schema_migrate(db->handle, path, error, error_size)) {
		db_close(db);
		return false;
	}
	good =
	    good && load_hash_key(db) && db_prepare(db) && load_state(db) && files_note(db, path);
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
	db_unprepare(db);
	/* The last connection to go copies the log into the file and removes it. */
	sqlite3_close(db->handle);
	db->handle = NULL;
	wal_file_unregister();
	for (i = 0; i < DB_FILES; i++) {
		free(db->files[i].path);
		db->files[i].path = NULL;
	}
	if (db->lock_fd >= 0)
		close(db->lock_fd);
	db->lock_fd = -1;
	par_json_free(&db->writer);
}
