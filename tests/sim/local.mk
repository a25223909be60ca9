# The simulated world: the core in one process against a simulated clock,
# network and storage. `sim --seed S --trace` replays a run.

check_PROGRAMS += tests/sim/sim
TESTS += tests/sim/sim tests/sim/sim-postgres
EXTRA_DIST += tests/sim/sim-postgres
tests_sim_sim_SOURCES = tests/sim/chaos.c tests/sim/client.c tests/sim/client.h \
	tests/sim/client_act.c tests/sim/client_ask.c tests/sim/conn.c tests/sim/conn.h \
	tests/sim/main.c tests/sim/plan.c tests/sim/plan.h tests/sim/random.c tests/sim/random.h \
	tests/sim/run.c tests/sim/run.h tests/sim/server.c tests/sim/server.h tests/sim/sim.h \
	tests/sim/storage.c tests/sim/storage.h tests/sim/taken.c tests/sim/taken.h \
	tests/sim/trace.c tests/sim/trace.h \
	tests/sim/truth.c tests/sim/truth.h tests/sim/watch.c tests/sim/wire.c tests/sim/wire.h \
	tests/sim/world.c tests/sim/world.h $(STORE_SOURCES) $(HOST_SOURCES)
tests_sim_sim_CPPFLAGS = $(HOST_CPPFLAGS)
tests_sim_sim_LDADD = libhistory.a $(PARLANCE_LIBS)
