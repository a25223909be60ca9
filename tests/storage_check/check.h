/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the rules are written with. A rule runs in a process of its own, against
 * a storage of its own; what it finds wrong is a line on stderr, which the
 * parent puts into the report. EXPECT goes on after that, NEED ends the rule,
 * where going on would make no sense.
 */
#ifndef STORAGE_CHECK_H
#define STORAGE_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "rules.h"
#include "support/store.h"

/* The storage of the rule that runs. */
extern struct store store;

/* Of the command line. */
struct check_setup {
	const char *object;
	const char *config;
	const char *prepare; /* or NULL */
	uint64_t seed;
};
extern struct check_setup check_setup;
/* Fills in the setup, for store_open_fresh or store_folder. */
void check_set_up(struct store *s);

/* Whether anything was found wrong so far. */
bool check_failed(void);
/* A failure in words. */
void check_say(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Ends the rule, which is broken. The storage is left as it is: the parent cleans up. */
_Noreturn void check_stop(void);

void check_true(bool good, bool needed, const char *what, const char *file, int line);
void check_equal(uint64_t came, uint64_t wanted, bool needed, const char *what, const char *file,
		 int line);
void check_error(enum par_error came, enum par_error wanted, const char *what, const char *file,
		 int line);
void check_text(const char *came, const char *wanted, const char *what, const char *file,
		int line); /* NULL: absent */
const char *check_error_name(enum par_error error);

#define EXPECT(condition) check_true((condition), false, #condition, __FILE__, __LINE__)
#define NEED(condition) check_true((condition), true, #condition, __FILE__, __LINE__)
#define EXPECT_EQ(came, wanted) check_equal((came), (wanted), false, #came, __FILE__, __LINE__)
#define NEED_EQ(came, wanted) check_equal((came), (wanted), true, #came, __FILE__, __LINE__)
#define EXPECT_ERROR(came, wanted) check_error((came), (wanted), #came, __FILE__, __LINE__)
#define EXPECT_TEXT(came, wanted) check_text((came), (wanted), #came, __FILE__, __LINE__)
/* A struct par_str whose bytes end with a NUL, as those that the store keeps do. */
#define EXPECT_STR(came, wanted) check_text((came).s, (wanted), #came, __FILE__, __LINE__)
#define FAIL(...) check_say(__FILE__, __LINE__, __VA_ARGS__)

/* Below n, from the seed of the command line: the same in every run. */
uint64_t check_random(uint64_t n);

/* Runs the function in a process of its own, whose failures count as this one's. The
 * caller must not have a storage open. */
void check_fork(void (*fn)(void *arg), void *arg);

#endif
