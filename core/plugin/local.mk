libparlance_a_SOURCES += \
	core/plugin/api.c \
	core/plugin/call.c \
	core/plugin/descriptor.c core/plugin/descriptor.h \
	core/plugin/loader.c \
	core/plugin/plugin.h \
	core/plugin/registry.c core/plugin/registry.h
