# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of subinterpreter.py that need no sub-interpreter."""

from __future__ import annotations

import pytest
from imglib2_cache_python.subinterpreter import with_advice


@pytest.mark.parametrize(
    ("error", "mode", "advised"),
    [
        (ImportError("cannot load module more than once per process"), "SUB", True),
        (ImportError(), "SUB", True),
        (ImportError("x"), "SHARED", False),
        (ModuleNotFoundError("x"), "SUB", False),
        (ValueError("x"), "SUB", False),
        (KeyboardInterrupt(), "SUB", False),
    ],
)
def test_advice_comes_with_imports_that_fail_in_sub_interpreters(
    error: BaseException, mode: str, advised: bool
) -> None:
    before = str(error)
    assert with_advice(error, mode) is error
    if advised:
        assert "-Dimglib2.python.mode=SHARED" in str(error)
        assert before in str(error)
    else:
        assert str(error) == before
