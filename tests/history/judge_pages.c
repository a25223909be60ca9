/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each page of the history is held against what was known to be stored when it was asked
 * for: an answer or an event that had come before. What was stored later, or was
 * not answered, may be in it or not. What the reader may have hidden need not be in it.
 */
#include "judge.h"

#define TAIL_LOOK 4096 /* messages behind a page that were not known yet, before it is left */

static const struct spot nowhere;

struct span {
	uint64_t low, high; /* of messageIds, both included */
};

/* What the page covers. False: nothing. */
static bool page_span(const struct page *page, struct span *span)
{
	const struct request *r = page->request;

	span->low = r->target == 0 ? 1 : r->target;
	span->high = r->end == 0 ? UINT64_MAX : r->end - 1;
	if (!page->more)
		return true;
	if (page->n == 0)
		return false;
	if (r->target != 0)
		span->high = page->rows[page->n - 1].message->id;
	else
		span->low = page->rows[0].message->id;
	return true;
}

static bool page_in_order(struct history *h, const struct page *page, const struct span *span)
{
	uint64_t last = 0;
	size_t i;

	for (i = 0; i < page->n; i++) {
		uint64_t id = page->rows[i].message->id;
		if (id <= last || id < span->low || id > span->high) {
			fault(h, FAULT_OUT_OF_ORDER, page->request->sent, page->spot, nowhere,
			      "%s does not belong where it stands in a page of the history",
			      fault_message(page->request->chat, id));
			return false;
		}
		last = id;
	}
	return true;
}

