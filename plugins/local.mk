dist_schema_DATA += plugins/calls/calls.schema.json
dist_schema_DATA += plugins/groups/groups.schema.json
dist_schema_DATA += plugins/messaging/messaging.schema.json
dist_schema_DATA += plugins/presence/presence.schema.json
dist_schema_DATA += plugins/typing/typing.schema.json

plugin_LTLIBRARIES += plugins/messaging.la plugins/typing.la plugins/auth_insecure.la

plugins_messaging_la_SOURCES = plugins/messaging/call.c plugins/messaging/change.c \
	plugins/messaging/content.c plugins/messaging/delivering.c plugins/messaging/fingerprint.c \
	plugins/messaging/fingerprint.h plugins/messaging/history.c plugins/messaging/mark.c \
	plugins/messaging/messaging.c plugins/messaging/messaging.h \
	plugins/messaging/new.c plugins/messaging/template.c
plugins_messaging_la_LDFLAGS = $(MODULE_LDFLAGS)
plugins_messaging_la_LIBADD = $(JSONC_LIBS)

plugin_LTLIBRARIES += plugins/groups.la
plugins_groups_la_SOURCES = plugins/groups/change.c plugins/groups/create.c plugins/groups/event.c \
	plugins/groups/groups.c plugins/groups/groups.h plugins/groups/list.c plugins/groups/users.c
plugins_groups_la_LDFLAGS = $(MODULE_LDFLAGS)
plugins_groups_la_LIBADD = $(JSONC_LIBS)

plugins_typing_la_SOURCES = plugins/typing/room.c plugins/typing/typing.c plugins/typing/typing.h
plugins_typing_la_LDFLAGS = $(MODULE_LDFLAGS)
plugins_typing_la_LIBADD = $(JSONC_LIBS)

plugin_LTLIBRARIES += plugins/presence.la
plugins_presence_la_SOURCES = plugins/presence/detail.c plugins/presence/errand.c \
	plugins/presence/keep.c plugins/presence/page.c \
	plugins/presence/person.c plugins/presence/presence.c plugins/presence/presence.h \
	plugins/presence/seen.c
plugins_presence_la_LDFLAGS = $(MODULE_LDFLAGS)
plugins_presence_la_LIBADD = $(JSONC_LIBS)

plugins_auth_insecure_la_SOURCES = plugins/auth_insecure.c
plugins_auth_insecure_la_LDFLAGS = $(MODULE_LDFLAGS)

plugin_LTLIBRARIES += plugins/storage_memory.la
plugins_storage_memory_la_SOURCES = plugins/storage_memory/change.c plugins/storage_memory/device.c \
	plugins/storage_memory/doc.c plugins/storage_memory/entity.c plugins/storage_memory/history.c \
	plugins/storage_memory/mark.c plugins/storage_memory/member.c plugins/storage_memory/memory.h \
	plugins/storage_memory/message.c plugins/storage_memory/peers.c plugins/storage_memory/plugin.c \
	plugins/storage_memory/prune.c plugins/storage_memory/reach.c plugins/storage_memory/roster.c \
	plugins/storage_memory/sent.c plugins/storage_memory/sent.h \
	plugins/storage_memory/stream.c plugins/storage_memory/undo.c \
	plugins/storage_common/cursor.h plugins/storage_common/kind.h \
	plugins/storage_common/order.h plugins/storage_common/page.h plugins/storage_common/roster.h
plugins_storage_memory_la_LDFLAGS = $(MODULE_LDFLAGS)

plugin_LTLIBRARIES += plugins/storage_sqlite.la
plugins_storage_sqlite_la_SOURCES = plugins/storage_sqlite/batch.c plugins/storage_sqlite/cache.c \
	plugins/storage_sqlite/cache.h plugins/storage_sqlite/change.c plugins/storage_sqlite/chat.c \
	plugins/storage_sqlite/checkpoint.c plugins/storage_sqlite/db.c \
	plugins/storage_sqlite/db.h plugins/storage_sqlite/dedupe.c \
	plugins/storage_sqlite/device.c plugins/storage_sqlite/doc.c \
	plugins/storage_sqlite/group.c plugins/storage_sqlite/health.c \
	plugins/storage_sqlite/history.c plugins/storage_sqlite/mark.c plugins/storage_sqlite/message.c \
	plugins/storage_sqlite/open.c plugins/storage_sqlite/ops.h plugins/storage_sqlite/peers.c \
	plugins/storage_sqlite/plugin.c plugins/storage_sqlite/prune.c \
	plugins/storage_sqlite/reach.c plugins/storage_sqlite/roster.c plugins/storage_sqlite/schema.c plugins/storage_sqlite/statements.h \
	plugins/storage_sqlite/stream.c plugins/storage_sqlite/wal_file.c \
	plugins/storage_sqlite/wal_file.h plugins/storage_sqlite/worker.c \
	plugins/storage_sqlite/worker.h plugins/storage_common/clear.h \
	plugins/storage_common/cursor.h plugins/storage_common/kind.h \
	plugins/storage_common/order.h plugins/storage_common/page.h plugins/storage_common/roster.h
