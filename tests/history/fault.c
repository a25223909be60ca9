/* SPDX-License-Identifier: BSD-2-Clause */
/* The faults found and their report; see fault.h. */
#include "fault.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define KEPT 100
#define TEXT_MAX 512

struct kept {
	struct spot proof[3];
	char text[TEXT_MAX];
};

struct faults {
	unsigned count[FAULT_NAMES];
	struct kept *kept[FAULT_NAMES];
};

struct faults *faults_new(void)
{
	return mem_zalloc(sizeof(struct faults));
}

void faults_free(struct faults **faults)
{
	unsigned i;

	for (i = 0; i < FAULT_NAMES; i++)
		free((*faults)->kept[i]);
	free(*faults);
	*faults = NULL;
}

unsigned faults_count(const struct faults *faults)
{
	unsigned i, n = 0;

	for (i = 0; i < FAULT_NAMES; i++)
		n += faults->count[i];
	return n;
}

void fault(struct history *h, enum fault_name name, struct spot a, struct spot b, struct spot c,
	   const char *format, ...)
{
	struct faults *faults = h->faults;
	unsigned n = faults->count[name]++;
	struct kept *kept;
	va_list args;

	if (n >= KEPT)
		return;
	faults->kept[name] = mem_realloc(faults->kept[name], (n + 1) * sizeof(*kept));
	kept = &faults->kept[name][n];
	kept->proof[0] = a;
	kept->proof[1] = b;
	kept->proof[2] = c;
	va_start(args, format);
	vsnprintf(kept->text, sizeof(kept->text), format, args);
	va_end(args);
}

static void report_proof(const struct history *h, const struct kept *kept, FILE *out)
{
	const char *between = "    see ";
	unsigned i;

	for (i = 0; i < 3; i++) {
		const struct spot *spot = &kept->proof[i];
		const char *file;
		if (spot->line == 0)
			continue;
		file = spot->file < h->n_files ? h->files[spot->file] : NULL;
		if (file == NULL)
			fprintf(out, "%sline %u", between, spot->line);
		else
			fprintf(out, "%s%s:%u", between, file, spot->line);
		between = ", ";
	}
	fputc('\n', out);
}

unsigned faults_report(const struct history *h, FILE *out)
{
#define FAULT_TEXT(id, name) name,
	static const char *const names[] = { FAULTS(FAULT_TEXT) };
#undef FAULT_TEXT
	const struct faults *faults = h->faults;
	unsigned i, j;

	for (i = 0; i < FAULT_NAMES; i++) {
		for (j = 0; j < faults->count[i] && j < KEPT; j++) {
			fprintf(out, "%s: %s\n", names[i], faults->kept[i][j].text);
			report_proof(h, &faults->kept[i][j], out);
		}
		if (faults->count[i] > KEPT)
			fprintf(out, "%s: and %u more\n", names[i], faults->count[i] - KEPT);
	}
	return faults_count(faults);
}

/* One of four buffers, in turn. */
static char *text_buffer(void)
{
	static _Thread_local char buffers[4][384];
	static _Thread_local unsigned at;

	return buffers[at++ % 4];
}

const char *fault_message(const struct chat *chat, uint64_t id)
{
	char *text = text_buffer();

	snprintf(text, 384, "message %llu of %.128s and %.128s", (unsigned long long)id,
		 chat->members[0]->id, chat->members[1]->id);
	return text;
}

const char *fault_device(const struct device *device)
{
	char *text = text_buffer();

	snprintf(text, 384, "%.128s/%.128s", device->user->id, device->id);
	return text;
}
