/* SPDX-License-Identifier: BSD-2-Clause */
/* The functions of the fake host's table, for host.c alone. */
#ifndef PARLANCE_TESTS_HOST_API_H
#define PARLANCE_TESTS_HOST_API_H

#include "host.h"

/* Fills in every function that the generic host has. */
void host_api_fill(struct par_api *api);
/* Drops what a plugin that goes has registered: its handlers. */
void host_api_forget(struct par_plugin *plugin);
/* Frees what is left of timers. */
void host_api_end(struct host *host);

#endif
