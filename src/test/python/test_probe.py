# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of probe.py: how a Python describes itself in a process of its own."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import SOURCES
from imglib2_cache_python._probe import probe
from imglib2_cache_python._probe.probe import (
    BEGIN,
    END,
    JEP_LIBRARIES,
    as_properties,
    find_jep,
    find_numpy,
    python_library,
)

BOOTSTRAP = (SOURCES / "imglib2_cache_python" / "_probe" / "bootstrap.py").read_text("utf-8")


def read_properties(text: str) -> dict[str, str]:
    """Reads the part of the format of ``java.util.Properties`` that the probe uses."""
    assert text.isascii()
    properties = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        assert re.fullmatch(r"[a-z.]+", key), line
        assert equals
        assert not re.search(r"[\s#!:=]|\\(?!u[0-9a-f]{4})", value), line
        units = re.findall(r"\\u([0-9a-f]{4})|(.)", value)
        utf16 = b"".join((int(unit, 16) if unit else ord(char)).to_bytes(2, "big") for unit, char in units)
        assert key not in properties
        properties[key] = utf16.decode("utf-16-be", "surrogatepass")
    return properties


def run_probe(python: Path | str, location: Path = SOURCES, *options: str) -> tuple[str, dict[str, str]]:
    """The output of the probe, and the properties in it."""
    child = subprocess.run(
        [str(python), "-I", "-B", "-c", BOOTSTRAP, str(location), *options],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": "/nowhere", "LC_ALL": "C"},
    )
    output = child.stdout.decode("ascii")
    assert child.returncode == 0, child.stderr.decode()
    assert output.count(f"\n{BEGIN}\n") == output.count(f"\n{END}\n") == 1
    return output, read_properties(output.partition(f"\n{BEGIN}\n")[2].partition(END)[0])


class Environment:
    """A virtual environment without any package."""

    def __init__(self, folder: Path) -> None:
        """Creates the environment."""
        venv.create(folder, with_pip=False, symlinks=os.name != "nt")
        self.folder = folder
        windows = os.name == "nt"
        self.python = folder / ("Scripts/python.exe" if windows else "bin/python")
        version = "python{}.{}".format(*sys.version_info[:2])
        self.site_packages = folder / ("Lib/site-packages" if windows else f"lib/{version}/site-packages")

    def write(self, name: str, text: str = "") -> Path:
        """Writes a file into site-packages."""
        file = self.site_packages / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        return file


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """An environment in a folder with an unusual name."""
    return Environment(tmp_path / "Größe 中 \U0001f52c =#!'")


def test_this_python_tells_of_itself() -> None:
    _, properties = run_probe(sys.executable, SOURCES, "sharing")
    assert properties["version"] == platform.python_version()
    assert properties["implementation"] == platform.python_implementation()
    assert Path(properties["executable"]).samefile(sys.executable)
    assert properties["prefix"] == sys.prefix
    assert properties["base.prefix"] == sys.base_prefix
    assert properties["bits"] == ("64" if sys.maxsize > 2**32 else "32")
    assert properties["machine"] == platform.machine()
    assert properties["free.threaded"] == "false"
    assert properties["numpy.version"] == np.__version__
    assert str(Path(np.__file__).parents[1]) in properties["folders"].split("\n")
    assert "numpy" in properties["compiled.distributions"].split("\n")
    assert {"numpy", "scipy"} <= set(properties["shared.modules"].split("\n"))
    assert all(properties.values())
    _, without = run_probe(sys.executable)
    lists = {"compiled.distributions", "shared.modules"}
    assert without == {key: value for key, value in properties.items() if key not in lists}


def test_an_empty_environment_in_a_folder_with_any_name(environment: Environment) -> None:
    _, properties = run_probe(environment.python, SOURCES, "sharing")
    assert properties["prefix"] == str(environment.folder)
    assert properties["executable"] == str(environment.python)
    assert properties["base.prefix"] == sys.base_prefix
    absent = {"numpy.version", "jep.folder", "jep.version", "jep.library", "compiled.distributions", "shared.modules"}
    assert not absent & properties.keys()


def test_the_packages_of_an_environment(environment: Environment) -> None:
    folder = environment.write("jep/__init__.py", "raise SystemExit('jep cannot be imported outside of a JVM')").parent
    environment.write("jep/version.py", '__VERSION__ = "4.3.1"\nVERSION = __VERSION__\n')
    library = environment.write(f"jep/{JEP_LIBRARIES[0]}")
    environment.write("numpy/__init__.py", "raise SystemExit('not to be imported either')")
    environment.write("numpy/core.abi3.so")
    environment.write("numpy-2.2.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: numpy\nVersion: 2.2.0\n")
    environment.write("numpy-2.2.0.dist-info/RECORD", "numpy/__init__.py,,\nnumpy/core.abi3.so,,\n")
    _, properties = run_probe(environment.python, SOURCES, "sharing")
    assert properties["jep.folder"] == str(folder)
    assert properties["jep.version"] == "4.3.1"
    assert properties["jep.library"] == str(library)
    assert properties["numpy.version"] == "2.2.0"
    if os.name != "nt":
        assert properties["compiled.distributions"] == "numpy"
        assert properties["shared.modules"] == "numpy"


@pytest.mark.parametrize(
    "sitecustomize",
    [
        "print('Welcome!')",
        "import sys; sys.stdout.write('no line end')",
        "import atexit; atexit.register(print, 'Good bye!')",
        f"print('{BEGIN[:-1]}')",
        "import sys; print('to stderr', file=sys.stderr)",
        "raise RuntimeError('broken')",
    ],
)
def test_what_a_sitecustomize_prints_does_no_harm(environment: Environment, sitecustomize: str) -> None:
    environment.write("sitecustomize.py", sitecustomize)
    _, properties = run_probe(environment.python)
    assert properties["prefix"] == str(environment.folder)


