/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The faults found, for the report. Of each name the first hundred are kept and all are
 * counted, so that a server that breaks everything costs no memory.
 */
#ifndef PARLANCE_TESTS_HISTORY_FAULT_H
#define PARLANCE_TESTS_HISTORY_FAULT_H

#include "model.h"

#define FAULTS(X) \
	X(NOT_ANSWERED, "not answered") \
	X(ANSWERED_TWICE, "answered twice") \
	X(WRONG_ANSWER, "wrong answer") \
	X(NOT_STORED, "not stored") \
	X(TOLD_NOT_STORED, "told but not stored") \
	X(TOLD_OTHERWISE, "told otherwise than answered") \
	X(REFUSED_BUT_STORED, "refused but stored") \
	X(INVENTED, "never sent") \
	X(DOUBLED, "doubled") \
	X(LOST, "lost") \
	X(OUT_OF_ORDER, "out of order") \
	X(WINDOW, "window exceeded") \
	X(MARKS, "mark went down")

#define FAULT_ENUM(id, name) FAULT_##id,
enum fault_name { FAULTS(FAULT_ENUM) FAULT_NAMES };
#undef FAULT_ENUM

struct faults *faults_new(void);
void faults_free(struct faults **faults);
unsigned faults_count(const struct faults *faults);
unsigned faults_report(const struct history *h, FILE *out);

/* `a` to `c` are the lines that prove it; those with line 0 are left out. */
void fault(struct history *h, enum fault_name name, struct spot a, struct spot b, struct spot c,
	   const char *format, ...) __attribute__((format(printf, 6, 7)));

/* For the text of a fault: "message 5 of alice and bob". The result lives as long as
 * the next three calls. */
const char *fault_message(const struct chat *chat, uint64_t id);
const char *fault_device(const struct device *device); /* "alice/phone" */

#endif
