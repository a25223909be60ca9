/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parlance-history-check: reads recordings, several as one history merged by their
 * times, and says which promises were broken. One line is in memory at a time for each
 * file; what history.h keeps of it is less than the line.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "content.h"
#include "history.h"

enum status { STATUS_GOOD, STATUS_FAULTS, STATUS_UNUSABLE };

struct recording {
	const char *path;
	FILE *file;
	char *text;
	size_t room;
	unsigned line; /* number of the one in `next` */
	struct json_object *next; /* NULL: the end */
	uint64_t t;
	bool first; /* of several with the same t */
};

static struct json_tokener *tokener;

static bool recording_fail(const struct recording *r, const char *why)
{
	fprintf(stderr, "parlance-history-check: %s:%u: %s\n", r->path, r->line, why);
	return false;
}

/* A line that a killed program did not finish is no fault, at the end. */
static bool recording_parse(struct recording *r, ssize_t len)
{
	const char *dir;

	json_tokener_reset(tokener);
	r->next = json_tokener_parse_ex(tokener, r->text, (int)len);
	if (r->next == NULL && r->text[len - 1] != '\n' && getc(r->file) == EOF)
		return true;
	if (json_tokener_get_error(tokener) != json_tokener_success || r->next == NULL)
		return recording_fail(r, "not a line of JSON");
	r->t = field_number(r->next, "t");
	dir = field_string(r->next, "dir");
	r->first = dir != NULL && (strcmp(dir, "out") == 0 || strcmp(dir, "open") == 0);
	return true;
}

static bool recording_read(struct recording *r)
{
	ssize_t len;

	json_object_put(r->next);
	r->next = NULL;
	do {
		len = getline(&r->text, &r->room, r->file);
		r->line++;
	} while (len > 0 && strspn(r->text, " \t\r\n") == (size_t)len);
	if (len > 0)
		return recording_parse(r, len);
	return ferror(r->file) ? recording_fail(r, strerror(errno)) : true;
}

static bool recording_open(struct recording *r, const char *path)
{
	bool is_stdin = strcmp(path, "-") == 0;

	r->path = path;
	r->file = is_stdin ? stdin : fopen(path, "re");
	if (r->file == NULL)
		return recording_fail(r, strerror(errno));
	return recording_read(r);
}

static void recording_close(struct recording *r)
{
	json_object_put(r->next);
	free(r->text);
	if (r->file != NULL && r->file != stdin)
		fclose(r->file);
}

/* The one whose next line is the earliest. Of the same time what a client did counts as
 * done before what any was told. */
static struct recording *earliest(struct recording *all, int n)
{
	struct recording *best = NULL, *r;

	for (r = all; r < all + n; r++) {
		if (r->next == NULL)
			continue;
		if (best == NULL || r->t < best->t || (r->t == best->t && r->first && !best->first))
			best = r;
	}
	return best;
}

static bool read_all(struct history *h, char *const *paths, int n)
{
	struct recording *all = mem_zalloc((size_t)n * sizeof(*all)), *r;
	bool good = true;
	const char *why;
	int i;

	for (i = 0; i < n && good; i++)
		good = recording_open(&all[i], paths[i]);
	while (good && (r = earliest(all, n)) != NULL) {
		history_set_place(h, r->path, r->line);
		good = history_line(h, r->next, &why) ? recording_read(r) : recording_fail(r, why);
	}
	for (i = 0; i < n; i++)
		recording_close(&all[i]);
	free(all);
	return good;
}

static void usage(FILE *out)
{
	fputs("usage: parlance-history-check [--window N] [--summary] FILE...\n"
	      "Says which promises of the protocol a server broke, from recordings of what its\n"
	      "clients sent and received. Several files are one history; - is standard input.\n\n"
	      "  --window N  the server's ack_window, to be checked as well\n"
	      "  --summary   print what the recording holds\n"
	      "  --help      print this\n\n"
	      "The exit status is 0 when nothing is wrong, 1 when something is, and 2 when a file\n"
	      "is not a recording.\n",
	      out);
}

static bool window_parse(const char *text, unsigned *window)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	*window = (unsigned)n;
	return text[0] >= '1' && text[0] <= '9' && *end == '\0' && n <= 1000000;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "window", required_argument, NULL, 'w' },
						 { "summary", no_argument, NULL, 's' },
						 { "help", no_argument, NULL, 'h' },
						 { 0 } };
	unsigned window = 0;
	bool summary = false;
	enum status status;
	struct history *h;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h') {
			usage(stdout);
			return STATUS_GOOD;
		}
		if (option == 's') {
			summary = true;
		} else if (option != 'w' || !window_parse(optarg, &window)) {
			usage(stderr);
			return STATUS_UNUSABLE;
		}
	}
	if (optind == argc) {
		usage(stderr);
		return STATUS_UNUSABLE;
	}
	tokener = json_tokener_new_ex(64);
	h = history_new();
	history_set_window(h, window);
	if (!read_all(h, argv + optind, argc - optind))
		status = STATUS_UNUSABLE;
	else
		status = history_judge(h, stdout) == 0 ? STATUS_GOOD : STATUS_FAULTS;
	if (summary && status != STATUS_UNUSABLE)
		history_summary(h, stdout);
	history_free(&h);
	json_tokener_free(tokener);
	return (int)status;
}
