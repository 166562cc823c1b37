# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Protects shared modules: user code can use them, but not change them."""

from __future__ import annotations

import sys
from types import ModuleType


class SharedModule(ModuleType):
    """A module that all workers share; its attributes cannot be replaced, because that would affect all images."""

    def __setattr__(self, name: str, value: object) -> None:
        """Adds an attribute; setting an existing one is allowed only to its own value."""
        if name in self.__dict__ and self.__dict__[name] is not value and not _is_submodule(value, self, name):
            raise AttributeError(_REFUSAL.format(f"{self.__name__}.{name}"))
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        """Always raises."""
        raise AttributeError(_REFUSAL.format(f"{self.__name__}.{name}"))


_REFUSAL = (
    "{} cannot be replaced or deleted: in InterpreterMode.SUB all workers, and thus all images, share this package. "
    "Give your own function a name of its own"
)


def protect(package: str) -> None:
    """Protects the loaded modules of a package."""
    for name, module in list(sys.modules.items()):
        # The exact type, because a package may have put any object into sys.modules.
        if name.partition(".")[0] == package and type(module) is ModuleType:
            module.__class__ = SharedModule


def _is_submodule(value: object, package: ModuleType, name: str) -> bool:
    # The import machinery sets this attribute whenever a submodule is imported again.
    return isinstance(value, ModuleType) and value.__name__ == f"{package.__name__}.{name}"
