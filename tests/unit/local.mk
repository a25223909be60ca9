if HAVE_CUNIT

check_PROGRAMS += tests/unit/test_mailbox
TESTS += tests/unit/test_mailbox
tests_unit_test_mailbox_SOURCES = tests/unit/test_mailbox.c tests/unit/unit.h
tests_unit_test_mailbox_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_utf8
TESTS += tests/unit/test_utf8
tests_unit_test_utf8_SOURCES = tests/unit/test_utf8.c tests/unit/unit.h
tests_unit_test_utf8_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_frame
TESTS += tests/unit/test_frame
tests_unit_test_frame_SOURCES = tests/unit/test_frame.c tests/unit/unit.h
tests_unit_test_frame_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_handshake
TESTS += tests/unit/test_handshake
tests_unit_test_handshake_SOURCES = tests/unit/test_handshake.c tests/unit/unit.h
tests_unit_test_handshake_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_payload
TESTS += tests/unit/test_payload
tests_unit_test_payload_SOURCES = tests/unit/test_payload.c tests/unit/unit.h
tests_unit_test_payload_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_roster
TESTS += tests/unit/test_roster
tests_unit_test_roster_SOURCES = tests/unit/test_roster.c tests/unit/unit.h
tests_unit_test_roster_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_test_roster_LDADD = $(CUNIT_LIBS)

# Tests of plugins; the fake host is in tests/support.
check_PROGRAMS += tests/unit/test_messaging
TESTS += tests/unit/test_messaging
tests_unit_test_messaging_SOURCES = tests/unit/test_messaging.c tests/unit/messaging_again.c \
	tests/unit/messaging_changes.c tests/unit/messaging_history.c \
	tests/unit/messaging_refusals.c tests/unit/messaging_same.c \
	tests/unit/messaging_world.c tests/unit/messaging_world.h tests/unit/unit.h $(HOST_SOURCES)
tests_unit_test_messaging_CPPFLAGS = $(HOST_CPPFLAGS)
tests_unit_test_messaging_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_typing
TESTS += tests/unit/test_typing
tests_unit_test_typing_SOURCES = tests/unit/test_typing.c tests/unit/typing_world.h \
	tests/unit/unit.h $(HOST_SOURCES)
tests_unit_test_typing_CPPFLAGS = $(HOST_CPPFLAGS)
tests_unit_test_typing_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_typing_group
TESTS += tests/unit/test_typing_group
tests_unit_test_typing_group_SOURCES = tests/unit/test_typing_group.c tests/unit/typing_world.h \
	tests/unit/unit.h $(HOST_SOURCES)
tests_unit_test_typing_group_CPPFLAGS = $(HOST_CPPFLAGS)
tests_unit_test_typing_group_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_calls
TESTS += tests/unit/test_calls
tests_unit_test_calls_SOURCES = tests/unit/test_calls.c tests/unit/unit.h plugins/calls/decide.c \
	plugins/calls/record.c plugins/calls/roster.c
tests_unit_test_calls_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_test_calls_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_calls_servers
TESTS += tests/unit/test_calls_servers
tests_unit_test_calls_servers_SOURCES = tests/unit/test_calls_servers.c tests/unit/unit.h \
	$(STORE_SOURCES) $(HOST_SOURCES)
tests_unit_test_calls_servers_CPPFLAGS = $(HOST_CPPFLAGS)
tests_unit_test_calls_servers_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_presence tests/unit/test_presence_seen
TESTS += tests/unit/test_presence tests/unit/test_presence_seen
PRESENCE_WORLD = tests/unit/presence_world.c tests/unit/presence_world.h tests/unit/unit.h \
	$(STORE_SOURCES) $(HOST_SOURCES)
tests_unit_test_presence_SOURCES = tests/unit/test_presence.c $(PRESENCE_WORLD)
tests_unit_test_presence_CPPFLAGS = $(HOST_CPPFLAGS)
tests_unit_test_presence_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)
tests_unit_test_presence_seen_SOURCES = tests/unit/test_presence_seen.c $(PRESENCE_WORLD)
tests_unit_test_presence_seen_CPPFLAGS = $(HOST_CPPFLAGS)
tests_unit_test_presence_seen_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_auth_insecure
TESTS += tests/unit/test_auth_insecure
tests_unit_test_auth_insecure_SOURCES = tests/unit/test_auth_insecure.c tests/unit/unit.h \
	$(HOST_SOURCES)
tests_unit_test_auth_insecure_CPPFLAGS = $(HOST_CPPFLAGS)
tests_unit_test_auth_insecure_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_cli
TESTS += tests/unit/test_cli
tests_unit_test_cli_SOURCES = tests/unit/test_cli.c tests/unit/unit.h cli/ending.c cli/inbox.c \
	cli/message.c cli/requests.c cli/terminal.c cli/url.c
