libparlance_a_SOURCES += \
	core/config/config.c \
	core/config/config.h \
	core/config/config_files.c \
	core/config/config_set.c \
	core/config/config_tree.h \
	core/config/listen_address.c \
	core/config/listen_address.h \
	core/config/nearest.c \
	core/config/nearest.h \
	core/config/option_value.c \
	core/config/option_value.h \
	core/config/options.c \
	core/config/options.h \
	core/config/settings.c \
	core/config/settings.h \
	core/config/yaml_tree.c \
	core/config/yaml_tree.h
