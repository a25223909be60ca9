libparlance_a_SOURCES += \
	core/transport/buffer.c core/transport/buffer.h \
	core/transport/conn.c core/transport/conn.h \
	core/transport/conn_handshake.c \
	core/transport/conn_read.c \
	core/transport/conn_timer.c \
	core/transport/conn_write.c \
	core/transport/io.c core/transport/io.h \
	core/transport/listener.c \
	core/transport/transport.c core/transport/transport.h
