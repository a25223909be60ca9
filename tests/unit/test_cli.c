/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pure parts of parlance-cli: addresses, the escaping of what others
 * wrote, the unanswered requests, the events taken, and what the end of a
 * connection means.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ending.h"
#include "cli/inbox.h"
#include "cli/message.h"
#include "cli/requests.h"
#include "cli/terminal.h"
#include "cli/url.h"
#include "unit.h"
#include "ws/close_code.h"

static void check_url(const char *text, const char *host, const char *port, const char *target)
{
	struct url url;
	const char *wrong = url_parse(&url, text, "al ice/\xc3\xa9", "d&1");

	CU_ASSERT_PTR_NULL_FATAL(wrong);
	CU_ASSERT_STRING_EQUAL(url.host, host);
	CU_ASSERT_STRING_EQUAL(url.port, port);
	CU_ASSERT_STRING_EQUAL(url.target, target);
	url_free(&url);
}

static void test_urls(void)
{
#define WHO "user=al%20ice%2F%C3%A9&device=d%261"
	check_url("ws://127.0.0.1:8080", "127.0.0.1", "8080", "/ws?" WHO);
	check_url("WS://chat.example", "chat.example", "80", "/ws?" WHO);
	check_url("ws://[::1]:9/", "::1", "9", "/ws?" WHO);
	check_url("ws://[::1]", "::1", "80", "/ws?" WHO);
	check_url("ws://h:1/a/b", "h", "1", "/a/b?" WHO);
	check_url("ws://h:1/a?x=1", "h", "1", "/a?x=1&" WHO);
}

static void test_bad_urls(void)
{
	static const char *const bad[] = { "",
					   "http://h",
					   "wss://h",
					   "ws://",
					   "ws://:80",
					   "ws://h:",
					   "ws://h:http",
					   "ws://h:1234567",
					   "ws://[::1",
					   "ws://[::1]x",
					   "ws://h?user=x",
					   "ws://h/a b",
					   "ws://h/a\r\nEvil: 1",
					   "ws://h/#x" };
	struct url url;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CU_ASSERT_PTR_NOT_NULL(url_parse(&url, bad[i], "u", NULL));
}

static void check_escape(const char *text, size_t len, const char *expected)
{
	char *escaped = terminal_escape((struct par_str){ text, len }, "|");

	CU_ASSERT_STRING_EQUAL(escaped, expected);
	free(escaped);
}

#define ESCAPES(text, expected) check_escape(text, sizeof(text) - 1, expected)

static void test_terminal_escapes(void)
{
	ESCAPES("", "");
	ESCAPES("h\xc3\xa9llo \xf0\x9f\xab\xa1\t.", "h\xc3\xa9llo \xf0\x9f\xab\xa1\t.");
	ESCAPES("a\nb\n", "a|b|");
	ESCAPES("\x1b[31m\r\x07\x7f", "\\u{1b}[31m\\u{d}\\u{7}\\u{7f}");
	ESCAPES("a\0b", "a\\u{0}b");
	ESCAPES("\xc2\x9b"
		"31m",
		"\\u{9b}31m");
	ESCAPES("\xe2\x80\xae"
		"exe.txt\xe2\x81\xa6",
		"\\u{202e}exe.txt\\u{2066}");
	ESCAPES("\xf3\xa0\x81\x81", "\\u{e0041}");
	ESCAPES("\xff\xc3", "\\xff\\xc3");
	ESCAPES("\xc0\x9b\xed\xa0\x80", "\\xc0\\x9b\\xed\\xa0\\x80");
	ESCAPES("\xf4\x90\x80\x80\xf8", "\\xf4\\x90\\x80\\x80\\xf8");
}

static void test_json_lines(void)
{
	static const char json[] = "{\"a\":\n\t\"\xc2\x9b\"}";
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	CU_ASSERT_PTR_NOT_NULL_FATAL(to);
	CU_ASSERT(terminal_json(to, par_str_of(json)));
	fclose(to);
	CU_ASSERT_STRING_EQUAL(text, "{\"a\":  \"\xc2\x9b\"}\n");
	free(text);
}

