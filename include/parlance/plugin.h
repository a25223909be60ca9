/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plugin API of Parlance: everything a plugin author needs besides
 * <parlance/json.h> (writing JSON) and <parlance/storage.h> (storing things).
 *
 * A plugin is one shared object that exports one symbol, the constant
 * descriptor `par_plugin_descriptor`. The server hands its `load` a table of
 * functions, struct par_api; a unit test hands it a table of its own.
 *
 * THREADS. Unless a comment says otherwise, every function of the table is
 * called on the core thread, and every callback of a plugin runs on the core
 * thread, one at a time; a plugin needs no lock. Nothing here blocks, and no
 * callback may block either: see par_api.offload.
 *
 * MEMORY. What a callback is handed is borrowed and lives until the callback
 * returns; what must live longer is copied, or, for json_objects, taken with
 * json_object_get(). What a plugin hands over is copied by the callee, except
 * where a comment says "takes". Past a callback a plugin keeps ids
 * (par_request_id, par_session_id, par_timer_id), never pointers: an id whose
 * object has gone is recognised, and using it is safe and does nothing.
 *
 * UNITS. Times are milliseconds; `now` is milliseconds since the epoch and
 * never goes backwards. Strings are UTF-8 with a length and hold no NUL.
 */
#ifndef PARLANCE_PLUGIN_H
#define PARLANCE_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parlance/json.h>

