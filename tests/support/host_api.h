/* SPDX-License-Identifier: BSD-2-Clause */
/* The functions of the fake host's table, for host.c and host_loop.c alone. */
#ifndef PARLANCE_TESTS_HOST_API_H
#define PARLANCE_TESTS_HOST_API_H

#include "host.h"

/* Fills in every function that the generic host has. */
void host_api_fill(struct par_api *api);
/* Drops what a plugin that goes has registered: its handlers. */
void host_api_forget(struct par_plugin *plugin);
/* Frees what is remembered of transactions and queries. */
void host_api_end(struct host *host);

/* A plugin broke a rule: says which, and aborts. */
void host_check(bool good, const char *what);
/* The rule that it is called on the core thread. */
void host_check_core(const struct host *host, const char *function);

#endif