plugins_storage_sqlite_la_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
plugins_storage_sqlite_la_LDFLAGS = $(MODULE_LDFLAGS)
plugins_storage_sqlite_la_LIBADD = $(SQLITE_LIBS) $(JSONC_LIBS)

plugin_LTLIBRARIES += plugins/storage_postgres.la
plugins_storage_postgres_la_SOURCES = plugins/storage_postgres/append.c \
	plugins/storage_postgres/batch.h plugins/storage_postgres/batch_prune.c \
	plugins/storage_postgres/batch_read.c plugins/storage_postgres/batch_write.c \
	plugins/storage_postgres/change.c plugins/storage_postgres/connect.c \
	plugins/storage_postgres/connect.h plugins/storage_postgres/create.c \
	plugins/storage_postgres/device.c plugins/storage_postgres/dial.c \
	plugins/storage_postgres/dial.h plugins/storage_postgres/doc.c \
	plugins/storage_postgres/event.c plugins/storage_postgres/health.c \
	plugins/storage_postgres/health.h plugins/storage_postgres/index.c \
	plugins/storage_postgres/lane.c plugins/storage_postgres/lane.h \
	plugins/storage_postgres/load.c plugins/storage_postgres/load.h \
	plugins/storage_postgres/load_group.c plugins/storage_postgres/mark.c \
	plugins/storage_postgres/ops.h plugins/storage_postgres/outcome.c \
	plugins/storage_postgres/params.c plugins/storage_postgres/params.h \
	plugins/storage_postgres/plugin.c plugins/storage_postgres/pool.c \
	plugins/storage_postgres/pool.h plugins/storage_postgres/postgres.h \
	plugins/storage_postgres/prune.c plugins/storage_postgres/prune.h \
	plugins/storage_postgres/prune_group.c plugins/storage_postgres/prune_group.h \
	plugins/storage_postgres/query.h \
	plugins/storage_postgres/query_chats.c plugins/storage_postgres/query_doc.c \
	plugins/storage_postgres/query_history.c plugins/storage_postgres/query_members.c \
	plugins/storage_postgres/query_peers.c plugins/storage_postgres/query_stream.c \
	plugins/storage_postgres/queue.c plugins/storage_postgres/queue.h \
	plugins/storage_postgres/queue_key.c plugins/storage_postgres/queue_key.h \
	plugins/storage_postgres/reach.c plugins/storage_postgres/roster.c \
	plugins/storage_postgres/rows.h plugins/storage_postgres/run.c \
	plugins/storage_postgres/run.h plugins/storage_postgres/schema.c \
	plugins/storage_postgres/schema.h plugins/storage_postgres/server.c \
	plugins/storage_postgres/server.h plugins/storage_postgres/sqlstate.c \
	plugins/storage_postgres/sqlstate.h plugins/storage_postgres/statements.c \
	plugins/storage_postgres/statements.h plugins/storage_postgres/statements_batch.h \
	plugins/storage_postgres/statements_group.h plugins/storage_postgres/statements_lane.h \
	plugins/storage_postgres/statements_prune.h plugins/storage_postgres/statements_query.h \
	plugins/storage_postgres/world.c plugins/storage_postgres/world.h \
	plugins/storage_postgres/write.c plugins/storage_postgres/write.h \
	plugins/storage_postgres/write_group.c plugins/storage_postgres/write_stream.c \
	plugins/storage_common/clear.h plugins/storage_common/cursor.h \
	plugins/storage_common/kind.h plugins/storage_common/order.h plugins/storage_common/page.h \
	plugins/storage_common/roster.h
plugins_storage_postgres_la_CPPFLAGS = $(AM_CPPFLAGS) $(PQ_CFLAGS)
plugins_storage_postgres_la_LDFLAGS = $(MODULE_LDFLAGS)
plugins_storage_postgres_la_LIBADD = $(PQ_LIBS) $(JSONC_LIBS)

plugin_LTLIBRARIES += plugins/calls.la
plugins_calls_la_SOURCES = plugins/calls/calls.h plugins/calls/decide.c plugins/calls/live.c \
	plugins/calls/look.c plugins/calls/plugin.c plugins/calls/record.c plugins/calls/record.h \
	plugins/calls/request.c plugins/calls/roster.c plugins/calls/signal.c plugins/calls/step.c \
	plugins/calls/step.h plugins/calls/sweep.c plugins/calls/tell.c plugins/calls/watch.c
plugins_calls_la_LDFLAGS = $(MODULE_LDFLAGS)
plugins_calls_la_LIBADD = $(JSONC_LIBS)
