/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registry of metrics and its text. Metrics are added and written on the
 * core thread; their values change on any thread. There are some dozens, so a
 * list in the order of registration is all the structure they need.
 */
#include "base/metrics.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const char *const kind_names[] = { [PAR_COUNTER] = "counter", [PAR_GAUGE] = "gauge" };

/* The format allows [a-zA-Z_:][a-zA-Z0-9_:]*; the prefix is the first letter. */
static char *metrics_name(const char *plugin, const char *name)
{
	size_t size = sizeof("parlance__") + strlen(name) + (plugin == NULL ? 0 : strlen(plugin));
	char *full = (char *)mem_alloc(size), *c;

	snprintf(full, size, "parlance_%s%s%s", plugin == NULL ? "" : plugin,
		 plugin == NULL ? "" : "_", name);
	for (c = full; *c != '\0'; c++) {
		if (!isalnum((unsigned char)*c) && *c != ':')
			*c = '_';
	}
	return full;
}

struct par_metric *metrics_add(struct metrics *m, enum par_metric_kind kind, const char *plugin,
			       const char *name, const char *help)
{
	char *full = metrics_name(plugin, name);
	struct par_metric **at = &m->first, *metric;

	for (; *at != NULL; at = &(*at)->next) {
		if (strcmp((*at)->name, full) == 0) {
			free(full);
			return *at;
		}
	}
	metric = (struct par_metric *)mem_zalloc(sizeof(*metric));
	metric->kind = kind;
	metric->name = full;
	metric->help = mem_strdup(help == NULL ? "" : help);
	*at = metric;
	return metric;
}

static void metrics_text(struct par_json *out, const char *s)
{
	par_json_bytes(out, s, strlen(s));
}

/* In a HELP line only the backslash and the newline are special. */
static void metrics_help(struct par_json *out, const char *help)
{
	size_t run;

	for (;;) {
		run = strcspn(help, "\\\n");
		par_json_bytes(out, help, run);
		if (help[run] == '\0')
			return;
		metrics_text(out, help[run] == '\n' ? "\\n" : "\\\\");
		help += run + 1;
	}
}

void metrics_write(const struct metrics *m, struct par_json *out)
{
	const struct par_metric *metric;
	char value[32];

	for (metric = m->first; metric != NULL; metric = metric->next) {
		metrics_text(out, "# HELP ");
		metrics_text(out, metric->name);
		metrics_text(out, " ");
		metrics_help(out, metric->help);
		metrics_text(out, "\n# TYPE ");
		metrics_text(out, metric->name);
		metrics_text(out, " ");
		metrics_text(out, kind_names[metric->kind]);
		metrics_text(out, "\n");
		metrics_text(out, metric->name);
		snprintf(value, sizeof(value), " %" PRId64 "\n",
			 atomic_load_explicit(&metric->value, memory_order_relaxed));
		metrics_text(out, value);
	}
}

void metrics_free(struct metrics *m)
{
	struct par_metric *metric = m->first, *next;

	for (; metric != NULL; metric = next) {
		next = metric->next;
		free(metric->name);
		free(metric->help);
		free(metric);
	}
	m->first = NULL;
}
