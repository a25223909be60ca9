/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes to the log file, collected; see wal_file.h. All other files are
 * opened by SQLite's own file system as if this one were not there.
 *
 * A write that fails takes what was collected with it, pages that SQLite was told
 * are written. It learns of it at the latest from the sync, so their transaction
 * fails, and batch.c rolls back the whole of it after any failure; the next one writes
 * all of its pages anew, at the same place. So it does after a sync that
 * failed: nothing ever relies on pages of which a sync did not succeed.
 */
#include <stdlib.h>
#include <string.h>

#include "wal_file.h"

/* SQLite's own xWrite takes less than 128 KB a call: 0x20000 bytes are none to it. */
#define BUFFER (120 << 10)

struct wal_file {
	sqlite3_file head; /* what SQLite sees */
	sqlite3_file *real; /* behind this struct, in the same memory */
	char *buffer;
	int len;
	sqlite3_int64 at; /* where the buffer's first byte belongs */
};

static struct wal_file *wal(sqlite3_file *file)
{
	return (struct wal_file *)file;
}

static int flush(struct wal_file *w)
{
	int len = w->len;

	w->len = 0;
	return len == 0 ? SQLITE_OK : w->real->pMethods->xWrite(w->real, w->buffer, len, w->at);
}

static int wal_close(sqlite3_file *file)
{
	struct wal_file *w = wal(file);
	int rc = flush(w), closed = w->real->pMethods->xClose(w->real);

	free(w->buffer);
	return rc != SQLITE_OK ? rc : closed;
}

static int wal_read(sqlite3_file *file, void *to, int n, sqlite3_int64 at)
{
	struct wal_file *w = wal(file);
	int rc = flush(w);

	return rc != SQLITE_OK ? rc : w->real->pMethods->xRead(w->real, to, n, at);
}

static int wal_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 at)
{
	struct wal_file *w = wal(file);
	int rc = SQLITE_OK;

	if (n > BUFFER - w->len || at != w->at + w->len)
		rc = flush(w);
	if (rc != SQLITE_OK)
		return rc;
	if (n > BUFFER)
		return w->real->pMethods->xWrite(w->real, from, n, at);
	if (w->len == 0)
		w->at = at;
	memcpy(w->buffer + w->len, from, (size_t)n);
	w->len += n;
	return SQLITE_OK;
}

static int wal_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct wal_file *w = wal(file);
	int rc = flush(w);

	return rc != SQLITE_OK ? rc : w->real->pMethods->xTruncate(w->real, size);
}

static int wal_sync(sqlite3_file *file, int flags)
{
	struct wal_file *w = wal(file);
	int rc = flush(w);

	return rc != SQLITE_OK ? rc : w->real->pMethods->xSync(w->real, flags);
}

static int wal_size(sqlite3_file *file, sqlite3_int64 *size)
{
	struct wal_file *w = wal(file);
	int rc = flush(w);

	return rc != SQLITE_OK ? rc : w->real->pMethods->xFileSize(w->real, size);
}

static int wal_lock(sqlite3_file *file, int level)
{
	return wal(file)->real->pMethods->xLock(wal(file)->real, level);
}

static int wal_unlock(sqlite3_file *file, int level)
{
	return wal(file)->real->pMethods->xUnlock(wal(file)->real, level);
}

static int wal_reserved(sqlite3_file *file, int *reserved)
{
	return wal(file)->real->pMethods->xCheckReservedLock(wal(file)->real, reserved);
}

static int wal_control(sqlite3_file *file, int op, void *arg)
{
	return wal(file)->real->pMethods->xFileControl(wal(file)->real, op, arg);
}

static int wal_sector(sqlite3_file *file)
{
	return wal(file)->real->pMethods->xSectorSize(wal(file)->real);
}

static int wal_characteristics(sqlite3_file *file)
{
	return wal(file)->real->pMethods->xDeviceCharacteristics(wal(file)->real);
}

static const sqlite3_io_methods wal_methods = {
	.iVersion = 1,
	.xClose = wal_close,
	.xRead = wal_read,
	.xWrite = wal_write,
	.xTruncate = wal_truncate,
	.xSync = wal_sync,
	.xFileSize = wal_size,
	.xLock = wal_lock,
	.xUnlock = wal_unlock,
	.xCheckReservedLock = wal_reserved,
	.xFileControl = wal_control,
	.xSectorSize = wal_sector,
	.xDeviceCharacteristics = wal_characteristics,
};

static int wal_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags,
		    int *out_flags)
{
	sqlite3_vfs *under = vfs->pAppData;
	struct wal_file *w = wal(file);
	int rc;

	if ((flags & SQLITE_OPEN_WAL) == 0)
		return under->xOpen(under, name, file, flags, out_flags);
	memset(w, 0, sizeof(*w));
	w->buffer = malloc(BUFFER);
	if (w->buffer == NULL)
		return SQLITE_NOMEM;
	w->real = (sqlite3_file *)(w + 1);
	rc = under->xOpen(under, name, w->real, flags, out_flags);
	if (w->real->pMethods != NULL)
		w->head.pMethods = &wal_methods;
	else
		free(w->buffer);
	return rc;
}

static sqlite3_vfs wal_vfs;

int wal_file_register(void)
{
	sqlite3_vfs *under = sqlite3_vfs_find(NULL);

	if (under == NULL)
		return SQLITE_ERROR;
	wal_vfs = *under;
	wal_vfs.zName = WAL_FILE_VFS;
	wal_vfs.pNext = NULL;
	wal_vfs.pAppData = under;
	wal_vfs.szOsFile = under->szOsFile + (int)sizeof(struct wal_file);
	wal_vfs.xOpen = wal_open;
	return sqlite3_vfs_register(&wal_vfs, 0);
}

void wal_file_unregister(void)
{
	sqlite3_vfs_unregister(&wal_vfs);
}