tests_unit_test_cli_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_test_cli_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_envelope
TESTS += tests/unit/test_envelope
tests_unit_test_envelope_SOURCES = tests/unit/test_envelope.c tests/unit/unit.h
tests_unit_test_envelope_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_json_build
TESTS += tests/unit/test_json_build
tests_unit_test_json_build_SOURCES = tests/unit/test_json_build.c tests/unit/unit.h
tests_unit_test_json_build_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_json
TESTS += tests/unit/test_json
tests_unit_test_json_SOURCES = tests/unit/test_json.c tests/unit/unit.h
tests_unit_test_json_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_config
TESTS += tests/unit/test_config
tests_unit_test_config_SOURCES = tests/unit/test_config.c tests/unit/unit.h
tests_unit_test_config_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_config_files
TESTS += tests/unit/test_config_files
tests_unit_test_config_files_SOURCES = tests/unit/test_config_files.c tests/unit/unit.h
tests_unit_test_config_files_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_settings
TESTS += tests/unit/test_settings
tests_unit_test_settings_SOURCES = tests/unit/test_settings.c tests/unit/unit.h
tests_unit_test_settings_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_window
TESTS += tests/unit/test_window
tests_unit_test_window_SOURCES = tests/unit/test_window.c tests/unit/unit.h
tests_unit_test_window_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_timer
TESTS += tests/unit/test_timer
tests_unit_test_timer_SOURCES = tests/unit/test_timer.c tests/unit/unit.h
tests_unit_test_timer_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

# The core with the real plugins, without a transport.
check_PROGRAMS += tests/unit/test_dispatch
TESTS += tests/unit/test_dispatch
tests_unit_test_dispatch_SOURCES = tests/unit/test_dispatch.c tests/unit/core_world.c \
	tests/unit/core_world.h tests/unit/unit.h
tests_unit_test_dispatch_CPPFLAGS = $(HOST_CPPFLAGS)
tests_unit_test_dispatch_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_session tests/unit/test_session_device
TESTS += tests/unit/test_session tests/unit/test_session_device
tests_unit_test_session_SOURCES = tests/unit/test_session.c tests/unit/core_world.c \
	tests/unit/core_world.h tests/unit/unit.h
tests_unit_test_session_CPPFLAGS = $(HOST_CPPFLAGS)
tests_unit_test_session_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)
tests_unit_test_session_device_SOURCES = tests/unit/test_session_device.c \
	tests/unit/core_world.c tests/unit/core_world.h tests/unit/unit.h
tests_unit_test_session_device_CPPFLAGS = $(HOST_CPPFLAGS)
tests_unit_test_session_device_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_stream
TESTS += tests/unit/test_stream
tests_unit_test_stream_SOURCES = tests/unit/test_stream.c tests/unit/stream_world.c \
	tests/unit/stream_world.h tests/unit/core_world.c tests/unit/core_world.h tests/unit/unit.h
tests_unit_test_stream_CPPFLAGS = $(HOST_CPPFLAGS)
tests_unit_test_stream_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_delivery
TESTS += tests/unit/test_delivery
tests_unit_test_delivery_SOURCES = tests/unit/test_delivery.c tests/unit/stream_world.c \
	tests/unit/stream_world.h tests/unit/core_world.c tests/unit/core_world.h tests/unit/unit.h
tests_unit_test_delivery_CPPFLAGS = $(HOST_CPPFLAGS)
tests_unit_test_delivery_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_outage
TESTS += tests/unit/test_outage
tests_unit_test_outage_SOURCES = tests/unit/test_outage.c tests/unit/stream_world.c \
	tests/unit/stream_world.h tests/unit/core_world.c tests/unit/core_world.h tests/unit/unit.h
tests_unit_test_outage_CPPFLAGS = $(HOST_CPPFLAGS)
tests_unit_test_outage_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_details
TESTS += tests/unit/test_details
tests_unit_test_details_SOURCES = tests/unit/test_details.c tests/unit/stream_world.c \
	tests/unit/stream_world.h tests/unit/core_world.c tests/unit/core_world.h tests/unit/unit.h
tests_unit_test_details_CPPFLAGS = $(HOST_CPPFLAGS)
tests_unit_test_details_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_api
TESTS += tests/unit/test_api
tests_unit_test_api_SOURCES = tests/unit/test_api.c tests/unit/core_world.c \
	tests/unit/core_world.h tests/unit/unit.h
tests_unit_test_api_CPPFLAGS = $(HOST_CPPFLAGS)
tests_unit_test_api_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_hooks
TESTS += tests/unit/test_hooks
tests_unit_test_hooks_SOURCES = tests/unit/test_hooks.c tests/unit/core_world.c \
	tests/unit/core_world.h tests/unit/unit.h
