EXTRA_DIST += docs/protocol.md
dist_man_MANS = docs/parlance-cli.1
