# lib.sh: functions that the scripts share. Sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*" >&2; }
die() { say "$(basename "$0"): $*"; exit 1; }

# as_server COMMAND...: runs a program of the PostgreSQL server. The server
# refuses to run as root, so root lends it Debian's own unprivileged user.
as_server()
{
	if [ "$(id -u)" = 0 ]; then
		(cd / && exec runuser -u postgres -- "$@")
	else
		(cd / && exec "$@")
	fi
}

# server_directory DIR: makes DIR, owned by the user the server runs as.
server_directory()
{
	mkdir -p "$1"
	if [ "$(id -u)" = 0 ]; then chown postgres "$1"; fi
}

# destroy_clusters DIR: ends and removes the private clusters (see cluster) that are anywhere in DIR.
destroy_clusters()
{
	local cluster
	find "$1" -name cluster.env -printf '%h\n' 2>/dev/null | while read -r cluster; do
		"$root/scripts/cluster" destroy "$cluster" >/dev/null 2>&1 || true
	done
}

# free_port [FIRST]: a TCP port on 127.0.0.1 that nobody listens on, at random or from FIRST upwards.
free_port()
{
	local port=${1:-}
	while :; do
		[ -n "${1:-}" ] || port=$((20000 + RANDOM % 12000))
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
		port=$((port + 1))
	done
}

# as_root COMMAND...: runs a command that needs root; an ordinary user lends it root by sudo.
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# The major version of PostgreSQL to work with: PG, else the newest server that is installed; nothing where there is none.
postgres_version()
{
	echo "${PG:-$(ls -d /usr/lib/postgresql/*/bin/postgres 2>/dev/null | cut -d/ -f5 | sort -n | tail -n 1)}"
}

# The pg_config of the server to work with: PG_CONFIG, else Debian's for postgres_version; nothing where there is none.
find_pg_config()
{
	local version
	version=$(postgres_version)
	echo "${PG_CONFIG:-${version:+/usr/lib/postgresql/$version/bin/pg_config}}"
}

# fetch_clients DIR: puts the JavaScript packages that DIR's package-lock.json names into DIR. Npm itself says why it cannot.
fetch_clients()
{
	say "fetching JavaScript packages"
	npm ci --loglevel=error --no-audit --no-fund --prefix "$1" >/dev/null
}
