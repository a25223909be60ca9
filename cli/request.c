/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parlance-cli request: one request of any type, for scripts. It is sent again
 * until it is answered, so those that make a message get a clientMessageId
 * when the payload has none.
 */
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "message.h"
#include "terminal.h"

struct single {
	const struct options *options;
	struct client *client;
};

static void request_answered(void *arg, void *data, struct json_object *response,
			     struct par_str text)
{
	struct single *single = arg;
	struct par_str error = message_error(response);
	struct json_object *payload;
	bool written = true;

	(void)data;
	if (error.s != NULL)
		terminal_notice(error.s);
	if (single->options->json) {
		written = terminal_json(stdout, text);
	} else if (error.s == NULL) {
		payload = json_object_object_get(response, "payload");
		written = terminal_json(
		    stdout, par_str_of(json_object_to_json_string_ext(
				payload, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)));
	}
	client_finish(single->client, error.s == NULL && written ? STATUS_OK : STATUS_FAILED);
}

static void request_add_message_id(struct single *single, struct json_object *payload)
{
	const char *type = single->options->type;
	char id[CLIENT_MESSAGE_ID_SIZE];

	if ((strcmp(type, "new") != 0 && strcmp(type, "edit") != 0) ||
	    json_object_object_get_ex(payload, "clientMessageId", NULL))
		return;
	client_message_id(single->client, id);
	json_object_object_add(payload, "clientMessageId", json_object_new_string(id));
}

int request_run(const struct options *options)
{
	static const struct client_handler handler = { .status_on_signal = STATUS_FAILED };
	struct single single = { .options = options };
	struct json_object *payload = message_parse(options->payload, strlen(options->payload));
	int status;

	if (payload == NULL) {
		terminal_notice("--payload must be one JSON object");
		return STATUS_USAGE;
	}
	single.client = client_new(options, &handler, &single);
	if (single.client == NULL) {
		json_object_put(payload);
		return STATUS_USAGE;
	}
	request_add_message_id(&single, payload);
	client_request(single.client, options->type,
		       par_str_of(json_object_to_json_string_ext(
			   payload, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)),
		       request_answered, NULL);
	json_object_put(payload);
	status = client_run(single.client);
	client_free(&single.client);
	return status;
}
