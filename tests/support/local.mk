# The fake host for plugins, and the words of storage tests.
HOST_SOURCES = tests/support/host.c tests/support/host.h tests/support/host_api.c \
	tests/support/host_api.h tests/support/host_loop.c tests/support/host_loop.h \
	tests/support/host_requests.c tests/support/host_requests.h
STORE_SOURCES = tests/support/store.c tests/support/store.h tests/support/store_pending.h \
	tests/support/store_query.c tests/support/store_tx.c
HOST_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests \
	-DPLUGIN_BUILD_DIR='"$(abs_top_builddir)/plugins/.libs"'
