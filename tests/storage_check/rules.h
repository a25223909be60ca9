/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of rules: each one's name, its kind, the part of storage.h that says
 * it, and what it demands in a sentence. It makes the table of the program, the
 * output of --list, and the declarations; rule_NAME() is the rule itself.
 */
#ifndef STORAGE_CHECK_RULES_H
#define STORAGE_CHECK_RULES_H

enum rule_kind {
	RULE_ANY,
	RULE_LASTS, /* opens the storage again: not for one that keeps nothing */
	RULE_FORKS /* the same, and opens it itself, in children */
};

struct rule {
	const char *name;
	enum rule_kind kind;
	const char *where;
	const char *demand;
	void (*run)(void);
};

#define RULES(X) \
	RULES_OF_MESSAGES(X) \
	RULES_OF_SENDING_AGAIN(X) \
	RULES_OF_MARKS(X) \
	RULES_OF_HISTORY(X) \
	RULES_OF_GROUPS(X) \
	RULES_OF_REACH(X) \
	RULES_OF_PEERS(X) \
	RULES_OF_STREAMS(X) \
	RULES_OF_DEVICES(X) \
	RULES_OF_PRUNING(X) \
	RULES_OF_GAPS(X) \
	RULES_OF_DOCUMENTS(X) \
	RULES_OF_TRANSACTIONS(X) \
	RULES_OF_BATCHES(X) \
	RULES_OF_RESTARTS(X) \
	RULES_OF_LONG_RUNS(X)

#define RULES_OF_MESSAGES(X) \
	X(append_counts_up, RULE_ANY, "APPEND", \
	  "The ids of a chat count up by one from 1, each chat for itself.") \
	X(append_recognises_a_resend, RULE_ANY, "APPEND", \
	  "The same sender, chat and client_id again is the first message: its result, not " \
	  "applied.") \
	X(append_refuses_a_reused_client_id, RULE_ANY, "APPEND", \
	  "The same client_id with another fingerprint is PAR_E_CONFLICT, and stores nothing.") \
	X(append_to_oneself, RULE_ANY, "struct par_chat", \
	  "peer == user is the chat with oneself, with one member, who misses nothing.") \
	X(append_replies, RULE_ANY, "APPEND", \
	  "A reply carries the object of its original; one to no message is PAR_E_NOT_FOUND.") \
	X(append_keeps_time, RULE_ANY, "APPEND", \
	  "Timestamps of a chat never go backwards, even if tx->now does.") \
	X(append_keeps_all_fields, RULE_ANY, "APPEND", \
	  "Every field is given back as it came; one that was absent is absent, not empty.") \
	X(append_takes_any_text, RULE_ANY, "APPEND", \
	  "Text may be long and hold any UTF-8; client ids and users' names hold any UTF-8 too.") \
	X(names_are_bytes, RULE_ANY, "NAMES", \
	  "Names are compared by their bytes: nothing is folded, trimmed or normalised.") \
	X(edit_in_place, RULE_ANY, "CHANGE", \
	  "EDIT replaces the fields given and appends a service message of type edit.") \
	X(edit_refused, RULE_ANY, "CHANGE", \
	  "EDIT is the author's, for messages of type new that are there for him.") \
	X(edit_recognises_a_resend, RULE_ANY, "CHANGE", \
	  "client_id of an EDIT works as with APPEND, whatever became of the original.") \
	X(change_finds_by_client_id, RULE_ANY, "CHANGE", \
	  "A target is found by its client id, the user's own message first.") \
	X(delete_erases, RULE_ANY, "CHANGE", \
	  "DELETE erases text, attachments, forwarded and payload, and sets deletedAt.") \
	X(delete_twice, RULE_ANY, "CHANGE", \
	  "DELETE done again has the first result, not applied.") \
	X(delete_refused, RULE_ANY, "CHANGE", \
	  "DELETE is the author's; a service message cannot be deleted or hidden.") \
	X(hide_is_for_one, RULE_ANY, "CHANGE", \
	  "HIDE takes a message away from one member, appends nothing, and is done once.") \
	X(change_keeps_time, RULE_ANY, "APPEND", \
	  "The times of changes and marks do not go back behind the chat's last message.")

