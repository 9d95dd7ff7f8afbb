#!/bin/sh
# Times our models beside penaltyblog in one run and prints the ratios. The peer is installed into
# a virtual environment under target/, the first time; without a network this says so.
set -eu
cd "$(dirname "$0")/../.."
folder=target/peers
mkdir -p "$folder"
if [ ! -x "$folder/venv/bin/python" ]; then
    python3 -m venv "$folder/venv"
fi
if ! "$folder/venv/bin/python" -c 'import penaltyblog' 2>/dev/null; then
    "$folder/venv/bin/pip" install --quiet penaltyblog==1.13.1 || {
        echo "penaltyblog cannot be installed: is PyPI within reach?" >&2
        exit 1
    }
fi
${CARGO:-cargo} run --quiet --release -p marabet-benches --example peer_models -- "$folder"
# One thread each: ours has one, and the peer's linear algebra is told to.
OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 "$folder/venv/bin/python" benches/peers/models.py "$folder"
