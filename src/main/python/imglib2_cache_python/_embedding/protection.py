# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Modules that user code can use but not change."""

from __future__ import annotations

import sys
from types import ModuleType


class SharedModule(ModuleType):
    """A module that all workers share: what it has cannot be replaced, which would change the images of all."""

    def __setattr__(self, name: str, value: object) -> None:
        """Adds an attribute, or sets it to what it is."""
        if name in self.__dict__ and self.__dict__[name] is not value and not _is_submodule(value, self, name):
            raise AttributeError(_REFUSAL.format(f"{self.__name__}.{name}"))
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        """Always raises."""
        raise AttributeError(_REFUSAL.format(f"{self.__name__}.{name}"))


_REFUSAL = (
    "{} cannot be replaced or deleted: in InterpreterMode.SUB all workers share this package, and thus all images. "
    "Give your own function a name of its own"
)


def protect(package: str) -> None:
    """Protects those modules of a package that are loaded."""
    for name, module in list(sys.modules.items()):
        # Not isinstance: a package may have put any object there.
        if name.partition(".")[0] == package and type(module) is ModuleType:
            module.__class__ = SharedModule


def _is_submodule(value: object, package: ModuleType, name: str) -> bool:
    # The import machinery sets it again when a module is imported again.
    return isinstance(value, ModuleType) and value.__name__ == f"{package.__name__}.{name}"
