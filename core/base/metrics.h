/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters and gauges, and their text for /metrics (Prometheus exposition
 * format 0.0.4). Values may be changed from any thread (relaxed atomics); the
 * registry itself belongs to the core thread.
 */
#ifndef PARLANCE_METRICS_H
#define PARLANCE_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include <parlance/plugin.h>

struct par_metric {
	_Atomic int64_t value;
	enum par_metric_kind kind;
	char *name; /* with prefix: parlance_... */
	char *help;
	struct par_metric *next;
};

struct metrics {
	struct par_metric *first;
};

/* `name` is given its prefix "parlance_"; `plugin` NULL or the second part of
 * the name. The same name twice is the same metric. Never NULL. */
struct par_metric *metrics_add(struct metrics *m, enum par_metric_kind kind, const char *plugin,
			       const char *name, const char *help);
void metrics_write(const struct metrics *m, struct par_json *out);
void metrics_free(struct metrics *m);

static inline void metric_add(struct par_metric *metric, int64_t n)
{
	atomic_fetch_add_explicit(&metric->value, n, memory_order_relaxed);
}

static inline void metric_set(struct par_metric *metric, int64_t value)
{
	atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}

#endif
