/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See faulty_disk.h. Each file that is a database or its log has an image, by
 * its path, which outlives the file's being open: `sure` is what the disk has,
 * `loose` what was written since the last sync, in order.
 */
#include "faulty_disk.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "base/mem.h"

#define IMAGES 32

struct loose {
	struct loose *next;
	size_t at, n; /* n 0: the file was cut at `at` */
	char bytes[];
};

struct image {
	char path[256]; /* "": unused */
	char *sure;
	size_t len, room;
	struct loose *loose, **loose_end;
};

struct faulty_file {
	sqlite3_file head; /* what SQLite sees */
	sqlite3_file *real; /* behind this struct, in the same memory */
	struct image *image;
};

static struct {
	pthread_mutex_t lock;
	struct image images[IMAGES];
	bool armed, failed;
	enum faulty_call call;
	unsigned after;
} disk = { .lock = PTHREAD_MUTEX_INITIALIZER };

static sqlite3_vfs faulty_vfs;

static struct faulty_file *faulty(sqlite3_file *file)
{
	return (struct faulty_file *)file;
}

static const sqlite3_io_methods *real_of(sqlite3_file *file)
{
	return faulty(file)->real->pMethods;
}

/* --- images; under the lock --- */

static void image_forget_loose(struct image *image)
{
	struct loose *loose;

	while ((loose = image->loose) != NULL) {
		image->loose = loose->next;
		free(loose);
	}
	image->loose_end = &image->loose;
}

static void image_drop(struct image *image)
{
	image_forget_loose(image);
	free(image->sure);
	memset(image, 0, sizeof(*image));
}

static struct image *image_find(const char *path)
{
	unsigned i;

	for (i = 0; i < IMAGES; i++) {
		if (strcmp(disk.images[i].path, path) == 0)
			return &disk.images[i];
	}
	return NULL;
}

static struct image *image_get(const char *path)
{
	struct image *image = image_find(path);

	if (image != NULL)
		return image;
	image = image_find("");
	if (image == NULL)
		abort();
	snprintf(image->path, sizeof(image->path), "%s", path);
	image->loose_end = &image->loose;
	return image;
}

static void image_resize(struct image *image, size_t len)
{
	/* twofold: a checker's realloc moves all of it each time */
	if (len >= image->room) {
		image->room = len * 2 + 1;
		image->sure = mem_realloc(image->sure, image->room);
	}
	if (len > image->len)
		memset(image->sure + image->len, 0, len - image->len);
	image->len = len;
}

static void image_sync(struct image *image)
{
	const struct loose *loose;

	for (loose = image->loose; loose != NULL; loose = loose->next) {
		if (loose->n == 0 || loose->at + loose->n > image->len)
			image_resize(image, loose->at + loose->n);
		memcpy(image->sure + loose->at, loose->bytes, loose->n);
	}
	image_forget_loose(image);
}

static void image_write(struct image *image, const void *bytes, size_t n, size_t at)
{
	struct loose *loose = mem_alloc(sizeof(*loose) + n);

	loose->next = NULL;
	loose->at = at;
	loose->n = n;
	if (n > 0)
		memcpy(loose->bytes, bytes, n);
	*image->loose_end = loose;
	image->loose_end = &loose->next;
}

/* Whether this call is the one that is to fail. */
static bool strikes(enum faulty_call call)
{
	if (!disk.armed || disk.call != call || disk.after-- > 0)
		return false;
	disk.armed = false;
	disk.failed = true;
	return true;
}

/* --- the calls of SQLite --- */

static int faulty_close(sqlite3_file *file)
{
	return real_of(file)->xClose(faulty(file)->real);
}

static int faulty_read(sqlite3_file *file, void *to, int n, sqlite3_int64 at)
{
	return real_of(file)->xRead(faulty(file)->real, to, n, at);
}

static int faulty_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 at)
{
	bool fails;
	int rc;

	pthread_mutex_lock(&disk.lock);
	fails = strikes(FAULTY_WRITE);
	n = fails ? n / 2 : n;
	rc = real_of(file)->xWrite(faulty(file)->real, from, n, at);
	image_write(faulty(file)->image, from, (size_t)n, (size_t)at);
	pthread_mutex_unlock(&disk.lock);
	return fails ? SQLITE_FULL : rc;
}

static int faulty_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	pthread_mutex_lock(&disk.lock);
	image_write(faulty(file)->image, NULL, 0, (size_t)size);
	pthread_mutex_unlock(&disk.lock);
	return real_of(file)->xTruncate(faulty(file)->real, size);
}

static int faulty_sync(sqlite3_file *file, int flags)
{
	bool fails;

	(void)flags;
	pthread_mutex_lock(&disk.lock);
	fails = strikes(FAULTY_SYNC);
	if (fails)
		image_forget_loose(faulty(file)->image);
	else
		image_sync(faulty(file)->image);
	pthread_mutex_unlock(&disk.lock);
	return fails ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int faulty_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return real_of(file)->xFileSize(faulty(file)->real, size);
}

static int faulty_lock(sqlite3_file *file, int level)
{
	return real_of(file)->xLock(faulty(file)->real, level);
}

static int faulty_unlock(sqlite3_file *file, int level)
{
	return real_of(file)->xUnlock(faulty(file)->real, level);
}

static int faulty_reserved(sqlite3_file *file, int *reserved)
{
	return real_of(file)->xCheckReservedLock(faulty(file)->real, reserved);
}

static int faulty_control(sqlite3_file *file, int op, void *arg)
{
	/* it would change the file's size behind our back */
	if (op == SQLITE_FCNTL_SIZE_HINT || op == SQLITE_FCNTL_CHUNK_SIZE)
		return SQLITE_OK;
	return real_of(file)->xFileControl(faulty(file)->real, op, arg);
}

