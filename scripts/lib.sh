# lib.sh: what the scripts share. Sourced, never run.

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

# The newest pg_config that the machine has, or nothing.
find_pg_config()
{
	local found
	found=$(ls -d /usr/lib/postgresql/*/bin/pg_config 2>/dev/null | sort -V | tail -n 1)
	echo "${PG_CONFIG:-${found:-$(command -v pg_config || true)}}"
}
