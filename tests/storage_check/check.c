/* SPDX-License-Identifier: BSD-2-Clause */
/* Comparing what came with what was expected, and saying so; see check.h. */
#include "check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner.h"

/* So that one fault does not fill the screen. */
#define FAILURES_MAX 20

struct store store;
struct check_setup check_setup;

static unsigned failures;
static uint64_t random_state;
static bool random_begun;

void check_set_up(struct store *s)
{
	s->object = check_setup.object;
	s->config = check_setup.config;
	s->prepare = check_setup.prepare;
}

bool check_failed(void)
{
	return failures > 0;
}

void check_say(const char *file, int line, const char *format, ...)
{
	const char *name = strrchr(file, '/');
	va_list args;

	if (++failures == FAILURES_MAX + 1)
		fprintf(stderr, "... and more\n");
	if (failures > FAILURES_MAX)
		return;
	fprintf(stderr, "%s:%d: ", name == NULL ? file : name + 1, line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

void check_stop(void)
{
	_exit(RUNNER_BROKEN);
}

void check_true(bool good, bool needed, const char *what, const char *file, int line)
{
	if (good)
		return;
	check_say(file, line, "expected: %s", what);
	if (needed)
		check_stop();
}

void check_equal(uint64_t came, uint64_t wanted, bool needed, const char *what, const char *file,
		 int line)
{
	if (came == wanted)
		return;
	check_say(file, line, "%s: expected %" PRIu64 ", came %" PRIu64, what, wanted, came);
	if (needed)
		check_stop();
}

const char *check_error_name(enum par_error error)
{
	static const char *const names[] = { "PAR_OK",
#define X(symbol, code) #symbol,
					     PAR_ERRORS(X)
#undef X
	};

	return (size_t)error < sizeof(names) / sizeof(names[0]) ? names[error] : "no error code";
}

void check_error(enum par_error came, enum par_error wanted, const char *what, const char *file,
		 int line)
{
	if (came != wanted)
		check_say(file, line, "%s: expected %s, came %s", what, check_error_name(wanted),
			  check_error_name(came));
}

void check_text(const char *came, const char *wanted, const char *what, const char *file, int line)
{
	if (text_is(came, wanted))
		return;
	check_say(file, line, "%s: expected %s%s%s, came %s%s%s", what, wanted == NULL ? "" : "\"",
		  wanted == NULL ? "nothing" : wanted, wanted == NULL ? "" : "\"",
		  came == NULL ? "" : "\"", came == NULL ? "nothing" : came,
		  came == NULL ? "" : "\"");
}

/* splitmix64 */
uint64_t check_random(uint64_t n)
{
	uint64_t z;

	if (!random_begun) {
		random_state = check_setup.seed;
		random_begun = true;
	}
	z = (random_state += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) % n;
}

void check_fork(void (*fn)(void *arg), void *arg)
{
	pid_t pid = runner_fork();
	int status;

	if (pid == 0) {
		fn(arg);
		exit(check_failed() ? RUNNER_BROKEN : RUNNER_KEPT);
	}
	while (waitpid(pid, &status, 0) < 0)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != RUNNER_KEPT)
		failures++;
	if (WIFSIGNALED(status))
		FAIL("the process ended by signal %d (%s)", WTERMSIG(status),
		     strsignal(WTERMSIG(status)));
}
