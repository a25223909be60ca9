/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parlance-storage-check: runs every rule of <parlance/storage.h> against a
 * storage plugin and reports which ones it breaks. The command line and the
 * report; rules.h lists the rules, runner.c runs one.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "runner.h"

enum { STATUS_KEPT = 0, STATUS_BROKEN = 1, STATUS_USAGE = 2 };

static const struct rule rules[] = {
#define X(name, kind, where, demand) { #name, kind, where, demand, rule_##name },
	RULES(X)
#undef X
};

#define N_RULES (sizeof(rules) / sizeof(rules[0]))

static bool wanted[N_RULES];
static bool only_wanted;
static bool volatile_storage;
static bool with_output;

static const char help[] =
    "Usage: parlance-storage-check [OPTION]... PLUGIN.so [CONFIG-JSON]\n"
    "Runs every rule of <parlance/storage.h> against a storage plugin.\n"
    "\n"
    "CONFIG-JSON is the plugin's section of the config as a JSON object; {} when it is\n"
    "left out. In it @DIR@ becomes a fresh folder, and @NAME@ a fresh name of letters\n"
    "and digits, for each storage that a rule makes.\n"
    "\n"
    "Options:\n"
    "  --list       print the rules, with what each demands and where storage.h says it\n"
    "  --rule NAME  run this rule only; may be given several times\n"
    "  --prepare COMMAND\n"
    "               run it by the shell before a storage is made, with its @DIR@ and @NAME@\n"
    "  --volatile   the storage keeps nothing: leave out restarts and crashes\n"
    "  --seed N     repeat the random choices of an earlier run\n"
    "  --output     print what the plugin logs, also for rules that are kept\n"
    "  --help       print this\n"
    "  --version    print the version\n"
    "\n"
    "Exit status: 0 all rules are kept, 1 some are broken, 2 usage, or the plugin cannot\n"
    "be loaded.\n";

static _Noreturn void usage(const char *what, const char *about)
{
	fprintf(stderr, "parlance-storage-check: %s%s; see parlance-storage-check --help\n", what,
		about);
	exit(STATUS_USAGE);
}

static void want_rule(const char *name)
{
	size_t i;

	for (i = 0; i < N_RULES && strcmp(rules[i].name, name) != 0; i++)
		;
	if (i == N_RULES)
		usage("there is no rule ", name);
	wanted[i] = only_wanted = true;
}

static uint64_t read_seed(const char *text)
{
	char *end;
	uint64_t seed = strtoull(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0')
		usage("--seed must be a number, and is ", text);
	return seed;
}

static void print_list(void)
{
	size_t i;

	for (i = 0; i < N_RULES; i++)
		printf("%s%s\n    %s (storage.h: %s)\n", rules[i].name,
		       rules[i].kind == RULE_ANY ? "" : " (not with --volatile)", rules[i].demand,
		       rules[i].where);
}

static uint64_t seed_of_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)(now.tv_sec * 1000000 + now.tv_nsec / 1000) % 1000000000;
}

static void read_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "list", no_argument, NULL, 'l' },
		{ "rule", required_argument, NULL, 'r' },
		{ "volatile", no_argument, NULL, 'v' },
		{ "seed", required_argument, NULL, 's' },
		{ "output", no_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ "prepare", required_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	check_setup.seed = seed_of_now();
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'l':
			print_list();
			exit(STATUS_KEPT);
		case 'r':
			want_rule(optarg);
			break;
		case 'p':
			check_setup.prepare = optarg;
			break;
		case 'v':
			volatile_storage = true;
			break;
		case 's':
			check_setup.seed = read_seed(optarg);
			break;
		case 'o':
			with_output = true;
			break;
		case 'h':
			fputs(help, stdout);
			exit(STATUS_KEPT);
		case 'V':
			puts("parlance-storage-check " PACKAGE_VERSION);
			exit(STATUS_KEPT);
		default:
			exit(STATUS_USAGE); /* getopt has said why */
		}
	}
}

/* dlopen searches the system for what has no slash. */
static const char *object_path(const char *name)
{
	char *path;

	if (strchr(name, '/') != NULL)
		return name;
	if (asprintf(&path, "./%s", name) < 0)
		abort();
	return path;
}

static void print_indented(const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		printf("      %.*s\n", (int)len, text);
		text += len + (text[len] == '\n');
	}
}

static bool run_one(const struct rule *rule)
{
	struct verdict verdict = runner_run(rule);

	if (runner_stopped()) {
		free(verdict.text);
		return false;
	}
	printf("%s  %s\n", verdict.kept ? "ok  " : "FAIL", rule->name);
	if (!verdict.kept) {
		printf("      %s (storage.h: %s)\n", rule->demand, rule->where);
		print_indented(verdict.text);
	} else if (with_output) {
		print_indented(verdict.text);
	}
	fflush(stdout);
	free(verdict.text);
	return verdict.kept;
}

static bool rule_is_due(size_t i)
{
	if (only_wanted && !wanted[i])
		return false;
	return !volatile_storage || rules[i].kind == RULE_ANY;
}

static int run_all(void)
{
	unsigned run = 0, kept = 0;
	size_t i;

	for (i = 0; i < N_RULES && !runner_stopped(); i++) {
		if (!rule_is_due(i))
			continue;
		run++;
		kept += run_one(&rules[i]);
	}
	if (runner_stopped()) {
		printf("stopped\n");
		return STATUS_BROKEN;
	}
	if (run == 0) {
		fprintf(stderr, "parlance-storage-check: no rule is left to run without "
				"restarts; leave --volatile out\n");
		return STATUS_USAGE;
	}
	printf("%u rules, %u kept, %u broken; seed %" PRIu64 "\n", run, kept, run - kept,
	       check_setup.seed);
	return kept == run ? STATUS_KEPT : STATUS_BROKEN;
}

int main(int argc, char **argv)
{
	struct verdict probe;
	int status = STATUS_USAGE;

	read_options(argc, argv);
	if (optind == argc)
		usage("which plugin?", "");
	if (argc - optind > 2)
		usage("too many arguments: ", argv[optind + 2]);
	check_setup.object = object_path(argv[optind]);
	check_setup.config = argc - optind > 1 ? argv[optind + 1] : "{}";
	if (with_output)
		setenv("HOST_LOG", "1", 1);
	if (!runner_begin()) {
		perror("parlance-storage-check: a folder in $TMPDIR or /tmp");
		return STATUS_USAGE;
	}
	probe = runner_probe();
	if (probe.kept)
		status = run_all();
	else
		fprintf(stderr, "parlance-storage-check: %s: %s", argv[optind], probe.text);
	free(probe.text);
	runner_end();
	return status;
}
