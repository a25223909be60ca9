libparlance_a_SOURCES += \
	core/ws/close_code.h \
	core/ws/frame.c core/ws/frame.h \
	core/ws/handshake.c core/ws/handshake.h \
	core/ws/handshake_answer.c \
	core/ws/handshake_client.c \
	core/ws/http_head.c core/ws/http_head.h \
	core/ws/utf8.c core/ws/utf8.h
