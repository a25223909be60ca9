libparlance_a_SOURCES += \
	core/base/log.c \
	core/base/log.h \
	core/base/log_text.c \
	core/base/log_text.h \
	core/base/mem.c \
	core/base/mem.h \
	core/base/metrics.c \
	core/base/metrics.h
