/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One child a rule, so that a plugin that crashes or hangs in one rule costs
 * that rule alone, and nothing that one rule leaves behind meets the next. The
 * parent never loads the plugin and has one thread, so forking is safe. What
 * the child and the plugin print is collected through a pipe for the report.
 */
#include "runner.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

/* After this a rule hangs. Far more than any takes, also under a sanitizer. */
#define RULE_SECONDS 300
#define TEXT_MAX 65536

static char base[64];
static volatile sig_atomic_t stopped;
static volatile sig_atomic_t running; /* the child */

static void stop(int signal_number)
{
	stopped = signal_number;
	if (running > 0)
		kill((pid_t)running, SIGKILL);
}

bool runner_begin(void)
{
	struct sigaction action = { .sa_handler = stop };
	const char *tmp = getenv("TMPDIR");

	snprintf(base, sizeof(base), "%s/storage-check-XXXXXX",
		 tmp != NULL && strlen(tmp) < 32 ? tmp : "/tmp");
	if (mkdtemp(base) == NULL)
		return false;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return setenv("TMPDIR", base, 1) == 0;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
	(void)info;
	(void)type;
	if (at->level > 0)
		remove(path);
	return 0;
}

static void clear_base(void)
{
	nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void runner_end(void)
{
	clear_base();
	rmdir(base);
}

bool runner_stopped(void)
{
	return stopped != 0;
}

pid_t runner_fork(void)
{
	pid_t parent = getpid(), pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		perror("parlance-storage-check: fork");
		exit(RUNNER_BROKEN);
	}
	if (pid == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent))
		_exit(RUNNER_BROKEN);
	return pid;
}

static void probe(void)
{
	struct host *host = host_new();
	struct store s = { .host = NULL };
	struct par_plugin *plugin;

	check_set_up(&s);
	store_folder(&s);
	plugin = host_load(host, s.object, store_config(&s));
	if (plugin == NULL || !host_start(plugin)) {
		fprintf(stderr, "%s\n", host->error);
		_exit(RUNNER_NOT_LOADED);
	}
	if (host->storage == NULL) {
		fprintf(stderr, "the plugin provides no storage\n");
		_exit(RUNNER_NOT_LOADED);
	}
	host_free(&host);
	store_close(&s);
}

static void run(const struct rule *rule)
{
	if (rule == NULL) {
		probe();
		return;
	}
	if (rule->kind != RULE_FORKS) {
		check_set_up(&store);
		store_open_fresh(&store);
	}
	rule->run();
	if (store.host != NULL)
		store_close(&store);
}

static char *collect(int from)
{
	char *text = malloc(TEXT_MAX + 1), spill[4096];
	size_t len = 0;
	ssize_t n;

	if (text == NULL)
		abort();
	for (;;) {
		if (len < TEXT_MAX)
			n = read(from, text + len, TEXT_MAX - len);
		else
			n = read(from, spill, sizeof(spill));
		if (n == 0 || (n < 0 && errno != EINTR))
			break;
		if (n > 0 && len < TEXT_MAX)
			len += (size_t)n;
	}
	text[len] = '\0';
	return text;
}

static char *add_line(char *text, const char *line)
{
	size_t len = strlen(text), more = strlen(line) + 2;
	char *longer = realloc(text, len + more);

	if (longer == NULL)
		abort();
	snprintf(longer + len, more, "%s\n", line);
	return longer;
}

static struct verdict judge(int status, char *text)
{
	struct verdict verdict = { .text = text };
	char line[128];

	if (WIFEXITED(status)) {
		verdict.kept = WEXITSTATUS(status) == RUNNER_KEPT;
		return verdict;
	}
	if (WTERMSIG(status) == SIGALRM)
		snprintf(line, sizeof(line), "it did not come to an end within %d seconds",
			 RULE_SECONDS);
	else
		snprintf(line, sizeof(line), "the process ended by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	verdict.text = add_line(text, line);
	return verdict;
}

struct verdict runner_run(const struct rule *rule)
{
	int ends[2], status;
	struct verdict verdict;
	pid_t pid;

	if (pipe(ends) != 0) {
		perror("parlance-storage-check: pipe");
		exit(RUNNER_BROKEN);
	}
	pid = runner_fork();
	if (pid == 0) {
		signal(SIGINT, SIG_DFL);
		signal(SIGTERM, SIG_DFL);
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		alarm(RULE_SECONDS);
		run(rule);
		exit(check_failed() ? RUNNER_BROKEN : RUNNER_KEPT);
	}
	running = pid;
	close(ends[1]);
	verdict.text = collect(ends[0]);
	close(ends[0]);
	while (waitpid(pid, &status, 0) < 0)
		;
	running = 0;
	clear_base();
	return judge(status, verdict.text);
}

struct verdict runner_probe(void)
{
	return runner_run(NULL);
}
