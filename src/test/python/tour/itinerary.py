# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""The stops of the tour, and the stops that are left out in sub-interpreters."""

from __future__ import annotations

import importlib
from collections.abc import Callable

Stop = Callable[[int], int]

_STOPS: list[Stop] = []

# Stops that cannot be made to work in sub-interpreters, with the reason.
NOT_IN_SUB: dict[str, str] = {}


def stop(function: Stop) -> Stop:
    """Decorator of a stop: a function that computes ``3 * n + 1`` with a module."""
    _STOPS.append(function)
    return function


def plan() -> list[Stop]:
    """The stops of the tour in this interpreter."""
    importlib.import_module("tour.standard_library")
    importlib.import_module("tour.packages")
    left_out = NOT_IN_SUB if _is_sub_interpreter() else ()
    return [function for function in _STOPS if function.__name__ not in left_out]


def visit(stops: list[Stop], n: int) -> int:
    """Runs the stop of block ``n``. Returns ``3 * n + 1``."""
    function = stops[n % len(stops)]
    result = function(n)
    # A float or an array could be equal, too, but a stop must compute an int.
    if not isinstance(result, int) or result != 3 * n + 1:
        raise AssertionError(f"stop {function.__name__} computed {result!r} instead of {3 * n + 1}")
    return result


def _is_sub_interpreter() -> bool:
    try:
        interpreters = importlib.import_module("_interpreters")
    except ImportError:
        interpreters = importlib.import_module("_xxsubinterpreters")
    return interpreters.get_current() != interpreters.get_main()
