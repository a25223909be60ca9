/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The envelope: the seed's messages, each way to get each field wrong with its
 * error and path, ids in all their spellings, the scanner's strictness
 * by a list of texts that are JSON and of texts that are not, and depth. Each
 * text is also handed over in a block of its exact size, for the sanitizers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "seam/envelope.h"
#include "unit.h"

#define REQ "\"type\":\"request\",\"payloadType\":\"x\","

struct result {
	enum envelope_kind kind;
	struct message *message;
	uint64_t ack_id;
};

static struct result read_bytes(const char *text, size_t len)
{
	struct result r = { ENVELOPE_REFUSED, NULL, 99 };
	char *copy = malloc(len > 0 ? len : 1);

	memcpy(copy, text, len);
	r.kind = envelope_read(copy, len, &r.message, &r.ack_id);
	CU_ASSERT_EQUAL(memcmp(copy, text, len), 0);
	free(copy);
	CU_ASSERT_EQUAL(r.message == NULL, r.kind == ENVELOPE_ACK);
	return r;
}

/* `id` NULL: none, answered with null. */
static void refused(const char *text, enum par_error error, const char *path, const char *id)
{
	struct result r = read_bytes(text, strlen(text));

	CU_ASSERT_EQUAL(r.kind, ENVELOPE_REFUSED);
	if (r.kind != ENVELOPE_REFUSED || r.message->error != error) {
		fprintf(stderr, "%s: not refused as expected\n", text);
		CU_FAIL("not refused as expected");
		message_free(&r.message);
		return;
	}
	if (path == NULL)
		CU_ASSERT_PTR_NULL(r.message->path);
	if (path != NULL) {
		CU_ASSERT_PTR_NOT_NULL_FATAL(r.message->path);
		CU_ASSERT_STRING_EQUAL(r.message->path, path);
	}
	CU_ASSERT_PTR_NOT_NULL(r.message->detail);
	CU_ASSERT_PTR_NULL(r.message->payload);
	CU_ASSERT_EQUAL(r.message->has_id, id != NULL);
	CU_ASSERT_TRUE(par_str_equal(message_id(r.message), par_str_of(id)));
	message_free(&r.message);
}

static void accepted(const char *text, enum envelope_kind kind, const char *id, const char *type,
		     const char *payload)
{
	const char *got;
	struct result r = read_bytes(text, strlen(text));

	CU_ASSERT_EQUAL(r.kind, kind);
	if (r.kind != kind) {
		fprintf(stderr, "%s: %s\n", text, r.message ? r.message->detail : "an ack");
		message_free(&r.message);
		return;
	}
	CU_ASSERT_EQUAL(r.message->error, PAR_OK);
	CU_ASSERT_EQUAL(r.message->has_id, id != NULL);
	CU_ASSERT_TRUE(par_str_equal(message_id(r.message), par_str_of(id)));
	CU_ASSERT_TRUE(par_str_equal(message_type(r.message), par_str_of(type)));
	CU_ASSERT_EQUAL(r.message->payload == NULL, payload == NULL);
	if (payload != NULL) {
		got = json_object_to_json_string_ext(r.message->payload, JSON_C_TO_STRING_PLAIN);
		CU_ASSERT_STRING_EQUAL(got, payload);
	}
	message_free(&r.message);
}

static void acked(const char *text, uint64_t id)
{
	struct result r = read_bytes(text, strlen(text));

	CU_ASSERT_EQUAL(r.kind, ENVELOPE_ACK);
	CU_ASSERT_EQUAL(r.ack_id, id);
	message_free(&r.message);
}

