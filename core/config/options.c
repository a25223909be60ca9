/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks a section against its declared options, the server's and a plugin's
 * alike, on the main thread. First every key that is there, in the order of the file,
 * so that the first fault of the file is the one that is told; then
 * what is absent, which takes its default through the same checks. A list may
 * be given as the one string that it holds.
 */
#include "options.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "nearest.h"
#include "option_value.h"

/* Says that `node` does not suit. Always NULL. */
static struct json_object *refuse(const struct options_section *section,
				  const struct par_option *option, const struct yaml_node *node,
				  const char *what, char error[CONFIG_ERROR_MAX])
{
	char expected[OPTION_TEXT_MAX], nearest[OPTION_TEXT_MAX];
	bool null = yaml_is_null(node), scalar = node->kind == NODE_SCALAR && !null;
	const char *quote = scalar ? "\"" : "";
	const char *found = null ? "the value" : scalar ? node->text : yaml_kind_name(node);
	bool meant = scalar && option->type == PAR_OPT_ENUM &&
		     option_nearest_choice(option, node->text, nearest);

	option_expected(option, expected);
	yaml_error(error, &node->place, "%s.%s: %s%.64s%s %s; expected %s%s%.64s%s", section->path,
		   option->name, quote, found, quote, null ? "is missing" : what, expected,
		   meant ? "; did you mean \"" : "", meant ? nearest : "", meant ? "\"?" : "");
	return NULL;
}

static struct json_object *value_list(const struct options_section *section,
				      const struct par_option *option, const struct yaml_node *node,
				      char error[CONFIG_ERROR_MAX])
{
	struct json_object *list = json_object_new_array();
	const struct yaml_node *item = node->kind == NODE_LIST ? node->first : node;

	for (; item != NULL; item = node->kind == NODE_LIST ? item->next : NULL) {
		if (item->kind != NODE_SCALAR || yaml_is_null(item)) {
			json_object_put(list);
			return refuse(section, option, item, "is no string", error);
		}
		json_object_array_add(list, json_object_new_string(item->text));
	}
	return list;
}

/* The value of an option, checked; NULL when it is refused. */
static struct json_object *value_of(const struct options_section *section,
				    const struct par_option *option, const struct yaml_node *node,
				    char error[CONFIG_ERROR_MAX])
{
	enum option_verdict verdict;
	int64_t number;

	if (option->type == PAR_OPT_LIST)
		return value_list(section, option, node, error);
	if (node->kind != NODE_SCALAR || yaml_is_null(node))
		return refuse(section, option, node, "does not suit", error);
	switch (option->type) {
	case PAR_OPT_STRING:
		return json_object_new_string(node->text);
	case PAR_OPT_BOOL:
		if (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0)
			return json_object_new_boolean(node->text[0] == 't');
		return refuse(section, option, node, "does not suit", error);
	case PAR_OPT_ENUM:
		if (option_is_choice(option, node->text))
			return json_object_new_string(node->text);
		return refuse(section, option, node, "is not known", error);
	default:
		verdict = option_number(option, node->text, &number);
		if (verdict == VALUE_OK)
			return json_object_new_int64(number);
		return refuse(section, option, node,
			      verdict == VALUE_MALFORMED ? "does not suit" : "is out of range",
			      error);
	}
}

/* The default as if it stood in a file. It is the declaration's author who is
 * told when it does not suit. */
static struct json_object *value_default(const struct options_section *section,
					 const struct par_option *option,
					 char error[CONFIG_ERROR_MAX])
{
	struct arena arena = { 0 };
	struct yaml_node text = { .kind = NODE_SCALAR, .text = option->def };
	struct yaml_node *node = &text;
	struct json_object *value = NULL;
	char place[128];

	snprintf(place, sizeof(place), "default of %.50s.%.50s", section->path, option->name);
	text.place.file = place;
	if (option->type == PAR_OPT_LIST && option->def[0] == '\0')
		return json_object_new_array();
	if (option->type == PAR_OPT_LIST)
		node = yaml_parse(&arena, place, false, option->def, strlen(option->def), error);
	if (node != NULL)
		value = value_of(section, option, node, error);
	arena_free(&arena);
	return value;
}

static const struct par_option *find_option(const struct par_option *options, const char *name)
{
	for (; options->name != NULL; options++) {
		if (strcmp(options->name, name) == 0)
			return options;
	}
	return NULL;
}

/* Always false. */
static bool unknown_key(const struct options_section *section, const struct par_option *options,
			const struct yaml_node *node, char error[CONFIG_ERROR_MAX])
{
	struct nearest nearest = { node->key, NULL, 0 };
	const struct par_option *option;
	char known[OPTION_TEXT_MAX] = "";
	size_t len = 0;

	for (option = options; option->name != NULL; option++) {
		nearest_offer(&nearest, option->name);
		if (len < sizeof(known))
			len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s",
						len == 0 ? "" : ", ", option->name);
	}
	if (options->name == NULL)
		return yaml_error(error, &node->key_place,
				  "%s has no option \"%.64s\"; expected none, it takes no options",
				  section->path, node->key);
	if (nearest.best != NULL)
		return yaml_error(error, &node->key_place,
				  "%s has no option \"%.64s\"; did you mean \"%s\"?", section->path,
				  node->key, nearest.best);
	return yaml_error(error, &node->key_place, "%s has no option \"%.64s\"; expected one of %s",
			  section->path, node->key, known);
}

/* The options that are given; false when one does not suit. */
static bool add_given(struct json_object *values, const struct options_section *section,
		      const struct par_option *options, char error[CONFIG_ERROR_MAX])
{
	const struct yaml_node *node = section->map == NULL ? NULL : section->map->first;
	const struct par_option *option;
	struct json_object *value;

	for (; node != NULL; node = node->next) {
		option = find_option(options, node->key);
		if (option == NULL)
			return unknown_key(section, options, node, error);
		value = value_of(section, option, node, error);
		if (value == NULL)
			return false;
		json_object_object_add(values, option->name, value);
	}
	return true;
}

/* The defaults of those that are not given; false when one is required. */
static bool add_absent(struct json_object *values, const struct options_section *section,
		       const struct par_option *option, char error[CONFIG_ERROR_MAX])
{
	char expected[OPTION_TEXT_MAX];
	struct json_object *value;

	for (; option->name != NULL; option++) {
		if (json_object_object_get_ex(values, option->name, NULL))
			continue;
		if (option->def == NULL) {
			option_expected(option, expected);
			return yaml_error(error, &section->place,
					  "%s.%s is missing; expected %s (%s)", section->path,
					  option->name, expected,
					  option->help == NULL ? "" : option->help);
		}
		value = value_default(section, option, error);
		if (value == NULL)
			return false;
		json_object_object_add(values, option->name, value);
	}
	return true;
}

struct json_object *options_check(const struct options_section *section,
				  const struct par_option *options, char error[CONFIG_ERROR_MAX])
{
	struct json_object *values = json_object_new_object();

	if (add_given(values, section, options, error) &&
	    add_absent(values, section, options, error))
		return values;
	json_object_put(values);
	return NULL;
}

void config_print_options(const struct par_option *options)
{
	char range[OPTION_TEXT_MAX];

	for (; options->name != NULL; options++) {
		option_range(options, range);
		printf("  %s (%s, %s%s%s%s)\n", options->name, option_type_name(options->type),
		       options->def == NULL ? "" : "default ", option_default(options),
		       range[0] == '\0' ? "" : "; ", range);
		printf("      %s\n", options->help == NULL ? "" : options->help);
	}
}
