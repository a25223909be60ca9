/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers with units, and what messages say of an option. Pure. A unit is
 * demanded for times, for nobody knows what `timeout: 30` means; a size
 * without one is in bytes.
 */
#include "option_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "nearest.h"

struct unit {
	const char *name;
	int64_t factor;
};

/* From the greatest down: the greatest that divides a value is how it is shown. */
static const struct unit size_units[] = {
	{ "g", 1 << 30 }, { "m", 1 << 20 }, { "k", 1 << 10 }, { "", 1 }, { NULL, 0 }
};
static const struct unit duration_units[] = { { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 },
					      { "s", 1000 },     { "ms", 1 },      { NULL, 0 } };
static const struct unit plain_units[] = { { "", 1 }, { NULL, 0 } };

static const struct {
	const char *name;
	const char *expected;
	const struct unit *units;
} types[] = {
	[PAR_OPT_INT] = { "integer", "a whole number", plain_units },
	[PAR_OPT_SIZE] = { "size", "a size like 512, 64k, 4m or 1g", size_units },
	[PAR_OPT_DURATION] = { "duration", "a time with its unit, like 500ms, 20s, 45m, 12h or 30d",
			       duration_units },
	[PAR_OPT_BOOL] = { "boolean", "true or false", NULL },
	[PAR_OPT_STRING] = { "string", "a string", NULL },
	[PAR_OPT_ENUM] = { "enum", "one of ", NULL },
	[PAR_OPT_LIST] = { "list", "a list of strings", NULL },
};

/* Digits without a sign or leading zeros, which some read as octal. Saturates. */
static const char *read_digits(const char *text, int64_t *value, bool *overflow)
{
	const char *c = text;

	if (c[0] == '0' && c[1] >= '0' && c[1] <= '9')
		return NULL;
	for (*value = 0; *c >= '0' && *c <= '9'; c++) {
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, *c - '0', value)) {
			*overflow = true;
			*value = INT64_MAX;
		}
	}
	return c == text ? NULL : c;
}

static const struct unit *find_unit(const struct unit *units, const char *name)
{
	for (; units->name != NULL; units++) {
		if (strcmp(units->name, name) == 0)
			return units;
	}
	return NULL;
}

enum option_verdict option_number(const struct par_option *option, const char *text, int64_t *value)
{
	bool negative = option->type == PAR_OPT_INT && text[0] == '-';
	bool overflow = false;
	const struct unit *unit;
	const char *end = read_digits(text + negative, value, &overflow);

	if (end == NULL)
		return VALUE_MALFORMED;
	unit = find_unit(types[option->type].units, end);
	if (unit == NULL && (*value != 0 || *end != '\0'))
		return VALUE_MALFORMED;
	if (overflow || (unit != NULL && __builtin_mul_overflow(*value, unit->factor, value)))
		return VALUE_OUT_OF_RANGE;
	if (negative)
		*value = -*value;
	if (option->min == 0 && option->max == 0)
		return VALUE_OK;
	return *value >= option->min && *value <= option->max ? VALUE_OK : VALUE_OUT_OF_RANGE;
}

/* Takes the next of the choices off `*rest`; false past the last. */
static bool next_choice(const char **rest, char word[OPTION_TEXT_MAX])
{
	size_t len = strcspn(*rest, "|");

	if (**rest == '\0')
		return false;
	snprintf(word, OPTION_TEXT_MAX, "%.*s", (int)len, *rest);
	*rest += len + ((*rest)[len] == '|');
	return true;
}

bool option_is_choice(const struct par_option *option, const char *text)
{
	const char *rest = option->choices;
	char word[OPTION_TEXT_MAX];

	while (next_choice(&rest, word)) {
		if (strcmp(word, text) == 0)
			return true;
	}
	return false;
}

bool option_nearest_choice(const struct par_option *option, const char *word,
			   char text[OPTION_TEXT_MAX])
{
	struct nearest nearest = { word, NULL, 0 };
	const char *rest = option->choices;
	char choice[OPTION_TEXT_MAX];

	while (next_choice(&rest, choice)) {
		size_t before = nearest.distance;
		bool found = nearest.best != NULL;

		nearest_offer(&nearest, choice);
		if (!found || nearest.distance < before)
			strcpy(text, choice);
	}
	return nearest.best != NULL;
}

const char *option_type_name(enum par_option_type type)
{
	return types[type].name;
}

/* The number in its greatest unit. */
static void number_text(const struct par_option *option, int64_t value, char *text, size_t size)
{
	const struct unit *unit = types[option->type].units;

	if (value == 0) {
		snprintf(text, size, "0");
		return;
	}
	while (value % unit->factor != 0)
		unit++;
	snprintf(text, size, "%" PRId64 "%s", value / unit->factor, unit->name);
}

void option_range(const struct par_option *option, char text[OPTION_TEXT_MAX])
{
	char word[OPTION_TEXT_MAX], low[32], high[32];
	const char *rest = option->choices;
	size_t len = 0;

	text[0] = '\0';
	if (option->type == PAR_OPT_BOOL) {
		snprintf(text, OPTION_TEXT_MAX, "true, false");
	} else if (option->type == PAR_OPT_ENUM) {
		while (len < OPTION_TEXT_MAX && next_choice(&rest, word))
			len += (size_t)snprintf(text + len, OPTION_TEXT_MAX - len, "%s%s",
						len == 0 ? "" : ", ", word);
	} else if (types[option->type].units != NULL && (option->min != 0 || option->max != 0)) {
		number_text(option, option->min, low, sizeof(low));
		number_text(option, option->max, high, sizeof(high));
		snprintf(text, OPTION_TEXT_MAX, "%s to %s", low, high);
	}
}

void option_expected(const struct par_option *option, char text[OPTION_TEXT_MAX])
{
	char range[OPTION_TEXT_MAX];

	option_range(option, range);
	if (option->type == PAR_OPT_BOOL)
		range[0] = '\0';
	snprintf(text, OPTION_TEXT_MAX, "%s%s%.300s", types[option->type].expected,
		 range[0] == '\0' || option->type == PAR_OPT_ENUM ? "" : ", from ", range);
}

const char *option_default(const struct par_option *option)
{
	if (option->def == NULL)
		return "required";
	return option->def[0] == '\0' ? "empty" : option->def;
}
