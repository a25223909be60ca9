/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A text through the config reader: the YAML tree, the server's settings, and a
 * plugin's section with an option of each type. A refusal must give a reason.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "config/config.h"
#include "config/settings.h"
#include "config/yaml_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct par_option options[] = {
	{ "int", PAR_OPT_INT, "5", -10, 10, NULL, "An integer." },
	{ "size", PAR_OPT_SIZE, "64k", 1, 1 << 30, NULL, "A size." },
	{ "time", PAR_OPT_DURATION, "20s", 0, 0, NULL, "A duration." },
	{ "bool", PAR_OPT_BOOL, "true", 0, 0, NULL, "A boolean." },
	{ "text", PAR_OPT_STRING, "", 0, 0, NULL, "A string." },
	{ "enum", PAR_OPT_ENUM, "one", 0, 0, "one|two", "A choice." },
	{ "list", PAR_OPT_LIST, "[]", 0, 0, NULL, "A list." },
	{ NULL, PAR_OPT_INT, NULL, 0, 0, NULL, NULL },
};

static void demand(bool good)
{
	if (!good)
		abort();
}

static void read_sections(const struct config *config)
{
	char error[CONFIG_ERROR_MAX];
	struct settings settings;
	unsigned n;
	const char *const *plugins = config_plugins(config, &n);

	error[0] = '\0';
	if (settings_read(&settings, config, error))
		settings_free(&settings);
	else
		demand(error[0] != '\0');
	for (unsigned i = 0; i < n; i++) {
		struct json_object *section;
		error[0] = '\0';
		section = config_section(config, plugins[i], true, options, error);
		demand(section != NULL || error[0] != '\0');
		demand(config_where(config, plugins[i], true)[0] != '\0');
		json_object_put(section);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[CONFIG_ERROR_MAX] = "";
	struct config *config = config_parse("fuzz.yaml", (const char *)data, size, error);

	if (config == NULL)
		demand(error[0] != '\0' && memchr(error, '\0', sizeof(error)) != NULL);
	else
		read_sections(config);
	config_free(&config);
	return 0;
}
