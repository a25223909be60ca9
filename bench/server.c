/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting a server, ending it, and reading /proc about it; see server.h. */
#include "server.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_SECONDS 15
#define STOP_SECONDS 15

static struct bench_server *running; /* to be ended at exit() */

double bench_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double bench_own_cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

uint64_t bench_number(const char *text, uint64_t min, uint64_t max)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || n < min || n > max)
		bench_die("%s: expected a number from %" PRIu64 " to %" PRIu64, text, min, max);
	return n;
}

void bench_die(const char *format, ...)
{
	va_list args;

	fputs("bench: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static void stop_at_exit(void)
{
	if (running != NULL)
		server_stop(running);
}

void server_disown(void)
{
	running = NULL;
}

static void exit_on_signal(int number)
{
	(void)number;
	if (running != NULL)
		kill(running->pid, SIGKILL);
	_exit(1);
}

static void write_config(const struct bench_server *server, const struct bench_options *o)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/parlanced.yaml", server->folder);
	file = fopen(path, "we");
	if (file == NULL)
		bench_die("cannot write %s: %s", path, strerror(errno));
	fprintf(file,
		"server:\n  listen: [\"ws://127.0.0.1:0\"]\n  http: %s\n  plugin_dir: \"%s\"\n"
		"  io_threads: %s\n  ack_window: %u\n"
		"plugins:\n  auth_insecure: {}\n  messaging: {}\n%s",
		o->http ? "\"127.0.0.1:0\"" : "off", o->plugin_dir, o->io_threads, o->window,
		o->plugins == NULL ? "" : o->plugins);
	if (strcmp(o->storage, "sqlite") == 0)
		fprintf(file, "  storage_sqlite: {path: \"%s/parlance.db\"}\n", server->folder);
	else
		fprintf(file, "  storage_%s: {}\n", o->storage);
	fclose(file);
}

static void run_server(const struct bench_server *server, const char *parlanced, int log)
{
	char config[128];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(config, sizeof(config), "%s/parlanced.yaml", server->folder);
	dup2(log, STDERR_FILENO);
	execl(parlanced, parlanced, "--config", config, (char *)NULL);
	fprintf(stderr, "cannot run %s: %s\n", parlanced, strerror(errno));
	_exit(127);
}

/* The number behind `key`; 0: there is none. */
static int port_behind(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	return at == NULL ? 0 : atoi(at + strlen(key));
}

/* Reads the log up to the line that names the ports. */
static void wait_ready(struct bench_server *server, int log)
{
	static char text[16384];
	double end = bench_clock() + START_SECONDS;
	struct pollfd poll_log = { log, POLLIN, 0 };
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(text) - 1 && bench_clock() < end) {
		const char *ready;

		if (poll(&poll_log, 1, 100) <= 0)
			continue;
		n = read(log, text + len, sizeof(text) - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
		text[len] = '\0';
		ready = strstr(text, "ready");
		if (ready == NULL || strchr(ready, '\n') == NULL)
			continue;
		server->port = port_behind(ready, "ws://127.0.0.1:");
		server->http_port = port_behind(ready, "http://127.0.0.1:");
		return;
	}
	bench_die("the server did not get ready:\n%s", text);
}

void server_start(struct bench_server *server, const struct bench_options *options)
{
	const char *tmp = getenv("TMPDIR");
	int log[2];

	snprintf(server->folder, sizeof(server->folder), "%.40s/bench.XXXXXX",
		 tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(server->folder) == NULL)
		bench_die("cannot make %s: %s", server->folder, strerror(errno));
	write_config(server, options);
	if (pipe2(log, O_CLOEXEC) != 0)
		bench_die("no pipe: %s", strerror(errno));
	atexit(stop_at_exit);
	signal(SIGINT, exit_on_signal);
	signal(SIGTERM, exit_on_signal);
	signal(SIGPIPE, SIG_IGN);
	server->pid = fork();
	if (server->pid < 0)
		bench_die("cannot fork: %s", strerror(errno));
	if (server->pid == 0)
		run_server(server, options->parlanced, log[1]);
	running = server;
	close(log[1]);
	wait_ready(server, log[0]);
	/* Left open: the server goes on writing to it, little enough for the pipe. */
}

static void remove_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL)
		unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	rmdir(folder);
}

void server_stop(struct bench_server *server)
{
	double end = bench_clock() + STOP_SECONDS;
	int status = 0;

	running = NULL;
	kill(server->pid, SIGTERM);
	while (waitpid(server->pid, &status, WNOHANG) == 0) {
		if (bench_clock() > end)
			kill(server->pid, SIGKILL);
		poll(NULL, 0, 10);
	}
	remove_folder(server->folder);
}

long server_rss(const struct bench_server *server)
{
	char path[64], line[256];
	long kib = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)server->pid);
	file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "VmRSS: %ld", &kib) == 1)
			break;
	}
	if (file != NULL)
		fclose(file);
	return kib;
}

/* The first number of schedstat is the time on a CPU, in ns. */
static double thread_cpu(const struct bench_server *server, int tid)
{
	unsigned long long ns = 0;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", (int)server->pid, tid);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	if (fscanf(file, "%llu", &ns) != 1)
		ns = 0;
	fclose(file);
	return (double)ns / 1e9;
}

int64_t server_metric(const struct bench_server *server, const char *name)
{
	static const char request[] = "GET /metrics HTTP/1.0\r\n\r\n";
	static char text[65536];
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)server->http_port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t len = 0;
	ssize_t n = 1;
	char key[128];
	const char *at;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    write(fd, request, strlen(request)) < 0)
		bench_die("cannot ask for the metrics: %s", strerror(errno));
	while (n > 0 && len < sizeof(text) - 1) {
		n = read(fd, text + len, sizeof(text) - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	text[len] = '\0';
	snprintf(key, sizeof(key), "\n%s ", name);
	at = strstr(text, key);
	return at == NULL ? 0 : strtoll(at + strlen(key), NULL, 10);
}

void server_cpu(const struct bench_server *server, struct server_cpu *cpu)
{
	struct dirent *entry;
	char path[64];
	DIR *dir;
	int tid;

	cpu->n = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)server->pid);
	dir = opendir(path);
	while (dir != NULL && (entry = readdir(dir)) != NULL && cpu->n < BENCH_THREADS_MAX) {
		tid = atoi(entry->d_name);
		if (tid <= 0)
			continue; /* . and .. */
		cpu->threads[cpu->n].tid = tid;
		cpu->threads[cpu->n++].seconds = thread_cpu(server, tid);
	}
	if (dir != NULL)
		closedir(dir);
}

double server_cpu_between(const struct server_cpu *before, const struct server_cpu *after,
			  double *busiest)
{
	double all = 0, used;
	unsigned i, k;

	*busiest = 0;
	for (i = 0; i < after->n; i++) {
		used = after->threads[i].seconds;
		for (k = 0; k < before->n; k++) {
			if (before->threads[k].tid == after->threads[i].tid)
				used -= before->threads[k].seconds;
		}
		all += used;
		if (used > *busiest)
			*busiest = used;
	}
	return all;
}
