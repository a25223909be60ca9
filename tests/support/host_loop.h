/* SPDX-License-Identifier: BSD-2-Clause */
/* What makes callbacks come in the fake host, for host.c and host_api.c alone. */
#ifndef PARLANCE_TESTS_HOST_LOOP_H
#define PARLANCE_TESTS_HOST_LOOP_H

#include "host.h"

void host_loop_begin(struct host *host);
/* Fills in post, timers, offload and watches. */
void host_loop_fill(struct par_api *api);
/* Runs what is posted until nothing of what was offloaded is left. */
void host_loop_finish(struct host *host);
/* Drops the watches of a plugin that goes. */
void host_loop_forget(struct par_plugin *plugin);
void host_loop_end(struct host *host);

#endif