/* The first message of the chat with this id or a higher one. */
static size_t chat_lower_bound(const struct chat *chat, uint64_t id)
{
	size_t low = 0, high = chat->n_messages;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (chat->by_id[middle]->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool page_must_have(const struct page *page, const struct message *m)
{
	return m->known.line > 0 && spot_before(m->known, page->request->sent);
}

static void page_misses(struct history *h, const struct page *page, struct message *m)
{
	bool answered = m->seen[BY_ANSWER].line > 0;
	const char *how = answered                     ? "was answered"
			  : m->seen[BY_EVENT].line > 0 ? "was told"
						       : "was in the history before";

	if (m->doubted)
		return;
	m->doubted = true;
	fault(h, answered || m->seen[BY_EVENT].line == 0 ? FAULT_NOT_STORED : FAULT_TOLD_NOT_STORED,
	      m->known, page->request->sent, page->spot,
	      "%s %s, and is missing in the history as %.128s reads it",
	      fault_message(m->chat, m->id), how, page->request->device->user->id);
}

/* The messages from `low` to `high` are not in the page; `at` is the index of the first
 * one that is known. Returns the index of the one behind. */
static size_t page_gap(struct history *h, const struct page *page, uint64_t low, uint64_t high,
		       size_t at)
{
	const struct request *r = page->request;
	const struct chat *chat = r->chat;
	unsigned reader = chat_member(chat, r->device->user);
	uint64_t unexplained = high - low + 1;

	for (; at < chat->n_messages && chat->by_id[at]->id <= high; at++) {
		struct message *m = chat->by_id[at];
		if (!m->hidden[reader] && !page_must_have(page, m))
			continue;
		unexplained--;
		if (!m->hidden[reader])
			page_misses(h, page, m);
	}
	if (unexplained > 0 && h->born)
		fault(h, FAULT_NOT_STORED, r->sent, page->spot, nowhere,
		      "%llu of the messageIds %llu to %llu are missing before %s",
		      (unsigned long long)unexplained, (unsigned long long)low,
		      (unsigned long long)high, fault_message(chat, high + 1));
	return at;
}

static void page_tail(struct history *h, const struct page *page, uint64_t high, size_t at)
{
	const struct chat *chat = page->request->chat;
	unsigned reader = chat_member(chat, page->request->device->user);
	unsigned later = 0;

	for (; at < chat->n_messages && chat->by_id[at]->id <= high && later < TAIL_LOOK; at++) {
		struct message *m = chat->by_id[at];
		if (!page_must_have(page, m))
			later++;
		else if (!m->hidden[reader])
			page_misses(h, page, m);
	}
}

static void page_presence(struct history *h, const struct page *page, const struct span *span)
{
	uint64_t expected = span->low;
	size_t at = chat_lower_bound(page->request->chat, span->low), i;

	for (i = 0; i < page->n; i++) {
		uint64_t id = page->rows[i].message->id;
		if (id > expected)
			at = page_gap(h, page, expected, id - 1, at);
		expected = id + 1;
		at++;
	}
	page_tail(h, page, span->high, at);
}

static void row_deleted(struct history *h, const struct page *page, const struct row *row)
{
	struct message *m = row->message;

	if (row->text != 0 || row->attachments != 0) {
		m->doubted = true;
		fault(h, FAULT_NOT_STORED, m->known, page->spot, nowhere,
		      "%s is deleted and still has its content", fault_message(m->chat, m->id));
	}
	if (!h->born || m->doubted || m->delete_asked.line > 0 || m->chat->deletes_unknown)
		return;
	m->doubted = true;
	fault(h, m->delete_refused.line > 0 ? FAULT_REFUSED_BUT_STORED : FAULT_INVENTED,
	      m->delete_refused, page->spot, nowhere, "%s is deleted, which nobody was granted",
	      fault_message(m->chat, m->id));
}

/* What the last edit that was known left, or a later one. */
static void row_content(struct history *h, const struct page *page, const struct row *row)
{
	struct message *m = row->message;
	const struct message *least = NULL, *edit;
	uint64_t text = m->content.text, attachments = m->content.attachments;
	bool reached;

	for (edit = m->edits; edit != NULL; edit = edit->next_edit) {
		if (page_must_have(page, edit))
			least = edit;
	}
	if (least == NULL && !row->updated) /* then model_fact() has compared it */
		return;
	reached = least == NULL;
	edit = m->edits;
	while (!reached || text != row->text || attachments != row->attachments) {
		if (edit == NULL) {
			const struct message *first = least == NULL ? m : least;
			m->doubted = true;
			fault(h,
			      first->seen[BY_ANSWER].line > 0 ? FAULT_NOT_STORED
							      : FAULT_TOLD_NOT_STORED,
			      first->known, page->request->sent, page->spot,
			      "%s is in the history with a content that %s",
			      fault_message(m->chat, m->id),
			      least == NULL ? "nobody gave it" : "is not that of its last edit");
			return;
		}
		text = edit->content.has_text ? edit->content.text : text;
		attachments =
		    edit->content.has_attachments ? edit->content.attachments : attachments;
		reached |= edit == least;
		edit = edit->next_edit;
	}
}

static void page_row(struct history *h, const struct page *page, const struct row *row)
{
	struct message *m = row->message;

	if (m->doubted)
		return;
	if (row->deleted) {
		row_deleted(h, page, row);
		return;
	}
	if (m->deleted_by != NULL && page_must_have(page, m->deleted_by)) {
		m->doubted = true;
		fault(h,
		      m->deleted_by->seen[BY_ANSWER].line > 0 ? FAULT_NOT_STORED
							      : FAULT_TOLD_NOT_STORED,
		      m->deleted_by->known, page->request->sent, page->spot,
		      "%s was deleted, and the history does not know of it",
		      fault_message(m->chat, m->id));
		return;
	}
	if (m->kind == KIND_NEW && m->content_known && !m->chat->edits_unknown && !m->edits_open)
		row_content(h, page, row);
}

void judge_pages(struct history *h)
{
	const struct page *page;
	struct span span;
	size_t i;

	for (page = h->pages; page != NULL; page = page->next) {
		const struct request *r = page->request;
		unsigned reader = chat_member(r->chat, r->device->user);

		if (page_span(page, &span) && page_in_order(h, page, &span) &&
		    !r->chat->hides_unknown[reader])
			page_presence(h, page, &span);
		for (i = 0; i < page->n; i++)
			page_row(h, page, &page->rows[i]);
	}
}
