#!/usr/bin/env bash
# Checks from outside: real browsers, Prometheus, fuzzers and validators against the built program.
# Needs what `ops/setup.sh checks` installs. MARABET names the program; target/debug by default.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
export MARABET=${MARABET:-${CARGO_TARGET_DIR:-$root/target}/debug/marabet}
[ -x "$MARABET" ] || { echo "checks: $MARABET is not there; build it first" >&2; exit 1; }

venv=${CARGO_TARGET_DIR:-$root/target}/checks-venv
if ! cmp -s requirements.txt "$venv/requirements.txt"; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r requirements.txt || {
    echo "checks: the tools of requirements.txt cannot be installed: is PyPI within reach?" >&2
    exit 1
  }
  cp requirements.txt "$venv/requirements.txt"
fi
# `run.sh screenshots` takes README's pictures anew instead.
if [ "${1:-}" = screenshots ]; then
  "$venv/bin/pip" install --quiet --disable-pip-version-check 'pillow>=11'
  exec env PATH="$venv/bin:$PATH" PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" screenshots.py
fi
exec env PATH="$venv/bin:$PATH" PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" -m unittest "${@:---verbose}"
