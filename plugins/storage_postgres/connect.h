/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making a connection and all that belongs to it, so that a lane can work with it at
 * once: settings, tables, the server's row, the lane's row, prepared statements. And
 * finding out what became of the last transaction of the lane's connection before it.
 * Blocks, for a limited time, and so runs on a helper thread, with a struct that
 * nobody else touches meanwhile; in start() and stop() on the core thread.
 */
#ifndef STORAGE_POSTGRES_CONNECT_H
#define STORAGE_POSTGRES_CONNECT_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "postgres.h"

struct connection {
	PGconn *conn; /* in pipeline mode; NULL: there is none */
	int64_t server; /* this server's number; 0: it has none yet */
	int64_t lane; /* number of the lane's row; 0: it has none yet */
	int64_t batch; /* the lane's mark: of the last batch that is known to stand */
	int pid; /* of the process at the other end, and when it began: this names it, */
	char began[40]; /* also when the connection to it is gone */
};

enum connect_outcome {
	CONNECT_DONE,
	CONNECT_LATER, /* perhaps: the database is away, or not as it should be */
	CONNECT_NEVER /* not without a person: the conninfo, rights, tables are wrong */
};

/* Of the batch behind the lane's mark, whose commit was sent. */
enum doubt { DOUBT_NONE, DOUBT_STOOD, DOUBT_FELL, DOUBT_STAYS };

struct connect {
	/* set by who asks */
	const struct postgres_options *options;
	struct connection connection; /* of before: numbers, and the process; conn NULL */
	bool first; /* since the start: tables are made or changed */
	bool in_doubt;
	/* the answer */
	enum connect_outcome outcome;
	enum doubt doubt; /* when it is done and was in doubt; STAYS: nobody can know any more */
	char sqlstate[6]; /* of a failure, as far as it is known; else "" */
	char error[256]; /* one line; no secrets */
};

/* Whether the conninfo can be read at all; false with `error`. */
bool connect_check(const char *conninfo, char *error, size_t error_size);
void connect_make(struct connect *c);
/* Closes it. `gone`: what was not sent yet must not arrive any more, and the
 * other side is not waited for. */
void connect_close(PGconn *conn, bool gone);

#endif
