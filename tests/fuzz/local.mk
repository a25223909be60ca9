# Each target is a LLVMFuzzerTestOneInput. With --enable-fuzz it is linked with
# libFuzzer, to be run as tests/fuzz/frame_fuzz -dict=... SEEDS; without, with a
# main() that runs its seeds, which is a test like the others.

FUZZ_TARGETS = \
	tests/fuzz/frame_fuzz \
	tests/fuzz/handshake_fuzz \
	tests/fuzz/envelope_fuzz \
	tests/fuzz/config_fuzz

EXTRA_DIST += tests/fuzz/seeds tests/fuzz/envelope.dict tests/fuzz/handshake.dict \
	tests/fuzz/config.dict

tests_fuzz_frame_fuzz_SOURCES = tests/fuzz/frame_fuzz.c
tests_fuzz_frame_fuzz_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_TARGET='"frame"'
tests_fuzz_frame_fuzz_LDADD = $(PARLANCE_LIBS)

tests_fuzz_handshake_fuzz_SOURCES = tests/fuzz/handshake_fuzz.c
tests_fuzz_handshake_fuzz_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_TARGET='"handshake"'
tests_fuzz_handshake_fuzz_LDADD = $(PARLANCE_LIBS)

tests_fuzz_envelope_fuzz_SOURCES = tests/fuzz/envelope_fuzz.c
tests_fuzz_envelope_fuzz_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_TARGET='"envelope"'
tests_fuzz_envelope_fuzz_LDADD = $(PARLANCE_LIBS)

tests_fuzz_config_fuzz_SOURCES = tests/fuzz/config_fuzz.c
tests_fuzz_config_fuzz_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_TARGET='"config"'
tests_fuzz_config_fuzz_LDADD = $(PARLANCE_LIBS)

if FUZZ

noinst_PROGRAMS += $(FUZZ_TARGETS)
AM_CFLAGS += -fsanitize=fuzzer-no-link
AM_LDFLAGS += -fsanitize=fuzzer-no-link
tests_fuzz_frame_fuzz_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_handshake_fuzz_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_envelope_fuzz_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_config_fuzz_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
EXTRA_DIST += tests/fuzz/run_seeds.c

else

check_PROGRAMS += $(FUZZ_TARGETS)
TESTS += $(FUZZ_TARGETS)
tests_fuzz_frame_fuzz_SOURCES += tests/fuzz/run_seeds.c
tests_fuzz_handshake_fuzz_SOURCES += tests/fuzz/run_seeds.c
tests_fuzz_envelope_fuzz_SOURCES += tests/fuzz/run_seeds.c
tests_fuzz_config_fuzz_SOURCES += tests/fuzz/run_seeds.c

endif
