EXTRA_DIST += scripts/asyncapi.py scripts/packages.sh scripts/run scripts/test
