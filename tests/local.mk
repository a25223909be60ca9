include tests/support/local.mk
include tests/unit/local.mk
include tests/history/local.mk
include tests/sim/local.mk
include tests/storage_check/local.mk
include tests/fuzz/local.mk
include tests/zoo/local.mk
include tests/e2e/local.mk
