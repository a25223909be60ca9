/* SPDX-License-Identifier: BSD-2-Clause */
/* plugins/auth_insecure: whom it believes, and where it refuses to start. */
#include "support/host_requests.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

static struct host *host;
static struct host_requests *requests;
static struct par_plugin *plugin;

static void begin_at(bool loopback_only)
{
	host = host_new();
	host->info.loopback_only = loopback_only;
	requests = host_requests_new(host);
	plugin = host_load(host, PLUGIN_BUILD_DIR "/auth_insecure.so", NULL);
}

static void end(void)
{
	host_free(&host);
	host_requests_free(&requests);
}

static void test_believes_the_name(void)
{
	begin_at(true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(plugin);
	CU_ASSERT(host_start(plugin));
	host_authenticate(requests, "alice");
	CU_ASSERT_STRING_EQUAL(host_told(requests), "accept alice\n");
	host_authenticate(requests, NULL);
	CU_ASSERT_STRING_EQUAL(host_told(requests),
			       "refuse the address must name the user: ?user=NAME\n");
	host_authenticate(requests, "");
	CU_ASSERT_STRING_EQUAL(host_told(requests),
			       "refuse the address must name the user: ?user=NAME\n");
	end();
}

static void test_loopback_only(void)
{
	begin_at(false);
	CU_ASSERT_PTR_NULL(plugin);
	CU_ASSERT_PTR_NOT_NULL(strstr(host->error, "server.listen"));
	end();
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "believes the name", test_believes_the_name },
		{ "loopback only", test_loopback_only },
		{ NULL, NULL },
	};

	return unit_main("auth_insecure", tests);
}
