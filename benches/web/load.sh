#!/usr/bin/env bash
# Load on the API: open loop, a fixed mix whose matches follow a Zipf law, then idle watchers.
# MARABET names the program (a release build); RATE requests a second for SECONDS_OF_LOAD seconds;
# WATCHERS clients that watch and say nothing.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
export MARABET=${MARABET:-$target/release/marabet}
command -v python3 >/dev/null || { echo "bench-web: python3 is needed; install it" >&2; exit 1; }
tools=$target/load-tools
# An open loop: requests leave when they are due, and each is timed from when it was due.
[ -x "$tools/bin/oha" ] || cargo install --quiet --locked --root "$tools" --version 1.16.0 oha
export OHA=$tools/bin/oha PYTHONPATH=$root/ops/checks PYTHONDONTWRITEBYTECODE=1
ulimit -n 20000 2>/dev/null || true
exec python3 load.py
