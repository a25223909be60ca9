/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core's table of contents: what comes from the transport, and who takes
 * it.
 */
#ifndef PARLANCE_DISPATCH_H
#define PARLANCE_DISPATCH_H

#include "seam/seam.h"

struct core;

void dispatch_message(struct core *core, const struct in_msg *in);

#endif