#ifdef __cplusplus
extern "C" {
#endif

struct json_object;
struct par_plugin; /* one loaded plugin; identifies it to the server */
struct par_metric; /* one counter or gauge */
struct par_event_data; /* the immutable, shared bytes of one event */
struct par_tx; /* a storage transaction, <parlance/storage.h> */
struct par_query; /* a storage query, <parlance/storage.h> */
struct par_chat_entry; /* a chat of a query's answer, <parlance/storage.h> */
struct par_storage_role;

#define PAR_ABI_MAGIC 0x314e4c50u /* "PLN1" */
#define PAR_ABI_MAJOR 1
#define PAR_ABI_MINOR 0

/* What can go wrong, with the code the client is told: docs/protocol.md, Errors. */
#define PAR_ERRORS(X) \
	X(PAR_E_BAD_JSON, "bad_json") \
	X(PAR_E_BAD_ENVELOPE, "bad_envelope") \
	X(PAR_E_BAD_PAYLOAD, "bad_payload") \
	X(PAR_E_UNKNOWN_TYPE, "unknown_type") \
	X(PAR_E_UNKNOWN_PAYLOAD_TYPE, "unknown_payload_type") \
	X(PAR_E_DUPLICATE_REQUEST, "duplicate_request") \
	X(PAR_E_FORBIDDEN, "forbidden") \
	X(PAR_E_NOT_FOUND, "not_found") \
	X(PAR_E_CONFLICT, "conflict") \
	X(PAR_E_TOO_LARGE, "too_large") \
	X(PAR_E_RATE_LIMITED, "rate_limited") \
	X(PAR_E_TIMEOUT, "timeout") \
	X(PAR_E_UNAVAILABLE, "unavailable") \
	X(PAR_E_INTERNAL, "internal")

enum par_error {
	PAR_OK,
#define X(symbol, code) symbol,
	PAR_ERRORS(X)
#undef X
};

enum par_log_level { PAR_LOG_ERROR, PAR_LOG_WARNING, PAR_LOG_INFO, PAR_LOG_DEBUG };

typedef uint64_t par_request_id; /* 0 is never a valid id, of any kind */
typedef uint64_t par_session_id;
typedef uint64_t par_timer_id;
typedef uint64_t par_auth_id;
typedef uint64_t par_watch_id;

/* A client's request: docs/protocol.md, Messages. Its handler must complete it
 * exactly once, now or later, with reply, reply_close or fail. */
struct par_request {
	uint32_t size; /* sizeof(struct par_request) in the server */
	par_request_id id;
	par_session_id session;
	uint64_t now;
	struct par_str user;
	struct par_str device;
	struct par_str payload_type;
	struct json_object *payload; /* a JSON object, or NULL when left out */
};

/* A client's event: docs/protocol.md, Messages. There is no answer to it, but to one
 * that is wrong: refuse_client_event. */
struct par_client_event {
	uint32_t size;
	par_session_id session;
	struct par_str id; /* s NULL: left out */
	uint64_t now;
	struct par_str user;
	struct par_str device;
	struct par_str payload_type;
	struct json_object *payload; /* a JSON object, or NULL when left out */
};

typedef void (*par_request_fn)(void *state, const struct par_request *request);
typedef void (*par_client_event_fn)(void *state, const struct par_client_event *event);
typedef void (*par_callback_fn)(void *state, void *arg);

/* What a file descriptor is watched for, and is ready for; bits. With an error or the
 * other side's end it is ready for whatever it is watched for: trying tells. */
#define PAR_READABLE 1u
#define PAR_WRITABLE 2u
typedef void (*par_watch_fn)(void *state, void *arg, unsigned ready);

/*
 * Hooks. Observers are told and cannot change anything: their verdict is
 * ignored. A gate must answer, and anything but PAR_ALLOW refuses what was
 * about to happen (the client is answered `forbidden`).
 *
 *   kind                      gate?     `subject` of struct par_hook_call
 *   session_opened, _closed   observer  none; `session` is set; one that is closed is
 *                                       told nothing any more
 *   user_online, _offline     observer  none: the first session came, the last went
 *   event_acked               observer  none; `session` and `seq` are set; durable events only
 *   message_storing           gate      the struct par_op that brings a message's content:
 *                                       PAR_OP_APPEND, or PAR_OP_CHANGE of kind EDIT. Asked
 *                                       again when it is sent again; what was stored then
 *                                       is answered as the first time, whatever it says
 *   roster_changed            observer  the struct par_op of kind PAR_OP_ROSTER that was applied
 *                                       and is durable, with its results; `user` is who did it.
 *                                       Before the `done` of who submitted it. Not on other
 *                                       servers, nor where it is not known whether it stands
 */
#define PAR_HOOKS(X) \
	X(PAR_HOOK_SESSION_OPENED, "session_opened") \
	X(PAR_HOOK_SESSION_CLOSED, "session_closed") \
	X(PAR_HOOK_USER_ONLINE, "user_online") \
	X(PAR_HOOK_USER_OFFLINE, "user_offline") \
	X(PAR_HOOK_EVENT_ACKED, "event_acked") \
	X(PAR_HOOK_MESSAGE_STORING, "message_storing") \
	X(PAR_HOOK_ROSTER_CHANGED, "roster_changed")

enum par_hook_kind {
#define X(symbol, name) symbol,
	PAR_HOOKS(X)
#undef X
	    PAR_HOOK_COUNT
};

enum par_verdict { PAR_ALLOW = 1, PAR_DENY = 2 };

struct par_hook_call {
	uint32_t size;
	enum par_hook_kind kind;
	par_session_id session; /* 0 where none is meant */
	uint64_t now;
	uint64_t seq;
	struct par_str user;
	struct par_str device;
	const void *subject;
};

typedef enum par_verdict (*par_hook_fn)(void *state, const struct par_hook_call *call);

/*
 * The auth role: docs/protocol.md, Connection. `authenticate` is called once for each
 * WebSocket handshake and must lead to exactly one auth_accept or auth_refuse,
 * now or later. A handshake that is not answered within the handshake time-out
 * is refused.
 */
struct par_auth_request {
	uint32_t size;
	par_auth_id id;
	uint64_t now;
	struct par_str
	    token; /* of the Authorization header, access_token or bearer.T; s NULL: none */
	struct par_str user; /* the query parameter `user`, decoded; s NULL: none */
	struct par_str remote; /* the client's address, "127.0.0.1:4711" */
};

struct par_auth_role {
	uint32_t size;
	void (*authenticate)(void *state, const struct par_auth_request *request);
};

/*
 * What a plugin adds to each chat in others' answers (presence: lastSeen). When somebody queries
 * chats with `details` set, the plugin is asked for a key of each; its documents (of its
 * descriptor's name) are fetched in one query; and it writes within write_chat_details.
 */
struct par_chat_detail {
	uint32_t size;
	/* The key of the plugin's document that it wants to see for this chat of this user; s NULL:
	 * none. It lives until the plugin is called again. */
	struct par_str (*key)(void *state, struct par_str user, const struct par_chat_entry *entry);
	/* Writes members, or none, into the chat's object, 64 KiB at most; what is no member is
	 * left out. `value`: that document; s NULL: there is none, or none was asked for. */
	void (*write)(void *state, struct par_json *w, struct par_str user,
		      const struct par_chat_entry *entry, struct par_str value);
};
#define PAR_CHAT_DETAILS_MAX 8 /* plugins that add some */

enum par_metric_kind { PAR_COUNTER, PAR_GAUGE };

/* What a plugin may know of the server that it runs in. */
struct par_server_info {
	uint32_t size;
	bool loopback_only; /* every WebSocket listener is on a loopback address */
	uint64_t request_timeout;
	uint64_t max_message_size;
};

/*
 * Options of a plugin's section in the config. The declaration makes the check
 * at start, the default, the error message and `parlanced --help-plugin`.
 * `def` and the choices are written as in the config; a NULL `def` means the
 * option must be given. min and max bound an integer, a size (bytes) or a
 * duration (ms); both 0: no bound. The value reaches the plugin as an int64
 * (sizes in bytes, durations in ms), boolean, string, or array of strings.
 */
enum par_option_type {
	PAR_OPT_INT,
	PAR_OPT_SIZE, /* 64k, 4m, 1g: powers of 1024 */
	PAR_OPT_DURATION, /* 500ms, 20s, 45m, 12h, 30d */
	PAR_OPT_BOOL, /* true, false */
	PAR_OPT_STRING,
	PAR_OPT_ENUM, /* one of `choices`, separated by '|' */
	PAR_OPT_LIST /* of strings */
};

struct par_option {
	const char *name;
	enum par_option_type type;
	const char *def;
	int64_t min;
	int64_t max;
	const char *choices;
	const char *help; /* one sentence */
};

/*
 * The host API: an append-only table. A plugin built against a minor version
 * may use every function up to that version; a newer server has them all.
 *
 * Functions returning bool return false when the call was wrong or came at the
 * wrong time, which is logged with the plugin's name; a plugin's `load` fails
 * when any of its registrations failed, whether it looked or not.
 */
struct par_api {
	uint32_t size;
	uint16_t abi_major;
	uint16_t abi_minor;

	/* --- any time, any thread --- */

	/* One line of the log, with the plugin's name added. `format` is printf's. */
	void (*log)(struct par_plugin *self, enum par_log_level level, const char *format, ...)
	    __attribute__((format(printf, 3, 4)));
	/* Has `fn(state, arg)` called on the core thread, soon. Calls posted by one
	 * thread keep their order. Wakes the core once a batch. What was not called
	 * when the plugin is unloaded is dropped. */
	void (*post)(struct par_plugin *self, par_callback_fn fn, void *state, void *arg);
	/* Adds to a counter or gauge; sets a gauge. */
	void (*metric_add)(struct par_metric *metric, int64_t n);
	void (*metric_set)(struct par_metric *metric, int64_t value);

	/* --- in load() only: registration --- */

	/* Handler of requests with this payloadType. One plugin only may claim it. */
	bool (*handle_request)(struct par_plugin *self, const char *payload_type, par_request_fn fn,
			       void *state);
	/* Handler of clients' events with this payloadType, likewise. */
	bool (*handle_client_event)(struct par_plugin *self, const char *payload_type,
				    par_client_event_fn fn, void *state);
	bool (*add_hook)(struct par_plugin *self, enum par_hook_kind kind, par_hook_fn fn,
			 void *state);
	/* The roles. The ops are copied, `ops->size` bytes of them. */
	bool (*provide_auth)(struct par_plugin *self, const struct par_auth_role *role,
			     void *state);
	bool (*provide_storage)(struct par_plugin *self, const struct par_storage_role *role,
				void *state);
	/* A metric "parlance_<plugin>_<name>"; lives as long as the plugin.
	 * Never NULL. */
	struct par_metric *(*add_metric)(struct par_plugin *self, enum par_metric_kind kind,
					 const char *name, const char *help);

	/* --- from here on: the core thread, from start() to stop() --- */

	/* In load() too. */
	const struct par_server_info *(*server_info)(struct par_plugin *self);
	uint64_t (*now)(struct par_plugin *self);

	/* Completing a request. Each returns false, and does nothing, when the
	 * request is not there any more: completed before (which is logged as the
	 * plugin's fault), timed out, or its session gone (which are not). */

	/* `payload` may be NULL: a response without payload. Borrowed. One that is
	 * larger than PAR_JSON_LIMIT as text is answered `too_large`. */
	bool (*reply)(struct par_plugin *self, par_request_id id, struct json_object *payload);
	/* The same without a tree: reply_open gives a writer that stands where the
	 * payload's value goes, or NULL when the request is gone; exactly one value
	 * is written to it, then reply_close sends it, or fail drops it. One reply may
	 * be open at a time; the writer is the server's and dead after either. */
	struct par_json *(*reply_open)(struct par_plugin *self, par_request_id id);
	bool (*reply_close)(struct par_plugin *self, par_request_id id);
	/* `path` names the field for PAR_E_BAD_PAYLOAD ("attachments[2].url") and is
	 * NULL otherwise; `message` is for the client's developer and may be NULL. */
	bool (*fail)(struct par_plugin *self, par_request_id id, enum par_error error,
		     const char *path, const char *message);

	/* Ephemeral events, to every session of the users that are online here:
	 * never stored, no seq. event_open gives a writer for the payload (one
	 * value); event_send sends it to one user and may be called any number of
	 * times, the bytes are shared; event_close ends it. One may be open at a
	 * time. `skip` is a session that is left out, or 0. */
	struct par_json *(*event_open)(struct par_plugin *self, const char *event_type);
	void (*event_send)(struct par_plugin *self, struct par_str user, par_session_id skip);
	void (*event_close)(struct par_plugin *self);
	/* The number of the user's sessions on this server. */
	unsigned (*user_sessions)(struct par_plugin *self, struct par_str user);

	/* Calls fn(state, arg) once after `delay` ms; after 0 in the core's next turn,
	 * never at once. Returns its id. What is left is dropped at unload. */
	par_timer_id (*timer_start)(struct par_plugin *self, uint64_t delay, par_callback_fn fn,
				    void *state, void *arg);
	/* False when it ran already, or never was. */
	bool (*timer_stop)(struct par_plugin *self, par_timer_id id);
	/* Runs work(state, arg) on a helper thread, then done(state, arg) on the core
	 * thread. `work` may block; it must not call the API but for the part that
	 * is for any thread. stop() is not called before all have come back. */
	void (*offload)(struct par_plugin *self, par_callback_fn work, par_callback_fn done,
			void *state, void *arg);

	/* Answers to struct par_auth_role.authenticate, by the plugin that provides it;
	 * false when the handshake is not there any more, or was answered before. A
	 * server that drains turns away who is accepted. `user`: 1 to 128 bytes of
	 * UTF-8, no control characters, not beginning with "grp_"; anything else is
	 * refused on the plugin's behalf. `message` is told to the client. */
	bool (*auth_accept)(struct par_plugin *self, par_auth_id id, struct par_str user);
	bool (*auth_refuse)(struct par_plugin *self, par_auth_id id, const char *message);

	/* Storage, as its users see it: <parlance/storage.h>. */

	/* A transaction to be filled with tx_op and handed to tx_submit. `done` is
	 * called exactly once after tx_submit, on the core, with the tx as `arg`; the
	 * tx is freed when it returns. */
	struct par_tx *(*tx_new)(struct par_plugin *self, par_callback_fn done, void *state);
	/* Memory that lives as long as the tx; never NULL. On whichever thread holds
	 * the tx, a storage's too. */
	void *(*tx_alloc)(struct par_tx *tx, size_t size);
	/* Takes the tx. Gates of message_storing are asked here. */
	void (*tx_submit)(struct par_tx *tx);
	/* Frees a tx that was not submitted. */
	void (*tx_free)(struct par_tx *tx);
	/* The same for a query. */
	struct par_query *(*query_new)(struct par_plugin *self, par_callback_fn done, void *state);
	void *(*query_alloc)(struct par_query *query, size_t size);
	void (*query_submit)(struct par_query *query);

	/* Storage, as its provider sees it. */

	/* Any thread: makes the immutable bytes of one event out of its type and
	 * payload. One reference, for the caller. */
	struct par_event_data *(*event_data_new)(struct par_str event_type, struct par_str payload);
	/* Any thread. The payload within the bytes. */
	struct par_str (*event_data_payload)(const struct par_event_data *data);
	/* Any thread. Drops one reference. */
	void (*event_data_free)(struct par_event_data *data);
	/* Core thread: the tx or query has its result. The core takes it back. Calls
	 * the submitter's `done`, so never from within the role's submit or query. */
	void (*tx_done)(struct par_tx *tx);
	void (*query_done)(struct par_query *query);

	/* --- the core thread --- */

	/* Tells the client what was wrong with its event, with a response that
	 * carries the event's id, or null. `path` and `message` as with fail. Within
	 * the event's handler, or later: then of `event` nothing is looked at but size,
	 * session and id, which the plugin has kept. */
	void (*refuse_client_event)(struct par_plugin *self, const struct par_client_event *event,
				    enum par_error error, const char *path, const char *message);

	/* --- from start() to unload() --- */

	/* Calls fn(state, arg, ready) in each of the core's turns for as long as the file
	 * descriptor is ready for something of `what`, in any order with other callbacks; with
	 * `what` 0 never. The descriptor is the caller's and non-blocking; it stays open until
	 * watch_stop, which at the latest follows in the callback that found it closed. One watch
	 * a descriptor. Never called after watch_stop, nor while plugins stop: a stop() that has
	 * to wait does so itself. What is left is dropped after unload. 0 when it cannot be
	 * watched (a regular file; no memory). */
	par_watch_id (*watch_start)(struct par_plugin *self, int fd, unsigned what, par_watch_fn fn,
				    void *state, void *arg);
	/* False when there is no such watch. */
	bool (*watch_change)(struct par_plugin *self, par_watch_id id, unsigned what);
	bool (*watch_stop)(struct par_plugin *self, par_watch_id id);

	/* --- completing a request, as with fail --- */

	/* With `details` of the plugin's own: the text of one JSON object, as documented for that
	 * error of that request, in place of a path. */
	bool (*fail_details)(struct par_plugin *self, par_request_id id, enum par_error error,
			     struct par_str details, const char *message);

	/* --- ephemeral events, as with event_send --- */

	/* Sends the open event to one session alone. False when it was not sent: the session is
	 * gone, or so much waits for it that it gets nothing ephemeral now; later it may. */
	bool (*event_send_session)(struct par_plugin *self, par_session_id session);

	/* --- details of chats --- */

	/* In load() only. `detail` is copied, `detail->size` bytes of it, and used from start() to
	 * stop(). */
	bool (*add_chat_detail)(struct par_plugin *self, const struct par_chat_detail *detail,
				void *state);
	/* Within the `done` of a query that had `details` set, with its writer in the object of
	 * query->chats[i] and a member before it: writes what plugins add to that chat. */
	void (*write_chat_details)(struct par_plugin *self, struct par_json *w,
				   const struct par_query *query, unsigned i);
};

/*
 * The descriptor. Its first four members are judged before anything else is
 * read; a descriptor shorter than the server's is taken as one whose last
 * members are NULL, so members are only ever added at the end.
 *
 *   load    register, check the config; nothing runs yet. Returns the plugin's
 *           state (handed to the other functions), or NULL on failure with a
 *           message in `error` that says what to do.
 *   start   everything is loaded; begin to work. False with `error` on failure.
 *   stop    complete or give up what is in flight; no request comes any more.
 *           What was submitted, posted or offloaded may still come back until unload.
 *   unload  free the state. Called after every load that succeeded.
 */
struct par_descriptor {
	uint32_t magic;
	uint16_t abi_major;
	uint16_t abi_minor;
	uint32_t size;
	const char *name; /* as in the config; [a-z][a-z0-9_]* */
	const char *version; /* of the plugin */
	const char *summary; /* one sentence, for --help-plugin */
	/* Names of plugins, or the roles "storage" and "auth", that must be enabled
	 * too; they are loaded and started before. NULL-terminated, or NULL. */
	const char *const *requires_;
	/* Ends with an entry whose name is NULL, or NULL. */
	const struct par_option *options;
	void *(*load)(const struct par_api *api, struct par_plugin *self,
		      struct json_object *config, char *error, size_t error_size);
	bool (*start)(void *state, char *error, size_t error_size);
	void (*stop)(void *state);
	void (*unload)(void *state);
};

#define PAR_DESCRIPTOR_HEAD \
	.magic = PAR_ABI_MAGIC, .abi_major = PAR_ABI_MAJOR, .abi_minor = PAR_ABI_MINOR, \
	.size = sizeof(struct par_descriptor)

/* Ids of users, of clients' messages and the like: 1 to 128 bytes. */
#define PAR_ID_MAX 128

/* Whether `id` is an id: of that length, and without control characters (U+0000
 * to U+001F, U+007F to U+009F). It is UTF-8 already. */
static inline bool par_id_valid(struct par_str id)
{
	size_t i;

	if (id.len == 0 || id.len > PAR_ID_MAX)
		return false;
	for (i = 0; i < id.len; i++) {
		unsigned char c = (unsigned char)id.s[i];
		if (c < 0x20 || c == 0x7f)
			return false;
		if (c == 0xc2 && i + 1 < id.len && (unsigned char)id.s[i + 1] < 0xa0)
			return false;
	}
	return true;
}

/* Whether `id` is a group's: no user's begins so. */
static inline bool par_id_is_group(struct par_str id)
{
	return id.len >= 4 && memcmp(id.s, "grp_", 4) == 0;
}

#define PAR_EXPORT __attribute__((visibility("default")))

/* The one symbol that a plugin exports. */
extern PAR_EXPORT const struct par_descriptor par_plugin_descriptor;

#ifdef __cplusplus
}
#endif

#endif
