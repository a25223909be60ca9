/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tame one: uses what the API offers besides the storage, and uses it
 * right. Requests:
 *
 *   tame.echo     {text}   answers {greeting, text}; the greeting is an option
 *   tame.timer    {ms}     answers after so long
 *   tame.offload  {text}   turns the text to upper case on a helper thread
 *   tame.watch    {text}   has a helper thread say it through a pipe that it watches
 *   tame.hooks             answers how often each hook was called
 *
 * and client event tame.wave {to}, which becomes an ephemeral event `tame.wave`.
 */
#include <ctype.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <unistd.h>

#include "zoo.h"

struct tame {
	struct zoo zoo;
	char *greeting;
	struct par_metric *echoes;
	unsigned hooks[PAR_HOOK_COUNT];
};

struct job {
	par_request_id id;
	char text[];
};

static struct job *job_new(const struct par_request *request, const char *text)
{
	size_t len = strlen(text) + 1;
	struct job *job = malloc(sizeof(*job) + len);

	if (job == NULL)
		abort();
	job->id = request->id;
	memcpy(job->text, text, len);
	return job;
}

static const char *text_of(const struct par_request *request)
{
	struct json_object *text;

	if (!json_object_object_get_ex(request->payload, "text", &text) ||
	    !json_object_is_type(text, json_type_string))
		return NULL;
	return json_object_get_string(text);
}

static void echo(void *state, const struct par_request *request)
{
	struct tame *tame = state;
	const struct par_api *api = tame->zoo.api;
	const char *text = text_of(request);
	struct json_object *payload;

	if (text == NULL) {
		api->fail(tame->zoo.self, request->id, PAR_E_BAD_PAYLOAD, "text",
			  "text must be a string");
		return;
	}
	payload = json_object_new_object();
	json_object_object_add(payload, "greeting", json_object_new_string(tame->greeting));
	json_object_object_add(payload, "text", json_object_new_string(text));
	api->reply(tame->zoo.self, request->id, payload);
	json_object_put(payload);
	api->metric_add(tame->echoes, 1);
}

static void job_answer(void *state, void *arg)
{
	struct tame *tame = state;
	struct job *job = arg;

	zoo_answer(&tame->zoo, job->id, job->text);
	free(job);
}

static void timer(void *state, const struct par_request *request)
{
	struct tame *tame = state;
	struct json_object *ms = json_object_object_get(request->payload, "ms");
	struct job *job = job_new(request, "rang");

	tame->zoo.api->timer_start(tame->zoo.self, (uint64_t)json_object_get_int64(ms), job_answer,
				   tame, job);
}

