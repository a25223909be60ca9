/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log: how a line reads in both formats whatever is in it, how a long one
 * is cut, and where lines go: a file, the file reopened, stderr, the journal.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/log_text.h"
#include "unit.h"

#define NOON 1767268800123 /* 2026-01-01T12:00:00.123Z */

static char line[LOG_LINE_MAX + 1];

/* The line of a record, NUL-terminated. Static. */
static const char *make(enum log_format format, const struct log_record *record)
{
	struct log_text text;

	log_text_make(&text, format, record);
	CU_ASSERT_FATAL(text.len <= LOG_LINE_MAX);
	memcpy(line, text.bytes, text.len);
	line[text.len] = '\0';
	return line;
}

static void is_string(const char *found, const char *expected)
{
	if (strcmp(found, expected) != 0)
		printf("\n  found:    %s\n  expected: %s\n", found, expected);
	CU_ASSERT_STRING_EQUAL(found, expected);
}

static void test_fields(void)
{
	struct log_record all = { PAR_LOG_WARNING, "core", "typing", "hello", 17, NOON, false };
	struct log_record few = { PAR_LOG_ERROR, "ws", NULL, "", 0, 0, true };

	is_string(make(LOG_LOGFMT, &all), "ts=2026-01-01T12:00:00.123Z level=warning sub=core "
					  "session=17 plugin=typing msg=\"hello\"\n");
	is_string(make(LOG_JSON, &all),
		  "{\"ts\":\"2026-01-01T12:00:00.123Z\",\"level\":\"warning\",\"sub\":\"core\","
		  "\"session\":17,\"plugin\":\"typing\",\"msg\":\"hello\"}\n");
	is_string(make(LOG_LOGFMT, &few),
		  "<3>ts=1970-01-01T00:00:00.000Z level=error sub=ws msg=\"\"\n");
	all.plugin = "a b";
	CU_ASSERT_PTR_NOT_NULL(strstr(make(LOG_LOGFMT, &all), " plugin=\"a b\" msg="));
	all.plugin = "";
	CU_ASSERT_PTR_NOT_NULL(strstr(make(LOG_LOGFMT, &all), " plugin=\"\" msg="));
	all.plugin = "a=b";
	CU_ASSERT_PTR_NOT_NULL(strstr(make(LOG_LOGFMT, &all), " plugin=\"a=b\" msg="));
}

static void test_priorities(void)
{
	static const char *const begins[] = { "<3>ts=", "<4>ts=", "<6>ts=", "<7>ts=" };
	struct log_record record = { PAR_LOG_ERROR, "core", NULL, "x", 0, NOON, true };
	int level;

	for (level = PAR_LOG_ERROR; level <= PAR_LOG_DEBUG; level++) {
		record.level = (enum par_log_level)level;
		CU_ASSERT_EQUAL(strncmp(make(LOG_LOGFMT, &record), begins[level], 6), 0);
	}
}

static void is_time(uint64_t wall_ms, const char *stamp)
{
	struct log_record record = { PAR_LOG_INFO, "core", NULL, "x", 0, wall_ms, false };
	char begin[64];

	snprintf(begin, sizeof(begin), "ts=%s level=", stamp);
	if (strncmp(make(LOG_LOGFMT, &record), begin, strlen(begin)) != 0)
		printf("\n  found:    %s  expected: %s\n", line, begin);
	CU_ASSERT_EQUAL(strncmp(line, begin, strlen(begin)), 0);
}

static void test_times(void)
{
	is_time(951782399999, "2000-02-28T23:59:59.999Z");
	is_time(951782400000, "2000-02-29T00:00:00.000Z");
	is_time(951868800000, "2000-03-01T00:00:00.000Z");
	is_time(1735689599001, "2024-12-31T23:59:59.001Z");
	is_time(1735689600000, "2025-01-01T00:00:00.000Z");
	is_time(1740787200000, "2025-03-01T00:00:00.000Z");
	is_time(4107542400000, "2100-03-01T00:00:00.000Z");
	is_time(253402300799999, "9999-12-31T23:59:59.999Z");
}

/* Whatever the bytes, `quoted` stands between the quotes in both formats. */
static void is_escaped(const char *message, const char *quoted)
{
	struct log_record record = { PAR_LOG_INFO, "core", NULL, message, 0, NOON, false };
	char end[512];
	size_t len;

	snprintf(end, sizeof(end), " msg=\"%s\"\n", quoted);
	len = strlen(make(LOG_LOGFMT, &record));
	is_string(line + len - strlen(end), end);
	snprintf(end, sizeof(end), ",\"msg\":\"%s\"}\n", quoted);
	len = strlen(make(LOG_JSON, &record));
	is_string(line + len - strlen(end), end);
}

