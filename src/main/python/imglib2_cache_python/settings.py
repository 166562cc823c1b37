# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""What the code of an image is called with, apart from its blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


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
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    input_names: Sequence[str | None] = ()
    capture_folder: str | None = None
    checked: bool = False
    version: str | None = None


# As for code that is nothing but its text.
NONE = Settings()
