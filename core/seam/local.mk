libparlance_a_SOURCES += \
	core/seam/envelope.c core/seam/envelope.h \
	core/seam/json_build.c core/seam/json_build.h \
	core/seam/json_scan.c core/seam/json_scan.h \
	core/seam/mailbox.c core/seam/mailbox.h \
	core/seam/message.c core/seam/message.h \
	core/seam/out_frame.c core/seam/out_frame.h \
	core/seam/seam.h

dist_schema_DATA += core/seam/core.schema.json
