/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thin layer over SQLite's own file system, for the log file alone. SQLite
 * writes a commit's pages one by one, two system calls each; here they collect
 * and go to the file in a few large writes when SQLite asks for a sync, which
 * at synchronous=FULL ends every commit. Nothing is ever kept back past that,
 * or past any look at the file; an error of a write is the error of the sync.
 */
#ifndef STORAGE_SQLITE_WAL_FILE_H
#define STORAGE_SQLITE_WAL_FILE_H

#include <sqlite3.h>

#define WAL_FILE_VFS "parlance"

/* Before the first and after the last use of the file system of that name. */
int wal_file_register(void);
void wal_file_unregister(void);

#endif
