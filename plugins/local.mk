plugin_LTLIBRARIES += plugins/messaging.la plugins/typing.la plugins/auth_insecure.la

plugins_messaging_la_SOURCES = plugins/messaging/call.c plugins/messaging/change.c \
	plugins/messaging/chat.c plugins/messaging/content.c plugins/messaging/history.c \
	plugins/messaging/mark.c plugins/messaging/messaging.c plugins/messaging/messaging.h \
	plugins/messaging/new.c plugins/messaging/payload.c plugins/messaging/payload.h \
	plugins/messaging/template.c
plugins_messaging_la_LDFLAGS = $(MODULE_LDFLAGS)
plugins_messaging_la_LIBADD = $(JSONC_LIBS)

plugins_typing_la_SOURCES = plugins/typing.c
plugins_typing_la_LDFLAGS = $(MODULE_LDFLAGS)
plugins_typing_la_LIBADD = $(JSONC_LIBS)

plugins_auth_insecure_la_SOURCES = plugins/auth_insecure.c
plugins_auth_insecure_la_LDFLAGS = $(MODULE_LDFLAGS)