#define RULES_OF_SENDING_AGAIN(X) \
	X(again_delete, RULE_ANY, "CHANGE", \
	  "client_id of a DELETE works as with APPEND; with any client_id it is done once.") \
	X(again_delete_of_hidden, RULE_ANY, "CHANGE", \
	  "A DELETE that was done has its first result, also when the message is hidden since.") \
	X(again_hide, RULE_ANY, "CHANGE", \
	  "HIDE is known again by user and message; it takes no client_id, and leaves it free.") \
	X(again_refused, RULE_ANY, "APPEND", \
	  "What is `refused` is PAR_E_FORBIDDEN, unless it was stored before: then that result.") \
	X(again_is_the_senders_own, RULE_ANY, "APPEND", \
	  "A client_id is of one sender in one chat, and compared by its bytes.") \
	X(again_within_a_batch, RULE_ANY, "CHANGE", \
	  "Changes with the same client_id in one batch: the first is applied, others have its " \
	  "result.") \
	X(again_after_a_restart, RULE_LASTS, "APPEND", \
	  "After a restart every operation sent again has its first result, all 64 bits count.")

#define RULES_OF_MARKS(X) \
	X(missed_counts, RULE_ANY, "MARK", \
	  "missed is the number of messages of others that the member has not read.") \
	X(missed_survives_changes, RULE_ANY, "CHANGE", \
	  "A message that is deleted, or hidden from a member, no longer counts as missed.") \
	X(mark_covers, RULE_ANY, "MARK", \
	  "Marks are cumulative, read implies delivered, a repeated one has the first's " \
	  "timestamp.") \
	X(mark_meaning_of_upto, RULE_ANY, "MARK", \
	  "upto 0 is the other's last message; one's own stands for the other's before it.") \
	X(mark_refused, RULE_ANY, "MARK", \
	  "PAR_E_NOT_FOUND when there is nothing to mark, or upto is past the end of the chat.") \
	X(mark_along, RULE_ANY, "MARK", \
	  "A mark that depends on an operation and finds no message is not applied: no error.")

#define RULES_OF_HISTORY(X) \
	X(messages_pages, RULE_ANY, "MESSAGES", \
	  "A page goes from start_id, or before end_id, and says whether there is more that way.") \
	X(messages_bounds, RULE_ANY, "struct par_query", \
	  "A page of messages keeps to max_bytes of text, but has one message at least.") \
	X(messages_bounds_of_services, RULE_ANY, "struct par_query", \
	  "What a service message is about is not counted with it.") \
	X(chats_list, RULE_ANY, "CHATS", \
	  "The list has each chat once, the latest message first, with marks and missed counts.") \
	X(chats_pages, RULE_ANY, "CHATS", \
	  "after_key goes on behind that chat; one that is not there is PAR_E_NOT_FOUND.") \
	X(chats_show_what_is_left, RULE_ANY, "CHATS", \
	  "Where the last message is hidden the one before is shown; the chat stays in its " \
	  "place.")

#define RULES_OF_GROUPS(X) \
	X(roster_creates, RULE_ANY, "ROSTER", \
	  "CREATE makes a group of its owner and the users named; one of that id is " \
	  "PAR_E_CONFLICT.") \
	X(roster_names, RULE_ANY, "ROSTER", \
	  "NAME gives it another name; the one that it has is not applied.") \
	X(roster_adds, RULE_ANY, "ROSTER", "ADD passes over who is in it already.") \
	X(roster_removes, RULE_ANY, "ROSTER", \
	  "REMOVE passes over who is not in it; what who was removed wrote stays his.") \
	X(roster_roles, RULE_ANY, "ROSTER", \
	  "ROLE gives roles; with OWNER the one before becomes an admin.") \
	X(roster_leaves, RULE_ANY, "ROSTER", \
	  "LEAVE of the owner makes the first admin, or the first member, the owner, and says " \
	  "who.") \
	X(roster_deletes, RULE_ANY, "ROSTER", \
	  "After DELETE there is no such group; PRUNE drops it in steps, then it can be made " \
	  "anew.") \
	X(roster_refuses, RULE_ANY, "ROSTER", \
	  "What a role does not allow is PAR_E_FORBIDDEN, and of who is no member " \
	  "PAR_E_NOT_FOUND.") \
	X(roster_has_a_limit, RULE_ANY, "ROSTER", \
	  "More than max_members is PAR_E_TOO_LARGE, and nobody joins.") \
	X(roster_is_undone, RULE_ANY, "TRANSACTIONS", \
	  "What a ROSTER did is undone when a later operation is refused.") \
	X(group_is_for_its_members, RULE_ANY, "struct par_chat", \
	  "Every operation and query of who is no member is PAR_E_NOT_FOUND; CHAT has no row.") \
	X(group_counts_for_each, RULE_ANY, "MARK", \
	  "Each member has marks and a count of missed messages of his own.") \
	X(group_keeps_times, RULE_ANY, "MEMBERS", \
	  "MEMBERS says when each joined and marked; not before the chat's last message.") \
	X(group_begins_where_one_joins, RULE_ANY, "struct par_chat", \
	  "What was stored before one joined is not there for him, unless with `history`.") \
	X(group_is_joined_anew, RULE_ANY, "struct par_chat", \
	  "Who has left and is added again joins anew.") \
	X(group_is_joined_anew_in_a_batch, RULE_ANY, "struct par_chat", \
	  "So it is where all of it is of one batch, the messages too.") \
	X(group_knows_what_was_sent, RULE_ANY, "APPEND", \
	  "What one stored while he was in it is answered to him after he has left.") \
	X(group_in_the_list, RULE_ANY, "CHATS", \
	  "Groups are in the list in the order of their last message, or of joining.") \
	X(members_in_pages, RULE_ANY, "MEMBERS", \
	  "A page has the members by their bytes, behind after_key, up to limit and max_bytes.") \
	X(members_for_the_server, RULE_ANY, "MEMBERS", \
	  "Asked for nobody it says who is in the group, and whether there is one.") \
	X(append_forwards, RULE_ANY, "APPEND", \
	  "What is forwarded must be there for the user, and be neither deleted nor a service " \
	  "message.")

