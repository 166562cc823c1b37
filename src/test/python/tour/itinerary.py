# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Where the tour stops, and where not."""

from __future__ import annotations

import importlib
from collections.abc import Callable

Stop = Callable[[int], int]

_STOPS: list[Stop] = []

# Stops that cannot be made to work in sub-interpreters, with the reason.
NOT_IN_SUB: dict[str, str] = {}


def stop(function: Stop) -> Stop:
    """Decorator of a function that computes ``3 * n + 1`` by means of a module."""
    _STOPS.append(function)
    return function


def plan(mode: str, reverse: bool = False) -> list[Stop]:
    """The stops that an image makes, one per block.

    Args:
        mode: ``SUB`` or ``SHARED``.
        reverse: Whether to begin at the end.
    """
    importlib.import_module("tour.standard_library")
    importlib.import_module("tour.packages")
    stops = [function for function in _STOPS if mode != "SUB" or function.__name__ not in NOT_IN_SUB]
    return stops[::-1] if reverse else stops


def visit(stops: list[Stop], n: int) -> int:
    """Makes the stop of block ``n``, and returns ``3 * n + 1``."""
    function = stops[n % len(stops)]
    result = function(n)
    if result != 3 * n + 1:
        raise AssertionError(f"stop {function.__name__} computed {result!r} instead of {3 * n + 1}")
    return int(result)
