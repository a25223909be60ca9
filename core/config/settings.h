/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The `server` section of the config as a struct. The table of its options is
 * in settings.c and nowhere else; the man page and --help are made from it.
 */
#ifndef PARLANCE_SETTINGS_H
#define PARLANCE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "config.h"

enum session_policy { SESSION_ALLOW, SESSION_REPLACE };

struct listen_address {
	char *text; /* as configured: ws://127.0.0.1:8080 */
	char *host; /* without brackets */
	char *port;
	bool loopback;
};

struct settings {
	struct listen_address *listen; /* default ws://127.0.0.1:8080 */
	unsigned n_listen;
	struct listen_address http; /* host NULL: off. Default 127.0.0.1:8081 */
	char *plugin_dir; /* default: pkglibdir/plugins */
	unsigned io_threads; /* "auto": 0 on up to 2 cores, else cores - 1, at most 16 */
	unsigned max_bad_messages; /* a minute; 20 */
	uint64_t max_message_size; /* 64k */
	unsigned max_connections; /* of the whole server; 0: what RLIMIT_NOFILE allows */
	unsigned max_inflight; /* requests of one connection before it is paused; 256 */
	uint64_t max_backlog; /* bytes unsent to one connection; 4m */
	unsigned ack_window; /* 256 */
	uint64_t handshake_timeout; /* 10s */
	uint64_t ping_interval; /* 20s */
	uint64_t idle_timeout; /* 60s */
	uint64_t request_timeout; /* 10s */
	uint64_t drain_timeout; /* 10s */
	uint64_t slow_callback; /* 50ms */
	uint64_t cursor_interval; /* 1s: acks are written back at least so often */
	uint64_t redeliver_after; /* 0: only when the device connects again */
	uint64_t device_ttl; /* 30d */
	uint64_t event_ttl; /* 90d; 0: no end */
	uint64_t prune_interval; /* 1m */
	unsigned max_devices; /* on record, a user; 100 */
	enum session_policy session_policy; /* allow */
	enum par_log_level log_level; /* info */
	enum log_format log_format; /* logfmt */
	char *log_file; /* "" : stderr */
};

extern const struct par_option settings_options[];

/* False with the reason in `error`. */
bool settings_read(struct settings *settings, const struct config *config,
		   char error[CONFIG_ERROR_MAX]);
void settings_free(struct settings *settings);

#endif
