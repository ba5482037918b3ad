"""The command, from its first moment: Ctrl-C is quiet while it loads, too."""

from __future__ import annotations

import io
import sys

STOPPED = 130
"""As `napari_herbarium.cli.interrupt` has it, which takes a moment to import."""


def main() -> None:
    """Run the command `napari-herbarium`."""
    _let_any_name_be_told()
    try:
        from napari_herbarium.cli import app

        app()
    except KeyboardInterrupt:
        sys.exit(STOPPED)


def _let_any_name_be_told() -> None:
    """Escape letters that the stream has not: on Windows a pipe has few.

    A command must not end in an error, after its work, over the name of a folder.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    main()
