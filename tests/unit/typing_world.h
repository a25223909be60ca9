/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of plugins/typing share: a fake host, on its manual clock, with the
 * plugins groups and typing and a storage. */
#ifndef PARLANCE_TYPING_WORLD_H
#define PARLANCE_TYPING_WORLD_H

#include "support/host_requests.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct host *host;
static struct host_requests *requests;

#define TOLD(lines) CU_ASSERT_STRING_EQUAL(host_told(requests), lines)

static inline void begin(const char *config)
{
	struct par_plugin *storage;

	host = host_new();
	requests = host_requests_new(host);
	storage = host_load(host, PLUGIN_BUILD_DIR "/storage_memory.so", NULL);
	if (storage == NULL || !host_start(storage) ||
	    host_load(host, PLUGIN_BUILD_DIR "/groups.so", NULL) == NULL ||
	    host_load(host, PLUGIN_BUILD_DIR "/typing.so", config) == NULL) {
		fprintf(stderr, "%s\n", host->error);
		exit(2);
	}
}

static inline void end(void)
{
	host_free(&host);
	host_requests_free(&requests);
}

#endif
