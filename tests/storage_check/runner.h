/* SPDX-License-Identifier: BSD-2-Clause */
/* Running one rule: in a child with a fresh folder, which may crash or hang. */
#ifndef STORAGE_CHECK_RUNNER_H
#define STORAGE_CHECK_RUNNER_H

#include <stdbool.h>
#include <sys/types.h>

#include "rules.h"

/* Exit statuses of the children. */
enum runner_status { RUNNER_KEPT = 0, RUNNER_BROKEN = 10, RUNNER_NOT_LOADED = 11 };

struct verdict {
	bool kept;
	char *text; /* what was found wrong, or printed; malloc'ed, ends with a NUL */
};

/* Makes the folder that all folders of rules lie in, and removes it. False with
 * errno set. */
bool runner_begin(void);
void runner_end(void);
/* Whether the plugin can be loaded and started at all; in `text` why not. */
struct verdict runner_probe(void);
struct verdict runner_run(const struct rule *rule);
/* A signal asked to end. */
bool runner_stopped(void);
/* fork() whose child does not outlive its parent. Exits when it fails. */
pid_t runner_fork(void);

#endif
