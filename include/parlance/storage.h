/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The storage role: what the server and its plugins ask of a storage, in terms
 * of chats, messages, marks, and users' event streams, not of SQL.
 *
 * TRANSACTIONS (struct par_tx) are lists of operations. A transaction is
 * atomic: all operations or none. Its operations see what the earlier ones of
 * the same transaction did. It is done when it is durable, and not before; then
 * its results are in it, and tx_done() hands it back on the core thread, once.
 *
 * ORDER. Transactions take effect in the order of submission, as far as they
 * touch the same chat or user; their results come back in that order too. The
 * seqs of a user's stream and the ids of a chat count up by one, without holes:
 * a transaction that failed has used none.
 *
 * QUERIES (struct par_query) see every transaction submitted before them, nothing
 * that is not durable, and of the chat or user that they are about nothing that was
 * submitted after them.
 *
 * NAMES. Ids of users, devices, chats and clients' messages, and keys of documents, are
 * compared by their bytes: nothing is folded, trimmed or normalised.
 *
 * ERRORS. A transaction that fails (error != PAR_OK) has changed nothing and
 * does not disturb others, though many may share one commit. There are three classes:
 *   results    PAR_E_NOT_FOUND, PAR_E_FORBIDDEN, PAR_E_CONFLICT, PAR_E_TOO_LARGE: what was
 *              asked for is not possible. Trying again gives the same.
 *   retryable  PAR_E_UNAVAILABLE: the storage could not (full, locked, not
 *              reachable, a deadlock). Trying again later can help.
 *   fatal      PAR_E_INTERNAL: a fault of the storage, or of who asked.
 * Where the outcome of a commit is unknown (the connection to the database broke
 * in it) the error is PAR_E_UNAVAILABLE and the transaction may stand all the
 * same: whoever tries again with the same client_id finds out.
 * But what was completed with an error does not become durable after that.
 *
 * A STORAGE THAT IS DOWN completes what it is handed with PAR_E_UNAVAILABLE, at
 * once rather than after a wait, says why in down(), finds out by
 * itself when it is well again, and then works on without a restart. What it
 * had not completed before it either completes later or fails likewise; it keeps
 * nothing for ever. The core keeps acks until they can be written.
 *
 * MEMORY. Strings of operations and queries are borrowed from the tx's or
 * query's own memory (tx_alloc, query_alloc) and live as long as it does; the strings of
 * results live until tx_done or query_done has returned at least, and rows are in
 * that memory. While a storage holds a tx or query, it alone touches it, on any
 * one thread at a time.
 */
#ifndef PARLANCE_STORAGE_H
#define PARLANCE_STORAGE_H