#define RULES_OF_REACH(X) \
	X(reach_members, RULE_ANY, "EVENT", \
	  "An event to members is one in each stream, with his own `missed` at its end.") \
	X(reach_without_missed, RULE_ANY, "EVENT", \
	  "Without `missed` all get the same; `but` is left out; to nobody it is not applied.") \
	X(reach_own_devices, RULE_ANY, "EVENT", \
	  "To chat.user it is his own: stored when he has another device, with his session.") \
	X(reach_changed_and_others, RULE_ANY, "EVENT", \
	  "CHANGED are whom the ROSTER changed, also who is no member any more, OTHERS the rest.") \
	X(reach_authors, RULE_ANY, "EVENT", \
	  "AUTHORS are who wrote what the MARK is the first to cover, of the latest messages.") \
	X(reach_many, RULE_ANY, "EVENT", "An event reaches hundreds of members at once.") \
	X(reach_refused, RULE_ANY, "EVENT", \
	  "An event to members by who is none is PAR_E_NOT_FOUND, and its transaction undone.") \
	X(reach_one_member, RULE_ANY, "EVENT", \
	  "An event to one user with `chat` is PAR_E_NOT_FOUND unless he is a member.") \
	X(reach_ends_with_the_removal, RULE_ANY, "ORDER", \
	  "Who is removed gets nothing of what was submitted after that.") \
	X(reach_in_a_batch, RULE_ANY, "ORDER", \
	  "Of many transactions in a batch each member gets his events in order, without holes.")

#define RULES_OF_PEERS(X) \
	X(peers_of_dialogs, RULE_ANY, "PEERS", \
	  "The others of the user's dialogs with a message, from both sides, not himself.") \
	X(peers_are_of_no_group, RULE_ANY, "PEERS", \
	  "Groups, and who is in the same one, are no peers.") \
	X(peers_pages, RULE_ANY, "PEERS", \
	  "Pages ascend by the bytes of the ids, behind after_key, whoever that is, in bounds.") \
	X(peers_of_many, RULE_ANY, "PEERS", \
	  "Hundreds of dialogs in random order come page by page, each once.") \
	X(peers_after_a_restart, RULE_LASTS, "PEERS", "After a restart it is as before.")

#define RULES_OF_STREAMS(X) \
	X(event_fills_holes, RULE_ANY, "EVENT", \
	  "Holes are filled with the results of their operations before the event is stored.") \
	X(event_own, RULE_ANY, "EVENT", \
	  "An own event is stored when the user has another device on record, or `always` is " \
	  "set.") \
	X(event_own_session, RULE_ANY, "EVENT", \
	  "An own event is given back with the device and the session that caused it.") \
	X(event_keeps_its_bytes, RULE_ANY, "EVENT", \
	  "Type and payload are given back as they were stored, whatever is in them.") \
	X(events_pages, RULE_ANY, "EVENTS", \
	  "A page has the events behind `after` in order, and keeps to limit and max_bytes.") \
	X(events_large, RULE_ANY, "EVENTS", \
	  "An event larger than max_bytes comes alone; none is ever left out.") \
	X(seq_without_holes, RULE_ANY, "ORDER", \
	  "A transaction that failed has used no seq and no id.")