static void test_seed(void)
{
	accepted("{\"type\":\"request\",\"timestamp\":1700000000000,\"id\":\"req001\","
		 "\"payloadType\":\"new\","
		 "\"payload\":{\"chatId\":\"User2\",\"message\":\"Hi from User1!\"}}",
		 ENVELOPE_REQUEST, "req001", "new",
		 "{\"chatId\":\"User2\",\"message\":\"Hi from User1!\"}");
	acked("{\n  \"type\": \"ack\",\n  \"id\": \"23\"\n}", 23);
	accepted("{\"type\":\"event\",\"payloadType\":\"typing\",\"payload\":{\"chatId\":\"b\"}}",
		 ENVELOPE_CLIENT_EVENT, NULL, "typing", "{\"chatId\":\"b\"}");
}

static void test_good(void)
{
	accepted(" \t\r\n{ \"id\" : \"a\" , \"type\" : \"request\" , \"payloadType\" : \"x\" } \n",
		 ENVELOPE_REQUEST, "a", "x", NULL);
	accepted("{\"type\":\"request\",\"id\":\"a\",\"payloadType\":\"x\",\"timestamp\":null,"
		 "\"unknown\":[1,{\"payload\":2}],\"payload\":{}}",
		 ENVELOPE_REQUEST, "a", "x", "{}");
	accepted("{\"type\":\"event\",\"eventType\":\"typing\",\"id\":7,\"timestamp\":-1.5e3}",
		 ENVELOPE_CLIENT_EVENT, NULL, "typing", NULL);
	accepted("{\"type\":\"event\",\"eventType\":\"no\",\"payloadType\":\"yes\",\"id\":\"e\"}",
		 ENVELOPE_CLIENT_EVENT, "e", "yes", NULL);
	/* The last of two counts, as in the payload. */
	accepted("{\"type\":\"ack\",\"id\":1,\"id\":\"b\",\"type\":\"request\","
		 "\"payloadType\":\"x\",\"payload\":3,\"payload\":{\"k\":1,\"k\":2}}",
		 ENVELOPE_REQUEST, "b", "x", "{\"k\":2}");
	accepted("{" REQ "\"id\":\"a\",\"ignored\":{\"\\u0000\":1},\"payload\":{}}",
		 ENVELOPE_REQUEST, "a", "x", "{}");
	/* Keys and values in escapes mean the same. */
	accepted("{\"\\u0074ype\":\"re\\u0071uest\",\"\\u0069d\":\"\\u00e9\\\"\\ud83d\\ude00\","
		 "\"payloadType\":\"\\u20AC\\/\"}",
		 ENVELOPE_REQUEST, "\xC3\xA9\"\xF0\x9F\x98\x80", "\xE2\x82\xAC/", NULL);
	accepted("{\"type\":\"request\",\"id\":\"a\",\"payloadType\":\"x\",\"payload\":"
		 "{\"t\":\"a\\u0000b\",\"\\\\u0000\":1,\"n\":[0,-0.5,1e3,true,false,null]}}",
		 ENVELOPE_REQUEST, "a", "x",
		 "{\"t\":\"a\\u0000b\",\"\\\\u0000\":1,\"n\":[0,-0.5,1e3,true,false,null]}");
	/* What a plugin passes on is what the client wrote. */
	accepted(
	    "{" REQ "\"id\":\"a\",\"payload\":"
	    "{\"t\":\"\\ud837\\ude00\\ud800\",\"n\":[99999999999999999999,1.50,1e999]}}",
	    ENVELOPE_REQUEST, "a", "x",
	    "{\"t\":\"\xF0\x9D\xB8\x80\xEF\xBF\xBD\",\"n\":[99999999999999999999,1.50,1e999]}");
}

