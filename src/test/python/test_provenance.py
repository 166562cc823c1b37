# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
from __future__ import annotations

import importlib.metadata
import platform
import sys
from typing import TYPE_CHECKING

import pytest
from imglib2_cache_python.provenance import describe, packages_of, packages_of_expression

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("code", "packages"),
    [
        ("scipy.ndimage:gaussian_filter", {"scipy"}),
        ("os.path:join", set()),
        ("import numpy as np, os.path, scipy.ndimage", {"numpy", "scipy"}),
        ("    from skimage.filters import sato\n    block.data[...] = 1", {"skimage"}),
        ("def f():\n    import torch\nfrom . import other\nfrom .own import x", {"torch"}),
        ("block.data[...] = 1", set()),
        ("not python", set()),
        ("\0", set()),
        ("/no/such/file.py:f", set()),
    ],
)
def test_packages_that_code_names(code: str, packages: set[str]) -> None:
    assert packages_of(code) == packages


@pytest.mark.parametrize(
    ("expression", "packages"),
    [
        ("zarr:open_array", {"zarr"}),
        ("scipy.File(skimage)['volume'], no_such_package", {"scipy"}),
        ("(scipy.io.loadmat(os.devnull), len([1]))", {"scipy"}),
        ("not ( python", set()),
        ("\0", set()),
    ],
)
def test_packages_that_an_expression_names(expression: str, packages: set[str]) -> None:
    assert packages_of_expression(expression, ["skimage"]) == packages


def test_packages_of_the_file_of_a_function(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("import scipy.ndimage\ndef f(): ...\n", encoding="utf-8")
    assert packages_of(f"{tmp_path}/own.py:f") == {"scipy"}


def test_description() -> None:
    first, second = describe(["import scipy", "import no_such_package"])
    assert first == f"{platform.python_version()} at {sys.prefix}"
    numpy, scipy = (importlib.metadata.version(name) for name in ("numpy", "scipy"))
    assert second == f"numpy {numpy}, scipy {scipy}"


def test_a_package_whose_distribution_has_another_name() -> None:
    distributions = importlib.metadata.packages_distributions()
    other = next(
        name
        for name, found in sorted(distributions.items())
        if found[0].replace("-", "_").lower() != name.lower()
        and name != "numpy"
        and name not in sys.stdlib_module_names
    )
    described = describe([f"import {other}"])[1]
    assert any(f"{found} " in described for found in distributions[other]), described
