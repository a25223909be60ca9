/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A gate whose verdict is in the text of the message: "allow", "deny", or
 * "nonsense", which is no verdict at all. And an observer that says no, which
 * nobody must care about.
 */
#include <parlance/storage.h>

#include "zoo.h"

static enum par_verdict gate(void *state, const struct par_hook_call *call)
{
	const struct par_op *op = call->subject;
	struct par_str text = { NULL, 0 };

	(void)state;
	if (op->kind == PAR_OP_APPEND)
		text = op->u.append.message;
	else if (op->kind == PAR_OP_CHANGE)
		text = op->u.change.message;
	if (par_str_equal(text, par_str_of("deny")))
		return PAR_DENY;
	if (par_str_equal(text, par_str_of("nonsense")))
		return (enum par_verdict)77;
	return PAR_ALLOW;
}

static enum par_verdict observe(void *state, const struct par_hook_call *call)
{
	(void)state;
	(void)call;
	return PAR_DENY;
}

static void *load(const struct par_api *api, struct par_plugin *self, struct json_object *config,
		  char *error, size_t error_size)
{
	struct zoo *zoo = zoo_new(api, self);

	(void)config;
	(void)error;
	(void)error_size;
	api->add_hook(self, PAR_HOOK_MESSAGE_STORING, gate, zoo);
	api->add_hook(self, PAR_HOOK_SESSION_OPENED, observe, zoo);
	return zoo;
}

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	PAR_DESCRIPTOR_HEAD, .name = "zoo_gate", .version = "1", .load = load, .unload = free,
};
