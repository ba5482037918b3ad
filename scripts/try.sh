#!/usr/bin/env bash
# Sets everything up and segments the leaves of the built-in sample sheet.
set -euo pipefail
cd "$(dirname "$0")/.."

bash scripts/setup.sh
out=herbarium-demo
.venv/bin/napari-herbarium segment --sample --out "$out" --overlay --overwrite

cat <<END

All of it is in $PWD/$out:
the labels (0 is background, then one number per leaf), the table (one row per leaf)
and the overlay (the leaves drawn on the sheet).
Your own sheets:  .venv/bin/napari-herbarium segment SHEET.tif --out DIR
END
