EXTRA_DIST += docs/calls.md docs/config.md docs/history-check.md docs/messaging.md docs/metrics.md docs/plugin-guide.md docs/protocol.md docs/storage-plugin.md \
	docs/storage-postgres.md docs/storage-sqlite.md \
	examples/echo/Makefile examples/echo/echo.c
dist_man_MANS = docs/parlance-cli.1 docs/parlance-history-check.1 docs/parlance-storage-check.1 \
	docs/parlanced.8