static void test_type_wrong(void)
{
	refused("{}", PAR_E_BAD_ENVELOPE, "type", NULL);
	refused("{\"id\":\"a\"}", PAR_E_BAD_ENVELOPE, "type", "a");
	refused("{\"id\":\"a\",\"type\":1}", PAR_E_BAD_ENVELOPE, "type", "a");
	refused("{\"id\":\"a\",\"type\":null}", PAR_E_BAD_ENVELOPE, "type", "a");
	refused("{\"id\":\"a\",\"type\":{\"type\":\"ack\"}}", PAR_E_BAD_ENVELOPE, "type", "a");
	refused("{\"id\":\"a\",\"type\":\"response\"}", PAR_E_UNKNOWN_TYPE, "type", "a");
	refused("{\"id\":\"a\",\"type\":\"Request\"}", PAR_E_UNKNOWN_TYPE, "type", "a");
	refused("{\"id\":\"a\",\"type\":\"\"}", PAR_E_UNKNOWN_TYPE, "type", "a");
	refused("{\"id\":5,\"type\":\"requests\"}", PAR_E_UNKNOWN_TYPE, "type", NULL);
	refused("{\"id\":\"a\",\"type\":\"\\ud800\"}", PAR_E_UNKNOWN_TYPE, "type", "a");
	refused("{\"id\":\"a\",\"type\":\"\\u0061ckackackackackackack\"}", PAR_E_UNKNOWN_TYPE,
		"type", "a");
	refused("{\"id\":\"a\",\"type\":\"ack\\u0000\"}", PAR_E_UNKNOWN_TYPE, "type", "a");
}

static void test_id_wrong(void)
{
	static const char *const bad[] = {
		"7",
		"null",
		"true",
		"[]",
		"{}",
		"\"\"",
		"\"\\u0000\"",
		"\"a\\nb\"",
		"\"\x7F\"",
		"\"\\u007f\"",
		"\"\\ud800\"",
		"\"\\udc00\\ud800\"",
		"\"\\ud800x\"",
		"\"\\ud800\\u0041\"",
		"\"\\udc00\\udc00\"",
		"\"\\ud800\\ue000\"",
	};
	char text[400], id[200];

	refused("{" REQ "\"payload\":{}}", PAR_E_BAD_ENVELOPE, "id", NULL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "{" REQ "\"id\":%s}", bad[i]);
		refused(text, PAR_E_BAD_ENVELOPE, "id", NULL);
	}
	memset(id, 'i', sizeof(id));
	id[128] = '\0';
	snprintf(text, sizeof(text), "{" REQ "\"id\":\"%s\"}", id);
	accepted(text, ENVELOPE_REQUEST, id, "x", NULL);
	snprintf(text, sizeof(text), "{" REQ "\"id\":\"%si\"}", id);
	refused(text, PAR_E_BAD_ENVELOPE, "id", NULL);
	id[127] = '\0';
	snprintf(text, sizeof(text), "{" REQ "\"id\":\"%s\\u0041\"}", id);
	id[127] = 'A';
	accepted(text, ENVELOPE_REQUEST, id, "x", NULL);
	id[127] = '\0';
	snprintf(text, sizeof(text), "{" REQ "\"id\":\"%s\\u00e9\"}", id);
	refused(text, PAR_E_BAD_ENVELOPE, "id", NULL);
	refused("{\"type\":\"event\",\"payloadType\":\"x\",\"id\":{}}", PAR_E_BAD_ENVELOPE, "id",
		NULL);
	refused("{\"type\":\"event\",\"payloadType\":\"x\",\"id\":false}", PAR_E_BAD_ENVELOPE, "id",
		NULL);
}

