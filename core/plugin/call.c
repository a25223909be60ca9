/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calling plugins: the bracket that knows whose callback runs and names the one
 * that took too long, and the hooks. There is one core thread, so a callback
 * that blocks stops everybody; the watchdog says who it was.
 *
 * The clock is read once a call, and once more when calls nest: what lies
 * between the end of one callback and the begin of the next is the core's own
 * work, microseconds at most. Outside of a turn, while plugins start and stop,
 * nobody waits and nobody is blamed.
 */
#include <inttypes.h>

#include "base/log.h"
#include "engine/core_internal.h"
#include "plugin/plugin.h"

/* The plugin whose callback runs answers for the time since the last look. */
static void call_judge(struct core *core, const char *what, const char *which)
{
	uint64_t now = core->env.monotonic_us(core->env.arg);
	uint64_t took = now - core->call_end_us;

	core->call_end_us = now;
	if (!core->in_turn || took <= core->settings->slow_callback * 1000)
		return;
	metric_add(core->count.slow_callbacks, 1);
	log_line(PAR_LOG_WARNING, "watchdog", 0, core->calling->descriptor.name,
		 "the callback for %s%s%s took %" PRIu64 " ms and stopped everybody; "
		 "it must not block (par_api.offload)",
		 what, which[0] == '\0' ? "" : " ", which, took / 1000);
}

struct par_plugin *call_begin(struct core *core, struct par_plugin *plugin)
{
	struct par_plugin *outer = core->calling;

	if (outer != NULL)
		call_judge(core, "what led to another plugin's", "");
	core->calling = plugin;
	return outer;
}

void call_end(struct core *core, struct par_plugin *outer, const char *what, const char *which)
{
	call_judge(core, what, which);
	core->calling = outer;
}

static const char *const hook_names[PAR_HOOK_COUNT] = {
#define X(symbol, name) name,
	PAR_HOOKS(X)
#undef X
};

static enum par_verdict hook_call(struct core *core, const struct hook *hook,
				  struct par_hook_call *call)
{
	struct par_plugin *outer = call_begin(core, hook->plugin);
	enum par_verdict verdict = hook->fn(hook->state, call);

	call_end(core, outer, "hook", hook_names[call->kind]);
	return verdict;
}

void hooks_tell(struct core *core, enum par_hook_kind kind, struct par_hook_call *call)
{
	const struct hook *hook;

	call->size = sizeof(*call);
	call->kind = kind;
	call->now = core->now;
	for (hook = core->registry.hooks[kind]; hook != NULL; hook = hook->next)
		hook_call(core, hook, call);
}

bool hooks_allow(struct core *core, enum par_hook_kind kind, struct par_hook_call *call)
{
	const struct hook *hook;

	call->size = sizeof(*call);
	call->kind = kind;
	call->now = core->now;
	for (hook = core->registry.hooks[kind]; hook != NULL; hook = hook->next) {
		if (hook_call(core, hook, call) != PAR_ALLOW)
			return false;
	}
	return true;
}
