# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of complex_warning.py."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from imglib2_cache_python.complex_warning import ComplexWarning, make_an_error


@pytest.fixture(autouse=True)
def filters() -> Iterator[None]:
    """Makes the warning an error. Restores the filters at the end."""
    with warnings.catch_warnings():
        make_an_error()
        yield


def assign() -> None:
    np.zeros(2, np.float32)[...] = np.ones(2) * 1j


@pytest.mark.parametrize(
    "change",
    [
        lambda: None,
        make_an_error,
        warnings.resetwarnings,
        lambda: warnings.simplefilter("ignore"),
        lambda: warnings.filterwarnings("ignore"),
        lambda: warnings.filterwarnings("ignore", module="numpy"),
        lambda: warnings.filterwarnings("ignore", category=RuntimeWarning),
        lambda: warnings.simplefilter("always", append=True),
        lambda: (warnings.resetwarnings(), warnings.simplefilter("ignore")),
    ],
)
def test_what_is_meant_for_all_warnings_does_not_reach_it(change: Callable[[], None]) -> None:
    change()
    with pytest.raises(ComplexWarning):
        assign()
    with warnings.catch_warnings():
        change()
        with pytest.raises(ComplexWarning):
            assign()
    with warnings.catch_warnings(record=True) as recorded:
        warnings.simplefilter("always")
        warnings.warn("other", stacklevel=1)
        with pytest.raises(ComplexWarning):
            assign()
    assert [str(warning.message) for warning in recorded] == ["other"]


def test_code_can_name_it() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ComplexWarning)
        assign()
        warnings.simplefilter("error")
        assign()
    with pytest.raises(ComplexWarning):
        assign()


def test_it_is_established_again() -> None:
    warnings.filters = []
    make_an_error()
    with pytest.raises(ComplexWarning):
        assign()
    warnings.filters.clear()
    make_an_error()
    with pytest.raises(ComplexWarning):
        assign()


def test_other_filters_keep_their_order() -> None:
    warnings.resetwarnings()
    warnings.simplefilter("ignore", UserWarning)
    warnings.simplefilter("error", UserWarning)
    with pytest.raises(UserWarning):
        warnings.warn("x", stacklevel=1)


@pytest.mark.parametrize(
    "convert",
    [
        lambda a: a.astype(np.float32),
        lambda a: a.astype(np.uint8),
        lambda a: np.float64(a[0]),
        lambda a: np.array(a, dtype=np.int64),
        lambda a: np.copyto(np.zeros(2, np.float16), a, casting="unsafe"),
    ],
)
def test_explicit_conversions_are_errors_too(convert: Callable[[np.ndarray], None]) -> None:
    with pytest.raises(ComplexWarning):
        convert(np.ones(2, np.complex64))