static void test_escaping(void)
{
	is_escaped("a\"b\\c", "a\\\"b\\\\c");
	is_escaped("a\nb\rc\td\x1b[31m\x01", "a\\nb\\rc\\td\\u001b[31m\\u0001");
	is_escaped("\x7f", "\\u007f");
	is_escaped("\xc2\x9b", "\\u009b");
	is_escaped("\xc2\xa0 \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
		   "\xc2\xa0 \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
	is_escaped("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf",
		   "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf");
}

#define BAD "\xef\xbf\xbd"

static void test_invalid_bytes(void)
{
	is_escaped("a\xff"
		   "b",
		   "a" BAD "b");
	is_escaped("\x80", BAD);
	is_escaped("\xc0\xaf", BAD BAD);
	is_escaped("\xc3", BAD);
	is_escaped("\xc3\"", BAD "\\\"");
	is_escaped("\xe2\x82", BAD BAD);
	is_escaped("\xe0\x80\x80", BAD BAD BAD);
	is_escaped("\xed\xa0\x80", BAD BAD BAD);
	is_escaped("\xf0\x8f\xbf\xbf", BAD BAD BAD BAD);
	is_escaped("\xf4\x90\x80\x80", BAD BAD BAD BAD);
	is_escaped("\xf5\x80\x80\x80", BAD BAD BAD BAD);
}

/* Messages around the maximum, of one `piece` over and over: the line ends
 * well, and says so when it is cut. */
static void cut(const char *piece, enum log_format format)
{
	char message[2 * LOG_LINE_MAX];
	struct log_record record = { PAR_LOG_INFO, "core", NULL, message, 0, NOON, false };
	const char *end = format == LOG_JSON ? "\"}\n" : "\"\n";
	size_t n, len = 0;
	struct json_object *parsed;

	while (len + strlen(piece) < sizeof(message)) {
		memcpy(message + len, piece, strlen(piece) + 1);
		len += strlen(piece);
		if (len < 600 || (len > LOG_LINE_MAX + 600))
			continue;
		n = strlen(make(format, &record));
		CU_ASSERT_FATAL(n > strlen(end) + 3);
		CU_ASSERT_EQUAL(strcmp(line + n - strlen(end), end), 0);
		if (len > LOG_LINE_MAX)
			CU_ASSERT_EQUAL(strncmp(line + n - strlen(end) - 3, "...", 3), 0);
		if (format != LOG_JSON)
			continue;
		parsed = json_tokener_parse(line);
		CU_ASSERT_PTR_NOT_NULL(parsed);
		json_object_put(parsed);
	}
}

static void test_cut(void)
{
	cut("a", LOG_LOGFMT);
	cut("\xf0\x9f\x98\x80", LOG_LOGFMT);
	cut("\x01", LOG_LOGFMT);
	cut("abcdefg\"", LOG_JSON);
	cut("\xff", LOG_JSON);
	cut("\xe2\x82\xac", LOG_JSON);
}

/* The whole file. Static. */
static const char *read_file(const char *name)
{
	static char text[1 << 16];
	FILE *file = fopen(name, "r");
	size_t len = 0;

	if (file != NULL) {
		len = fread(text, 1, sizeof(text) - 1, file);
		fclose(file);
	}
	text[len] = '\0';
	return text;
}

static bool contains(const char *name, const char *word)
{
	return strstr(read_file(name), word) != NULL;
}

static void test_file(void)
{
	struct log_config config = { PAR_LOG_WARNING, LOG_LOGFMT, "log" };
	struct log_config other = { PAR_LOG_DEBUG, LOG_JSON, "other" };
	struct log_config missing = { PAR_LOG_ERROR, LOG_JSON, "no/such/log" };
	char error[256] = "";
	struct stat st;

	CU_ASSERT_TRUE(log_open(&config, error, sizeof(error)));
	CU_ASSERT_TRUE(log_enabled(PAR_LOG_WARNING));
	CU_ASSERT_FALSE(log_enabled(PAR_LOG_INFO));
	log_info("core", "unseen");
	errno = EAGAIN;
	log_warning("core", "one %d %s", 1, "x");
	CU_ASSERT_EQUAL(errno, EAGAIN);
	CU_ASSERT_TRUE(contains("log", "level=warning sub=core msg=\"one 1 x\"\n"));
	CU_ASSERT_FALSE(contains("log", "unseen"));
	CU_ASSERT_EQUAL(stat("log", &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07, 0);

	CU_ASSERT_EQUAL(rename("log", "log.1"), 0);
	log_error("core", "two");
	CU_ASSERT_TRUE(contains("log.1", "two"));
	CU_ASSERT_TRUE(log_reopen(error, sizeof(error)));
	log_error("core", "three");
	CU_ASSERT_TRUE(contains("log", "three"));
	CU_ASSERT_FALSE(contains("log.1", "three"));

	CU_ASSERT_FALSE(log_open(&missing, error, sizeof(error)));
	is_string(error, "no/such/log: cannot open the log file: No such file or directory");
	log_warning("core", "four");
	CU_ASSERT_TRUE(contains("log", "level=warning sub=core msg=\"four\"\n"));

	CU_ASSERT_TRUE(log_open(&other, error, sizeof(error)));
	log_line(PAR_LOG_DEBUG, "core", 5, "typing", "five");
	CU_ASSERT_TRUE(contains("other", "\"session\":5,\"plugin\":\"typing\",\"msg\":\"five\"}"));
	CU_ASSERT_FALSE(contains("log", "five"));
	log_close();
}

/* stderr is put into a file; JOURNAL_STREAM names that file, or another. */
static void to_stderr(const char *name, ino_t other, enum par_log_level level)
{
	struct log_config config = { level, LOG_LOGFMT, "" };
	int saved = dup(STDERR_FILENO);
	int fd = open(name, O_WRONLY | O_CREAT | O_APPEND, 0600);
	char stream[64], error[256] = "";
	struct stat st;

	CU_ASSERT_FATAL(saved >= 0 && fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
	CU_ASSERT_EQUAL(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%" PRIu64 ":%" PRIu64, (uint64_t)st.st_dev,
		 (uint64_t)(st.st_ino + other));
	setenv("JOURNAL_STREAM", stream, 1);
	CU_ASSERT_TRUE(log_open(&config, error, sizeof(error)));
	log_warning("core", "here");
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fd);
	unsetenv("JOURNAL_STREAM");
	CU_ASSERT_TRUE(log_open(&config, error, sizeof(error)));
}

static void test_stderr(void)
{
	struct log_config file = { PAR_LOG_INFO, LOG_LOGFMT, "before" };
	char error[256];

	to_stderr("journal", 0, PAR_LOG_INFO);
	CU_ASSERT_EQUAL(strncmp(read_file("journal"), "<4>ts=", 6), 0);
	to_stderr("plain", 1, PAR_LOG_INFO);
	CU_ASSERT_EQUAL(strncmp(read_file("plain"), "ts=", 3), 0);
	CU_ASSERT_TRUE(log_open(&file, error, sizeof(error)));
	to_stderr("after", 0, PAR_LOG_INFO);
	CU_ASSERT_TRUE(contains("after", "here"));
	CU_ASSERT_FALSE(contains("before", "here"));
	log_close();
}

#define WRITERS 4
#define LINES 100

static void *write_lines(void *arg)
{
	int i;

	for (i = 0; i < LINES; i++)
		log_info((const char *)arg, "line %d", i);
	return NULL;
}

/* Lines of several threads, over reopens, are all there and whole. */
static void test_threads(void)
{
	static const char *const names[WRITERS] = { "wa", "wb", "wc", "wd" };
	struct log_config config = { PAR_LOG_INFO, LOG_LOGFMT, "threads" };
	pthread_t threads[WRITERS];
	unsigned i, n = 0, thread, number;
	char error[256], *at, *next;

	CU_ASSERT_TRUE(log_open(&config, error, sizeof(error)));
	for (i = 0; i < WRITERS; i++)
		pthread_create(&threads[i], NULL, write_lines, (void *)names[i]);
	for (i = 0; i < 50; i++)
		CU_ASSERT_TRUE(log_reopen(error, sizeof(error)));
	for (i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	log_close();
	for (at = (char *)read_file("threads"); *at != '\0'; at = next, n++) {
		char letter;

		next = strchr(at, '\n');
		CU_ASSERT_PTR_NOT_NULL_FATAL(next);
		next++;
		CU_ASSERT_EQUAL(
		    sscanf(at, "ts=%*24c level=info sub=w%c msg=\"line %u\"\n", &letter, &number),
		    2);
		thread = (unsigned)(letter - 'a');
		CU_ASSERT(thread < WRITERS && number < LINES);
	}
	CU_ASSERT_EQUAL(n, WRITERS * LINES);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "fields", test_fields },
		{ "priorities", test_priorities },
		{ "times", test_times },
		{ "escaping", test_escaping },
		{ "invalid bytes", test_invalid_bytes },
		{ "cut", test_cut },
		{ "file", test_file },
		{ "stderr", test_stderr },
		{ "threads", test_threads },
		{ NULL, NULL },
	};
	char folder[] = "/tmp/parlance-test-log-XXXXXX";
	char command[sizeof(folder) + 16];
	int result;

	if (mkdtemp(folder) == NULL || chdir(folder) != 0)
		return 2;
	result = unit_main("log", tests);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command) == 0 ? result : 2;
}
