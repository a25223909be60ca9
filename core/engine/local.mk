libparlance_a_SOURCES += \
	core/engine/answer.c core/engine/answer.h \
	core/engine/core.c core/engine/core.h core/engine/core_internal.h \
	core/engine/cursor.c core/engine/cursor.h \
	core/engine/delivery.c core/engine/delivery.h \
	core/engine/details.c core/engine/details.h \
	core/engine/dispatch.c core/engine/dispatch.h \
	core/engine/drain.c core/engine/drain.h \
	core/engine/ephemeral.c core/engine/ephemeral.h \
	core/engine/fetch.c core/engine/fetch.h \
	core/engine/handle.c core/engine/handle.h \
	core/engine/outbox.c core/engine/outbox.h \
	core/engine/post.c core/engine/post.h \
	core/engine/prune.c core/engine/prune.h \
	core/engine/redeliver.c core/engine/redeliver.h \
	core/engine/request.c core/engine/request.h \
	core/engine/session.c core/engine/session.h \
	core/engine/storage.c core/engine/storage.h \
	core/engine/stream.c core/engine/stream.h \
	core/engine/sweep.c core/engine/sweep.h \
	core/engine/timer.c core/engine/timer.h \
	core/engine/tx_check.c core/engine/tx_check.h \
	core/engine/user.c core/engine/user.h \
	core/engine/watch.c core/engine/watch.h \
	core/engine/window.c core/engine/window.h