tests_unit_test_hooks_CPPFLAGS = $(HOST_CPPFLAGS)
tests_unit_test_hooks_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

# The core in the server's own loop.
check_PROGRAMS += tests/unit/test_watch tests/unit/test_watch_misuse
TESTS += tests/unit/test_watch tests/unit/test_watch_misuse
WATCH_WORLD = tests/unit/watch_world.c tests/unit/watch_world.h tests/unit/unit.h \
	core/server/loop.c core/server/loop.h
tests_unit_test_watch_SOURCES = tests/unit/test_watch.c $(WATCH_WORLD)
tests_unit_test_watch_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)
tests_unit_test_watch_misuse_SOURCES = tests/unit/test_watch_misuse.c $(WATCH_WORLD)
tests_unit_test_watch_misuse_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_outbox
TESTS += tests/unit/test_outbox
tests_unit_test_outbox_SOURCES = tests/unit/test_outbox.c tests/unit/unit.h
tests_unit_test_outbox_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=mailbox_want_room
tests_unit_test_outbox_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_log
TESTS += tests/unit/test_log
tests_unit_test_log_SOURCES = tests/unit/test_log.c tests/unit/unit.h
tests_unit_test_log_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_metrics
TESTS += tests/unit/test_metrics
tests_unit_test_metrics_SOURCES = tests/unit/test_metrics.c tests/unit/unit.h
tests_unit_test_metrics_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_http
TESTS += tests/unit/test_http
tests_unit_test_http_SOURCES = tests/unit/test_http.c tests/unit/unit.h core/server/http.c core/server/http.h
tests_unit_test_http_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_transport tests/unit/test_transport_limits
TESTS += tests/unit/test_transport tests/unit/test_transport_limits
tests_unit_test_transport_SOURCES = tests/unit/test_transport.c tests/unit/transport_world.c \
	tests/unit/transport_world.h tests/unit/unit.h
tests_unit_test_transport_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)
tests_unit_test_transport_limits_SOURCES = tests/unit/test_transport_limits.c \
	tests/unit/transport_world.c tests/unit/transport_world.h tests/unit/unit.h
tests_unit_test_transport_limits_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

# What is special to the embedded storage: its file. What every storage must do is in
# tests/storage_check.
SQLITE_TESTS = tests/unit/test_sqlite tests/unit/test_sqlite_disk tests/unit/test_sqlite_down \
	tests/unit/test_sqlite_group tests/unit/test_sqlite_prune tests/unit/test_sqlite_upgrade
check_PROGRAMS += $(SQLITE_TESTS)
TESTS += $(SQLITE_TESTS)
EXTRA_DIST += tests/unit/sqlite_v1.sql tests/unit/sqlite_v2.sql
SQLITE_TEST_SOURCES = tests/unit/sqlite_test.h tests/unit/unit.h \
	$(STORE_SOURCES) $(HOST_SOURCES)
