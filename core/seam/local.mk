libparlance_a_SOURCES +=
