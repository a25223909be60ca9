# parlance-storage-check: what every storage must do. It is installed, so that
# whoever writes a storage can run it against his own.

bin_PROGRAMS += parlance-storage-check

parlance_storage_check_SOURCES = tests/storage_check/again.c tests/storage_check/append.c \
	tests/storage_check/batch.c \
	tests/storage_check/change.c tests/storage_check/check.c tests/storage_check/check.h \
	tests/storage_check/crash.c tests/storage_check/device.c tests/storage_check/doc.c \
	tests/storage_check/gap.c tests/storage_check/history.c tests/storage_check/lifecycle.c \
	tests/storage_check/long_choose.c tests/storage_check/long_run.c \
	tests/storage_check/long_run.h tests/storage_check/main.c tests/storage_check/mark.c \
	tests/storage_check/members.c tests/storage_check/model_group.c \
	tests/storage_check/model_say.c \
	tests/storage_check/model.c tests/storage_check/model.h tests/storage_check/model_query.c \
	tests/storage_check/model_stream.c tests/storage_check/peers.c tests/storage_check/prune.c \
	tests/storage_check/reach.c tests/storage_check/refuse.c tests/storage_check/restart.c \
	tests/storage_check/roster.c tests/storage_check/rules.h tests/storage_check/runner.c \
	tests/storage_check/runner.h tests/storage_check/stream.c tests/storage_check/tx.c \
	tests/storage_check/words.c tests/storage_check/words.h \
	$(STORE_SOURCES) $(HOST_SOURCES)
parlance_storage_check_CPPFLAGS = $(HOST_CPPFLAGS)
parlance_storage_check_LDADD = libparlance.a $(JSONC_LIBS) -ldl

STORAGE_CHECKS = tests/storage_check/check-memory tests/storage_check/check-postgres \
	tests/storage_check/check-sqlite
TESTS += $(STORAGE_CHECKS)
EXTRA_DIST += $(STORAGE_CHECKS) tests/support/fresh.sql
