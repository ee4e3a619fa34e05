#!/bin/sh
# Starts three nodes on this machine, in memory, joins them, prints what to try,
# and stops them on Ctrl-C. Usage: cluster.sh path/to/dht [first port]
set -eu
dht=$1
port=${2:-9876}
pids=

stop() {
	trap - INT TERM EXIT
	[ -z "$pids" ] || kill -TERM $pids 2>/dev/null || true
	wait
	echo "stopped"
}
trap stop INT TERM EXIT

for i in 1 2 3; do
	p=$((port + i - 1))
	"$dht" serve --name "peer$i" --port "$p" --log-level warn &
	pids="$pids $!"
	tries=0
	until "$dht" peers --addr "localhost:$p" >/dev/null 2>&1; do
		tries=$((tries + 1))
		kill -0 $! 2>/dev/null && [ "$tries" -lt 100 ] || { echo "peer$i did not start on port $p"; exit 1; }
		sleep 0.1
	done
	[ "$i" = 1 ] || "$dht" join --addr "localhost:$p" "peer1:localhost:$port"
done

cat <<EOF

A cluster of three serves on ports $port, $((port + 1)) and $((port + 2)). Any node serves any key. Try:

  curl -X PUT --data-binary hello localhost:$port/db/greeting
  curl localhost:$((port + 2))/db/greeting
  curl localhost:$((port + 1))/dht/peers
  curl localhost:$port/dht/status
  curl localhost:$((port + 1))/dht/leave

Ctrl-C stops it.
EOF
wait
