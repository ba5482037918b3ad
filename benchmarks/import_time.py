"""How long importing takes and what it loads, each in a fresh interpreter.

Prints the time of ``import napari_herbarium`` and of the module of each widget as
ratios of ``import napari.viewer`` (what any napari window loads), and whether torch
was loaded (it must not be). The imports take turns; the best of each counts.

    python benchmarks/import_time.py [--repeat 5]
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from npe2 import PluginManifest

PROBE = """
import sys, time
start = time.perf_counter()
import {module}
print(time.perf_counter() - start, "torch" in sys.modules)
"""
REFERENCE = "napari.viewer"


def widget_modules() -> list[str]:
    manifest = PluginManifest.from_distribution("napari-herbarium")
    widgets = {widget.command for widget in manifest.contributions.widgets or []}
    homes = [
        str(command.python_name).partition(":")[0]
        for command in manifest.contributions.commands or []
        if command.id in widgets
    ]
    return sorted(set(homes))


def timed(module: str) -> tuple[float, bool]:
    """Seconds of an import, and whether it loaded torch."""
    command = [sys.executable, "-c", PROBE.format(module=module)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, torch = done.stdout.split()
    return float(seconds), torch == "True"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    repeat = parser.parse_args().repeat
    modules = [REFERENCE, "napari_herbarium", *widget_modules()]
    rounds = [{module: timed(module) for module in modules} for _ in range(repeat)]
    best = {module: min(round_[module] for round_ in rounds) for module in modules}
    for module, (seconds, torch) in best.items():
        sys.stdout.write(
            f"{module:45}{seconds:7.3f} s{seconds / best[REFERENCE][0]:7.2f} x "
            f"napari.viewer, {'loads torch' if torch else 'without torch'}\n"
        )


if __name__ == "__main__":
    main()
