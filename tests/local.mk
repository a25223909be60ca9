include tests/support/local.mk
include tests/unit/local.mk
include tests/history/local.mk
include tests/sim/local.mk
include tests/storage_check/local.mk
include tests/fuzz/local.mk
include tests/zoo/local.mk
include tests/e2e/local.mk

AM_TESTS_ENVIRONMENT = PYTHON3='$(PYTHON3)'; export PYTHON3;

# What takes minutes, and is no part of `make check`. SIM_SEEDS says how many worlds
# are simulated.
SIM_SEEDS = 20000
SIM_SEEDS_SQLITE = 2000
SIM_SEEDS_POSTGRES = 500

sim-long: all tests/sim/sim$(EXEEXT)
	tests/sim/sim --seeds $(SIM_SEEDS) --seed 1001
	tests/sim/sim --seeds $(SIM_SEEDS_SQLITE) --storage storage_sqlite
	srcdir=$(srcdir) PYTHON3=$(PYTHON3) $(srcdir)/tests/sim/sim-postgres --seeds $(SIM_SEEDS_POSTGRES)

check-long: sim-long e2e-long e2e-long-postgres

.PHONY: check-long sim-long