static void test_other_fields_wrong(void)
{
	char text[400], type[100];

	refused("{\"type\":\"request\",\"id\":\"a\"}", PAR_E_BAD_ENVELOPE, "payloadType", "a");
	refused("{\"type\":\"request\",\"id\":\"a\",\"payloadType\":\"\"}", PAR_E_BAD_ENVELOPE,
		"payloadType", "a");
	refused("{\"type\":\"request\",\"id\":\"a\",\"payloadType\":4}", PAR_E_BAD_ENVELOPE,
		"payloadType", "a");
	refused("{\"type\":\"request\",\"id\":\"a\",\"eventType\":\"x\"}", PAR_E_BAD_ENVELOPE,
		"payloadType", "a");
	refused("{\"type\":\"event\",\"id\":\"a\"}", PAR_E_BAD_ENVELOPE, "payloadType", "a");
	refused("{\"type\":\"event\",\"payloadType\":1,\"eventType\":\"x\"}", PAR_E_BAD_ENVELOPE,
		"payloadType", NULL);
	memset(type, 't', sizeof(type));
	type[64] = '\0';
	snprintf(text, sizeof(text), "{\"type\":\"request\",\"id\":\"a\",\"payloadType\":\"%s\"}",
		 type);
	accepted(text, ENVELOPE_REQUEST, "a", type, NULL);
	snprintf(text, sizeof(text), "{\"type\":\"request\",\"id\":\"a\",\"payloadType\":\"%st\"}",
		 type);
	refused(text, PAR_E_BAD_ENVELOPE, "payloadType", "a");

	refused("{" REQ "\"id\":\"a\",\"payload\":[]}", PAR_E_BAD_PAYLOAD, "payload", "a");
	refused("{" REQ "\"id\":\"a\",\"payload\":null}", PAR_E_BAD_PAYLOAD, "payload", "a");
	refused("{" REQ "\"id\":\"a\",\"payload\":\"{}\"}", PAR_E_BAD_PAYLOAD, "payload", "a");
	refused("{" REQ "\"id\":\"a\",\"payload\":1}", PAR_E_BAD_PAYLOAD, "payload", "a");
	refused("{\"type\":\"event\",\"payloadType\":\"x\",\"payload\":1}", PAR_E_BAD_PAYLOAD,
		"payload", NULL);
	refused("{" REQ "\"id\":\"a\",\"payload\":{\"x\":{\"k\\u0000\":1}}}", PAR_E_BAD_PAYLOAD,
		"payload", "a");
	refused("{" REQ "\"id\":\"a\",\"payload\":{\"\\\\\\u0000\":1}}", PAR_E_BAD_PAYLOAD,
		"payload", "a");

	refused("{" REQ "\"id\":\"a\",\"timestamp\":\"1\"}", PAR_E_BAD_ENVELOPE, "timestamp", "a");
	refused("{" REQ "\"id\":\"a\",\"timestamp\":{}}", PAR_E_BAD_ENVELOPE, "timestamp", "a");
	refused("{\"type\":\"event\",\"payloadType\":\"x\",\"timestamp\":true}", PAR_E_BAD_ENVELOPE,
		"timestamp", NULL);
}

static void test_ack(void)
{
	acked("{\"type\":\"ack\",\"id\":23}", 23);
	acked("{\"type\":\"ack\",\"id\":0}", 0);
	acked("{\"type\":\"ack\",\"id\":9007199254740992}", UINT64_C(9007199254740992));
	acked("{\"type\":\"ack\",\"id\":\"9007199254740992\"}", UINT64_C(9007199254740992));
	acked("{\"type\":\"ack\",\"id\":\"\\u0032\\u0033\"}", 23);
	acked("{\"type\":\"ack\",\"id\":\"9007199254740993\"}", 0);
	acked("{\"type\":\"ack\",\"id\":\"99999999999999999999999\"}", 0);
	acked("{\"type\":\"ack\",\"id\":\"023\"}", 0);
	acked("{\"type\":\"ack\",\"id\":\"-1\"}", 0);
	acked("{\"type\":\"ack\",\"id\":\"2x\"}", 0);
	acked("{\"type\":\"ack\",\"id\":\"\"}", 0);
	acked("{\"type\":\"ack\",\"id\":\"\\u0000\"}", 0);
	acked("{\"type\":\"ack\",\"id\":5,\"payload\":7,\"timestamp\":\"x\"}", 5);
	refused("{\"type\":\"ack\"}", PAR_E_BAD_ENVELOPE, "id", NULL);
	refused("{\"type\":\"ack\",\"id\":-1}", PAR_E_BAD_ENVELOPE, "id", NULL);
	refused("{\"type\":\"ack\",\"id\":1.5}", PAR_E_BAD_ENVELOPE, "id", NULL);
	refused("{\"type\":\"ack\",\"id\":1e2}", PAR_E_BAD_ENVELOPE, "id", NULL);
	refused("{\"type\":\"ack\",\"id\":9007199254740993}", PAR_E_BAD_ENVELOPE, "id", NULL);
	refused("{\"type\":\"ack\",\"id\":null}", PAR_E_BAD_ENVELOPE, "id", NULL);
	refused("{\"type\":\"ack\",\"id\":true}", PAR_E_BAD_ENVELOPE, "id", NULL);
	refused("{\"type\":\"ack\",\"id\":{}}", PAR_E_BAD_ENVELOPE, "id", NULL);
	refused("{\"type\":\"ack\",\"id\":[1]}", PAR_E_BAD_ENVELOPE, "id", NULL);
}

