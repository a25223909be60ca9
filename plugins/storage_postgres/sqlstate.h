/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What PostgreSQL's error codes mean for a batch, and in words. The code of a connection
 * that broke without a word is "08006". Pure.
 */
#ifndef STORAGE_POSTGRES_SQLSTATE_H
#define STORAGE_POSTGRES_SQLSTATE_H

#include <stdbool.h>

#define SQLSTATE_LOST "08006"
#define SQLSTATE_TOO_LARGE "54000"
#define SQLSTATE_READ_ONLY "25006"
#define SQLSTATE_TOO_MANY "53300"
#define SQLSTATE_UNKNOWN "XX000"

enum failure {
	FAILURE_AGAIN, /* a deadlock or the like: the same batch again, after a while */
	FAILURE_WORK, /* a work's own: each is tried alone */
	FAILURE_SLOW, /* something took too long: unavailable */
	FAILURE_STATE, /* the database can store nothing now: unavailable, for all */
	FAILURE_LOST /* the connection is of no use any more */
};

enum failure failure_of(const char *sqlstate);

/* Static, for clients and for whoever looks after the server. */
const char *sqlstate_words(const char *sqlstate);

/* Whether a connection that was refused with it needs a person first. */
bool sqlstate_needs_help(const char *sqlstate);

#endif