static struct request *add(struct requests *requests)
{
	return requests_add(requests, "new", par_str_of("{}"), NULL, NULL);
}

/* Whatever was sent, lost and answered meanwhile: the order is that of the making. */
static void test_requests_keep_their_order(void)
{
	struct requests requests;
	struct request *a, *b, *c, *next;

	requests_init(&requests);
	CU_ASSERT_PTR_NULL(requests_next(&requests));
	a = add(&requests);
	b = add(&requests);
	c = add(&requests);
	while ((next = requests_next(&requests)) != NULL)
		requests_set_in_flight(&requests, next, true);
	CU_ASSERT_EQUAL(requests.in_flight, 3);
	CU_ASSERT_PTR_EQUAL(requests_find(&requests, par_str_of(b->id)), b);
	requests_take(&requests, b);
	request_free(b);
	CU_ASSERT_EQUAL(requests.unanswered, 2);
	CU_ASSERT_EQUAL(requests.in_flight, 2);
	requests_unsend_all(&requests);
	CU_ASSERT_EQUAL(requests.in_flight, 0);
	CU_ASSERT_PTR_NULL(requests_find(&requests, par_str_of(a->id)));
	CU_ASSERT_PTR_EQUAL(requests_next(&requests), a);
	requests_set_in_flight(&requests, a, true);
	CU_ASSERT_PTR_EQUAL(requests_next(&requests), c);
	requests_free(&requests);
	CU_ASSERT_EQUAL(requests.unanswered, 0);
}

static void test_request_text(void)
{
	struct requests requests;
	struct request *request;
	struct json_object *message;
	struct par_str text;

	requests_init(&requests);
	request = requests_add(&requests, "new", par_str_of("{\"chatId\":\"b\"}"), NULL, NULL);
	text = par_json_text(&request->text);
	message = message_parse(text.s, text.len);
	CU_ASSERT_PTR_NOT_NULL_FATAL(message);
	CU_ASSERT(message_is(message, "type", "request"));
	CU_ASSERT(message_is(message, "id", request->id));
	CU_ASSERT(message_is(message, "payloadType", "new"));
	CU_ASSERT(message_is(message_object(message, "payload"), "chatId", "b"));
	json_object_put(message);
	requests_free(&requests);
}

static struct json_object *event(const char *text)
{
	struct json_object *message = message_parse(text, strlen(text));

	CU_ASSERT_PTR_NOT_NULL_FATAL(message);
	return message;
}

static bool seen(struct inbox *inbox, const char *text, bool take)
{
	struct json_object *e = event(text);
	bool was = inbox_seen(inbox, e);

	if (take)
		inbox_taken(inbox, e);
	json_object_put(e);
	return was;
}

static void test_inbox_takes_each_once(void)
{
	struct inbox inbox;

	inbox_init(&inbox);
	CU_ASSERT_FALSE(seen(&inbox, "{\"eventType\":\"new\",\"seq\":1}", true));
	CU_ASSERT_FALSE(seen(&inbox, "{\"eventType\":\"new\",\"seq\":3}", false));
	CU_ASSERT_FALSE(seen(&inbox, "{\"eventType\":\"new\",\"seq\":3}", true));
	CU_ASSERT_TRUE(seen(&inbox, "{\"eventType\":\"new\",\"seq\":1}", false));
	CU_ASSERT_TRUE(seen(&inbox, "{\"eventType\":\"new\",\"seq\":3}", false));
	CU_ASSERT_FALSE(seen(&inbox, "{\"eventType\":\"typing\"}", true));
	CU_ASSERT_FALSE(seen(&inbox, "{\"eventType\":\"typing\"}", true));
	CU_ASSERT_FALSE(
	    seen(&inbox, "{\"eventType\":\"resync\",\"payload\":{\"fromSeq\":2}}", true));
	CU_ASSERT_TRUE(seen(&inbox, "{\"eventType\":\"new\",\"seq\":1}", false));
	CU_ASSERT_FALSE(seen(&inbox, "{\"eventType\":\"new\",\"seq\":2}", false));
}

static void hold(struct inbox *inbox, const char *text)
{
	struct json_object *e = event(text);

	inbox_hold(inbox, e, par_str_of(text));
	json_object_put(e);
}

