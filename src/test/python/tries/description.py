# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""What a try is."""

from __future__ import annotations

import runpy
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Try:
    """An image that is computed with packages.

    Attributes:
        packages: Names of the distributions on PyPI.
        what: What is computed, in a few words. Together with the packages, it is the name of the try.
        code: Code of the image: statements, or the name of a function.
        init: Code that imports, and defines what the code uses.
        prepare: Statements that plain Python runs before, in the folder in which all of them run. They see the input
            as ``image``, for instance to write it into a file.
        whole: Expression that computes the same on the whole input, ``image``. If it is empty, plain Python computes
            the image by ``map_blocks``.
        shape: Shape of the input.
        input_type: dtype of the input.
        dtype: dtype of the image.
        block_size: Size of blocks along each axis.
        halo: Halo of the blocks along each axis.
        parameters: Parameters of the code.
        tolerance: By how much pixels may differ from those of plain Python.
        limit: Seconds after which a JVM that computes it counts as hung.
        notes: Why it does not work in a mode, and what to do.
    """

    packages: Sequence[str]
    what: str
    code: str
    init: str = ""
    prepare: str = ""
    whole: str = ""
    shape: Sequence[int] = (90, 110)
    input_type: str = "uint8"
    dtype: str = "float32"
    block_size: int = 32
    halo: int = 0
    parameters: Mapping[str, float] = field(default_factory=dict)
    tolerance: float = 0
    limit: int = 120
    notes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Dedents what stands indented in this file."""
        for name in ("code", "init", "prepare"):
            object.__setattr__(self, name, textwrap.dedent(getattr(self, name)).strip())

    @property
    def name(self) -> str:
        """Name of the try."""
        return f"{', '.join(self.packages)}: {self.what}"


@dataclass(frozen=True)
class Threads:
    """A package that starts threads of its own.

    Attributes:
        package: Name of the distribution on PyPI.
        code: Code of an image that uses the threads.
        init: Code that imports.
        own: What lets it use as many threads as it wants; nothing for most packages.
        one: What lets it use one thread.
        variables: Environment variables that do, instead.
        how: How the page tells it; `one` if it is empty.
    """

    package: str
    code: str
    init: str = ""
    own: str = ""
    one: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    how: str = ""

    def as_try(self, limited: bool) -> Try:
        """The image."""
        return Try(
            [self.package],
            f"{'one thread' if limited else 'its own threads'}",
            self.code,
            f"{textwrap.dedent(self.init)}\n{self.one if limited else self.own}",
            shape=(1024, 1024),
            block_size=256,
        )


def load(table: Path) -> list[Try]:
    """The tries of a table, which is a Python file."""
    return runpy.run_path(str(table))["TRIES"]


def load_threads(table: Path) -> list[Threads]:
    """What the table has about threads."""
    return runpy.run_path(str(table)).get("THREADS", [])
