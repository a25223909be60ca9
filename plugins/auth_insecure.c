/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The auth role without any proof: a client is whoever it says it is, with
 * ?user=NAME. For development on one machine, so it refuses to start where
 * anybody else could reach it. Whether the name is a valid user id is the
 * server's to check.
 */
#include <stdio.h>
#include <stdlib.h>

#include <parlance/plugin.h>

struct auth_insecure {
	const struct par_api *api;
	struct par_plugin *self;
};

static void authenticate(void *state, const struct par_auth_request *request)
{
	struct auth_insecure *auth = state;

	if (request->user.s == NULL || request->user.len == 0)
		auth->api->auth_refuse(auth->self, request->id,
				       "the address must name the user: ?user=NAME");
	else
		auth->api->auth_accept(auth->self, request->id, request->user);
}

static const struct par_auth_role role = {
	.size = sizeof(role),
	.authenticate = authenticate,
};

static void *auth_load(const struct par_api *api, struct par_plugin *self,
		       struct json_object *config, char *error, size_t error_size)
{
	struct auth_insecure *auth = calloc(1, sizeof(*auth));

	(void)config;
	if (auth == NULL) {
		snprintf(error, error_size, "out of memory");
		return NULL;
	}
	if (!api->server_info(self)->loopback_only) {
		snprintf(error, error_size,
			 "auth_insecure lets anybody be any user, so every address of "
			 "server.listen must be a loopback one such as ws://127.0.0.1:8080: "
			 "change server.listen, or enable another auth plugin");
		free(auth);
		return NULL;
	}
	auth->api = api;
	auth->self = self;
	api->provide_auth(self, &role, auth);
	return auth;
}

static bool auth_start(void *state, char *error, size_t error_size)
{
	struct auth_insecure *auth = state;

	(void)error;
	(void)error_size;
	auth->api->log(auth->self, PAR_LOG_WARNING,
		       "users are not authenticated: for development only");
	return true;
}

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	PAR_DESCRIPTOR_HEAD,
	.name = "auth_insecure",
	.version = "0.1.0",
	.summary = "No authentication: ?user=NAME is believed. On loopback addresses only.",
	.load = auth_load,
	.start = auth_start,
	.unload = free,
};
