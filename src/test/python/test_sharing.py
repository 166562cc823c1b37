# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of sharing.py."""

from __future__ import annotations

import importlib
import json
import os
import re
import site
import sys
import sysconfig
from collections.abc import Callable, Sequence
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest
from conftest import SOURCES
from imglib2_cache_python import sharing
from imglib2_cache_python.sharing import Sharing, choose_mode, find_sharing, foreign_paths, proven_distributions

COMPILED = f"core{EXTENSION_SUFFIXES[0]}"
OLD_PYTHONS = [(3, 10), (3, 11)]

Install = Callable[..., Path]


def standard_paths() -> list[str]:
    stdlib = sysconfig.get_paths()["stdlib"]
    return [stdlib, str(Path(stdlib) / "lib-dynload")]


def installer(folder: Path) -> Install:
    """Function that writes what pip would write for a distribution into a site-packages folder."""

    def install(
        name: str,
        files: Sequence[str] = (),
        *,
        requires: Sequence[str] = (),
        record: bool = True,
        direct_url: object = None,
    ) -> Path:
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0", *(f"Requires-Dist: {r}" for r in requires)]
        (info / "METADATA").write_text("\n".join(lines) + "\n\nSome text.\n", "utf-8")
        if direct_url is not None:
            (info / "direct_url.json").write_text(json.dumps(direct_url), "utf-8")
        if record:
            # Quoted where a name has a comma.
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
    """Installs into an environment that is empty at first."""
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


def test_a_distribution_without_a_list_of_files_may_be_compiled(install: Install) -> None:
    install("numpy", record=False)
    found = find_sharing()
    assert found.unlisted == ("numpy",)
    mode, reason = choose_mode((3, 11), found)
    assert mode == "SHARED"
    assert "numpy" in reason


def test_this_environment_shares_what_the_examples_need() -> None:
    found = find_sharing()
    assert {"numpy", "scipy"} <= set(found.compiled)
    assert {"numpy", "scipy", "skimage"} <= set(found.modules)
    assert not {"jep", "pip", "setuptools"} & set(found.modules)
    assert all(module.isidentifier() for module in found.modules)


# The mode


@pytest.fixture
def only_known_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ``sys.path`` such as an interpreter without any ``.pth`` file has."""
    paths = [*site.getsitepackages(), *standard_paths(), str(SOURCES)]
    monkeypatch.setattr(sys, "path", paths)


@pytest.mark.usefixtures("only_known_paths")
@pytest.mark.parametrize("version", OLD_PYTHONS)
@pytest.mark.parametrize("compiled", [(), ("numpy",), ("numpy", "scipy", "scikit-image", "pillow")])
def test_proven_packages_work_in_sub_interpreters(version: tuple[int, int], compiled: tuple[str, ...]) -> None:
    assert choose_mode(version, Sharing(compiled, ())) == (
        "SUB",
        "every compiled package is proven to work in sub-interpreters",
    )


@pytest.mark.usefixtures("only_known_paths")
@pytest.mark.parametrize("version", [(3, 9), (3, 12), (3, 13), (3, 14), (4, 10), (2, 11)])
def test_other_pythons_share_one_interpreter(version: tuple[int, int]) -> None:
    mode, reason = choose_mode(version, Sharing((), ()))
    assert mode == "SHARED"
    assert f"{version[0]}.{version[1]}" in reason


@pytest.mark.parametrize("version", OLD_PYTHONS)
@pytest.mark.parametrize(
    ("name", "normal"), [("torch", "torch"), ("tensorflow_cpu", "tensorflow-cpu"), ("numpy-extras", "numpy-extras")]
)
def test_unproven_packages_share_one_interpreter(
    install: Install, version: tuple[int, int], name: str, normal: str
) -> None:
    install("numpy", [f"numpy/{COMPILED}"])
    install(name, [f"stand_in/{COMPILED}"], requires=["numpy"])
    mode, reason = choose_mode(version, find_sharing())
    assert mode == "SHARED"
    assert reason == f"not proven to work in sub-interpreters: {normal}"


def test_a_pure_package_may_be_unknown(install: Install) -> None:
    install("numpy", [f"numpy/{COMPILED}"])
    install("never-heard-of", ["never_heard_of.py"], requires=["numpy"])
    assert "never-heard-of" not in choose_mode((3, 11), find_sharing())[1]


@pytest.mark.usefixtures("only_known_paths")
def test_a_path_that_no_installer_looks_after_shares_one_interpreter(tmp_path: Path) -> None:
    assert foreign_paths() == []
    sys.path += ["", str(tmp_path / "some.zip"), str(tmp_path)]
    assert foreign_paths() == [str(tmp_path)]
    mode, reason = choose_mode((3, 11), Sharing(("numpy",), ("numpy",)))
    assert mode == "SHARED"
    assert str(tmp_path) in reason


@pytest.mark.usefixtures("only_known_paths")
@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_a_link_to_a_known_path_is_known(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(site.getsitepackages()[0])
    sys.path.append(str(link))
    assert foreign_paths() == []


def test_the_proven_packages_are_written_as_they_are_compared() -> None:
    proven = proven_distributions()
    assert {"numpy", "scipy", "scikit-image", "pillow"} <= proven
    assert not {"torch", "tensorflow", "tensorflow-cpu"} & proven
    assert all(re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", name) for name in proven)
    text = (Path(sharing.__file__).parent / "proven_in_subinterpreters.txt").read_text("utf-8")
    assert len(proven) == sum(1 for line in text.splitlines() if line.strip() and not line.startswith("#"))
