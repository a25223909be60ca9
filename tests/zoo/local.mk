# Broken plugins: modules that are never installed, for tests/e2e/test_zoo.py.
# -rpath makes libtool build a shared object of what is not installed.

ZOO_LDFLAGS = $(MODULE_LDFLAGS) -rpath /nowhere

check_LTLIBRARIES += \
	tests/zoo/zoo_auth.la \
	tests/zoo/zoo_circle_a.la \
	tests/zoo/zoo_circle_b.la \
	tests/zoo/zoo_faulty.la \
	tests/zoo/zoo_gate.la \
	tests/zoo/zoo_half_load.la \
	tests/zoo/zoo_late_register.la \
	tests/zoo/zoo_mute.la \
	tests/zoo/zoo_needs.la \
	tests/zoo/zoo_new_abi.la \
	tests/zoo/zoo_new_minor.la \
	tests/zoo/zoo_no_load.la \
	tests/zoo/zoo_no_symbol.la \
	tests/zoo/zoo_old_abi.la \
	tests/zoo/zoo_short.la \
	tests/zoo/zoo_start_fails.la \
	tests/zoo/zoo_storage.la \
	tests/zoo/zoo_taken.la \
	tests/zoo/zoo_tame.la \
	tests/zoo/zoo_unresolved.la \
	tests/zoo/zoo_wild.la \
	tests/zoo/zoo_wrong_magic.la \
	tests/zoo/zoo_wrong_name.la

tests_zoo_zoo_auth_la_SOURCES = tests/zoo/zoo_auth.c tests/zoo/zoo.h
tests_zoo_zoo_auth_la_LDFLAGS = $(ZOO_LDFLAGS)

tests_zoo_zoo_circle_a_la_SOURCES = tests/zoo/zoo_circle_a.c tests/zoo/zoo.h
tests_zoo_zoo_circle_a_la_LDFLAGS = $(ZOO_LDFLAGS)

tests_zoo_zoo_circle_b_la_SOURCES = tests/zoo/zoo_circle_b.c tests/zoo/zoo.h
tests_zoo_zoo_circle_b_la_LDFLAGS = $(ZOO_LDFLAGS)

tests_zoo_zoo_faulty_la_SOURCES = tests/zoo/zoo_faulty.c tests/zoo/zoo.h
tests_zoo_zoo_faulty_la_LDFLAGS = $(ZOO_LDFLAGS)
tests_zoo_zoo_faulty_la_LIBADD = $(JSONC_LIBS) -ldl

tests_zoo_zoo_gate_la_SOURCES = tests/zoo/zoo_gate.c tests/zoo/zoo.h
tests_zoo_zoo_gate_la_LDFLAGS = $(ZOO_LDFLAGS)

tests_zoo_zoo_half_load_la_SOURCES = tests/zoo/zoo_half_load.c tests/zoo/zoo.h
tests_zoo_zoo_half_load_la_LDFLAGS = $(ZOO_LDFLAGS)

tests_zoo_zoo_late_register_la_SOURCES = tests/zoo/zoo_late_register.c tests/zoo/zoo.h
tests_zoo_zoo_late_register_la_LDFLAGS = $(ZOO_LDFLAGS)

tests_zoo_zoo_mute_la_SOURCES = tests/zoo/zoo_mute.c tests/zoo/zoo.h
tests_zoo_zoo_mute_la_LDFLAGS = $(ZOO_LDFLAGS)

tests_zoo_zoo_needs_la_SOURCES = tests/zoo/zoo_needs.c tests/zoo/zoo.h
tests_zoo_zoo_needs_la_LDFLAGS = $(ZOO_LDFLAGS)

tests_zoo_zoo_new_abi_la_SOURCES = tests/zoo/zoo_new_abi.c tests/zoo/zoo.h
tests_zoo_zoo_new_abi_la_LDFLAGS = $(ZOO_LDFLAGS)

tests_zoo_zoo_new_minor_la_SOURCES = tests/zoo/zoo_new_minor.c tests/zoo/zoo.h
tests_zoo_zoo_new_minor_la_LDFLAGS = $(ZOO_LDFLAGS)

tests_zoo_zoo_no_load_la_SOURCES = tests/zoo/zoo_no_load.c tests/zoo/zoo.h
tests_zoo_zoo_no_load_la_LDFLAGS = $(ZOO_LDFLAGS)

tests_zoo_zoo_no_symbol_la_SOURCES = tests/zoo/zoo_no_symbol.c tests/zoo/zoo.h
tests_zoo_zoo_no_symbol_la_LDFLAGS = $(ZOO_LDFLAGS)

tests_zoo_zoo_old_abi_la_SOURCES = tests/zoo/zoo_old_abi.c tests/zoo/zoo.h
tests_zoo_zoo_old_abi_la_LDFLAGS = $(ZOO_LDFLAGS)

tests_zoo_zoo_short_la_SOURCES = tests/zoo/zoo_short.c tests/zoo/zoo.h
tests_zoo_zoo_short_la_LDFLAGS = $(ZOO_LDFLAGS)

tests_zoo_zoo_start_fails_la_SOURCES = tests/zoo/zoo_start_fails.c tests/zoo/zoo.h
tests_zoo_zoo_start_fails_la_LDFLAGS = $(ZOO_LDFLAGS)

tests_zoo_zoo_storage_la_SOURCES = tests/zoo/zoo_storage.c tests/zoo/zoo.h
tests_zoo_zoo_storage_la_LDFLAGS = $(ZOO_LDFLAGS)

tests_zoo_zoo_taken_la_SOURCES = tests/zoo/zoo_taken.c tests/zoo/zoo.h
tests_zoo_zoo_taken_la_LDFLAGS = $(ZOO_LDFLAGS)

tests_zoo_zoo_tame_la_SOURCES = tests/zoo/zoo_tame.c tests/zoo/zoo.h
tests_zoo_zoo_tame_la_LDFLAGS = $(ZOO_LDFLAGS)
tests_zoo_zoo_tame_la_LIBADD = $(JSONC_LIBS)

tests_zoo_zoo_unresolved_la_SOURCES = tests/zoo/zoo_unresolved.c tests/zoo/zoo.h
tests_zoo_zoo_unresolved_la_LDFLAGS = $(ZOO_LDFLAGS)

tests_zoo_zoo_wild_la_SOURCES = tests/zoo/zoo_wild.c tests/zoo/zoo.h
tests_zoo_zoo_wild_la_LDFLAGS = $(ZOO_LDFLAGS)
tests_zoo_zoo_wild_la_LIBADD = $(JSONC_LIBS)

tests_zoo_zoo_wrong_magic_la_SOURCES = tests/zoo/zoo_wrong_magic.c tests/zoo/zoo.h
tests_zoo_zoo_wrong_magic_la_LDFLAGS = $(ZOO_LDFLAGS)

tests_zoo_zoo_wrong_name_la_SOURCES = tests/zoo/zoo_wrong_name.c tests/zoo/zoo.h
tests_zoo_zoo_wrong_name_la_LDFLAGS = $(ZOO_LDFLAGS)
