# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""What an interpreter can have of the main interpreter."""

from __future__ import annotations

import importlib
from types import ModuleType


def shared_module(name: str) -> ModuleType:
    """A module for the use of this package, of the main interpreter if that has it.

    A sub-interpreter that imports ``ctypes`` leaves a third of a megabyte behind when it is closed.
    """
    try:
        from _jep import mainInterpreterModules  # type: ignore[import-not-found]
    except ImportError:
        return importlib.import_module(name)
    return mainInterpreterModules[name] if name in mainInterpreterModules else importlib.import_module(name)
