libparlance_a_SOURCES += \
	core/ws/frame.c core/ws/frame.h \
	core/ws/utf8.c core/ws/utf8.h
