/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the animals of the zoo share. The zoo is the set of plugins that do
 * something wrong, each one thing; tests/e2e/test_zoo.py starts the real
 * server with each and says what must come of it. The tame one (zoo_tame.c)
 * does everything right, and shows that a plugin from outside can.
 */
#ifndef PARLANCE_ZOO_H
#define PARLANCE_ZOO_H

#include <stdlib.h>
#include <string.h>

#include <parlance/plugin.h>

struct zoo {
	const struct par_api *api;
	struct par_plugin *self;
};

static inline struct zoo *zoo_new(const struct par_api *api, struct par_plugin *self)
{
	struct zoo *zoo = malloc(sizeof(*zoo));

	if (zoo == NULL)
		abort();
	zoo->api = api;
	zoo->self = self;
	return zoo;
}

/* A good answer, if the request is still there. */
static inline void zoo_answer(struct zoo *zoo, par_request_id id, const char *text)
{
	struct par_json *w = zoo->api->reply_open(zoo->self, id);

	if (w == NULL)
		return;
	par_json_object_begin(w);
	par_json_member_string(w, "zoo", par_str_of(text));
	par_json_object_end(w);
	zoo->api->reply_close(zoo->self, id);
}

/* A load() for those whose fault lies elsewhere. */
#define ZOO_LOAD_NOTHING(name) \
	static void *name(const struct par_api *api, struct par_plugin *self, \
			  struct json_object *config, char *error, size_t error_size) \
	{ \
		(void)config; \
		(void)error; \
		(void)error_size; \
		return zoo_new(api, self); \
	}

#endif
