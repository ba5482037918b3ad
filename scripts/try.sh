#!/usr/bin/env bash
# Sets everything up and segments the leaves of the built-in sample sheet.
set -euo pipefail
cd "$(dirname "$0")/.."

bash scripts/setup.sh
out=herbarium-demo
.venv/bin/napari-herbarium segment --sample --out "$out" --overlay --overwrite

cat <<END

Done. In $PWD/$out:
$(cd "$out" && ls -1 | sed 's/^/  /')
.leaves.tif holds the labels (0 is background, then one number per leaf),
leaves.csv one row per leaf, and the PNG shows the leaves on the sheet.
Next, your own sheets:  .venv/bin/napari-herbarium segment SHEET.tif --out DIR
END