static void shout(void *state, void *arg)
{
	struct job *job = arg;
	char *c;

	(void)state;
	for (c = job->text; *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
}

static void offload(void *state, const struct par_request *request)
{
	struct tame *tame = state;
	const char *text = text_of(request);
	struct job *job = job_new(request, text == NULL ? "" : text);

	tame->zoo.api->offload(tame->zoo.self, shout, job_answer, tame, job);
}

struct tame_pipe {
	struct job *job;
	par_watch_id watch;
	int ends[2];
	size_t len; /* heard so far */
	bool said; /* the helper thread has come back */
	char heard[256];
};

static void pipe_done(struct tame *tame, struct tame_pipe *p)
{
	if (!p->said || p->watch != 0)
		return;
	zoo_answer(&tame->zoo, p->job->id, p->heard);
	free(p->job);
	free(p);
}

/* The end of the file is the end of what is said. */
static void pipe_readable(void *state, void *arg, unsigned ready)
{
	struct tame *tame = state;
	struct tame_pipe *p = arg;
	ssize_t n;

	(void)ready;
	while ((n = read(p->ends[0], p->heard + p->len, sizeof(p->heard) - 1 - p->len)) > 0)
		p->len += (size_t)n;
	if (n < 0)
		return;
	tame->zoo.api->watch_stop(tame->zoo.self, p->watch);
	p->watch = 0;
	close(p->ends[0]);
	pipe_done(tame, p);
}

static void pipe_say(void *state, void *arg)
{
	struct tame_pipe *p = arg;
	const char *c;

	(void)state;
	for (c = p->job->text; *c != '\0'; c++) {
		if (write(p->ends[1], c, 1) != 1)
			break;
	}
	close(p->ends[1]);
}

static void pipe_said(void *state, void *arg)
{
	struct tame_pipe *p = arg;

	p->said = true;
	pipe_done(state, p);
}

static void watch(void *state, const struct par_request *request)
{
	struct tame *tame = state;
	const char *text = text_of(request);
	struct tame_pipe *p = calloc(1, sizeof(*p));

	if (p == NULL || pipe2(p->ends, O_NONBLOCK | O_CLOEXEC) != 0)
		abort();
	p->job = job_new(request, text == NULL ? "" : text);
	p->watch = tame->zoo.api->watch_start(tame->zoo.self, p->ends[0], PAR_READABLE,
					      pipe_readable, tame, p);
	tame->zoo.api->offload(tame->zoo.self, pipe_say, pipe_said, tame, p);
}

static void hooks(void *state, const struct par_request *request)
{
	static const char *const names[] = {
#define X(symbol, name) name,
		PAR_HOOKS(X)
#undef X
	};
	struct tame *tame = state;
	struct par_json *w = tame->zoo.api->reply_open(tame->zoo.self, request->id);
	unsigned i;

	par_json_object_begin(w);
	for (i = 0; i < PAR_HOOK_COUNT; i++)
		par_json_member_u64(w, names[i], tame->hooks[i]);
	par_json_object_end(w);
	tame->zoo.api->reply_close(tame->zoo.self, request->id);
}

static enum par_verdict count(void *state, const struct par_hook_call *call)
{
	struct tame *tame = state;

	tame->hooks[call->kind]++;
	return PAR_ALLOW;
}

static void wave(void *state, const struct par_client_event *event)
{
	struct tame *tame = state;
	const struct par_api *api = tame->zoo.api;
	struct json_object *to = json_object_object_get(event->payload, "to");
	struct par_json *w;

	if (!json_object_is_type(to, json_type_string)) {
		api->refuse_client_event(tame->zoo.self, event, PAR_E_BAD_PAYLOAD, "to",
					 "to must be a string");
		return;
	}
	w = api->event_open(tame->zoo.self, "tame.wave");
	par_json_object_begin(w);
	par_json_member_string(w, "from", event->user);
	par_json_object_end(w);
	api->event_send(tame->zoo.self, par_str_of(json_object_get_string(to)), event->session);
	api->event_close(tame->zoo.self);
}

static void *load(const struct par_api *api, struct par_plugin *self, struct json_object *config,
		  char *error, size_t error_size)
{
	struct tame *tame = calloc(1, sizeof(*tame));
	int kind;

	(void)error;
	(void)error_size;
	if (tame == NULL)
		abort();
	tame->zoo.api = api;
	tame->zoo.self = self;
	tame->greeting = strdup(json_object_get_string(json_object_object_get(config, "greeting")));
	tame->echoes = api->add_metric(self, PAR_COUNTER, "echoes_total", "Requests tame.echo");
	api->handle_request(self, "tame.echo", echo, tame);
	api->handle_request(self, "tame.timer", timer, tame);
	api->handle_request(self, "tame.offload", offload, tame);
	api->handle_request(self, "tame.watch", watch, tame);
	api->handle_request(self, "tame.hooks", hooks, tame);
	api->handle_client_event(self, "tame.wave", wave, tame);
	for (kind = 0; kind < PAR_HOOK_COUNT; kind++)
		api->add_hook(self, kind, count, tame);
	return tame;
}

static void unload(void *state)
{
	struct tame *tame = state;

	free(tame->greeting);
	free(tame);
}

static const struct par_option options[] = { { .name = "greeting",
					       .type = PAR_OPT_STRING,
					       .def = "hello",
					       .help = "What tame.echo begins its answers with." },
					     { .name = "paws",
					       .type = PAR_OPT_INT,
					       .def = "4",
					       .min = 2,
					       .max = 8,
					       .help = "How many it has." },
					     { .name = NULL } };

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	PAR_DESCRIPTOR_HEAD, .name = "zoo_tame",
	.version = "1",      .summary = "Does everything right.",
	.options = options,  .load = load,
	.unload = unload,
};
