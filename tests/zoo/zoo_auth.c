/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An auth plugin that goes wrong, by the user that the client asks to be:
 *
 *   silent   is never answered
 *   twice    is accepted, then refused, then accepted as somebody else
 *   group, control, long, empty   is accepted as something that is no user id
 *   anything else is accepted as it is
 */
#include "zoo.h"

static void authenticate(void *state, const struct par_auth_request *request)
{
	static char long_name[PAR_ID_MAX + 1];
	const struct zoo *zoo = state;
	struct par_str user = request->user;

	if (par_str_equal(user, par_str_of("silent")))
		return;
	if (par_str_equal(user, par_str_of("group")))
		user = par_str_of("grp_zoo");
	else if (par_str_equal(user, par_str_of("control")))
		user = par_str_of("a\nb");
	else if (par_str_equal(user, par_str_of("empty")))
		user = par_str_of("");
	else if (par_str_equal(user, par_str_of("long"))) {
		memset(long_name, 'u', sizeof(long_name));
		user.s = long_name;
		user.len = sizeof(long_name);
	}
	zoo->api->auth_accept(zoo->self, request->id, user);
	if (par_str_equal(user, par_str_of("twice"))) {
		zoo->api->auth_refuse(zoo->self, request->id, "on second thoughts, no");
		zoo->api->auth_accept(zoo->self, request->id, par_str_of("somebody else"));
	}
}

static const struct par_auth_role role = {
	.size = sizeof(role),
	.authenticate = authenticate,
};

static void *load(const struct par_api *api, struct par_plugin *self, struct json_object *config,
		  char *error, size_t error_size)
{
	struct zoo *zoo = zoo_new(api, self);

	(void)config;
	(void)error;
	(void)error_size;
	api->provide_auth(self, &role, zoo);
	return zoo;
}

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	PAR_DESCRIPTOR_HEAD, .name = "zoo_auth", .version = "1", .load = load, .unload = free,
};
