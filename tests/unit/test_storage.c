/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every storage must do: the rules of <parlance/storage.h>, one after the
 * other, against the plugin whose object and config are named on the command
 * line, or else were given by the build. In the config @DIR@ is a fresh folder.
 *
 *   test_storage /path/to/storage_x.so '{"path": "@DIR@/x.db"}'
 */
#include <stdlib.h>

#include "storage_test.h"

struct store store;

static const char *object = PLUGIN_BUILD_DIR "/" STORAGE ".so";
static const char *config = "{\"path\": \"@DIR@/parlance.db\"}";

/* Each test has a storage of its own. */
#define X(name) \
	static void run_##name(void) \
	{ \
		store_open(&store, object, config); \
		test_##name(); \
		store_close(&store); \
	}
STORAGE_TESTS(X)
#undef X

int main(int argc, char **argv)
{
	static const struct unit_test tests[] = {
#define X(name) { #name, run_##name },
		STORAGE_TESTS(X)
#undef X
		    { NULL, NULL },
	};

	if (argc > 1)
		object = argv[1];
	if (argc > 2)
		config = argv[2];
	return unit_main(object, tests);
}
