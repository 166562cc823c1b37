# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of protection.py: user code can use modules, but not change them."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from unittest import mock

import pytest
from imglib2_cache_python._embedding.protection import protect


@pytest.fixture
def package() -> Iterator[ModuleType]:
    """A protected package with a module."""
    names = ["protected_package", "protected_package.module"]
    for name in names:
        sys.modules[name] = ModuleType(name)
        sys.modules[name].f = len
    sys.modules[names[0]].module = sys.modules[names[1]]
    protect(names[0])
    yield sys.modules[names[0]]
    for name in names:
        del sys.modules[name]


def test_functions_cannot_be_replaced(package: ModuleType) -> None:
    for module in (package, package.module):
        with pytest.raises(AttributeError, match=rf"{module.__name__}\.f cannot be replaced or deleted"):
            module.f = max
        with pytest.raises(AttributeError, match="cannot be replaced"), mock.patch.object(module, "f"):
            pass
        with pytest.raises(AttributeError, match="cannot be replaced"):
            del module.f
        assert module.f is len


def test_names_can_be_added(package: ModuleType) -> None:
    package.float = float
    assert package.float is float
    package.float = float


def test_modules_can_be_imported_again(package: ModuleType) -> None:
    package.module = ModuleType("protected_package.module")
    with pytest.raises(AttributeError, match="cannot be replaced"):
        package.module = ModuleType("other")


def test_other_packages_are_left_alone(package: ModuleType) -> None:
    assert type(importlib.import_module("json")) is ModuleType


def test_numpy_works_when_it_is_protected() -> None:
    code = """
import imglib2_cache_python._embedding.main_interpreter
import numpy as np, numpy.linalg, os, multiprocessing, inspect, pickle
for module in (np, np.linalg, np.fft, np.random, np.ma):
    name = next(n for n in dir(module) if not n.startswith("_") and inspect.isroutine(getattr(module, n)))
    try:
        setattr(module, name, None)
    except AttributeError:
        pass
    else:
        print(module, name)
np.testing.assert_allclose(np.linalg.norm(np.fft.ifft(np.fft.fft(np.arange(5.0)))), 30 ** 0.5)
with np.errstate(all="raise"), np.printoptions(precision=2):
    str(np.ones(3))
np.random.seed(3); np.random.default_rng(3).random(3)
assert pickle.loads(pickle.dumps(np.add)) is np.add
assert multiprocessing.get_start_method() == "spawn"
print(os.fork.__module__)
"""
    sources = str(Path(__file__).parents[2] / "main" / "python")
    printed = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": sources},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (printed.stdout, printed.stderr) == ("imglib2_cache_python._worker.processes\n", "")