static int faulty_sector(sqlite3_file *file)
{
	return real_of(file)->xSectorSize(faulty(file)->real);
}

static int faulty_characteristics(sqlite3_file *file)
{
	return real_of(file)->xDeviceCharacteristics(faulty(file)->real);
}

static int faulty_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **at)
{
	return real_of(file)->xShmMap(faulty(file)->real, page, size, extend, at);
}

static int faulty_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	return real_of(file)->xShmLock(faulty(file)->real, offset, n, flags);
}

static void faulty_shm_barrier(sqlite3_file *file)
{
	real_of(file)->xShmBarrier(faulty(file)->real);
}

static int faulty_shm_unmap(sqlite3_file *file, int remove)
{
	return real_of(file)->xShmUnmap(faulty(file)->real, remove);
}

static const sqlite3_io_methods faulty_methods = {
	.iVersion = 2,
	.xClose = faulty_close,
	.xRead = faulty_read,
	.xWrite = faulty_write,
	.xTruncate = faulty_truncate,
	.xSync = faulty_sync,
	.xFileSize = faulty_size,
	.xLock = faulty_lock,
	.xUnlock = faulty_unlock,
	.xCheckReservedLock = faulty_reserved,
	.xFileControl = faulty_control,
	.xSectorSize = faulty_sector,
	.xDeviceCharacteristics = faulty_characteristics,
	.xShmMap = faulty_shm_map,
	.xShmLock = faulty_shm_lock,
	.xShmBarrier = faulty_shm_barrier,
	.xShmUnmap = faulty_shm_unmap,
};

static int faulty_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags,
		       int *out_flags)
{
	sqlite3_vfs *under = vfs->pAppData;
	struct faulty_file *f = faulty(file);
	int rc;

	if (name == NULL || (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_DB)) == 0)
		return under->xOpen(under, name, file, flags, out_flags);
	memset(f, 0, sizeof(*f));
	f->real = (sqlite3_file *)(f + 1);
	rc = under->xOpen(under, name, f->real, flags, out_flags);
	if (f->real->pMethods == NULL)
		return rc;
	pthread_mutex_lock(&disk.lock);
	f->image = image_get(name);
	pthread_mutex_unlock(&disk.lock);
	f->head.pMethods = &faulty_methods;
	return rc;
}

static int faulty_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	sqlite3_vfs *under = vfs->pAppData;
	struct image *image;

	pthread_mutex_lock(&disk.lock);
	image = image_find(name);
	if (image != NULL)
		image_drop(image);
	pthread_mutex_unlock(&disk.lock);
	return under->xDelete(under, name, sync);
}

void faulty_disk_start(void)
{
	sqlite3_vfs *under = sqlite3_vfs_find(NULL);

	faulty_vfs = *under;
	faulty_vfs.zName = "faulty";
	faulty_vfs.pNext = NULL;
	faulty_vfs.pAppData = under;
	faulty_vfs.szOsFile = under->szOsFile + (int)sizeof(struct faulty_file);
	faulty_vfs.xOpen = faulty_open;
	faulty_vfs.xDelete = faulty_delete;
	sqlite3_vfs_register(&faulty_vfs, 1);
}

void faulty_disk_stop(void)
{
	unsigned i;

	sqlite3_vfs_unregister(&faulty_vfs);
	sqlite3_vfs_register(faulty_vfs.pAppData, 1);
	for (i = 0; i < IMAGES; i++)
		image_drop(&disk.images[i]);
}

void faulty_disk_fail(enum faulty_call call, unsigned after)
{
	pthread_mutex_lock(&disk.lock);
	disk.call = call;
	disk.after = after;
	disk.armed = true;
	disk.failed = false;
	pthread_mutex_unlock(&disk.lock);
}

int faulty_disk_failed(void)
{
	bool failed;

	pthread_mutex_lock(&disk.lock);
	failed = disk.failed;
	disk.armed = false;
	pthread_mutex_unlock(&disk.lock);
	return failed;
}

/* --- after the fall --- */

static void write_file(const char *path, const char *bytes, size_t n)
{
	FILE *file = fopen(path, "wb");

	if (file == NULL || fwrite(bytes, 1, n, file) != n || fclose(file) != 0)
		abort();
}

static char *read_file(const char *path, size_t *n)
{
	FILE *file = fopen(path, "rb");
	char *bytes;
	long len;

	if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (len = ftell(file)) < 0)
		abort();
	rewind(file);
	bytes = mem_alloc((size_t)len + 1);
	*n = fread(bytes, 1, (size_t)len, file);
	fclose(file);
	return bytes;
}

static void move_files(const char *from, const char *to, bool as_shown)
{
	static const char *const names[] = { "p.db", "p.db-wal" };
	char old[256], new[256];
	unsigned i;

	pthread_mutex_lock(&disk.lock);
	for (i = 0; i < 2; i++) {
		const struct image *image;
		struct image *copy;
		char *shown;
		size_t n;

		snprintf(old, sizeof(old), "%s/%s", from, names[i]);
		snprintf(new, sizeof(new), "%s/%s", to, names[i]);
		image = image_get(old);
		copy = image_get(new);
		image_forget_loose(copy);
		image_resize(copy, image->len);
		if (image->len > 0)
			memcpy(copy->sure, image->sure, image->len);
		shown = read_file(old, &n);
		write_file(new, as_shown ? shown : copy->sure, as_shown ? n : copy->len);
		free(shown);
	}
	pthread_mutex_unlock(&disk.lock);
}

void faulty_disk_kill(const char *from, const char *to)
{
	move_files(from, to, true);
}

void faulty_disk_crash(const char *from, const char *to)
{
	move_files(from, to, false);
}
