/* SPDX-License-Identifier: BSD-2-Clause */
/* What one step of PRUNE drops of groups that were deleted: prune_group.c, for batch_prune.c. */
#ifndef STORAGE_POSTGRES_PRUNE_GROUP_H
#define STORAGE_POSTGRES_PRUNE_GROUP_H

#include <libpq-fe.h>

#include "prune.h"

struct lane;

/* Has messages of the groups that were found dropped, `limit` of them. */
void prune_groups(struct lane *lane, const PGresult *found, struct prune *prune);

#endif
