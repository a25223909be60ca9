/* SPDX-License-Identifier: BSD-2-Clause */
/* Groups in few words, for the rules: what a storage says of one as a line of text. */
#ifndef STORAGE_CHECK_WORDS_H
#define STORAGE_CHECK_WORDS_H

#include "check.h"

/* Makes one, which must succeed; `users` as with add_roster. */
void group_new(const char *owner, const char *group, const char *users);
/* A message into it, or as it may be into a dialog, which must succeed; its id. */
uint64_t group_say(const char *user, const char *group, const char *client_id);
/* Who is in it, "ann=o bob=a cid=m": with the first letters of their roles; or the error. */
const char *group_members(const char *user, const char *group);
/* The ids of the messages that are there for the user, "1 2 3"; or the error. */
const char *group_messages(const char *user, const char *group);
/* The ids of chats in the user's list, with what he misses, "grp_a:2 bob:0". */
const char *group_chats(const char *user);
/* The marks of a member, delivered and read, "3/1"; NULL: he is none. */
const char *group_marks(const char *asker, const char *group, const char *user);
/* What a ROSTER changed, "ann bob". */
const char *changed_text(const struct result *result);
/* Whom an event reached, with the seqs, "ann:1 bob:7", ascending by their bytes. */
const char *reached_text(const struct result *result);
/* The same with what they miss, "ann:1/0 bob:7/2". */
const char *reached_missed_text(const struct result *result);
/* The payloads of a user's stream behind `after`, with a space between them. */
const char *stream_text(const char *user, uint64_t after);

#endif
