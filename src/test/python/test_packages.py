# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Which part of the Python half may import which, read from the sources."""

from __future__ import annotations

import ast
import inspect
import re
import sys
import typing
from collections.abc import Iterator
from pathlib import Path

import imglib2_cache_python
import pytest
from conftest import SOURCES

PACKAGE = "imglib2_cache_python"
PROJECT = Path(__file__).parents[3]

# What each folder may import besides itself and the standard library. "" are the user's modules. A line has only
# folders of lines above it, so there are no cycles. The probe runs in a Python that may have no packages at all.
MAY_IMPORT = {
    "_probe": set(),
    "": {"_probe", "numpy"},
    "_worker": {"", "numpy"},
    "_embedding": {"", "_worker", "_probe", "numpy", "jep", "_jep"},
    "_process": {"", "_worker", "numpy"},
}


def imported(source: str, folder: str) -> Iterator[str]:
    """The modules that a module of a folder imports, wherever in its text; of this package, with its name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # What is imported may itself be a module.
            above = [PACKAGE, *filter(None, [folder])][: -node.level + 1 or None] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def used(module: str) -> str:
    """The folder of this package, or else the top of the name."""
    top, _, rest = module.partition(".")
    if top != PACKAGE:
        return top
    first = rest.partition(".")[0]
    return first if (SOURCES / PACKAGE / first / "__init__.py").exists() else ""


def forbidden(source: str, folder: str) -> list[str]:
    """The imports of a module that the table does not allow."""
    allowed = MAY_IMPORT[folder] | {folder} | sys.stdlib_module_names
    return sorted({module for module in imported(source, folder) if used(module) not in allowed})


def modules() -> list[Path]:
    """All files of the package."""
    return sorted((SOURCES / PACKAGE).rglob("*.py"))


def folder_of(file: Path) -> str:
    """Its folder in the package."""
    return "/".join(file.relative_to(SOURCES / PACKAGE).parent.parts)


@pytest.mark.parametrize("file", modules(), ids=lambda file: str(file.relative_to(SOURCES)))
def test_modules_import_only_what_they_may(file: Path):
    assert forbidden(file.read_text("utf-8"), folder_of(file)) == []


def test_every_folder_is_in_the_table():
    assert {folder_of(file) for file in modules()} == set(MAY_IMPORT)


def test_what_is_installed_has_every_folder_and_file():
    project = (SOURCES / "pyproject.toml").read_text("utf-8")
    packages = ast.literal_eval(re.search(r"(?m)^packages = (.*)$", project)[1])
    assert sorted(packages) == sorted(".".join(filter(None, [PACKAGE, folder])) for folder in MAY_IMPORT)
    data = ast.literal_eval(re.search(rf"(?m)^{PACKAGE} = (.*)$", project)[1])
    others = {file for file in (SOURCES / PACKAGE).rglob("*") if file.is_file() and file.suffix not in (".py", ".pyc")}
    assert others == {file for pattern in data for file in (SOURCES / PACKAGE).glob(pattern)}
    assert SOURCES / PACKAGE / "py.typed" in others


def test_both_halves_have_the_same_version_and_licence():
    version = re.search(r'(?m)^version = "(.*)"$', (SOURCES / "pyproject.toml").read_text("utf-8"))[1]
    pom = (PROJECT / "pom.xml").read_text("utf-8")
    assert re.search("<version>(.*?)</version>", pom)[1] == version.replace(".dev0", "-SNAPSHOT")
    # setuptools packs no file that lies above.
    assert (SOURCES / "LICENSE.txt").read_text("utf-8") == (PROJECT / "LICENSE.txt").read_text("utf-8")


def test_what_users_import_has_types_and_texts():
    stub = ast.parse((SOURCES / PACKAGE / "__init__.pyi").read_text("utf-8"))
    names = [alias.asname for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted(names) == imglib2_cache_python.__all__ == sorted(imglib2_cache_python._PUBLIC)
    for name in names:
        found = getattr(imglib2_cache_python, name)
        assert inspect.getdoc(found)
        hints = typing.get_type_hints(found.__init__ if inspect.isclass(found) else found)
        assert hints.keys() - {"return"} == inspect.signature(found).parameters.keys() or name == "Block"


def test_the_table_has_no_cycle():
    above: set[str] = set()
    for folder, names in MAY_IMPORT.items():
        assert names & set(MAY_IMPORT) <= above
        above.add(folder)


def test_importing_the_package_imports_nothing():
    # Whoever imports the probe imports this, too.
    assert list(imported((SOURCES / PACKAGE / "__init__.py").read_text("utf-8"), "")) == []


@pytest.mark.parametrize(
    ("folder", "source", "found"),
    [
        ("", "from imglib2_cache_python._worker.worker import Worker", ["imglib2_cache_python._worker.worker.Worker"]),
        ("", "def later():\n    import imglib2_cache_python._embedding", ["imglib2_cache_python._embedding"]),
        ("", "from imglib2_cache_python import _worker, block", ["imglib2_cache_python._worker"]),
        ("", "from . import _process, snippet", ["imglib2_cache_python._process"]),
        ("", "from imglib2_cache_python._probe.installing import command", []),
        ("_worker", "from ..block import Block\nfrom .protocol import READ\nimport numpy as np", []),
        ("_worker", "from .._probe import probe", ["imglib2_cache_python._probe.probe"]),
        ("_worker", "import jep", ["jep"]),
        ("_probe", "import json, numpy", ["numpy"]),
        ("_probe", "from imglib2_cache_python import block", ["imglib2_cache_python.block"]),
        ("_embedding", "from imglib2_cache_python._worker import imports\nimport scipy.ndimage", ["scipy.ndimage"]),
    ],
)
def test_what_is_forbidden_is_found(folder: str, source: str, found: list[str]):
    assert forbidden(source, folder) == found
