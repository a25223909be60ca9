if HAVE_CUNIT

check_PROGRAMS += tests/unit/test_mailbox
TESTS += tests/unit/test_mailbox
tests_unit_test_mailbox_SOURCES = tests/unit/test_mailbox.c tests/unit/unit.h
tests_unit_test_mailbox_LDADD = $(PARLANCE_LIBS) $(CUNIT_LIBS)

endif
