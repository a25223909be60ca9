/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The config: YAML read with libyaml into a tree that remembers the file, line
 * and column of each key and value, so that every complaint names its place.
 * `include` globs add sections; a key given twice is an error that names both
 * places. Options are checked against declarations (struct par_option), the
 * server's own and each plugin's with the same code. No section is known here
 * by name but server, plugins and include.
 */
#ifndef PARLANCE_CONFIG_H
#define PARLANCE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parlance/plugin.h>

#define CONFIG_ERROR_MAX 1024

struct config; /* the tree */

/* Writes a reason, cut to fit, and returns false: `return config_refuse(error, ...)`. */
bool config_refuse(char error[CONFIG_ERROR_MAX], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Reads `path`, then the --set overrides ("server.listen=ws://127.0.0.1:0";
 * the value is YAML, so lists are written [a, b]; plugins.NAME={} enables a
 * plugin). NULL with the reason in `error`. */
struct config *config_load(const char *path, const char *const *sets, unsigned n_sets,
			   char error[CONFIG_ERROR_MAX]);
void config_free(struct config **config);

/* Names of the sections under plugins, in the order of the file; `n` is set. */
const char *const *config_plugins(const struct config *config, unsigned *n);

/*
 * The values of `section` ("server", or a plugin's name with `plugin` true)
 * checked against the options, defaults filled in: a new json_object, owned by
 * the caller. NULL with file, line, what was expected, and for an unknown key
 * the nearest known one, in `error`.
 */
struct json_object *config_section(const struct config *config, const char *section, bool plugin,
				   const struct par_option *options, char error[CONFIG_ERROR_MAX]);

/* Where a section, or the value of an option in it, stands ("FILE:LINE", or "--set KEY"), for
 * messages about it. When it is not there, where it would be. Static buffer of the config,
 * good until the next call. */
const char *config_where(const struct config *config, const char *section, bool plugin);
const char *config_where_option(const struct config *config, const char *section, bool plugin,
				const char *option);

/* Prints name, type, default, range and help of each option to stdout. */
void config_print_options(const struct par_option *options);

#endif
