# Measurements. They are built with everything else, so that they do not rot, and
# run by hand: README.md.

noinst_PROGRAMS += bench/replay
bench_replay_SOURCES = bench/replay.c bench/server.c bench/server.h bench/wire.c bench/wire.h
bench_replay_LDADD = $(PARLANCE_LIBS)

noinst_PROGRAMS += bench/load
bench_load_SOURCES = bench/load.c bench/load.h bench/load_run.c bench/server.c bench/server.h \
	bench/wire.c bench/wire.h
bench_load_LDADD = $(PARLANCE_LIBS)

noinst_PROGRAMS += bench/presence
bench_presence_SOURCES = bench/presence.c bench/presence_crowd.c bench/presence_crowd.h bench/load.h \
	bench/load_run.c bench/server.c bench/server.h bench/wire.c bench/wire.h
bench_presence_LDADD = $(PARLANCE_LIBS)

noinst_PROGRAMS += bench/pg_floor bench/pg_statements
bench_pg_floor_SOURCES = bench/pg_floor.c bench/pg_floor.h bench/pg_floor_batch.c bench/pg_floor_write.c \
	bench/server.c bench/server.h plugins/storage_postgres/connect.c plugins/storage_postgres/connect.h \
	plugins/storage_postgres/params.c plugins/storage_postgres/params.h \
	plugins/storage_postgres/run.c plugins/storage_postgres/run.h \
	plugins/storage_postgres/schema.c plugins/storage_postgres/schema.h \
	plugins/storage_postgres/server.c plugins/storage_postgres/server.h \
	plugins/storage_postgres/sqlstate.c plugins/storage_postgres/sqlstate.h \
	plugins/storage_postgres/statements.c plugins/storage_postgres/statements.h
bench_pg_floor_CPPFLAGS = $(AM_CPPFLAGS) $(PQ_CFLAGS)
bench_pg_floor_LDADD = $(PARLANCE_LIBS) $(PQ_LIBS)
bench_pg_statements_SOURCES = bench/pg_statements.c plugins/storage_postgres/statements.c \
	plugins/storage_postgres/statements.h
bench_pg_statements_CPPFLAGS = $(AM_CPPFLAGS) $(PQ_CFLAGS)

EXTRA_DIST += bench/README.md bench/pg-plans bench/pg_fill.sql bench/pg_plans.sql bench/run-postgres
