/* SPDX-License-Identifier: BSD-2-Clause */
/* The core without a transport; see core_world.h. */
#include "core_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "config/yaml_tree.h"
#include "engine/core_internal.h"
#include "seam/envelope.h"

static uint64_t world_wall(void *arg)
{
	return ((struct world *)arg)->wall_ms;
}

static uint64_t world_monotonic(void *arg)
{
	return ((struct world *)arg)->monotonic_us;
}

static void world_wake(void *arg)
{
	(void)arg; /* world_run looks anyway */
}

static void world_fail(const char *what)
{
	fprintf(stderr, "core_world: %s\n", what);
	abort();
}

void world_open(struct world *w, const char *server)
{
	static uint32_t worlds;
	struct core_env env = { .arg = w,
				.seed = ++worlds,
				.wall_ms = world_wall,
				.monotonic_us = world_monotonic,
				.wake = world_wake };
	char text[1024], error[CONFIG_ERROR_MAX];
	int len = snprintf(text, sizeof(text),
			   "server: %s\n"
			   "plugins: {auth_insecure: {}, storage_memory: {}, messaging: {}, "
			   "typing: {}}\n",
			   server);

	/* what the core says of broken plugins is meant here, and no news */
	log_open(&(struct log_config){ .level = PAR_LOG_ERROR, .file = "/dev/null" }, error,
		 sizeof(error));
	memset(w, 0, sizeof(*w));
	w->wall_ms = 1700000000000;
	w->monotonic_us = 5000000;
	w->config = config_parse("world", text, (size_t)len, error);
	if (w->config == NULL || !settings_read(&w->settings, w->config, error))
		world_fail(error);
	free(w->settings.plugin_dir);
	w->settings.plugin_dir = mem_strdup(PLUGIN_BUILD_DIR);
	w->settings.io_threads = 0;
	w->core = core_new(&w->settings, &env, &w->metrics);
	if (!core_load_plugins(w->core, w->config, error) || !core_start_plugins(w->core, error))
		world_fail(error);
	w->seam.in = mailbox_new(sizeof(struct in_msg), 1024, -1, -1);
	w->seam.out = mailbox_new(sizeof(struct out_msg), 256, -1, -1);
	core_set_seams(w->core, &w->seam, 1);
	w->plugin.core = w->core;
	w->plugin.phase = PLUGIN_LOADING;
	w->plugin.descriptor.name = "test";
}

void world_close(struct world *w)
{
	registry_remove(&w->core->registry, &w->plugin);
	core_stop_plugins(w->core);
	world_run(w);
	core_free(&w->core);
	mailbox_free(&w->seam.in);
	mailbox_free(&w->seam.out);
	metrics_free(&w->metrics);
	settings_free(&w->settings);
	config_free(&w->config);
}

static char *world_text(const struct out_msg *out)
{
	char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	if (out->kind == OUT_EVENT) {
		fprintf(file, "{\"type\":\"event\",\"id\":%llu", (unsigned long long)out->u.id);
		if (out->seq != 0)
			fprintf(file, ",\"seq\":%llu", (unsigned long long)out->seq);
	}
	if (out->frame != NULL)
		fwrite(out->frame->text, 1, out->frame->len - (out->has_missed ? 2 : 0), file);
	if (out->has_missed)
		fprintf(file, ",\"missed\":%llu}}", (unsigned long long)out->missed);
	if (out->kind == OUT_CLOSE)
		fputs(out->u.reason, file);
	fclose(file);
	return text;
}

static void world_hear(const struct out_msg *out)
{
	struct conn *conn = out->conn;
	struct said *said = &conn->said[conn->n_said];

	if (conn->released)
		world_fail("the core spoke to a conn that it had released");
	if (conn->n_said == WORLD_SAID_MAX)
		world_fail("too much was said to one conn");
	conn->n_said++;
	said->kind = (enum out_kind)out->kind;
	said->code = out->code;
	said->id = out->kind == OUT_EVENT ? out->u.id : 0;
	said->seq = out->seq;
	said->redelivered = out->redelivered;
	said->text = world_text(out);
	conn->released = out->kind == OUT_RELEASE;
	if (out->frame != NULL)
		out_frame_unref(out->frame);
}

