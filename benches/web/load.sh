#!/usr/bin/env bash
# Load on the API: open loop, a fixed mix whose matches follow a Zipf law, then idle watchers.
# MARABET names the program (a release build); RATE requests a second for SECONDS_OF_LOAD seconds;
# WATCHERS clients that watch and say nothing.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
export MARABET=${MARABET:-$target/release/marabet}
for program in node npm python3; do
  command -v "$program" >/dev/null || { echo "bench-web: $program is needed; install it" >&2; exit 1; }
done
tools=$target/load-tools
[ -d "$tools/node_modules/autocannon" ] || npm install --silent --no-fund --prefix "$tools" autocannon@8 >/dev/null
export NODE_PATH=$tools/node_modules PYTHONPATH=$root/ops/checks PYTHONDONTWRITEBYTECODE=1
ulimit -n 20000 2>/dev/null || true
exec python3 load.py