/* Values that must pass, each as the value of a key in the payload. */
static const char *const json_values[] = {
	"0",
	"-0",
	"1",
	"-1",
	"10",
	"1.0",
	"0.1",
	"1e1",
	"1E+1",
	"1e-1",
	"0e0",
	"1.5e300",
	"-0.0",
	"9223372036854775807",
	"18446744073709551615",
	"-9223372036854775808",
	"1e400",
	"0.00001",
	"true",
	"false",
	"null",
	"\"\"",
	"\"a\"",
	"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
	"\"\\uD834\\uDD1E\"",
	"\"\\ud800\"",
	"\"\xE2\x82\xAC\"",
	"\"\x7F\"",
	"[]",
	"{}",
	"[ ]",
	"{ }",
	"[1]",
	"[1,2]",
	"[[],{},[{}]]",
	"{\"\":0}",
	"{\"a\":[1,{\"b\":null}],\"c\":2}",
	"[\n1\t,\r2 ]",
	"\"0123456789012345678901234567890123456789\\n0123456789\"",
};

/* Values that are none. */
static const char *const not_json[] = {
	"",          "01",
	"-",         "-01",
	"+1",        ".5",
	"1.",        "1.e1",
	"1e",        "1e+",
	"0x1",       "1_0",
	"NaN",       "nan",
	"Infinity",  "-Infinity",
	"True",      "tru",
	"truee",     "nul",
	"undefined", "'a'",
	"\"a",       "\"\\x\"",
	"\"\\u12\"", "\"\\u12g4\"",
	"\"\\\"",    "\"a\nb\"",
	"\"a\tb\"",  "\"\x01\"",
	"\"\x1F\"",  "\"0123456\x1f\"",
	"[",         "]",
	"[1",        "[1,]",
	"[,1]",      "[1 2]",
	"[1,,2]",    "{",
	"}",         "{\"a\"}",
	"{\"a\":}",  "{\"a\":1,}",
	"{,}",       "{a:1}",
	"{1:1}",     "{\"a\":1 \"b\":2}",
	"{\"a\" 1}", "[1}",
	"{\"a\":1]", "[{]}",
	"1 2",       "/* */1",
	"1//",       "\"a\"\"b\"",
	"\v1",       "\xEF\xBB\xBF null",
};

static void test_strictness(void)
{
	char text[300];
	struct result r;

	for (size_t i = 0; i < sizeof(json_values) / sizeof(json_values[0]); i++) {
		snprintf(text, sizeof(text), "{" REQ "\"id\":\"a\",\"payload\":{\"v\":%s}}",
			 json_values[i]);
		r = read_bytes(text, strlen(text));
		CU_ASSERT_EQUAL(r.kind, ENVELOPE_REQUEST);
		if (r.kind != ENVELOPE_REQUEST)
			fprintf(stderr, "%s is JSON\n", json_values[i]);
		message_free(&r.message);
	}
	for (size_t i = 0; i < sizeof(not_json) / sizeof(not_json[0]); i++) {
		snprintf(text, sizeof(text), "{" REQ "\"payload\":{\"v\":%s},\"id\":\"a\"}",
			 not_json[i]);
		refused(text, PAR_E_BAD_JSON, NULL, NULL);
		snprintf(text, sizeof(text), "{" REQ "\"id\":\"a\",\"ignored\":%s}", not_json[i]);
		refused(text, PAR_E_BAD_JSON, NULL, "a");
	}
}

