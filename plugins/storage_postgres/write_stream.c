/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a batch has changed of users' streams: events, users and devices. A device that
 * goes makes room for one of the same name that comes.
 */
#include "write.h"

static void write_events(struct world *w)
{
	const struct par_str none = { NULL, 0 };
	struct params *p = world_params(w);
	unsigned i = write_arrays(p, 4, PARAM_INT8), t = write_arrays(p, 3, PARAM_TEXT);
	const struct event *event;

	for (event = w->events; event != NULL; event = event->next) {
		params_int8(p, i, event->user->id);
		params_int8(p, i + 1, (int64_t)event->seq);
		params_int8(p, i + 2, (int64_t)event->at);
		write_some(p, i + 3, event->op->own ? event->op->origin_session : 0);
		params_text(p, t, event->op->type);
		params_text(p, t + 1, event->payload);
		params_text(p, t + 2, event->op->own ? event->op->origin_device : none);
	}
	world_ask_some(w, p, ST_EVENTS_ADD);
}

static void write_users(struct world *w)
{
	struct params *p = world_params(w);
	unsigned i = write_arrays(p, 4, PARAM_INT8), b = write_arrays(p, 2, PARAM_BOOL);
	unsigned at = params_array(p, PARAM_INT8);
	size_t n;

	for (n = 0; n < w->lock_list.n; n++) {
		const struct user *user = w->lock_list.of[n];
		if (!user->changed)
			continue;
		params_int8(p, i, user->id);
		params_int8(p, i + 1, (int64_t)user->first_seq);
		params_int8(p, i + 2, (int64_t)user->last_seq);
		params_int8(p, i + 3, (int64_t)user->rank);
		params_bool(p, b, user->forgot);
		params_bool(p, b + 1, user->behind);
		params_int8(p, at, (int64_t)user->last_at);
	}
	world_ask_some(w, p, ST_USERS_SAVE);
}

/* What all devices have acked: the events in front of the first that is kept. */
static void write_drops(struct world *w)
{
	struct params *p = world_params(w);
	unsigned i = write_arrays(p, 3, PARAM_INT8);
	size_t n;

	for (n = 0; n < w->lock_list.n; n++) {
		const struct user *user = w->lock_list.of[n];
		if (user->first_seq == user->loaded_first_seq)
			continue;
		params_int8(p, i, user->id);
		params_int8(p, i + 1, (int64_t)user->loaded_first_seq);
		params_int8(p, i + 2, (int64_t)user->first_seq - 1);
	}
	world_ask_some(w, p, ST_EVENTS_DROP);
}

static void write_forgotten(struct world *w)
{
	struct params *p = world_params(w);
	unsigned usr = params_array(p, PARAM_INT8), name = params_array(p, PARAM_TEXT);
	const struct device *device;
	size_t n;

	for (n = 0; n < w->device_list.n; n++) {
		const struct user *user = w->device_list.of[n];
		for (device = user->forgotten; device != NULL; device = device->next) {
			params_int8(p, usr, user->id);
			params_text(p, name, device->name);
		}
	}
	world_ask_some(w, p, ST_DEVICES_FORGET);
}

/* What is acked beyond the cursor, as PostgreSQL writes an array. */
static struct par_str above_text(struct world *w, const struct cursor *cursor)
{
	struct par_json *out = world_writer(w);
	struct par_str none = { NULL, 0 };
	unsigned i;

	if (cursor->n_above == 0)
		return none;
	par_json_object_begin(out);
	for (i = 0; i < cursor->n_above; i++)
		par_json_u64(out, cursor->above[i]);
	par_json_object_end(out);
	return out->failed ? none : par_json_text(out);
}

static void write_device(struct world *w, struct params *p, unsigned i, const struct user *user,
			 const struct device *device)
{
	params_int8(p, i, user->id);
	params_text(p, i + 1, device->name);
	params_int8(p, i + 2, (int64_t)device->cursor.acked);
	params_int8(p, i + 3, (int64_t)device->cursor.sent);
	params_int8(p, i + 4, (int64_t)device->cursor.lost);
	params_int8(p, i + 5, (int64_t)device->connected);
	params_int8(p, i + 6, (int64_t)device->seen);
	params_text(p, i + 7, above_text(w, &device->cursor));
}

/* Those that are new, or those that have changed. */
static void write_devices(struct world *w, enum device_state state, enum statement statement)
{
	struct params *p = world_params(w);
	const struct device *device;
	unsigned i;
	size_t n;

	i = params_array(p, PARAM_INT8);
	params_array(p, PARAM_TEXT);
	write_arrays(p, 5, PARAM_INT8);
	params_array(p, PARAM_TEXT);
	for (n = 0; n < w->device_list.n; n++) {
		const struct user *user = w->device_list.of[n];
		for (device = user->devices; device != NULL; device = device->next) {
			if (device->state != state)
				continue;
			write_device(w, p, i, user, device);
		}
	}
	world_ask_some(w, p, statement);
}

void write_stream(struct world *w)
{
	write_events(w);
	write_drops(w);
	write_users(w);
	write_forgotten(w);
	write_devices(w, DEVICE_CHANGED, ST_DEVICES_SAVE);
	write_devices(w, DEVICE_NEW, ST_DEVICES_ADD);
}
