sbin_PROGRAMS += parlanced
parlanced_SOURCES = core/server/main.c
parlanced_LDADD = $(PARLANCE_LIBS)