#include <parlance/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A chat, as one member sees it. `key` names the chat itself, the same for all
 * members.
 *   dialog  `peer` is the other user; chat and members are created with the first
 *           message. peer == user is the chat with oneself.
 *   group   key and peer are the group's id, which begins with "grp_". It is made, and its
 *           members change, by ROSTER alone.
 * ACCESS to groups is decided by the storage, in the transaction, and nowhere else: an operation
 * or query on a group that is not there, or of which the user is no member, fails with
 * PAR_E_NOT_FOUND. What was stored before a member joined is not there for him, unless he
 * was added with `history`: it is not shown, not counted, cannot be marked, changed, answered or
 * forwarded. (The quote of it in somebody's answer is shown.) Who has left and is added
 * again joins anew: what he hid before is not hidden any more.
 */
struct par_chat {
	struct par_str key;
	struct par_str user; /* the member who acts */
	struct par_str peer;
};

enum par_op_kind {
	PAR_OP_APPEND, /* a new message */
	PAR_OP_CHANGE, /* edit or delete of a message */
	PAR_OP_MARK, /* delivered or read up to a message */
	PAR_OP_EVENT, /* one event to one user's stream */
	PAR_OP_CURSOR, /* what a device has acked */
	PAR_OP_DOC_PUT, /* a plugin's own document */
	PAR_OP_DOC_DELETE,
	PAR_OP_PRUNE, /* drops what time has made worthless */
	PAR_OP_ROSTER /* a group, and who is in it */
};

/*
 * APPEND. Assigns the next messageId of the chat. When the same user stored a
 * message with the same client_id in the chat before, nothing is changed and
 * the result is the first one's with `applied` false; if the fingerprints
 * differ, the transaction fails with PAR_E_CONFLICT. All this before anything
 * else is judged: what was refused for another reason now, was stored all the same.
 * One that is not stored yet fails with PAR_E_FORBIDDEN when it is `refused`, and with
 * PAR_E_NOT_FOUND when its reply_to names no message of the chat, or a service message, or
 * when `forward_id` names none that the user can see in the chat `forward`, or one that is
 * deleted or a service message. In a group the sender is judged behind the resend: what he
 * stored while he was in it is answered to him all the same, until the group is deleted.
 * Timestamps of a chat never go backwards, even if tx->now does.
 * Result: id, timestamp, client_id.
 */
struct par_op_append {
	struct par_chat chat;
	struct par_str type; /* "new" or "call" */
	struct par_str client_id; /* s NULL: none, nothing is deduplicated */
	uint64_t fingerprint; /* of the content, to tell a resend from a reuse */
	const char *refused; /* set by the core: why a gate refused it, static; NULL: none did */
	struct par_str message; /* the text; s NULL: none */
	struct par_str attachments; /* JSON array; s NULL: none */
	struct par_str forwarded; /* JSON object; s NULL: none */
	struct par_str payload; /* JSON object of a service or call message; s NULL: none */
	uint64_t reply_to; /* 0: none */
	struct par_chat forward; /* where the message that is forwarded is; its user is chat.user */
	uint64_t forward_id; /* 0: none */
};

/*
 * CHANGE. The target is found by its id, or else by its author's client_id (chat.user's own
 * message first, then the earliest of another's, who may have left). PAR_E_NOT_FOUND when
 * there is none, when it is a service message, when it is hidden from the
 * user, or when it was deleted (edit).
 *   EDIT    the author only (else PAR_E_FORBIDDEN), type "new" only. Replaces the
 *           fields given, and appends a service message of type "edit" with an
 *           id of its own. client_id, fingerprint and `refused` as with APPEND.
 *   DELETE  the author only. Text, attachments, forwarded and payload are erased,
 *           deletedAt is set, and a service message of type "delete" appended. client_id
 *           and fingerprint as with APPEND. Done again, with whatever client_id, also
 *           when the message is hidden from him by now: the first result, `applied` false.
 *   HIDE    any member: not shown to him any more. No message is appended, so client_id
 *           does not count; the result's id is the target's. Done again: the same
 *           result, `applied` false.
 * A message that some member has not read and that is deleted, or hidden from
 * him, no longer counts as missed.
 * Result: id, timestamp, client_id, original_id, original_client_id.
 */
enum par_change_kind { PAR_CHANGE_EDIT, PAR_CHANGE_DELETE, PAR_CHANGE_HIDE };

struct par_op_change {
	struct par_chat chat;
	enum par_change_kind kind;
	uint64_t target_id; /* 0: by client id */
	struct par_str target_client_id; /* s NULL: by id */
	struct par_str client_id;
	uint64_t fingerprint;
	const char *refused;
	struct par_str message; /* EDIT: s NULL: stays as it is */
	struct par_str attachments; /* EDIT: likewise */
};

/*
 * MARK. Cumulative: covers all messages up to `upto` that others wrote; read
 * implies delivered. `upto` 0 is the last message that another member wrote;
 * PAR_E_NOT_FOUND when there is none, or when `upto` is past the end of the
 * chat, or when there is no such chat. An `upto` that the user wrote himself
 * means the last one before it that he did not. With `applied` false when the
 * mark in force already covers it; then timestamp is that mark's.
 * Within a transaction whose mark depends on an earlier operation (`when`) a
 * missing message is not an error, unlike a group that he is not in: `applied` is false. Such
 * a mark has no client_id when it is not applied.
 * Result: id (of the message marked), timestamp, client_id (of that message),
 * missed (what is left unread by the user).
 */
enum par_mark_kind { PAR_MARK_DELIVERED, PAR_MARK_READ };

struct par_op_mark {
	struct par_chat chat;
	enum par_mark_kind kind;
	uint64_t upto;
};

/*
 * EVENT. Appends to the user's stream and assigns the next seq. The payload is
 * a template: JSON text with holes, which the storage fills with results of
 * operations (par_event_fill does it) before it is stored. The complete
 * bytes are then in `data`, for the core to send. A hole stands where the value
 * of a member goes, right behind its colon; a member that may be left out must not
 * be the first of its object.
 *
 * `own` says that the user did this himself, on `origin_device`: that device is
 * not told, and when he has no other device on record nothing is stored at all
 * (`applied` false), unless `always` is set. With `chat`, a group, it fails with
 * PAR_E_NOT_FOUND unless `user` is a member.
 * Result: seq.
 *
 * With a `reach` other than USER it is one event to each of many users, in a group: their
 * streams each get one, stored complete, from a template that was filled once. chat.user counts as
 * `own` among them. With `missed` the payload that each gets ends with one more member, `missed`,
 * what is unread by him in `chat`. Others' events of the same transaction come before or
 * after it, as the operations do. `applied` when anybody's stream got one. With MEMBERS it fails
 * with PAR_E_NOT_FOUND unless chat.user is a member; with the others he may have left.
 * Result: `data`, without that member, and `receivers`, with it as a number.
 * Whom it reaches is not known before it is carried out: so the order of submission is kept by
 * chat and not by receiver, and a query about a receiver's stream may see it early.
 */
enum par_reach {
	PAR_REACH_USER, /* `user` */
	PAR_REACH_MEMBERS, /* all who are in the group by now */
	PAR_REACH_CHANGED, /* whom the ROSTER operation `of` added or removed, or gave a role */
	PAR_REACH_OTHERS, /* the members but those */
	PAR_REACH_AUTHORS /* members who wrote what the MARK operation `of` is the first to cover:
			   * of the last PAR_AUTHORS_LOOK messages up to it, his own among them */
};

#define PAR_AUTHORS_LOOK 256

enum par_hole_kind {
	PAR_HOLE_ID, /* number */
	PAR_HOLE_CLIENT_ID, /* string; when there is none, its member is left out */
	PAR_HOLE_ORIGINAL_ID, /* number */
	PAR_HOLE_ORIGINAL_CLIENT_ID, /* likewise */
	PAR_HOLE_TIMESTAMP, /* number */
	PAR_HOLE_MISSED, /* number: of the user who gets the event, in the chat of the op */
	/* object: {messageId, clientMessageId?, sender, createdAt, message?}; it has no
	 * message when that one was deleted */
	PAR_HOLE_REPLY,
	/* of a ROSTER: */
	PAR_HOLE_NAME, /* string: of the group, by now */
	PAR_HOLE_COUNT, /* number: of its members, by now */
	PAR_HOLE_CHANGED, /* array of user ids, ascending by their bytes */
	PAR_HOLE_OWNER /* string: who became owner; when nobody did, its member is left out */
};

struct par_hole {
	uint32_t at; /* the value goes before this byte of the template */
	uint8_t kind;
	uint8_t op; /* index of the operation whose result it is */
};

struct par_receiver {
	struct par_str user;
	uint64_t seq;
	uint64_t missed;
};

struct par_op_event {
	struct par_str user; /* PAR_REACH_USER */
	struct par_str type;
	struct par_str payload;
	const struct par_hole *holes; /* ascending by `at` */
	unsigned n_holes;
	bool own;
	bool always; /* set by the core: the user has several sessions */
	struct par_str origin_device;
	par_session_id origin_session; /* kept with an `own` event, and given back with it */
	enum par_reach reach;
	unsigned of; /* CHANGED, OTHERS, AUTHORS: index of that operation */
	struct par_chat chat; /* a group; with USER its key's s may be NULL */
	struct par_str but; /* but for USER: who is left out, whoever it reaches; s NULL: nobody */
	bool missed; /* the payload is an object with a member at least */
	/* set by the storage when applied */
	struct par_event_data *data; /* freed with the tx */
	struct par_receiver *receivers; /* but for USER: those whose streams got one */
	unsigned n_receivers;
};

/*
 * CURSOR. All events of the stream up to `acked` are acked by the device, and
 * those listed in `above`, all > acked. `sent` is the highest seq that may have
 * been sent to it. What is past the end of the stream means its end. Never lowers what
 * is stored. `applied` is false when the device is not on record. Events that all devices
 * on record have acked may be dropped from here on, by this transaction or later, in steps
 * of bounded size; at the latest by the PRUNEs that follow, but for the last of them.
 */
struct par_op_cursor {
	struct par_str user;
	struct par_str device;
	uint64_t acked;
	uint64_t sent;
	const uint64_t *above; /* ascending */
	unsigned n_above;
	bool closed; /* its last session ended: `sent` is exact from here on */
	par_session_id session; /* for the core */
};

/*
 * PRUNE. One step of what happens with time; the core submits it every
 * prune_interval, and at once again while `applied` says that there may be
 * more. A step drops at most `limit` events, so that no transaction is long.
 *   - Events stored before `events_before` are dropped, acked or not.
 *   - Devices last seen (DEVICE, CURSOR) before `devices_before` that are not
 *     connected are forgotten; events that nobody else has yet to ack go with them.
 *     One that was connected to a server that died in the meantime counts as seen now.
 * The stream's end stays known when all its events are gone. 0: none.
 */
struct par_op_prune {
	uint64_t events_before;
	uint64_t devices_before;
	unsigned limit;
	uint64_t events, devices; /* set by the storage: how many were dropped, forgotten */
};

/* DOC_PUT replaces what is there; DOC_DELETE is not applied when there is nothing. With
 * `expects` either fails with PAR_E_CONFLICT unless what is there has the bytes of `expected`
 * (s NULL: nothing is there): so two servers, or a plugin that asked a while ago, do not
 * overwrite each other's. */
struct par_op_doc {
	struct par_str plugin;
	struct par_str key;
	struct par_str value; /* s NULL for DOC_DELETE; JSON is usual, not demanded */
	bool expects;
	struct par_str expected;
};

/*
 * ROSTER. Groups: docs/protocol.md, Groups. The user who acts is chat.user; what his role does
 * not allow fails with PAR_E_FORBIDDEN. Users are named once each.
 *   CREATE  makes the group, called `name`, with chat.user as owner and `users` as members.
 *           PAR_E_CONFLICT when there is one of this id, or what PRUNE has left of one.
 *   NAME    owner and admins: it is called `name` from here on.
 *   ADD     owner and admins: `users` join as members; who is in it already is passed over.
 *   REMOVE  the owner all but himself, admins those who are neither owner nor admin; who is not
 *           in it is passed over.
 *   ROLE    the owner: gives `users`, all of them members (else PAR_E_NOT_FOUND) and others than
 *           himself, the `role`. With OWNER it is one user, and he himself becomes an admin;
 *           when that user is the owner already, nothing changes, whichever other member asks.
 *   LEAVE   anybody. When the owner leaves, the admin who joined first becomes owner, or else
 *           the member who joined first (who joined in one moment: in the order of their
 *           bytes). When the last one leaves, the group is deleted.
 *   DELETE  the owner: there is no such group from here on. What it held is dropped by PRUNE, in
 *           steps of at most `limit` messages.
 * CREATE and ADD fail with PAR_E_TOO_LARGE when there would be more than `max_members`. Who joins
 * has read all that there is (his marks stand on the last message, at time 0) and missed nothing:
 * with `history` too he has nothing to mark until somebody else writes. The group comes first
 * in his list of chats, with or without messages. `applied` is false when nothing changed.
 * Result: timestamp (not before the chat's last message), name, members; changed: who was added or
 * removed, or was given another role by ROLE (with OWNER not he who gave it up; with LEAVE not he
 * who becomes owner); of CREATE and DELETE all, chat.user too. owner: who became it.
 */
enum par_roster_kind {
	PAR_ROSTER_CREATE,
	PAR_ROSTER_NAME,
	PAR_ROSTER_ADD,
	PAR_ROSTER_REMOVE,
	PAR_ROSTER_ROLE,
	PAR_ROSTER_LEAVE,
	PAR_ROSTER_DELETE
};

enum par_role { PAR_ROLE_MEMBER, PAR_ROLE_ADMIN, PAR_ROLE_OWNER };

struct par_op_roster {
	struct par_chat chat;
	enum par_roster_kind kind;
	struct par_str name;
	const struct par_str *users;
	unsigned n_users;
	enum par_role role;
	unsigned max_members;
	bool history; /* who joins sees what was before */
	/* set by the storage */
	struct par_str *changed; /* ascending by their bytes; none when not applied */
	unsigned n_changed;
	unsigned members; /* by now */
	struct par_str new_name; /* the group's by now; also when it was given above */
	struct par_str owner; /* who became it, by LEAVE or ROLE; s NULL: nobody did */
};

struct par_op_result {
	bool applied;
	uint64_t id;
	uint64_t timestamp;
	struct par_str client_id; /* s NULL: it has none */
	uint64_t original_id;
	struct par_str original_client_id;
	uint64_t missed;
	uint64_t seq;
	struct par_str reply; /* APPEND with reply_to: the object of PAR_HOLE_REPLY */
};

#define PAR_WHEN_ALWAYS (-1)

struct par_op {
	enum par_op_kind kind;
	/* Index of an earlier operation: skipped unless that one was applied. */
	int when;
	union {
		struct par_op_append append;
		struct par_op_change change;
		struct par_op_mark mark;
		struct par_op_event event;
		struct par_op_cursor cursor;
		struct par_op_doc doc;
		struct par_op_prune prune;
		struct par_op_roster roster;
	} u;
	struct par_op_result result;
};

#define PAR_TX_OPS 8

struct par_tx {
	/* filled by who submits it */
	unsigned n_ops;
	struct par_op ops[PAR_TX_OPS];
	uint64_t now; /* the timestamp of what it stores; set by tx_new */
	par_request_id request; /* for the submitter's own use */
	void *arg; /* likewise */
	/* filled by the storage */
	enum par_error error;
	const char *message; /* static or from tx_alloc; NULL: none */
	struct par_tx *next; /* for the queue of whoever holds the tx */
};

enum par_query_kind {
	PAR_QUERY_DEVICE, /* a device connects */
	PAR_QUERY_EVENTS, /* a page of a user's stream */
	PAR_QUERY_MESSAGES, /* a page of a chat */
	PAR_QUERY_CHATS, /* a page of a user's chat list */
	PAR_QUERY_CHAT, /* one entry of it */
	PAR_QUERY_DOC_GET,
	PAR_QUERY_DOC_SCAN,
	PAR_QUERY_DOCS, /* documents by many keys at once */
	PAR_QUERY_MEMBERS, /* a page of a group's members */
	PAR_QUERY_PEERS /* a page of the users with whom a user shares a dialog */
};

/*
 * DEVICE. Puts the device on record and says where it stands. A device that is
 * not on record begins at the start of what is kept when the user has none on
 * record, else at the end of the stream. From here to a CURSOR with `closed`
 * the device counts as connected: if the server dies in between, `sent` is the
 * end of the stream at the next DEVICE, since everything may have been sent.
 *
 * A user has at most `limit` devices on record: one more has the one forgotten that was
 * unseen longest and is not connected, and fails with PAR_E_TOO_LARGE when all are.
 *
 * No gap is silent. `resync_from` is not 0 when events that the device has not
 * acked may be gone: because they were dropped by PRUNE, or because the device
 * is new to a user of whom a device was ever forgotten, and may be that one.
 * It stays so, from one DEVICE to the next, until a CURSOR says that all
 * before resync_from is acked.
 */
struct par_device_state {
	uint64_t acked;
	uint64_t sent;
	uint64_t last_seq; /* end of the user's stream */
	uint64_t resync_from; /* 0: nothing is missing; else the first seq that it can still get */
	const uint64_t *above;
	unsigned n_above;
};

/* EVENTS: those with seq > after, in order, at most `limit` of them and, but for
 * the first, at most `max_bytes` of payload. In device_state are last_seq, and
 * resync_from, here for what lies behind `after`, both of the same moment as the rows; what `device` has acked, through
 * another session, is not missing. */
struct par_stored_event {
	uint64_t seq;
	struct par_event_data *data; /* one reference, owned by the query */
	bool origin; /* caused by `device` itself ... */
	par_session_id origin_session; /* ... in this session, or one of an earlier server */
};

/* MESSAGES: docs/protocol.md, Chats and messages. What is hidden from the user is left out. A
 * chat that is not there has no messages: that is no error. */
struct par_stored_message {
	uint64_t id;
	struct par_str client_id;
	struct par_str sender;
	struct par_str type;
	struct par_str message;
	struct par_str attachments;
	struct par_str forwarded;
	struct par_str payload;
	struct par_str reply; /* as PAR_HOLE_REPLY; s NULL: none */
	uint64_t created;
	uint64_t updated; /* 0: never */
	uint64_t deleted; /* 0: not */
};

/* CHATS and CHAT, in the order of the last message stored (or of the user's joining). Where
 * that one is hidden from the user the one before it is shown, and the chat stays in its
 * place; last_time of a chat that shows him none is when he joined. CHAT of a chat that is
 * not there, or a group that he is not in, has no row; CHATS after one fails with PAR_E_NOT_FOUND. */
struct par_chat_entry {
	struct par_str peer; /* the chatId as this user sees it */
	uint64_t last_id; /* of the last message that is shown to the user; 0: none */
	struct par_str last_text;
	uint64_t last_time;
	struct par_str last_author;
	uint64_t last_deleted;
	uint64_t missed;
	uint64_t first_missed; /* 0: none */
	uint64_t my_delivered, my_read; /* marks of this user */
	uint64_t peer_delivered, peer_read; /* marks of the other; in a group 0 */
	struct par_str name; /* of a group; s NULL: a dialog */
	unsigned members; /* of a group, by now */
	enum par_role role; /* of this user, in a group */
};

/* MEMBERS: of the group `chat`, ascending by the bytes of their ids, behind `after_key`. With a
 * chat.user whose s is NULL the server asks for itself: then PAR_E_NOT_FOUND says that there is no
 * such group. */
struct par_member {
	struct par_str user;
	enum par_role role;
	uint64_t joined; /* when */
	uint64_t delivered, delivered_at; /* marks: the message, and when; 0: none */
	uint64_t read, read_at;
};

/* PEERS: the other users of the dialogs of `user` in which there is a message, not himself;
 * ascending by the bytes of their ids, behind `after_key`. In `peers`. */

/*
 * DOCS: of the documents of `plugin`, those of the `keys`, which may repeat. Row i is that of
 * keys[i]: its key is that string, its value has s NULL when there is no such document. At most
 * `limit` rows and, but for the first, at most `max_bytes` of values. `has_more` when not all
 * keys were looked at: then n says how many were, and another query may ask for the others.
 */
#define PAR_DOCS_MAX 512 /* keys of one query */

struct par_query {
	enum par_query_kind kind;
	struct par_str user;
	struct par_str device; /* DEVICE, EVENTS */
	struct par_chat chat; /* MESSAGES, CHAT, MEMBERS */
	uint64_t after; /* EVENTS */
	uint64_t start_id; /* MESSAGES: from it on; 0: not given */
	uint64_t end_id; /* MESSAGES: those before it; 0: not given */
	struct par_str after_key; /* CHATS: the peer of the last entry seen; DOC_SCAN: the last key;
			    * MEMBERS, PEERS: the last user. s NULL: from the start */
	struct par_str plugin; /* DOC_GET, DOC_SCAN, DOCS */
	struct par_str key; /* DOC_GET: the key; DOC_SCAN: the prefix */
	const struct par_str *keys; /* DOCS: none of them has s NULL */
	unsigned n_keys; /* DOCS: at most PAR_DOCS_MAX */
	unsigned limit; /* of rows; DEVICE: of devices on record */
	size_t max_bytes; /* of rows' text, but for the first row */
	bool details; /* CHATS, CHAT: with what plugins add, for write_chat_details; not for the
		       * storage. A page whose details are larger than max_bytes gets shorter */
	uint64_t now; /* set by query_new */
	par_request_id request; /* for the submitter's own use */
	void *arg; /* likewise */

	enum par_error error;
	const char *message;
	struct par_device_state device_state; /* DEVICE, EVENTS */
	struct par_stored_event *events;
	struct par_stored_message *messages; /* ascending id */
	struct par_chat_entry *chats; /* CHATS: latest message first; CHAT: one */
	struct par_op_doc *docs; /* DOC_SCAN: ascending by their keys' bytes; DOCS: as asked */
	struct par_member *members;
	struct par_str *peers;
	unsigned n; /* rows in whichever of these it is */
	bool has_more; /* in the direction asked for */
	/* MESSAGES of a dialog: marks of the other and of this user, for `status`. */
	uint64_t peer_delivered, peer_read;
	uint64_t my_delivered, my_read;
	struct par_query *next;
};

/*
 * What a storage provides. submit and query take their argument and return at
 * once; flush ends a batch: everything handed over since the last flush may
 * go to work. `down` gives the reason, or NULL when the storage is well; it is
 * asked for /readyz and must not block. The plugin's stop() completes all that
 * it was handed, flushed or not; nothing is handed over before its start() or
 * from its stop() on.
 */
struct par_storage_role {
	uint32_t size;
	void (*submit)(void *state, struct par_tx *tx);
	void (*query)(void *state, struct par_query *query);
	void (*flush)(void *state);
	const char *(*down)(void *state);
};

/* Appends an operation. NULL when the tx is full. */
static inline struct par_op *par_tx_add(struct par_tx *tx, enum par_op_kind kind)
{
	struct par_op *op;

	if (tx->n_ops == PAR_TX_OPS)
		return NULL;
	op = &tx->ops[tx->n_ops++];
	memset(op, 0, sizeof(*op));
	op->kind = kind;
	op->when = PAR_WHEN_ALWAYS;
	return op;
}

/* A copy in the memory of the tx; s NULL stays so. */
static inline struct par_str par_tx_copy(const struct par_api *api, struct par_tx *tx,
					 struct par_str s)
{
	if (s.s != NULL)
		s.s = (const char *)memcpy(api->tx_alloc(tx, s.len + 1), s.s, s.len);
	return s;
}

/* The same of a query. */
static inline struct par_str par_query_copy(const struct par_api *api, struct par_query *query,
					    struct par_str s)
{
	if (s.s != NULL)
		s.s = (const char *)memcpy(api->query_alloc(query, s.len + 1), s.s, s.len);
	return s;
}

static inline bool par_chat_is_group(const struct par_chat *chat)
{
	return par_id_is_group(chat->key);
}

/* The chat that an operation is about; NULL: none. Of an event it is none: it is that of the
 * operation that it tells of. */
static inline const struct par_chat *par_op_chat(const struct par_op *op)
{
	switch (op->kind) {
	case PAR_OP_APPEND:
		return &op->u.append.chat;
	case PAR_OP_CHANGE:
		return &op->u.change.chat;
	case PAR_OP_MARK:
		return &op->u.mark.chat;
	case PAR_OP_ROSTER:
		return &op->u.roster.chat;
	default:
		return NULL;
	}
}

#ifdef __cplusplus
}
#endif

#endif
