#!/usr/bin/env bash
# Makes a Python environment with DuckDB in the folder named, for the test that reads the archive
# as another program does. DuckDB comes from PyPI.
set -euo pipefail

folder=${1:?name the folder of the environment}
if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
  echo "readers: python3 with venv is missing; run make setup" >&2
  exit 1
fi
[ -x "$folder/bin/python" ] || python3 -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check 'duckdb>=1.1,<2'
