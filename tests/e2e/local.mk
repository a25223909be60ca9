# End-to-end tests: pytest starts the real parlanced. `make e2e PYTEST_FLAGS=-x` runs
# them on SQLite, or what PARLANCE_TEST_STORAGE says, `make e2e-postgres` on PostgreSQL;
# `make check` does both. PARLANCE_NO_E2E=1 leaves them out of it. Those that take minutes
# are marked `long`: `make e2e-long e2e-long-postgres`, which are part of `make check-long`.

E2E_FILES = \
	tests/e2e/cli.py \
	tests/e2e/client.py \
	tests/e2e/conftest.py \
	tests/e2e/crowd.py \
	tests/e2e/dialogue.py \
	tests/e2e/dialogue_runner.py \
	tests/e2e/harness.py \
	tests/e2e/postgres.py \
	tests/e2e/postgres_cluster.py \
	tests/e2e/postgres_proxy.py \
	tests/e2e/postgres_rig.py \
	tests/e2e/protocol_md.py \
	tests/e2e/recording.py \
	tests/e2e/schemas.py \
	tests/e2e/test_bad_acks.py \
	tests/e2e/test_backlog.py \
	tests/e2e/test_bench.py \
	tests/e2e/test_calls.py \
	tests/e2e/test_cli.py \
	tests/e2e/test_cli_reliable.py \
	tests/e2e/test_crash.py \
	tests/e2e/test_crash_postgres.py \
	tests/e2e/test_delivery.py \
	tests/e2e/test_dialogues.py \
	tests/e2e/test_envelope.py \
	tests/e2e/test_examples.py \
	tests/e2e/test_faults_clients.py \
	tests/e2e/test_faults_clock.py \
	tests/e2e/test_faults_postgres.py \
	tests/e2e/test_faults_postgres_access.py \
	tests/e2e/test_faults_postgres_failover.py \
	tests/e2e/test_faults_postgres_limits.py \
	tests/e2e/test_faults_postgres_locks.py \
	tests/e2e/test_faults_postgres_network.py \
	tests/e2e/test_faults_storage.py \
	tests/e2e/test_gaps.py \
	tests/e2e/test_group_delivery.py \
	tests/e2e/test_groups.py \
	tests/e2e/test_handshake.py \
	tests/e2e/test_history.py \
	tests/e2e/test_idempotency.py \
	tests/e2e/test_messaging.py \
	tests/e2e/test_messaging_bad.py \
	tests/e2e/test_migrate.py \
	tests/e2e/test_missed.py \
	tests/e2e/test_presence.py \
	tests/e2e/test_process.py \
	tests/e2e/test_recording.py \
	tests/e2e/test_schemas.py \
	tests/e2e/test_seed.py \
	tests/e2e/test_random_walk.py \
	tests/e2e/test_sqlite.py \
	tests/e2e/test_two_servers.py \
	tests/e2e/test_typing.py \
	tests/e2e/test_zoo.py \
	tests/e2e/walk_calls.py \
	tests/e2e/walk_model.py \
	tests/e2e/walk_presence.py \
	tests/e2e/wire.py

# The scripts that test_dialogues.py plays are a folder of their own.
EXTRA_DIST += $(E2E_FILES) tests/dialogues

# PYTEST_FLAGS for all, POSTGRES_PYTEST_FLAGS for what runs on PostgreSQL besides.
PYTEST_FLAGS =
POSTGRES_PYTEST_FLAGS =

check-local:
	@if test "$$PARLANCE_NO_E2E" = 1; then \
		echo "end-to-end tests left out: PARLANCE_NO_E2E=1"; \
	else \
		runs=e2e; \
		if $(POSTGRES) --which; then runs="e2e e2e-postgres"; fi; \
		$(MAKE) $(AM_MAKEFLAGS) -Otarget $$runs; \
	fi

POSTGRES = $(PYTHON3) -B $(srcdir)/tests/e2e/postgres.py

E2E = PYTHONDONTWRITEBYTECODE=1 BENCH_DIR=$(abs_builddir)/bench \
	PARLANCED=$(abs_builddir)/parlanced PARLANCE_CLI=$(abs_builddir)/parlance-cli \
	PLUGIN_DIR=$(abs_builddir)/plugins/.libs ZOO_DIR=$(abs_builddir)/tests/zoo/.libs \
	$(PYTHON3) -m pytest -q -p no:cacheprovider

e2e e2e-postgres e2e-long e2e-long-postgres: all $(check_LTLIBRARIES)
	@$(PYTHON3) -c 'import pytest, websockets, jsonschema, yaml' || { \
		echo "install python3-{pytest,websockets,jsonschema,yaml}, or set PARLANCE_NO_E2E=1" >&2; \
		exit 1; }
	$(if $(findstring postgres,$@),PARLANCE_TEST_STORAGE=postgres) $(E2E) \
		-m "$(if $(findstring long,$@),long,not long)" $(PYTEST_FLAGS) \
		$(if $(findstring postgres,$@),$(POSTGRES_PYTEST_FLAGS)) $(srcdir)/tests/e2e

.PHONY: e2e e2e-postgres e2e-long e2e-long-postgres
