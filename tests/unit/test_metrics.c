/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The metrics' text, byte for byte as the exposition format demands it; that
 * docs/metrics.md has them all; and the arena, which has no test program of its own.
 */
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/metrics.h"
#include "config/settings.h"
#include "engine/core.h"
#include "transport/io.h"
#include "unit.h"

static void is_text(const struct metrics *m, const char *expected)
{
	struct par_json out;

	par_json_init(&out);
	metrics_write(m, &out);
	CU_ASSERT_FALSE(out.failed);
	CU_ASSERT_TRUE(par_str_equal(par_json_text(&out), par_str_of(expected)));
	par_json_free(&out);
}

static void test_text(void)
{
	struct metrics m = { NULL };
	struct par_metric *messages, *online;

	is_text(&m, "");
	messages = metrics_add(&m, PAR_COUNTER, NULL, "messages_total", "Messages taken.");
	online = metrics_add(&m, PAR_GAUGE, "presence", "online", "Users.");
	metric_add(messages, 2);
	metric_add(messages, 40);
	metric_set(online, 7);
	metric_add(online, -9);
	is_text(&m, "# HELP parlance_messages_total Messages taken.\n"
		    "# TYPE parlance_messages_total counter\n"
		    "parlance_messages_total 42\n"
		    "# HELP parlance_presence_online Users.\n"
		    "# TYPE parlance_presence_online gauge\n"
		    "parlance_presence_online -2\n");
	metrics_free(&m);
	is_text(&m, "");
}

static void test_escaping(void)
{
	struct metrics m = { NULL };

	metrics_add(&m, PAR_GAUGE, "a-b", "c d\n\"e\"", "back\\slash\nline \"quote\"\n");
	metrics_add(&m, PAR_GAUGE, NULL, "x", NULL);
	is_text(&m, "# HELP parlance_a_b_c_d__e_ back\\\\slash\\nline \"quote\"\\n\n"
		    "# TYPE parlance_a_b_c_d__e_ gauge\n"
		    "parlance_a_b_c_d__e_ 0\n"
		    "# HELP parlance_x \n"
		    "# TYPE parlance_x gauge\n"
		    "parlance_x 0\n");
	metrics_free(&m);
}

static void test_same(void)
{
	struct metrics m = { NULL };
	struct par_metric *first = metrics_add(&m, PAR_COUNTER, "p", "n", "One.");

	CU_ASSERT_PTR_NOT_EQUAL(metrics_add(&m, PAR_COUNTER, NULL, "n", "Other."), first);
	CU_ASSERT_PTR_EQUAL(metrics_add(&m, PAR_COUNTER, "p", "n", "Two."), first);
	metrics_free(&m);
}

static void test_full(void)
{
	struct metrics m = { NULL };
	struct par_json out;

	metrics_add(&m, PAR_COUNTER, NULL, "n", "One.");
	par_json_init(&out);
	out.limit = 20;
	metrics_write(&m, &out);
	CU_ASSERT_TRUE(out.failed);
	CU_ASSERT(out.len <= 20);
	par_json_free(&out);
	metrics_free(&m);
}

/* Blocks of every size are aligned, apart from each other, and writable. */
static void test_arena(void)
{
	struct arena arena = { 0 };
	unsigned char *blocks[300];
	size_t i, j;

	for (i = 0; i < 300; i++) {
		blocks[i] = (unsigned char *)arena_alloc(&arena, i * 17);
		CU_ASSERT_PTR_NOT_NULL_FATAL(blocks[i]);
		CU_ASSERT_EQUAL((uintptr_t)blocks[i] % alignof(max_align_t), 0);
		memset(blocks[i], (int)(i & 0xff), i * 17);
	}
	for (i = 0; i < 300; i++) {
		for (j = 0; j < i * 17 && blocks[i][j] == (i & 0xff); j++)
			;
		CU_ASSERT_EQUAL(j, i * 17);
	}
	arena_free(&arena);
	CU_ASSERT_PTR_NULL(arena.blocks);
	CU_ASSERT_EQUAL(arena.left, 0);
}

static void has_row(char *docs, const char *name, const char *kind, const char *help)
{
	char row[512], *at;

	snprintf(row, sizeof(row), "\n| `%s` | %s | %s |\n", name, kind, help);
	at = strstr(docs, row);
	if (at == NULL)
		printf("\n  docs/metrics.md lacks: %s", row);
	CU_ASSERT_PTR_NOT_NULL(at);
	if (at != NULL)
		at[2] = '+'; /* it is there once */
}

static uint64_t no_clock(void *arg)
{
	(void)arg;
	return 1;
}

/* Each metric of the server is one row of docs/metrics.md, and is counted in one place;
 * those of plugins are in the pages of the plugins. */
static void test_docs(void)
{
	static const char *const io[][2] = {
#define X(symbol, name, help) { "parlance_" name, help },
		IO_COUNTERS(X)
#undef X
	};
	const struct core_env env = { .wall_ms = no_clock, .monotonic_us = no_clock };
	struct settings settings = { .n_listen = 0 };
	struct metrics m = { NULL };
	struct core *core = core_new(&settings, &env, &m);
	struct par_metric *metric;
	char *docs = unit_source("docs/metrics.md"), *at;
	unsigned i;

	for (metric = m.first; metric != NULL; metric = metric->next)
		has_row(docs, metric->name, metric->kind == PAR_GAUGE ? "gauge" : "counter",
			metric->help);
	for (i = 0; i < IO_COUNTER_COUNT; i++)
		has_row(docs, io[i][0], "counter", io[i][1]);
	has_row(docs, "parlance_connections", "gauge", "Open connections, handshakes included");
	has_row(docs, "parlance_ready", "gauge", "1 when /readyz says that it is ready, else 0.");
	at = strstr(docs, "\n| `");
	if (at != NULL)
		printf("\n  docs/metrics.md has more: %.60s", at);
	CU_ASSERT_PTR_NULL(at);
	core_free(&core);
	metrics_free(&m);
	free(docs);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "text", test_text }, { "escaping", test_escaping }, { "same", test_same },
		{ "full", test_full }, { "arena", test_arena },       { "docs", test_docs },
		{ NULL, NULL },
	};

	return unit_main("metrics", tests);
}
