/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A storage in trouble: a real storage, loaded from the file `real`, behind a
 * table of our own that delays what it is handed and fails some of it. Core
 * thread throughout; what the real one does on its own threads is its affair.
 *
 * The file `control` says what to do, and is read with each batch:
 *
 *   (none, or empty)  nothing: a storage as good as the real one
 *   slow MS           hands each batch on so many ms late
 *   hold              hands nothing on until the file says something else
 *   down              nothing is carried out, everything fails with `unavailable`
 *   unsure            everything is carried out, and fails with `unavailable`: what
 *                     a database looks like whose connection breaks within a commit
 *
 * A message's text does it to the one transaction that stores it: "fail me" (not
 * carried out, `unavailable`), "break me" (not carried out, `internal`),
 * "lose my answer" (carried out, `unavailable`; once only). Order is kept: a
 * transaction that is to fail goes to the real storage with nothing in it.
 */
#include <dlfcn.h>
#include <json-c/json.h>
#include <stdio.h>
#include <sys/queue.h>
#include <time.h>

#include <parlance/storage.h>

#include "zoo.h"

#define POLL_MS 5

enum fault { FAULT_NONE, FAULT_BEFORE, FAULT_BROKEN, FAULT_AFTER };

/* One tx or query on its way. */
struct work {
	TAILQ_ENTRY(work) next;
	struct par_tx *tx;
	struct par_query *query;
	unsigned n_ops; /* of a tx that was emptied */
	enum fault fault;
	uint64_t due; /* to be handed on; 0 until its batch ends */
};
TAILQ_HEAD(works, work);

struct faulty {
	const struct par_api *api;
	struct par_api api_of_real; /* what the real one is given in its place */
	struct par_plugin *self;
	const char *control;
	void *module;
	const struct par_descriptor *real;
	void *real_state;
	struct par_storage_role role; /* the real one's */
	void *role_state;
	struct works waiting; /* not yet handed on */
	struct works faults; /* handed on, to be failed when they come back */
	struct json_object *config, *real_config;
	bool polling;
	bool answer_lost;
};

static struct faulty *faulty; /* tx_done has no state to find it by */

static uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* What the control file says. */
static void read_control(const struct faulty *f, char mode[16], unsigned long *ms)
{
	FILE *file = fopen(f->control, "re");
	char text[64] = "";
	size_t n;

	mode[0] = '\0';
	*ms = 0;
	if (file == NULL)
		return;
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	sscanf(text, "%15s %lu", mode, ms);
}

static enum fault fault_of(struct faulty *f, const struct work *work, const char *mode)
{
	const struct par_tx *tx = work->tx;
	struct par_str text = { NULL, 0 };

	if (strcmp(mode, "down") == 0)
		return FAULT_BEFORE;
	if (strcmp(mode, "unsure") == 0)
		return FAULT_AFTER;
	if (tx != NULL && tx->n_ops > 0 && tx->ops[0].kind == PAR_OP_APPEND)
		text = tx->ops[0].u.append.message;
	if (par_str_equal(text, par_str_of("fail me")))
		return FAULT_BEFORE;
	if (par_str_equal(text, par_str_of("break me")))
		return FAULT_BROKEN;
	if (f->answer_lost || !par_str_equal(text, par_str_of("lose my answer")))
		return FAULT_NONE;
	f->answer_lost = true;
	return FAULT_AFTER;
}

static void hand_on(struct faulty *f, struct work *work, const char *mode)
{
	work->fault = fault_of(f, work, mode);
	if (work->tx != NULL && (work->fault == FAULT_BEFORE || work->fault == FAULT_BROKEN)) {
		work->n_ops = work->tx->n_ops;
		work->tx->n_ops = 0;
	}
	if (work->tx != NULL)
		f->role.submit(f->role_state, work->tx);
	else
		f->role.query(f->role_state, work->query);
	if (work->fault != FAULT_NONE)
		TAILQ_INSERT_TAIL(&f->faults, work, next);
	else
		free(work);
}

