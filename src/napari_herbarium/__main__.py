"""The command, from its first moment: Ctrl-C is quiet while it loads, too."""

from __future__ import annotations

import sys

STOPPED = 130
"""As `napari_herbarium.cli.interrupt` has it, which takes a moment to import."""


def main() -> None:
    """Run the command `napari-herbarium`."""
    try:
        from napari_herbarium.cli import app

        app()
    except KeyboardInterrupt:
        sys.exit(STOPPED)


if __name__ == "__main__":
    main()