static void test_inbox_holds(void)
{
	struct inbox inbox;
	struct held_event *held;

	inbox_init(&inbox);
	hold(&inbox, "{\"seq\":1}");
	hold(&inbox, "{\"eventType\":\"typing\"}");
	hold(&inbox, "{\"seq\":2}");
	held = inbox_release(&inbox);
	CU_ASSERT_PTR_NOT_NULL_FATAL(held);
	CU_ASSERT(par_str_equal(held->text, par_str_of("{\"seq\":1}")));
	held_event_free(held);
	held = inbox_release(&inbox);
	CU_ASSERT_PTR_NOT_NULL_FATAL(held);
	CU_ASSERT(par_str_equal(held->text, par_str_of("{\"seq\":2}")));
	held_event_free(held);
	hold(&inbox, "{\"seq\":3}");
	inbox_drop_held(&inbox);
	CU_ASSERT_PTR_NULL(inbox_release(&inbox));
}

static void check_ending(enum connection_fate fate, int code, bool final)
{
	struct connection_end end = { .fate = fate, .code = code };

	CU_ASSERT_EQUAL(ending_is_final(&end), final);
}

static void test_endings(void)
{
	struct connection_end refused = { .fate = FATE_REFUSED, .code = 401 };
	char text[256];

	check_ending(FATE_CLOSED, WS_CLOSE_REPLACED, true);
	check_ending(FATE_CLOSED, WS_CLOSE_POLICY, true);
	check_ending(FATE_CLOSED, WS_CLOSE_TOO_BIG, true);
	check_ending(FATE_CLOSED, WS_CLOSE_GOING_AWAY, false);
	check_ending(FATE_CLOSED, WS_CLOSE_INTERNAL, false);
	check_ending(FATE_CLOSED, WS_CLOSE_TRY_LATER, false);
	check_ending(FATE_CLOSED, WS_CLOSE_NO_STATUS, false);
	check_ending(FATE_REFUSED, 401, true);
	check_ending(FATE_REFUSED, 404, true);
	check_ending(FATE_REFUSED, 429, false);
	check_ending(FATE_REFUSED, 503, false);
	check_ending(FATE_NOT_WEBSOCKET, 0, true);
	check_ending(FATE_UNREACHABLE, 0, false);
	check_ending(FATE_LOST, 0, false);
	strcpy(refused.reason, "{\"error\":{\"code\":\"x\",\"message\":\"who are you?\"}}");
	ending_describe(&refused, "ws://h", false, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, "ws://h refused: who are you? (HTTP status 401)");
}

static void test_messages_are_judged(void)
{
	static const char *const bad[] = { "", "[]", "{", "{}x", "1", "{\"a\":01}" };
	struct json_object *message =
	    message_parse("{\"a\":\"x\",\"n\":-1}", strlen("{\"a\":\"x\",\"n\":-1}"));
	uint64_t value;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CU_ASSERT_PTR_NULL(message_parse(bad[i], strlen(bad[i])));
	CU_ASSERT_PTR_NOT_NULL_FATAL(message);
	CU_ASSERT_FALSE(message_u64(message, "n", &value));
	CU_ASSERT_FALSE(message_u64(message, "a", &value));
	CU_ASSERT_PTR_NULL(message_string(message, "n").s);
	CU_ASSERT_PTR_NULL(message_object(message, "a"));
	CU_ASSERT_FALSE(message_is(NULL, "a", "x"));
	CU_ASSERT_FALSE(message_is(message, "b", ""));
	json_object_put(message);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "urls", test_urls },
		{ "bad urls", test_bad_urls },
		{ "terminal escapes", test_terminal_escapes },
		{ "JSON lines", test_json_lines },
		{ "requests keep their order", test_requests_keep_their_order },
		{ "request text", test_request_text },
		{ "inbox takes each once", test_inbox_takes_each_once },
		{ "inbox holds", test_inbox_holds },
		{ "endings", test_endings },
		{ "messages are judged", test_messages_are_judged },
		{ NULL, NULL },
	};

	return unit_main("cli", tests);
}