/* Hands on what is due, as one batch. */
static void hand_on_due(struct faulty *f, bool all)
{
	char mode[16];
	unsigned long ms;
	struct work *work;
	bool any = false;

	read_control(f, mode, &ms);
	while ((work = TAILQ_FIRST(&f->waiting)) != NULL &&
	       (all || (strcmp(mode, "hold") != 0 && work->due <= clock_ms()))) {
		TAILQ_REMOVE(&f->waiting, work, next);
		hand_on(f, work, mode);
		any = true;
	}
	if (any)
		f->role.flush(f->role_state);
}

static void poll_waiting(void *state, void *arg)
{
	struct faulty *f = state;

	(void)arg;
	f->polling = false;
	hand_on_due(f, false);
	if (TAILQ_EMPTY(&f->waiting))
		return;
	f->polling = true;
	f->api->timer_start(f->self, POLL_MS, poll_waiting, f, NULL);
}

static void collect(struct faulty *f, struct par_tx *tx, struct par_query *query)
{
	struct work *work = calloc(1, sizeof(*work));

	if (work == NULL)
		abort();
	work->tx = tx;
	work->query = query;
	TAILQ_INSERT_TAIL(&f->waiting, work, next);
}

static void faulty_submit(void *state, struct par_tx *tx)
{
	collect(state, tx, NULL);
}

static void faulty_query(void *state, struct par_query *query)
{
	collect(state, NULL, query);
}

static void faulty_flush(void *state)
{
	struct faulty *f = state;
	struct work *work;
	char mode[16];
	unsigned long ms;

	read_control(f, mode, &ms);
	TAILQ_FOREACH(work, &f->waiting, next) {
		if (work->due == 0)
			work->due = clock_ms() + ms;
	}
	if (!f->polling)
		poll_waiting(f, NULL);
}

static const char *faulty_down(void *state)
{
	struct faulty *f = state;
	char mode[16];
	unsigned long ms;

	read_control(f, mode, &ms);
	return strcmp(mode, "down") == 0 ? "the zoo is flooded" : f->role.down(f->role_state);
}

/* Takes the work with this tx or query out of those that are to fail. */
static enum fault take_fault(struct par_tx *tx, const struct par_query *query)
{
	enum fault fault;
	struct work *work;

	TAILQ_FOREACH(work, &faulty->faults, next) {
		if (work->tx == tx && work->query == query)
			break;
	}
	if (work == NULL)
		return FAULT_NONE;
	TAILQ_REMOVE(&faulty->faults, work, next);
	if (work->n_ops != 0)
		tx->n_ops = work->n_ops;
	fault = work->fault;
	free(work);
	return fault;
}

/* The real storage has a tx's result; the core is told what we make of it. */
static void tx_done(struct par_tx *tx)
{
	enum fault fault = take_fault(tx, NULL);
	unsigned i;

	for (i = 0; fault == FAULT_AFTER && i < tx->n_ops; i++) {
		struct par_op *op = &tx->ops[i];

		memset(&op->result, 0, sizeof(op->result));
		if (op->kind != PAR_OP_EVENT || op->u.event.data == NULL)
			continue;
		faulty->api->event_data_free(op->u.event.data);
		op->u.event.data = NULL;
	}
	if (fault != FAULT_NONE) {
		tx->error = fault == FAULT_BROKEN ? PAR_E_INTERNAL : PAR_E_UNAVAILABLE;
		tx->message = "the zoo wanted it so";
	}
	faulty->api->tx_done(tx);
}

static void query_done(struct par_query *query)
{
	unsigned i;

	if (take_fault(NULL, query) != FAULT_NONE) {
		for (i = 0; query->events != NULL && i < query->n; i++)
			faulty->api->event_data_free(query->events[i].data);
		memset(&query->device_state, 0, sizeof(query->device_state));
		query->events = NULL;
		query->messages = NULL;
		query->chats = NULL;
		query->docs = NULL;
		query->n = 0;
		query->error = PAR_E_UNAVAILABLE;
		query->message = "the zoo wanted it so";
	}
	faulty->api->query_done(query);
}

static bool provide_storage(struct par_plugin *self, const struct par_storage_role *role,
			    void *state)
{
	static const struct par_storage_role ours = {
		.size = sizeof(ours),
		.submit = faulty_submit,
		.query = faulty_query,
		.flush = faulty_flush,
		.down = faulty_down,
	};

	faulty->role = *role;
	faulty->role_state = state;
	return faulty->api->provide_storage(self, &ours, faulty);
}

