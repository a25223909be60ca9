/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What can be judged only when all was read. judge_prepare() comes first: it finds
 * out what edits and deletes were about, and sorts what the others walk through.
 */
#ifndef PARLANCE_TESTS_HISTORY_JUDGE_H
#define PARLANCE_TESTS_HISTORY_JUDGE_H

#include "fault.h"

void judge_prepare(struct history *h);
void judge_pages(struct history *h); /* what is stored, in the pages of the history */
void judge_streams(struct history *h); /* the order of each user's events */
void judge_devices(struct history *h); /* whether each device got its events */
void judge_origins(struct history *h); /* whether what is stored was sent, and in that order */

#endif
