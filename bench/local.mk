# Measurements. They are built with everything else, so that they do not rot, and
# run by hand: README.md.

noinst_PROGRAMS += bench/replay
bench_replay_SOURCES = bench/replay.c bench/server.c bench/server.h bench/wire.c bench/wire.h
bench_replay_LDADD = $(PARLANCE_LIBS)

noinst_PROGRAMS += bench/load
bench_load_SOURCES = bench/load.c bench/load.h bench/load_run.c bench/server.c bench/server.h \
	bench/wire.c bench/wire.h
bench_load_LDADD = $(PARLANCE_LIBS)

EXTRA_DIST += bench/README.md