/* A number as in the config: 5s, 30d, 64k. */
static int64_t number_of(const struct par_option *option)
{
	char *unit;
	int64_t n = strtoll(option->def, &unit, 10);
	int64_t k = option->type == PAR_OPT_SIZE ? 1024 : 1;

	switch (*unit) {
	case 's':
		return n * 1000;
	case 'm':
		return strcmp(unit, "ms") == 0 ? n : n * (k == 1 ? 60000 : k * k);
	case 'h':
		return n * 3600000;
	case 'd':
		return n * 86400000;
	case 'k':
		return n * k;
	default:
		return n;
	}
}

/* The real storage's options: their defaults, but for `path`. */
static struct json_object *config_of_real(const struct faulty *f)
{
	struct json_object *config = json_object_new_object(), *value;
	const struct par_option *option;

	for (option = f->real->options; option != NULL && option->name != NULL; option++) {
		if (strcmp(option->name, "path") == 0)
			value = json_object_get(json_object_object_get(f->config, "path"));
		else if (option->type == PAR_OPT_STRING || option->type == PAR_OPT_ENUM)
			value = json_object_new_string(option->def);
		else if (option->type == PAR_OPT_BOOL)
			value = json_object_new_boolean(strcmp(option->def, "true") == 0);
		else
			value = json_object_new_int64(number_of(option));
		json_object_object_add(config, option->name, value);
	}
	return config;
}

static const char *option_string(const struct faulty *f, const char *name)
{
	return json_object_get_string(json_object_object_get(f->config, name));
}

static void faulty_unload(void *state)
{
	struct faulty *f = state;

	if (f->real_state != NULL)
		f->real->unload(f->real_state);
	if (f->module != NULL)
		dlclose(f->module);
	json_object_put(f->real_config);
	json_object_put(f->config);
	free(f);
}

static void *faulty_load(const struct par_api *api, struct par_plugin *self,
			 struct json_object *config, char *error, size_t error_size)
{
	struct faulty *f = calloc(1, sizeof(*f));

	if (f == NULL)
		abort();
	faulty = f;
	TAILQ_INIT(&f->waiting);
	TAILQ_INIT(&f->faults);
	f->api = api;
	f->self = self;
	memcpy(&f->api_of_real, api, sizeof(f->api_of_real));
	f->api_of_real.provide_storage = provide_storage;
	f->api_of_real.tx_done = tx_done;
	f->api_of_real.query_done = query_done;
	f->config = json_object_get(config);
	f->control = option_string(f, "control");
	f->module = dlopen(option_string(f, "real"), RTLD_NOW | RTLD_LOCAL);
	if (f->module != NULL)
		f->real = dlsym(f->module, "par_plugin_descriptor");
	if (f->real != NULL) {
		f->real_config = config_of_real(f);
		f->real_state =
		    f->real->load(&f->api_of_real, self, f->real_config, error, error_size);
	} else {
		snprintf(error, error_size, "no storage in it: %s", dlerror());
	}
	if (f->real_state != NULL)
		return f;
	faulty_unload(f);
	return NULL;
}

static bool faulty_start(void *state, char *error, size_t error_size)
{
	struct faulty *f = state;

	return f->real->start == NULL || f->real->start(f->real_state, error, error_size);
}

static void faulty_stop(void *state)
{
	struct faulty *f = state;

	hand_on_due(f, true);
	f->real->stop(f->real_state);
}

static const struct par_option faulty_options[] = {
	{ "real", PAR_OPT_STRING, NULL, 0, 0, NULL, "The file of the real storage plugin." },
	{ "path", PAR_OPT_STRING, "", 0, 0, NULL, "Its option of that name." },
	{ "control", PAR_OPT_STRING, NULL, 0, 0, NULL, "The file that says what to do." },
	{ NULL, PAR_OPT_INT, NULL, 0, 0, NULL, NULL },
};

PAR_EXPORT const struct par_descriptor par_plugin_descriptor = {
	PAR_DESCRIPTOR_HEAD, .name = "zoo_faulty",  .version = "1",      .options = faulty_options,
	.load = faulty_load, .start = faulty_start, .stop = faulty_stop, .unload = faulty_unload,
};