def test_the_probe_works_from_inside_of_a_jar(tmp_path: Path) -> None:
    jar = tmp_path / "größe 1.0.jar"
    with zipfile.ZipFile(jar, "w") as zipped:
        for file in (SOURCES / "imglib2_cache_python").rglob("*.py"):
            zipped.write(file, "META-INF/python" / file.relative_to(SOURCES))
    in_jar = run_probe(sys.executable, jar / "META-INF" / "python")[1]
    assert in_jar == run_probe(sys.executable)[1]


# Jep


@pytest.fixture
def jep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of a module jep without any file."""
    monkeypatch.delitem(sys.modules, "jep", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    folder = tmp_path / "jep"
    folder.mkdir()
    (folder / "__init__.py").touch()
    return folder


def test_a_jep_without_version_and_library(jep: Path) -> None:
    assert find_jep() == {"folder": str(jep)}


@pytest.mark.parametrize("name", JEP_LIBRARIES)
def test_the_library_of_jep(jep: Path, name: str) -> None:
    (jep / name).touch()
    assert find_jep() == {"folder": str(jep), "library": str(jep / name)}


def test_a_folder_is_not_the_library_of_jep(jep: Path) -> None:
    (jep / JEP_LIBRARIES[0]).mkdir()
    (jep / "version.py").mkdir()
    assert find_jep() == {"folder": str(jep)}


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('__VERSION__ = "4.3.1"\nVERSION = __VERSION__\n', "4.3.1"),
        ("VERSION = '4.3.2'", "4.3.2"),
        ('# größer\nVERSION = "4.4.0rc1"', "4.4.0rc1"),
        ("VERSION = None", None),
        ("", None),
    ],
)
def test_the_version_of_jep(jep: Path, text: str, version: str | None) -> None:
    (jep / "version.py").write_text(text, "utf-8")
    assert find_jep().get("version") == version


def test_a_single_file_is_not_jep(jep: Path) -> None:
    (jep / "__init__.py").unlink()
    jep.rmdir()
    jep.with_suffix(".py").touch()
    assert find_jep() == {}


def test_no_jep(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delitem(sys.modules, "jep", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert find_jep() == {}


# The rest


def test_numpy_without_metadata(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert find_numpy() == np.__version__
    monkeypatch.delitem(sys.modules, "numpy")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert find_numpy() == ""
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy" / "__init__.py").touch()
    probe.importlib.invalidate_caches()
    assert find_numpy() == "unknown"


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        (["numpy-9.8.7rc1.dist-info"], "9.8.7rc1"),
        (["numpy-1.24.2.egg-info"], "1.24.2"),
        (["numpy-1.24.2-py3.11.egg-info"], "1.24.2"),
        (["numpy-1.24.2.dist-info", "numpy-stl-3.0.dist-info", "numpy.libs", "numpy_groupies-0.9.dist-info"], "1.24.2"),
    ],
)
def test_the_version_of_numpy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folders: list[str], expected: str
) -> None:
    for folder in ["numpy", *folders]:
        (tmp_path / folder).mkdir()
    (tmp_path / "numpy" / "__init__.py").touch()
    # Looked for as the probe does it in a Python that has not imported numpy.
    monkeypatch.delitem(sys.modules, "numpy")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert find_numpy() == expected


def test_the_library_of_python_is_one_that_can_be_loaded() -> None:
    library = python_library()
    assert library == "" or Path(library).is_file()
    assert not library.endswith(".a")
    assert run_probe(sys.executable)[1].get("library", "") == library


@pytest.mark.skipif(sys.platform == "win32", reason="on Windows the library has one name only")
@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["libpython3.so.1.0", "libpython3.so", "libpython3.a"], "libpython3.so.1.0"),
        (["libpython3.so"], "libpython3.so"),
        (["libpython3.a"], ""),
        ([], ""),
    ],
)
def test_a_static_library_cannot_be_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, files: list[str], expected: str
) -> None:
    for file in files:
        (tmp_path / file).touch()
    variables = {
        "INSTSONAME": "libpython3.so.1.0",
        "LDLIBRARY": "libpython3.a" if files == ["libpython3.a"] else "libpython3.so",
        "LIBDIR": str(tmp_path),
    }
    monkeypatch.setattr(probe.sysconfig, "get_config_var", variables.get)
    assert python_library() == (str(tmp_path / expected) if expected else "")


@pytest.mark.parametrize("seed", range(20))
def test_properties_can_be_read_back(seed: int) -> None:
    random = np.random.default_rng(seed)
    alphabet = [*map(chr, range(256)), *"\u2028 ÄÖ中\U0001f52c\ud800\udc00\udfff\uffff=:#!\\\n\r\t  uu0000"]
    properties = {}
    for letter in "abcdef":
        chars = random.choice(len(alphabet), random.integers(0, 40))
        properties[f"key.{letter}"] = "".join(alphabet[i] for i in chars)
    # A high surrogate followed by a low surrogate is one character, also in Java.
    expected = {
        key: value.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "surrogatepass")
        for key, value in properties.items()
    }
    assert read_properties(as_properties(properties)) == expected


def test_backslashes_and_line_ends_are_escaped() -> None:
    assert as_properties({"a": "C:\\new", "b": "1\n2", "c": ""}) == "a=C\\u003a\\u005cnew\nb=1\\u000a2\nc=\n"


def test_properties_that_do_not_apply_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    set_aside: dict[str, Callable[[], object]] = {"find_jep": dict, "find_numpy": str, "python_library": str}
    for name, replacement in set_aside.items():
        monkeypatch.setattr(probe, name, replacement)
    assert not {"jep.folder", "numpy.version", "library"} & probe.probe().keys()
