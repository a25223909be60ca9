/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a storage may rely on in a transaction or query that it is handed, beyond what
 * <parlance/storage.h> leaves it to judge: that operations on groups name one, that
 * an operation that another points at is there and of the right kind, and that a
 * query's keys are there and not too many. Pure; a fault is the plugin's that submitted it.
 */
#ifndef PARLANCE_TX_CHECK_H
#define PARLANCE_TX_CHECK_H

#include <parlance/storage.h>

/* What is wrong, static; NULL: nothing. */
const char *tx_fault(const struct par_tx *tx);
const char *query_fault(const struct par_query *query);

#endif
