#!/usr/bin/env bash
# Makes .venv with napari-herbarium in it; used by try.sh, test.sh and .ci/run.
#
#   bash scripts/setup.sh [--apt PACKAGE ...] [--group GROUP ...]
#
# Debian packages are installed only where apt-get exists and they are missing.
# An existing .venv is used again, so a second run takes seconds.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=()
groups=()
while (($#)); do
    case "$1" in
        --apt) packages+=("$2") ;;
        --group) groups+=(--group "$2") ;;
        *) echo "setup.sh: unknown argument $1" >&2; exit 2 ;;
    esac
    shift 2
done

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

install_missing() {
    local missing=()
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null \
            | grep -q 'ok installed' || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    echo "Installing Debian packages: ${missing[*]}"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null
}

if command -v apt-get >/dev/null; then
    install_missing python3 python3-venv "${packages[@]}"
fi

python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "napari-herbarium needs Python 3.11 or newer; this is $(python3 -V)." >&2
    exit 1
}
[ -x .venv/bin/python ] || python3 -m venv .venv
pip=(.venv/bin/python -m pip --disable-pip-version-check --no-input)
# Dependency groups need pip 25.1.
"${pip[@]}" install -q --upgrade 'pip>=25.1'
echo "Installing napari-herbarium into .venv (the first time takes minutes)"
# The longer form, because the bash of macOS takes an empty array for unset.
"${pip[@]}" install -q . ${groups[@]+"${groups[@]}"}
