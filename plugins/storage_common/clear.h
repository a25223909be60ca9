/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking results out again, of a tx or query that is to be tried once more or
 * to fail: as if it had just been submitted. Shared by the storages of this tree.
 */
#ifndef STORAGE_COMMON_CLEAR_H
#define STORAGE_COMMON_CLEAR_H

#include <string.h>

#include <parlance/storage.h>

static inline void clear_tx(const struct par_api *api, struct par_tx *tx)
{
	unsigned i;

	tx->error = PAR_OK;
	tx->message = NULL;
	for (i = 0; i < tx->n_ops; i++) {
		struct par_op *op = &tx->ops[i];
		memset(&op->result, 0, sizeof(op->result));
		if (op->kind == PAR_OP_EVENT && op->u.event.data != NULL) {
			api->event_data_free(op->u.event.data);
			op->u.event.data = NULL;
			op->u.event.receivers = NULL;
			op->u.event.n_receivers = 0;
		}
		if (op->kind == PAR_OP_PRUNE)
			op->u.prune.events = op->u.prune.devices = 0;
		if (op->kind == PAR_OP_ROSTER) {
			op->u.roster.changed = NULL;
			op->u.roster.n_changed = op->u.roster.members = 0;
			op->u.roster.new_name = op->u.roster.owner = (struct par_str){ NULL, 0 };
		}
	}
}

static inline void clear_query(const struct par_api *api, struct par_query *q)
{
	unsigned i;

	q->error = PAR_OK;
	q->message = NULL;
	for (i = 0; q->events != NULL && i < q->n; i++)
		api->event_data_free(q->events[i].data);
	q->events = NULL;
	q->messages = NULL;
	q->chats = NULL;
	q->docs = NULL;
	q->members = NULL;
	q->peers = NULL;
	memset(&q->device_state, 0, sizeof(q->device_state));
	q->n = 0;
	q->has_more = false;
	q->my_delivered = q->my_read = q->peer_delivered = q->peer_read = 0;
}

#endif