SQLITE_TEST_LIBS = $(PARLANCE_LIBS) $(CUNIT_LIBS) $(SQLITE_LIBS)
tests_unit_test_sqlite_SOURCES = tests/unit/test_sqlite.c $(SQLITE_TEST_SOURCES)
tests_unit_test_sqlite_CPPFLAGS = $(HOST_CPPFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_sqlite_LDADD = $(SQLITE_TEST_LIBS)
tests_unit_test_sqlite_disk_SOURCES = tests/unit/test_sqlite_disk.c tests/support/faulty_disk.c \
	tests/support/faulty_disk.h $(SQLITE_TEST_SOURCES)
tests_unit_test_sqlite_disk_CPPFLAGS = $(HOST_CPPFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_sqlite_disk_LDADD = $(SQLITE_TEST_LIBS)
tests_unit_test_sqlite_down_SOURCES = tests/unit/test_sqlite_down.c $(SQLITE_TEST_SOURCES)
tests_unit_test_sqlite_down_CPPFLAGS = $(HOST_CPPFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_sqlite_down_LDADD = $(SQLITE_TEST_LIBS)
tests_unit_test_sqlite_group_SOURCES = tests/unit/test_sqlite_group.c $(SQLITE_TEST_SOURCES)
tests_unit_test_sqlite_group_CPPFLAGS = $(HOST_CPPFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_sqlite_group_LDADD = $(SQLITE_TEST_LIBS)
tests_unit_test_sqlite_prune_SOURCES = tests/unit/test_sqlite_prune.c $(SQLITE_TEST_SOURCES)
tests_unit_test_sqlite_prune_CPPFLAGS = $(HOST_CPPFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_sqlite_prune_LDADD = $(SQLITE_TEST_LIBS)
tests_unit_test_sqlite_upgrade_SOURCES = tests/unit/test_sqlite_upgrade.c $(SQLITE_TEST_SOURCES)
tests_unit_test_sqlite_upgrade_CPPFLAGS = $(HOST_CPPFLAGS) $(SQLITE_CFLAGS) \
	-DUPGRADE_FILES='"$(abs_top_srcdir)/tests/unit"'
tests_unit_test_sqlite_upgrade_LDADD = $(SQLITE_TEST_LIBS)

QUEUE_TEST_SOURCES = plugins/storage_postgres/queue.c plugins/storage_postgres/queue.h \
	plugins/storage_postgres/queue_key.c plugins/storage_postgres/queue_key.h \
	tests/unit/queue_world.c tests/unit/queue_world.h tests/unit/unit.h
check_PROGRAMS += tests/unit/test_postgres_queue tests/unit/test_postgres_keys
TESTS += tests/unit/test_postgres_queue tests/unit/test_postgres_keys
tests_unit_test_postgres_queue_SOURCES = tests/unit/test_postgres_queue.c $(QUEUE_TEST_SOURCES)
tests_unit_test_postgres_queue_LDADD = $(CUNIT_LIBS)
tests_unit_test_postgres_keys_SOURCES = tests/unit/test_postgres_keys.c $(QUEUE_TEST_SOURCES)
tests_unit_test_postgres_keys_LDADD = $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_postgres_params
TESTS += tests/unit/test_postgres_params
tests_unit_test_postgres_params_SOURCES = tests/unit/test_postgres_params.c \
	plugins/storage_postgres/params.c plugins/storage_postgres/params.h \
	plugins/storage_postgres/sqlstate.c plugins/storage_postgres/sqlstate.h tests/unit/unit.h
tests_unit_test_postgres_params_LDADD = $(CUNIT_LIBS)

check_PROGRAMS += tests/unit/test_postgres_prune
TESTS += tests/unit/test_postgres_prune
tests_unit_test_postgres_prune_SOURCES = tests/unit/test_postgres_prune.c \
	plugins/storage_postgres/prune.c plugins/storage_postgres/prune.h tests/unit/unit.h
tests_unit_test_postgres_prune_LDADD = $(CUNIT_LIBS)

# What is special to PostgreSQL: migrations, what others commit meanwhile, several servers
# on one database, and lost connections.
POSTGRES_TESTS = tests/unit/test_postgres_schema tests/unit/test_postgres_batch \
	tests/unit/test_postgres_two tests/unit/test_postgres_lost
check_PROGRAMS += $(POSTGRES_TESTS)
TESTS += tests/unit/check-postgres
EXTRA_DIST += tests/unit/check-postgres
POSTGRES_TEST_SOURCES = tests/unit/postgres_test.h tests/unit/unit.h \
	$(STORE_SOURCES) $(HOST_SOURCES)
POSTGRES_TEST_CPPFLAGS = $(HOST_CPPFLAGS) $(PQ_CFLAGS) \
	-DFRESH_SQL='"$(abs_top_srcdir)/tests/support/fresh.sql"'
tests_unit_test_postgres_schema_SOURCES = tests/unit/test_postgres_schema.c tests/unit/unit.h \
	plugins/storage_postgres/run.c plugins/storage_postgres/run.h \
	plugins/storage_postgres/schema.c plugins/storage_postgres/schema.h \
	plugins/storage_postgres/server.c plugins/storage_postgres/server.h
tests_unit_test_postgres_schema_CPPFLAGS = $(AM_CPPFLAGS) $(PQ_CFLAGS)
tests_unit_test_postgres_schema_LDADD = $(CUNIT_LIBS) $(PQ_LIBS)
tests_unit_test_postgres_batch_SOURCES = tests/unit/test_postgres_batch.c $(POSTGRES_TEST_SOURCES)
tests_unit_test_postgres_batch_CPPFLAGS = $(POSTGRES_TEST_CPPFLAGS)
tests_unit_test_postgres_batch_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS) $(PQ_LIBS)
tests_unit_test_postgres_two_SOURCES = tests/unit/test_postgres_two.c $(POSTGRES_TEST_SOURCES)
tests_unit_test_postgres_two_CPPFLAGS = $(POSTGRES_TEST_CPPFLAGS)
tests_unit_test_postgres_two_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS) $(PQ_LIBS)
tests_unit_test_postgres_lost_SOURCES = tests/unit/test_postgres_lost.c tests/support/cutter.c \
	tests/support/cutter.h $(POSTGRES_TEST_SOURCES)
tests_unit_test_postgres_lost_CPPFLAGS = $(POSTGRES_TEST_CPPFLAGS)
tests_unit_test_postgres_lost_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS) $(PQ_LIBS)

endif
