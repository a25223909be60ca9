sbin_PROGRAMS += parlanced
parlanced_SOURCES = core/server/main.c \
	core/server/http.c core/server/http.h \
	core/server/loop.c core/server/loop.h \
	core/server/options.c core/server/options.h \
	core/server/server.c core/server/server.h
parlanced_LDADD = $(PARLANCE_LIBS)
