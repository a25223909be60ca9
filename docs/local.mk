EXTRA_DIST += docs/config.md docs/protocol.md
dist_man_MANS = docs/parlance-cli.1
