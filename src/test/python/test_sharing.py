# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of sharing.py."""

from __future__ import annotations

import importlib
import json
import sys
import sysconfig
from collections.abc import Callable, Sequence
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest
from imglib2_cache_python._probe.sharing import Sharing, find_sharing

COMPILED = f"core{EXTENSION_SUFFIXES[0]}"

Install = Callable[..., Path]


def standard_paths() -> list[str]:
    stdlib = sysconfig.get_paths()["stdlib"]
    return [stdlib, str(Path(stdlib) / "lib-dynload")]


def installer(folder: Path) -> Install:
    """Function that writes a distribution into a site-packages folder, with the metadata that pip would write."""

    def install(
        name: str,
        files: Sequence[str] = (),
        *,
        requires: Sequence[str] = (),
        direct_url: object = None,
    ) -> Path:
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0", *(f"Requires-Dist: {r}" for r in requires)]
        (info / "METADATA").write_text("\n".join(lines) + "\n\nSome text.\n", "utf-8")
        if direct_url is not None:
            (info / "direct_url.json").write_text(json.dumps(direct_url), "utf-8")
        # Names with a comma are quoted.
        rows = [f'"{file}",,' for file in [*files, f"{info.name}/METADATA", f"{info.name}/RECORD"]]
        (info / "RECORD").write_text("\n".join(rows) + "\n", "utf-8")
        for file in files:
            if not file.startswith(".."):
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                (folder / file).touch()
        importlib.invalidate_caches()
        return info

    return install


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Function that installs a distribution into an environment that is empty at first."""
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *standard_paths()])
    return installer(tmp_path / "site")


# What must be shared


def test_nothing_is_shared_in_an_empty_environment(install: Install) -> None:
    assert find_sharing() == Sharing((), ())


def test_pure_packages_are_not_shared(install: Install) -> None:
    install("toml", ["toml/__init__.py"])
    install("rich", ["rich/__init__.py"], requires=["toml"])
    assert find_sharing() == Sharing((), ())


def test_dependents_and_requirements_of_compiled_packages_are_shared(install: Install) -> None:
    install("numpy", [f"numpy/{COMPILED}"])
    install("lazy-loader", ["lazy_loader/__init__.py"], requires=["packaging (>=21)"])
    install("packaging", ["packaging/__init__.py"])
    install("scikit-image", ["skimage/__init__.py"], requires=["numpy>=1.24", "lazy_loader; python_version > '3'"])
    install("filters", ["filters.py"], requires=["scikit.image"])
    install("unrelated", ["unrelated/__init__.py"], requires=["not-installed"])
    assert find_sharing() == Sharing(("numpy",), ("filters", "lazy_loader", "numpy", "packaging", "skimage"))


def test_what_only_an_extra_requires_is_not_shared(install: Install) -> None:
    install("numpy", [f"numpy/{COMPILED}"], requires=['docs-tool; extra == "docs"', "other; extra=='test'"])
    install("docs-tool", ["docs_tool.py"])
    install("other", ["other.py"])
    install("viewer", ["viewer.py"], requires=['numpy; python_version > "3" and extra == "fast"'])
    assert find_sharing() == Sharing(("numpy",), ("numpy",))


def test_circles_of_requirements_end(install: Install) -> None:
    install("a", [f"a/{COMPILED}"], requires=["b"])
    install("b", ["b.py"], requires=["c"])
    install("c", ["c.py"], requires=["a", "c"])
    assert find_sharing() == Sharing(("a",), ("a", "b", "c"))


@pytest.mark.parametrize("name", ["jep", "Pip", "SetupTools", "wheel"])
def test_tools_and_jep_are_not_shared(install: Install, name: str) -> None:
    install("numpy", [f"numpy/{COMPILED}"])
    install(name, [f"tool_of_test/{COMPILED}"], requires=["numpy"])
    assert find_sharing() == Sharing(("numpy",), ("numpy",))


def test_names_are_normalised(install: Install) -> None:
    install("Scikit_Image", [f"skimage/{COMPILED}"])
    install("Zope.Interface", [f"zope/interface/{COMPILED}"], requires=["scikit--image"])
    assert find_sharing() == Sharing(("scikit-image", "zope-interface"), ("skimage", "zope"))


@pytest.mark.parametrize("suffix", EXTENSION_SUFFIXES)
def test_every_suffix_of_extension_modules_counts(install: Install, suffix: str) -> None:
    install("inside", [f"inside/deep/core{suffix}"])
    install("single", [f"single_module{suffix}"])
    assert find_sharing() == Sharing(("inside", "single"), ("inside", "single_module"))


def test_names_of_modules(install: Install) -> None:
    install(
        "package",
        [
            f"package/{COMPILED}",
            "package/sub/__init__.py",
            "single.py",
            "größe.py",
            "package.libs/libopenblas.so",
            "package-data/readme.txt",
            "__pycache__/single.cpython-311.pyc",
            "distutils-precedence.pth",
            "stubs.pyi",
            "1a.py",
            "../../../bin/package",
            "../../../share/doc/package.txt",
            "with, comma/x.txt",
        ],
    )
    assert find_sharing().modules == ("größe", "package", "single")


@pytest.mark.parametrize(
    ("direct_url", "compiled"),
    [
        ({"url": "file:///home/me/tool", "dir_info": {"editable": True}}, ("tool",)),
        ({"url": "file:///home/me/tool", "dir_info": {"editable": False}}, ()),
        ({"url": "file:///home/me/tool", "dir_info": {}}, ()),
        ({"url": "https://example.org/tool.whl", "archive_info": {}}, ()),
        (None, ()),
    ],
)
def test_an_editable_install_counts_as_compiled(
    install: Install, direct_url: object, compiled: tuple[str, ...]
) -> None:
    install("tool", ["__editable__.tool-1.0.pth"], direct_url=direct_url)
    assert find_sharing().compiled == compiled


def test_the_first_of_several_versions_counts(install: Install, tmp_path: Path) -> None:
    sys.path.insert(1, str(tmp_path / "shadowed"))
    shadowed = installer(tmp_path / "shadowed")
    install("compiled_here", [f"compiled_here/{COMPILED}"])
    shadowed("compiled_here", ["compiled_here/__init__.py"])
    install("compiled-there", ["compiled_there/__init__.py"])
    shadowed("Compiled_There", [f"compiled_there/{COMPILED}"])
    assert find_sharing() == Sharing(("compiled-here",), ("compiled_here",))


def test_a_broken_installation_is_passed_over(install: Install, tmp_path: Path) -> None:
    install("numpy", [f"numpy/{COMPILED}"])
    (tmp_path / "site" / "left_over-1.0.dist-info").mkdir()
    (tmp_path / "site" / "~umpy-1.0.dist-info").mkdir()
    (tmp_path / "site" / "old.egg-info").touch()
    importlib.invalidate_caches()
    assert find_sharing() == Sharing(("numpy",), ("numpy",))
    # The package finds distributions from now on.
    pytest.importorskip("importlib_metadata")
    assert find_sharing() == Sharing(("numpy",), ("numpy",))


def test_this_environment_shares_what_the_examples_need() -> None:
    found = find_sharing()
    assert {"numpy", "scipy"} <= set(found.compiled)
    assert {"numpy", "scipy", "skimage"} <= set(found.modules)
    assert not {"jep", "pip", "setuptools"} & set(found.modules)
    assert all(module.isidentifier() for module in found.modules)
