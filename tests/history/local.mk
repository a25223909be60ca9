# The history checker: a library for the tests that judge themselves, and a program.
noinst_LIBRARIES += libhistory.a
libhistory_a_SOURCES = tests/history/conn.c tests/history/conn.h tests/history/content.c \
	tests/history/content.h tests/history/fault.c tests/history/fault.h \
	tests/history/history.c tests/history/history.h tests/history/judge.h \
	tests/history/judge_devices.c tests/history/judge_origins.c tests/history/judge_pages.c \
	tests/history/judge_prepare.c tests/history/judge_streams.c tests/history/model.c \
	tests/history/model.h tests/history/take.h tests/history/take_request.c \
	tests/history/take_told.c

bin_PROGRAMS += parlance-history-check
parlance_history_check_SOURCES = tests/history/main.c
parlance_history_check_LDADD = libhistory.a $(PARLANCE_LIBS)

TESTS += tests/history/check-recordings
EXTRA_DIST += tests/history/check-recordings tests/history/recordings
