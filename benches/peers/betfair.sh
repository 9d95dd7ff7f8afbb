#!/bin/sh
# Times our reading of exchange files beside betfair_data in one run. The files are those of
# MARABET_DATA, or the arguments. The peer is installed into a virtual environment under target/.
set -eu
cd "$(dirname "$0")/../.."
folder=target/peers
mkdir -p "$folder"
if [ $# -eq 0 ]; then
    if [ -z "${MARABET_DATA:-}" ]; then
        echo "name files of the exchange, or set MARABET_DATA" >&2
        exit 1
    fi
    set -- "$MARABET_DATA"/betfair_stream/soccer/*.bz2 "$MARABET_DATA"/betfair_stream/other_sports/PRO-*.bz2 \
        "$MARABET_DATA"/betfair_stream/racing/*.bz2
fi
if [ ! -x "$folder/venv/bin/python" ]; then
    python3 -m venv "$folder/venv"
fi
if ! "$folder/venv/bin/python" -c 'import betfair_data' 2>/dev/null; then
    "$folder/venv/bin/pip" install --quiet betfair_data==0.3.4 || {
        echo "betfair_data cannot be installed: is PyPI within reach?" >&2
        exit 1
    }
fi
${CARGO:-cargo} run --quiet --release -p marabet-benches --example betfair_rate -- "$@"
"$folder/venv/bin/python" benches/peers/betfair.py "$@"
