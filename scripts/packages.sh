# SPDX-License-Identifier: BSD-2-Clause
# Sourced by run and test: what the build needs of Debian 12, and a function
# that installs what of it is missing.

BUILD_PACKAGES="gcc make autoconf automake libtool pkg-config libc6-dev libevent-dev libjson-c-dev \
libyaml-dev libsqlite3-dev libpq-dev libssl-dev libsystemd-dev uthash-dev"
TEST_PACKAGES="libcunit1-dev clang clang-format python3 python3-pytest python3-websockets python3-jsonschema \
python3-yaml python3-pytest-xdist faketime postgresql"

say()
{
	printf '\n== %s\n' "$*"
}

# Installs those of the packages given that are not there.
install_missing()
{
	local package missing="" sudo=""

	for package in "$@"; do
		dpkg-query -W -f='${Status}' "$package" 2>/dev/null |
			grep -q 'install ok installed' || missing="$missing $package"
	done
	if [ -z "$missing" ]; then
		return
	fi
	say "installing$missing"
	if [ "$(id -u)" -ne 0 ]; then
		sudo=sudo
	fi
	$sudo apt-get update -q
	# shellcheck disable=SC2086
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
}

# Makes ./configure if it is not there or older than what it is made from.
make_configure()
{
	if [ ! -x configure ] || [ -n "$(find configure.ac Makefile.am core plugins cli tests docs \
		scripts etc \( -name local.mk -o -name 'configure.ac' -o -name 'Makefile.am' \) \
		-newer Makefile.in 2>/dev/null)" ]; then
		say "making ./configure"
		autoreconf -fi
	fi
}

# configure, quietly. Its clean-up wants to remove a file called core, where
# there is our folder, and complains.
configure_quietly()
{
	"$root/configure" -q "$@" 2> >(grep -v "cannot remove 'core'" >&2 || true)
}
