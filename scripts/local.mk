EXTRA_DIST += scripts/packages.sh scripts/run scripts/test
