#!/bin/sh
# Times short jobs through our queue beside Celery in one run, on one server, and prints the
# ratio. Celery is installed into a virtual environment under target/, the first time.
set -eu
cd "$(dirname "$0")/../.."
folder=target/peers
mkdir -p "$folder"
if [ ! -x "$folder/venv/bin/python" ]; then
    python3 -m venv "$folder/venv"
fi
if ! "$folder/venv/bin/python" -c 'import celery, redis' 2>/dev/null; then
    "$folder/venv/bin/pip" install --quiet 'celery[redis]==5.6.2' || {
        echo "celery cannot be installed: is PyPI within reach?" >&2
        exit 1
    }
fi
${CARGO:-cargo} run --quiet --release -p marabet-benches --example job_rate -- \
    "$PWD/$folder/venv/bin/python"
