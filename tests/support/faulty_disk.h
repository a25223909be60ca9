/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk that fails, for tests of what SQLite is used for: a file system of
 * SQLite's that passes all on to the real one, fails when told to, and knows for
 * each database and log which bytes a sync has confirmed. A sync that fails
 * loses what was written since the last one, for good, as Linux does: the bytes are
 * still read back, and the next sync succeeds without them.
 */
#ifndef PARLANCE_TESTS_FAULTY_DISK_H
#define PARLANCE_TESTS_FAULTY_DISK_H

enum faulty_call {
	FAULTY_WRITE, /* writes half of what it should, and says that the disk is full */
	FAULTY_SYNC,
	FAULTY_CALLS
};

/* The file system of whatever is opened from here on. */
void faulty_disk_start(void);
void faulty_disk_stop(void);

/* From now on `after` calls succeed, then one fails. */
void faulty_disk_fail(enum faulty_call call, unsigned after);
/* Whether that one has failed. */
int faulty_disk_failed(void);

/* The files p.db and p.db-wal of one folder to another, as the system shows them, with what
 * is known of them: the process was killed. */
void faulty_disk_kill(const char *from, const char *to);
/* Likewise, as they are on the disk: the machine lost its power. */
void faulty_disk_crash(const char *from, const char *to);

#endif