#define RULES_OF_DEVICES(X) \
	X(device_first_and_later, RULE_ANY, "DEVICE", \
	  "The first device begins at the start of what is kept, a later one at the end.") \
	X(device_after_a_crash, RULE_ANY, "DEVICE", \
	  "`sent` is the stream's end for a device that was connected and not closed.") \
	X(device_limit, RULE_ANY, "DEVICE", \
	  "One device more than `limit` has the one forgotten that was unseen longest.") \
	X(device_limit_spares_the_connected, RULE_ANY, "DEVICE", \
	  "Connected devices are not forgotten: PAR_E_TOO_LARGE when all are.") \
	X(cursor_never_goes_back, RULE_ANY, "CURSOR", \
	  "A cursor never lowers what is stored, and what closes a gap moves it.") \
	X(cursor_prunes, RULE_ANY, "CURSOR", \
	  "Events are kept as long as a device has not acked them, and the stream goes on.")

#define RULES_OF_PRUNING(X) \
	X(prune_nothing, RULE_ANY, "PRUNE", \
	  "With nothing to do, or both times 0, PRUNE drops nothing and is not applied.") \
	X(prune_by_time, RULE_ANY, "PRUNE", \
	  "Events stored before events_before are dropped, acked or not, and no others.") \
	X(prune_in_steps, RULE_ANY, "PRUNE", \
	  "A step drops at most `limit` events, and applied says that there may be more.") \
	X(prune_by_ack, RULE_ANY, "CURSOR", \
	  "Events that all devices acked are gone, but for the last, after the PRUNEs that " \
	  "follow.") \
	X(prune_by_device, RULE_ANY, "PRUNE", \
	  "Devices unseen since devices_before are forgotten, and events only they waited for " \
	  "go.") \
	X(prune_spares_the_connected, RULE_ANY, "PRUNE", \
	  "A device that is connected is not forgotten, however long ago it was seen.") \
	X(prune_knows_who_was_seen, RULE_ANY, "PRUNE", \
	  "DEVICE and CURSOR both count as seeing a device.") \
	X(prune_keeps_the_end, RULE_ANY, "PRUNE", \
	  "When all events are gone the stream goes on with the next seq.") \
	X(prune_leaves_the_rest, RULE_ANY, "PRUNE", \
	  "Messages, marks and documents have nothing to do with it.")

#define RULES_OF_GAPS(X) \
	X(gap_after_prune, RULE_ANY, "DEVICE", \
	  "resync_from is set while the device has not acked what was dropped, then it is 0.") \
	X(gap_not_without_need, RULE_ANY, "DEVICE", \
	  "resync_from is 0 for a device that had acked all that was dropped.") \
	X(gap_with_nothing_kept, RULE_ANY, "DEVICE", \
	  "Where no event is kept, resync_from is the seq of the next one.") \
	X(gap_of_a_first_device, RULE_ANY, "DEVICE", \
	  "A first device is told when events were dropped before it came.") \
	X(gap_of_a_new_device, RULE_ANY, "DEVICE", \
	  "A new device of a user of whom one was forgotten is told, until it has acked.") \
	X(gap_of_the_only_device, RULE_ANY, "DEVICE", \
	  "A user's only device that was forgotten and comes back is told.") \
	X(gap_by_the_limit, RULE_ANY, "DEVICE", \
	  "A device that had to make room for another is told when it comes back.") \
	X(gap_within_pages, RULE_ANY, "EVENTS", \
	  "A page says when events behind `after` were dropped that the device has not acked.")

#define RULES_OF_DOCUMENTS(X) \
	X(docs, RULE_ANY, "struct par_op_doc", \
	  "A document is put, replaced and deleted by plugin and key; a delete says if it was " \
	  "there.") \
	X(docs_expected, RULE_ANY, "struct par_op_doc", \
	  "With `expects` what is there must have those bytes, else it is PAR_E_CONFLICT.") \
	X(docs_scan, RULE_ANY, "struct par_query", \
	  "A scan has the keys with the prefix, by their bytes, behind after_key, in pages.") \
	X(docs_by_keys, RULE_ANY, "DOCS", \
	  "A row for each key, in their order, also of one that is not there or comes again.") \
	X(docs_by_keys_pages, RULE_ANY, "DOCS", \
	  "At most `limit` rows, and max_bytes of values but for the first row; n says how many " \
	  "keys were looked at.") \
	X(docs_by_keys_order, RULE_ANY, "QUERIES", \
	  "Few keys or PAR_DOCS_MAX, they show what was submitted before, and nothing of after.")

