/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plain main() for a fuzz target, so that `make check` runs its seeds, with
 * any compiler: all files given, else those of the target's seed folder. Each
 * is handed over in a block of its own size, so that the sanitizers see every
 * byte read past it. FUZZ_TARGET names the target.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SEED_MAX ((size_t)1 << 20)

static int run_file(const char *path)
{
	static uint8_t buf[SEED_MAX];
	FILE *file = fopen(path, "rb");
	uint8_t *data;
	size_t len;

	if (file == NULL) {
		perror(path);
		return 0;
	}
	len = fread(buf, 1, sizeof(buf), file);
	fclose(file);
	printf("%s (%zu bytes)\n", path, len);
	fflush(stdout);
	data = malloc(len > 0 ? len : 1);
	if (data == NULL)
		return 0;
	memcpy(data, buf, len);
	LLVMFuzzerTestOneInput(data, len);
	free(data);
	return 1;
}

static int run_folder(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	char name[4096];
	int n = 0;

	if (folder == NULL) {
		perror(path);
		return 0;
	}
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (!run_file(name)) {
			n = 0;
			break;
		}
		n++;
	}
	closedir(folder);
	return n;
}

int main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir");
	char folder[2048];
	int n = 0;

	for (int i = 1; i < argc; i++) {
		if (!run_file(argv[i]))
			return 1;
		n++;
	}
	if (argc == 1) {
		snprintf(folder, sizeof(folder), "%s/tests/fuzz/seeds/" FUZZ_TARGET,
			 srcdir != NULL ? srcdir : ".");
		n = run_folder(folder);
	}
	return n > 0 ? 0 : 1;
}
