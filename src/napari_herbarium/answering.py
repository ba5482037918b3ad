"""Packages that are named like their main function and answer like it.

Importing a module of such a package puts the package in the place of the function in
`napari_herbarium`; since the package can be called, both work.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


def answer_like(package: str, module: str, function: str) -> None:
    """Make an imported package callable.

    Parameters
    ----------
    package : str
        Full name of the package.
    module, function : str
        What a call is passed on to; the module is imported then, not now.
    """

    class Answering(ModuleType):
        def __call__(self, *args: Any, **settings: Any) -> Any:
            home = import_module(f"{package}.{module}")
            return getattr(home, function)(*args, **settings)

    sys.modules[package].__class__ = Answering