void world_run(struct world *w)
{
	bool more = true;
	uint32_t n, i;

	mailbox_publish(w->seam.in);
	while (more) {
		struct out_msg *out;

		more = core_run(w->core);
		while ((out = mailbox_peek(w->seam.out, &n)) != NULL) {
			for (i = 0; i < n; i++)
				world_hear(&out[i]);
			mailbox_consume(w->seam.out, n);
			more = true; /* there may be an overflow that has room now */
		}
	}
}

void world_advance(struct world *w, uint64_t ms)
{
	w->wall_ms += ms;
	w->monotonic_us += ms * 1000;
	world_run(w);
}

static void world_push(struct world *w, struct in_msg *in)
{
	if (!mailbox_push(w->seam.in, in))
		world_fail("the inbox is full");
}

struct conn *world_hello(struct world *w, const char *user, const char *device)
{
	struct conn *conn = mem_zalloc(sizeof(*conn));
	size_t user_len = strlen(user), device_len = device == NULL ? 0 : strlen(device);
	struct hello *hello = mem_zalloc(sizeof(*hello) + user_len + device_len);
	struct in_msg in = { .kind = IN_HELLO, .conn = conn, .u.hello = hello };

	memcpy(hello->text, user, user_len);
	hello->user.s = hello->text;
	hello->user.len = user_len;
	if (device != NULL) {
		memcpy(hello->text + user_len, device, device_len);
		hello->device.s = hello->text + user_len;
		hello->device.len = device_len;
	}
	hello->remote = par_str_of("test");
	world_push(w, &in);
	world_run(w);
	return conn;
}

struct conn *world_connect(struct world *w, const char *user, const char *device)
{
	struct conn *conn = world_hello(w, user, device);
	const struct said *said = world_next(conn);

	if (said == NULL || said->kind != OUT_ACCEPT)
		world_fail("a handshake was not accepted");
	return conn;
}

void world_say(struct world *w, struct conn *conn, const char *text)
{
	static const enum in_kind kinds[] = {
		[ENVELOPE_REQUEST] = IN_REQUEST,
		[ENVELOPE_CLIENT_EVENT] = IN_CLIENT_EVENT,
		[ENVELOPE_ACK] = IN_ACK,
		[ENVELOPE_REFUSED] = IN_REFUSED,
	};
	struct in_msg in = { .conn = conn };
	struct message *message = NULL;
	uint64_t ack_id = 0;
	enum envelope_kind kind = envelope_read(text, strlen(text), &message, &ack_id);

	in.kind = kinds[kind];
	if (kind == ENVELOPE_ACK)
		in.u.ack_id = ack_id;
	else
		in.u.message = message;
	world_push(w, &in);
}

void world_ack(struct world *w, struct conn *conn, uint64_t id)
{
	struct in_msg in = { .kind = IN_ACK, .conn = conn, .u.ack_id = id };

	world_push(w, &in);
}

void world_signal(struct world *w, struct conn *conn, enum in_kind kind)
{
	struct in_msg in = { .kind = kind, .conn = conn, .u.doing = "testing" };

	world_push(w, &in);
}

void world_hang_up(struct world *w, struct conn *conn)
{
	unsigned i;

	world_signal(w, conn, IN_CLOSED);
	world_run(w);
	if (!conn->released)
		world_fail("the core did not release a conn that is gone");
	for (i = 0; i < conn->n_said; i++)
		free(conn->said[i].text);
	free(conn);
}

const struct said *world_next(struct conn *conn)
{
	return conn->n_read < conn->n_said ? &conn->said[conn->n_read++] : NULL;
}

bool world_next_has(struct conn *conn, const char *part)
{
	const struct said *said = world_next(conn);

	if (said != NULL && strstr(said->text, part) != NULL)
		return true;
	fprintf(stderr, "expected %s, was told %s\n", part, said == NULL ? "nothing" : said->text);
	return false;
}
