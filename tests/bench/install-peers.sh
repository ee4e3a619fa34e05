#!/bin/sh
# Installs Debian's etcd-server, redis-server and redis-tools where they are
# missing. Where a machine runs services their packages start some, on their usual
# ports; the bench leaves those alone and starts its own on other ones.
set -eu

missing=
for program in etcd:etcd-server redis-server:redis-server redis-cli:redis-tools; do
	command -v "${program%%:*}" >/dev/null || missing="$missing ${program#*:}"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
	echo "bench-peers: not installed:$missing; and there is no apt-get to install them with" >&2
	exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
	echo "bench-peers: not installed:$missing; as root: apt-get install$missing" >&2
	exit 1
fi
apt-get update
# shellcheck disable=SC2086 # they are words
DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $missing
