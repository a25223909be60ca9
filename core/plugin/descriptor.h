/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening a plugin's shared object and judging its descriptor, before any of
 * its code is run. A refusal says what was expected, what was found, and what
 * to do.
 */
#ifndef PARLANCE_DESCRIPTOR_H
#define PARLANCE_DESCRIPTOR_H

#include <stdbool.h>

#include <parlance/plugin.h>

#include "config/config.h"

/* Opens DIR/NAME.so and copies its descriptor; what an older plugin lacks is
 * NULL in the copy. *object is dlopen's, to be closed by the caller. False with
 * the reason in `error`. */
bool descriptor_open(const char *dir, const char *name, struct par_descriptor *descriptor,
		     void **object, char error[CONFIG_ERROR_MAX]);

#endif
