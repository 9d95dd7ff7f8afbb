#!/usr/bin/env bash
# Load on the API: open loop, a fixed mix whose matches follow a Zipf law, and idle watchers.
# MARABET names the program (a release build); RATE requests a second for SECONDS.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
export MARABET=${MARABET:-$target/release/marabet}
tools=$target/load-tools
[ -d "$tools/node_modules/autocannon" ] || npm install --silent --no-fund --prefix "$tools" autocannon@8 >/dev/null
export NODE_PATH=$tools/node_modules
ulimit -n 20000 2>/dev/null || true
exec python3 load.py
