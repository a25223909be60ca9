/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening and judging plugins; see descriptor.h. */
#include "plugin/descriptor.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SYMBOL "par_plugin_descriptor"
/* magic, ABI and size: what is read before anything else is trusted */
#define HEAD_SIZE (offsetof(struct par_descriptor, size) + sizeof(uint32_t))
/* a plugin has at least all up to unload, which version 1.0 began with */
#define SIZE_1_0 (offsetof(struct par_descriptor, unload) + sizeof(void *))

static const struct par_option no_options[] = { { .name = NULL } };

static bool name_valid(const char *name)
{
	size_t i;

	if (name[0] < 'a' || name[0] > 'z')
		return false;
	for (i = 1; name[i] != '\0'; i++) {
		if (strchr("abcdefghijklmnopqrstuvwxyz0123456789_", name[i]) == NULL)
			return false;
	}
	return i <= 64;
}

static bool judge_abi(const struct par_descriptor *d, const char *path, char *error)
{
	if (d->magic != PAR_ABI_MAGIC) {
		return config_refuse(
		    error,
		    "%s is no Parlance plugin: its descriptor begins with 0x%08x, expected "
		    "0x%08x; rebuild it against <parlance/plugin.h>",
		    path, (unsigned)d->magic, PAR_ABI_MAGIC);
	}
	if (d->abi_major != PAR_ABI_MAJOR || d->abi_minor > PAR_ABI_MINOR) {
		return config_refuse(
		    error, "%s was built for plugin ABI %u.%u, this server has %d.%d: %s", path,
		    d->abi_major, d->abi_minor, PAR_ABI_MAJOR, PAR_ABI_MINOR,
		    d->abi_major >= PAR_ABI_MAJOR
			? "upgrade the server, or rebuild the plugin against its headers"
			: "rebuild the plugin against this server's headers");
	}
	if (d->size < SIZE_1_0) {
		return config_refuse(
		    error,
		    "%s has a descriptor of %u bytes, expected at least %zu; set .size to "
		    "sizeof(struct par_descriptor) (PAR_DESCRIPTOR_HEAD does) and rebuild it",
		    path, (unsigned)d->size, SIZE_1_0);
	}
	return true;
}

static bool judge_contents(const struct par_descriptor *d, const char *path, const char *name,
			   char *error)
{
	if (d->name == NULL || strcmp(d->name, name) != 0) {
		return config_refuse(
		    error,
		    "%s calls itself \"%s\", but was enabled as \"%s\": the file's name and "
		    "the name in its descriptor must agree",
		    path, d->name == NULL ? "(nothing)" : d->name, name);
	}
	if (d->load == NULL || d->unload == NULL) {
		return config_refuse(
		    error, "%s lacks the function %s in its descriptor: add it and rebuild", path,
		    d->load == NULL ? "load" : "unload");
	}
	return true;
}

static const void *open_symbol(const char *path, const char *name, void **object, char *error)
{
	const void *symbol;

	if (access(path, R_OK) != 0) {
		config_refuse(
		    error,
		    "there is no plugin \"%s\": %s cannot be read (%m); check the name and "
		    "server.plugin_dir",
		    name, path);
		return NULL;
	}
	*object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (*object == NULL) {
		config_refuse(error, "the plugin \"%s\" cannot be loaded: %s", name, dlerror());
		return NULL;
	}
	symbol = dlsym(*object, SYMBOL);
	if (symbol == NULL) {
		config_refuse(error,
			      "%s exports no symbol \"" SYMBOL
			      "\": it is no Parlance plugin, or was "
			      "built with the symbol hidden (mark it PAR_EXPORT)",
			      path);
		dlclose(*object);
		*object = NULL;
	}
	return symbol;
}

bool descriptor_open(const char *dir, const char *name, struct par_descriptor *descriptor,
		     void **object, char error[CONFIG_ERROR_MAX])
{
	char path[4096];
	const void *symbol;
	uint32_t size;

	*object = NULL;
	if (!name_valid(name)) {
		return config_refuse(
		    error,
		    "\"%s\" is no plugin's name: expected a-z, 0-9 and _, beginning with a "
		    "letter",
		    name);
	}
	snprintf(path, sizeof(path), "%s/%s.so", dir, name);
	symbol = open_symbol(path, name, object, error);
	if (symbol == NULL)
		return false;
	memset(descriptor, 0, sizeof(*descriptor));
	memcpy(descriptor, symbol, HEAD_SIZE);
	if (judge_abi(descriptor, path, error)) {
		size = descriptor->size;
		memcpy(descriptor, symbol, size < sizeof(*descriptor) ? size : sizeof(*descriptor));
		if (descriptor->options == NULL)
			descriptor->options = no_options;
		if (judge_contents(descriptor, path, name, error))
			return true;
	}
	dlclose(*object);
	*object = NULL;
	return false;
}
