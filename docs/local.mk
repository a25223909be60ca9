EXTRA_DIST += docs/calls.md docs/config.md docs/groups.md docs/history-check.md docs/messaging.md docs/metrics.md docs/plugin-guide.md docs/presence.md docs/protocol.md docs/storage-plugin.md \
	docs/storage-postgres.md docs/storage-sqlite.md \
	examples/echo/Makefile examples/echo/echo.c examples/echo/echo.schema.json \
	examples/reactions/Makefile examples/reactions/reactions.c \
	examples/reactions/reactions.schema.json
dist_man_MANS = docs/parlance-cli.1 docs/parlance-history-check.1 docs/parlance-storage-check.1 \
	docs/parlanced.8

# The document is made anew, and committed, when a schema was changed; a test says so.
EXTRA_DIST += docs/schemas.md
dist_pkgdata_DATA = docs/asyncapi.yaml

asyncapi:
	$(PYTHON3) -B $(srcdir)/scripts/asyncapi.py > asyncapi.tmp
	mv asyncapi.tmp $(srcdir)/docs/asyncapi.yaml

.PHONY: asyncapi