#define RULES_OF_TRANSACTIONS(X) \
	X(tx_is_atomic, RULE_ANY, "TRANSACTIONS", \
	  "A transaction that is refused has changed nothing, and its results are empty.") \
	X(tx_takes_back_everything, RULE_ANY, "TRANSACTIONS", \
	  "Whatever its operations did before the last one was refused is undone.") \
	X(tx_event_too_large, RULE_ANY, "EVENT", \
	  "An event that a reply makes larger than PAR_JSON_LIMIT refuses its transaction " \
	  "wholly.") \
	X(tx_refusals_change_nothing, RULE_ANY, "ERRORS", \
	  "Each refusal gives the same error when tried again, and nothing was changed by it.") \
	X(tx_sees_its_own, RULE_ANY, "TRANSACTIONS", \
	  "Operations see what the earlier ones of the same transaction did.") \
	X(tx_when, RULE_ANY, "struct par_op", \
	  "An operation is skipped when the one that it depends on was not applied.") \
	X(tx_of_every_size, RULE_ANY, "struct par_tx", \
	  "A transaction of no operation succeeds, and one of PAR_TX_OPS too.")

#define RULES_OF_BATCHES(X) \
	X(batch_isolates, RULE_ANY, "ERRORS", \
	  "A transaction that fails does not disturb the others of its batch.") \
	X(batch_of_duplicates, RULE_ANY, "APPEND", \
	  "The same client_id twice in a batch: one is applied, the other has its result.") \
	X(batch_of_conflicts, RULE_ANY, "ERRORS", \
	  "In a large batch in random order the first of each client_id wins, as if one by one.") \
	X(batch_keeps_order, RULE_ANY, "QUERIES", \
	  "Queries see every transaction submitted before them and none submitted after.") \
	X(batch_completes_in_order, RULE_ANY, "ORDER", \
	  "Transactions that touch the same chat or user are completed in the order of " \
	  "submission.") \
	X(completes_once, RULE_ANY, "TRANSACTIONS", \
	  "Each transaction and query is completed once, and not within submit or query.") \
	X(completion_may_submit, RULE_ANY, "MEMORY", \
	  "A completion may submit more; the results that it holds stay as they are.") \
	X(well_when_well, RULE_ANY, "struct par_storage_role", \
	  "down() is NULL while all is well.") \
	X(stop_completes, RULE_ANY, "struct par_storage_role", \
	  "stop() completes all that was handed over, flushed or not.")

#define RULES_OF_RESTARTS(X) \
	X(restart_keeps_everything, RULE_LASTS, "TRANSACTIONS", \
	  "After a restart messages, marks, hidden ones, events, cursors and documents are " \
	  "there.") \
	X(restart_keeps_missed, RULE_LASTS, "CHANGE", \
	  "After a restart the counts of missed messages are as before.") \
	X(restart_knows_client_ids, RULE_LASTS, "APPEND", \
	  "After a restart a resend is still recognised, and a reused client_id refused.") \
	X(restart_keeps_time, RULE_LASTS, "APPEND", \
	  "Timestamps of a chat do not go back over a restart with a clock that was set back.") \
	X(restart_keeps_the_end, RULE_LASTS, "PRUNE", \
	  "After a restart a stream whose events are all gone goes on with the next seq.") \
	X(restart_keeps_gaps, RULE_LASTS, "DEVICE", \
	  "After a restart resync_from is there as long as it was not acked.") \
	X(restart_keeps_devices, RULE_LASTS, "PRUNE", \
	  "A device that was connected when the server died counts as seen at the restart.") \
	X(restart_keeps_groups, RULE_LASTS, "ROSTER", \
	  "After a restart groups, roles, marks, joining and events to many are as before.") \
	X(restart_after_stop, RULE_LASTS, "struct par_storage_role", \
	  "What stop() completed with success is there after a restart; what failed is not.") \
	X(crash_keeps_what_was_done, RULE_FORKS, "TRANSACTIONS", \
	  "After kill -9 each transaction that was done is there once, any other wholly or not " \
	  "at all.")

#define RULES_OF_LONG_RUNS(X) \
	X(long_run, RULE_ANY, "all of it", \
	  "A long random run of all operations and queries agrees with a plain model.") \
	X(long_run_with_restarts, RULE_LASTS, "all of it", "The same with a restart now and then.")

#define X(name, kind, where, demand) void rule_##name(void);
RULES(X)
#undef X

#endif
