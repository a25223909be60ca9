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

endif
