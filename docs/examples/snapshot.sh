#!/bin/sh
# Takes the snapshot of 2026-04-16, 19:00 UTC, of MARABET_DATA through the line, and prints what
# could be bet then, book by book; then the results and closing prices of football-data.co.uk, and
# prints how the bets of its leagues ended. The log stays in .marabet/snapshot.
set -eu
cd "$(dirname "$0")/../.."
if [ -z "${MARABET_DATA:-}" ]; then
    echo "MARABET_DATA is not set: name the folder that holds intraday_odds and football_data_uk" >&2
    exit 1
fi
marabet=${MARABET:-target/release/marabet}
export MARABET_CONFIG=docs/examples/snapshot.toml
export MARABET_LOG__FOLDER="${MARABET_LOG__FOLDER:-.marabet/snapshot}"
rm -rf "$MARABET_LOG__FOLDER"

snapshot="$MARABET_DATA/intraday_odds/the_odds_api_snapshot_2026-04-16/soccer_odds.csv.gz"
seasons=$(find "$MARABET_DATA/football_data_uk/raw" "$MARABET_DATA/football_data_uk/derived" \
    -name 2526.csv.gz | sort | sed 's/.*/"&"/' | paste -sd, -)
export MARABET_SOURCES__PRICES__SNAPSHOT__FILES="[\"$snapshot\"]"
export MARABET_SOURCES__FOOTBALL_DATA_FILES__FILES="[$seasons]"

line="run --stages ingest,predict,detect,portfolio --until-done --event-time --log-level error"
"$marabet" $line --source prices.snapshot
echo "What could be bet at 2026-04-16T19:00Z:"
"$marabet" bets books
"$marabet" $line --source football_data_files
echo
echo "How the bets of the leagues of football-data.co.uk ended:"
"$marabet" bets books
"$marabet" bets list | grep -v '; – – ' || true
