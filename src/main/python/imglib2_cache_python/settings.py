# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""What the code of an image is called with, apart from its blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Opened:
    """An object that each worker opens once, and closes with the code that uses it; see `sources.open_object`.

    Attributes:
        expression: A function reference ``package.module:function`` or ``/path/file.py:function``; or else an
            expression.
        positional: Arguments of the function, by their position.
        keywords: Its other arguments, by name; the expression sees them as variables.
        shape: If the object is read, its shape; it is an error if it has another one. None if it is not checked.
        dtype: The same, its dtype, by name, whatever its byte order.
    """

    expression: str
    positional: Sequence[Any] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)
    shape: Sequence[int] | None = None
    dtype: str | None = None


@dataclass(frozen=True)
class Settings:
    """What the code of an image is called with, apart from its blocks.

    Attributes:
        parameters: Statements see them as variables; a function gets them as keyword arguments.
        input_names: For each input its name, or None: statements see it as a variable, and a function gets it as a
            keyword argument. Inputs without a name, and all if this is empty, are arguments in their order.
        capture_folder: Gets a file for each block that fails; None for no files.
        checked: Whether it is an error, before the first block, if a function does not take these arguments.
        version: Version of this library, for the files of blocks that fail; None if it is not known.
        seed: Of the random numbers of ``block.rng``, 0 or more.
        opened: Objects by name: statements see them as variables, and a function gets them as keyword arguments.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    input_names: Sequence[str | None] = ()
    capture_folder: str | None = None
    checked: bool = False
    version: str | None = None
    seed: int = 0
    opened: Mapping[str, Opened] = field(default_factory=dict)


# As for code that is nothing but its text.
NONE = Settings()
