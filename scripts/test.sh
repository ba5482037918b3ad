#!/usr/bin/env bash
# Sets everything up and runs the tests, those with a real window included.
#
#   bash scripts/test.sh [PYTEST ARGUMENTS]
set -euo pipefail
cd "$(dirname "$0")/.."

# What Qt and OpenGL need on a machine without a screen (Xvfb, Mesa).
screen=(
    xvfb xauth libegl1 libgl1 libgl1-mesa-dri libopengl0 libglx-mesa0
    libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1
    libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 libxcb-xfixes0
    libdbus-1-3 libfontconfig1 libglib2.0-bin
)
apt=()
for package in "${screen[@]}"; do apt+=(--apt "$package"); done
bash scripts/setup.sh "${apt[@]}" --group test

if command -v xvfb-run >/dev/null; then
    exec xvfb-run -a -s "-screen 0 1280x900x24 +extension GLX" \
        .venv/bin/python -m pytest "$@"
fi
exec .venv/bin/python -m pytest "$@"
