/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connection to the database file, its statements, and what is kept of it
 * in memory. All of it belongs to the worker thread; plugin.c opens it before
 * that thread runs and closes it after.
 *
 * A failure of SQLite is remembered in `error` until the transaction is rolled
 * back; whoever called may go on with nonsense for a moment, since nothing of
 * it is committed and nothing of it is kept in memory.
 */
#ifndef STORAGE_SQLITE_DB_H
#define STORAGE_SQLITE_DB_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include <parlance/storage.h>

#include "statements.h"

struct user;
struct chat;

/* A file and its log, by what tells it from another one of that name. */
#define DB_FILES 2

struct file_id {
	char *path;
	uint64_t device, inode;
};

struct db {
	const struct par_api *api;
	sqlite3 *handle;
	int lock_fd; /* of the file that says a server uses this one; -1: none */
	int busy_timeout; /* ms */
	struct file_id files[DB_FILES]; /* as they were opened */
	sqlite3_stmt *statements[ST_COUNT];
	int error; /* SQLite's extended code; SQLITE_OK: none */
	uint64_t hash_key[2]; /* of dedupe_hash */
	struct par_json writer;
	uint64_t generation; /* which opening of the file this is */
	uint64_t last_at; /* the time of the latest event: the next one's is no less */
	/* of the MARK operations of the tx that runs: up to where it was before */
	uint64_t marked_before[PAR_TX_OPS];
	/* cache.c */
	struct user *users;
	struct user *users_by_id;
	struct chat *chats;
	struct chat *chats_by_id;
	unsigned n_cached;
	int64_t data_version; /* of the file as cached */
};

/* open.c. Opens or creates the file, migrates it, prepares everything. False with the
 * reason and the remedy in `error`. */
bool db_open(struct db *db, const char *path, uint64_t busy_timeout, char *error,
	     size_t error_size);
void db_close(struct db *db);

/* Whether somebody removed or replaced the files: what is written then goes nowhere. */
bool db_moved(const struct db *db);
/* db.c: all statements. */
bool db_prepare(struct db *db);
void db_unprepare(struct db *db);
/* Whether statements wait for another process's lock, for busy_timeout. */
void db_wait_for_lock(struct db *db, bool wait);
/* Ends a transaction that failed, if there is one; returns why it did. */
int db_give_up(struct db *db);

/* Binds all parameters, one letter each: i int64, n int64 where 0 is NULL, t
 * struct par_str as text, b as a blob. Strings must live until the statement is done. */
sqlite3_stmt *db_bind(struct db *db, enum statement which, const char *types, ...);
/* The same from the parameter `first` on. */
void db_bind_more(struct db *db, sqlite3_stmt *statement, int first, const char *types, ...);
/* True when there is a row. After false, or instead of going on: db_done. */
bool db_row(struct db *db, sqlite3_stmt *statement);
void db_done(sqlite3_stmt *statement);
/* Runs a bound statement that has no rows. False when it failed. */
bool db_run(struct db *db, sqlite3_stmt *statement);

static inline uint64_t db_u64(sqlite3_stmt *statement, int column)
{
	return (uint64_t)sqlite3_column_int64(statement, column);
}

/* Borrowed until the next row. */
static inline struct par_str db_str(sqlite3_stmt *statement, int column)
{
	struct par_str s = { (const char *)sqlite3_column_blob(statement, column), 0 };

	s.len = (size_t)sqlite3_column_bytes(statement, column);
	if (s.s == NULL && sqlite3_column_type(statement, column) != SQLITE_NULL)
		s.s = "";
	return s;
}

/* Copies of strings for results. NULL stays NULL. */
struct par_str db_tx_copy(struct db *db, struct par_tx *tx, struct par_str s);
struct par_str db_query_copy(struct db *db, struct par_query *q, struct par_str s);
/* The writer, empty. */
struct par_json *db_writer(struct db *db);

/* Whether trying again later can help, and a few words on it. */
bool db_error_passes(int error);
const char *db_error_words(int error);
/* Whether the file is damaged where it was looked at. */
bool db_error_damage(int error);

/* schema.c */
bool schema_migrate(sqlite3 *handle, const char *path, char *error, size_t error_size);

/* Of a message's row or an event's: the chat or user in front, 32 bits of
 * number behind, so that one integer key holds both and rows that belong
 * together lie together. */
#define ROW_NUMBER_MAX 0xffffffffu

static inline int64_t row_id(int64_t owner, uint64_t number)
{
	return (owner << 32) | (int64_t)number;
}

static inline uint64_t row_number(uint64_t id)
{
	return id & ROW_NUMBER_MAX;
}

#endif