static void test_one_object(void)
{
	static const char *const bad[] = {
		"",     " ",           "[]",          "1",        "\"a\"",
		"null", "{",           "}",           "{\"a\":1", "{\"a\":1,}",
		"{,}",  "{\"a\":1}{}", "{\"a\":1} x", "{\"a\"}",  "{\"a\":1]",
		"{}}",  "{\"a",        "{\"a\"",      "{\"a\":",
	};
	static const char whole[] = "{\"type\":\"ack\",\"id\":23}";
	struct result r;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(bad[i], PAR_E_BAD_JSON, NULL, NULL);
	/* The id that was good is not told once another has begun. */
	refused("{\"id\":\"aaaaaaaaaaaaaaaaaaaa\",\"id\":\"", PAR_E_BAD_JSON, NULL, NULL);
	refused("{\"id\":\"a\",\"\\u12", PAR_E_BAD_JSON, NULL, "a");
	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		r = read_bytes(whole, len);
		CU_ASSERT_EQUAL(r.kind, ENVELOPE_REFUSED);
		message_free(&r.message);
	}
	r = read_bytes("{\"type\":\"ack\",\"id\":23}\0", sizeof(whole));
	CU_ASSERT_EQUAL(r.kind, ENVELOPE_REFUSED);
	message_free(&r.message);
}

/* `n` objects or arrays within each other, of which the envelope is the first. */
static char *nested(const char *key, unsigned n, bool objects)
{
	static char text[1000];
	char *p = text + sprintf(text, "{" REQ "\"id\":\"a\",\"%s\":", key);

	for (unsigned i = 1; i < n; i++)
		p += sprintf(p, objects ? "{\"k\":" : i == 1 ? "{\"k\":" : "[");
	p += sprintf(p, "1");
	for (unsigned i = 1; i < n; i++)
		*p++ = objects || i == n - 1 ? '}' : ']';
	sprintf(p, "}");
	return text;
}

static void test_depth(void)
{
	for (int objects = 0; objects < 2; objects++) {
		struct result r = read_bytes(nested("payload", 32, objects),
					     strlen(nested("payload", 32, objects)));
		CU_ASSERT_EQUAL(r.kind, ENVELOPE_REQUEST);
		message_free(&r.message);
		refused(nested("payload", 33, objects), PAR_E_BAD_JSON, NULL, "a");
		refused(nested("ignored", 33, objects), PAR_E_BAD_JSON, NULL, "a");
		refused(nested("payload", 60, objects), PAR_E_BAD_JSON, NULL, "a");
	}
	for (int i = 0; i < 2; i++) {
		struct result r =
		    read_bytes(nested("x", 33 - i, true), strlen(nested("x", 33 - i, true)));
		bool deep = r.kind == ENVELOPE_REFUSED &&
			    strcmp(r.message->detail, "nested deeper than 32") == 0;
		CU_ASSERT_EQUAL(deep, i == 0);
		message_free(&r.message);
	}
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "the seed's messages", test_seed },
		{ "good messages", test_good },
		{ "type wrong", test_type_wrong },
		{ "id wrong", test_id_wrong },
		{ "other fields wrong", test_other_fields_wrong },
		{ "acks", test_ack },
		{ "strictness", test_strictness },
		{ "exactly one object", test_one_object },
		{ "depth", test_depth },
		{ NULL, NULL },
	};
	return unit_main("envelope", tests);
}
