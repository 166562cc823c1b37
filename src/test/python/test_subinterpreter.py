# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of subinterpreter.py: a package that would hang in a sub-interpreter raises here instead."""

from __future__ import annotations

import builtins
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from conftest import Bench
from imglib2_cache_python.subinterpreter import (
    attributes_of_imports,
    import_attributes,
    import_submodules,
    install_import_guard,
    prepare_main_interpreter,
)

WriteModule = Callable[[str, str], Path]

LAZY = """
from lazy.eager import known
version = "1.0"

def __getattr__(name):
    if name in ("ndimage", "stats", "deep", "broken"):
        raise RuntimeError(f"lazy.{name} would hang for ever")
    raise AttributeError(name)
"""


@pytest.fixture(autouse=True)
def lazy(write_module: WriteModule) -> None:
    """A package that imports its modules on first use."""
    write_module("lazy.__init__", LAZY)
    write_module("lazy.eager", "known = 5")
    write_module("lazy.ndimage", "def blur(x):\n    return x + 1\n")
    write_module("lazy.stats", "from lazy import ndimage\nmean = 3\n")
    write_module("lazy.deep.__init__", "def __getattr__(name):\n    raise RuntimeError(f'lazy.deep.{name}')\n")
    write_module("lazy.deep.deeper", "depth = 2\n")
    write_module("lazy.version", "major = 1\n")
    write_module("lazy.broken", "raise ValueError('broken module')\n")
    # The same, but not shared.
    write_module("own.__init__", "def __getattr__(name):\n    raise RuntimeError(name)\n")
    write_module("own.inner", "")


@pytest.fixture
def guard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Installs the guard for the package ``lazy`` until the test ends."""
    monkeypatch.setattr(builtins, "__import__", builtins.__import__)
    install_import_guard(frozenset({"lazy", ""}))


def loaded() -> set[str]:
    return {name for name in sys.modules if name.partition(".")[0] in ("lazy", "own")}


# What code reaches


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("", []),
        ("import scipy", []),
        ("import scipy\nscipy.ndimage.blur(1)", ["scipy.ndimage", "scipy.ndimage.blur"]),
        ("import scipy as sp\nsp.ndimage", ["scipy.ndimage"]),
        ("import scipy.stats\nscipy.ndimage", ["scipy.ndimage"]),
        ("import scipy.stats as s\ns.norm", ["scipy.stats.norm"]),
        ("from scipy import stats\nstats.norm.pdf(0)", ["scipy.stats.norm", "scipy.stats.norm.pdf"]),
        ("from scipy import stats as s\ns.norm", ["scipy.stats.norm"]),
        ("from . import stats\nstats.norm", []),
        ("from .scipy import stats\nstats.norm", []),
        ("from scipy import *\nstats.norm", []),
        ("def f():\n  import scipy\n  return scipy.stats", ["scipy.stats"]),
        ("scipy.stats\nimport scipy", ["scipy.stats"]),
        ("import a, b\na.x = b.y", ["a.x", "b.y"]),
        ("import a\na.f(1).g.h", ["a.f"]),
        ("import a\na[0].b", []),
        ("import a\nlambda: a.b + a.b.c + a.d", ["a.b", "a.d", "a.b.c"]),
        ("import a\nf'{a.b!r}'", ["a.b"]),
        ("import größe\ngröße.maß", ["größe.maß"]),
        ("import a\r\na.b\r\n", ["a.b"]),
        ("\ufeffimport a\na.b", ["a.b"]),
        ("block.data[...] = 1", []),
        ("x = = 1", []),
        ("'\0'", []),
        ("'\ud800'", []),
        ("\n  np.ones(1)", []),
    ],
)
def test_attributes_of_imports(code: str, names: list[str]) -> None:
    found = attributes_of_imports(code)
    assert sorted(found) == sorted(names)
    assert [name.count(".") for name in found] == sorted(name.count(".") for name in names)


def test_modules_that_the_code_sees_count_as_imported() -> None:
    known = {"sp": "scipy", "np": "numpy", "stats": "scipy.stats"}
    assert attributes_of_imports("sp.ndimage + stats.norm", known) == ["scipy.ndimage", "scipy.stats.norm"]
    assert attributes_of_imports("import other as sp\nsp.x", known) == ["other.x"]
    assert known == {"sp": "scipy", "np": "numpy", "stats": "scipy.stats"}
    assert attributes_of_imports("  np.random.default_rng(1)\n", known) == [
        "numpy.random",
        "numpy.random.default_rng",
    ]


# Imports beforehand


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import lazy\nlazy.ndimage.blur(1)", {"lazy.ndimage"}),
        ("import lazy\nlazy.deep.deeper.depth", {"lazy.deep", "lazy.deep.deeper"}),
        ("from lazy import deep\ndeep.deeper", {"lazy.deep", "lazy.deep.deeper"}),
        ("import lazy\nlazy.no_such_module.x\nlazy.ndimage", {"lazy.ndimage"}),
        ("import lazy\nlazy.broken\nlazy.ndimage", {"lazy.ndimage"}),
        ("import lazy\nlazy.known.real", set()),
        ("import own\nown.inner", None),
        ("lazy.ndimage:blur", {"lazy.ndimage"}),
        ("lazy:ndimage.blur", {"lazy.ndimage"}),
        ("lazy:deep.deeper.depth", {"lazy.deep", "lazy.deep.deeper"}),
        ("own:inner.f", None),
        ("lazy.no_such_module:f", set()),
        ("no_such_module_of_user:f", None),
        ("x = = 1", None),
    ],
)
def test_shared_modules_that_code_reaches_are_imported(code: str, expected: set[str] | None) -> None:
    import_attributes(code, {"lazy"}, {})
    assert loaded() == (set() if expected is None else {"lazy", "lazy.eager"} | expected)


def test_what_is_there_is_not_imported_again() -> None:
    import lazy

    before = loaded()
    import_submodules(["lazy", "lazy.eager", "lazy.version", "lazy.known", "lazy.known.real"], {"lazy"})
    assert loaded() == before
    assert lazy.version == "1.0"


def test_modules_of_the_namespace_are_followed() -> None:
    import lazy

    import_attributes("l.ndimage.blur(1)", {"lazy"}, {"l": lazy, "other": 5})
    assert lazy.ndimage.blur(1) == 2


def test_objects_of_the_namespace_are_not_asked_what_they_are() -> None:
    class Proxy:
        def __getattribute__(self, name: str) -> object:
            raise RuntimeError("working outside of the context")

    import_attributes("proxy.x", {"lazy"}, {"proxy": Proxy()})


# The guard


@pytest.mark.usefixtures("guard")
@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("from lazy import ndimage; result = ndimage.blur(1)", 2),
        ("from lazy import ndimage as nd, stats, version; result = nd.blur(stats.mean), version", (4, "1.0")),
        ("from lazy.deep import deeper; result = deeper.depth", 2),
        ("from lazy.deep.deeper import depth; result = depth", 2),
        ("from lazy import *; result = version", "1.0"),
        ("import lazy; result = lazy.version", "1.0"),
        ("import lazy.ndimage as nd; result = nd.blur(1)", 2),
        ("import lazy.deep.deeper; result = lazy.deep.deeper.depth", 2),
        ("result = __import__('lazy').version", "1.0"),
        ("result = __import__('lazy.ndimage').ndimage.blur(1)", 2),
        ("from json import dumps; result = dumps(1)", "1"),
        ("import json.decoder; result = json.__name__", "json"),
    ],
)
def test_imports_work_as_without_the_guard(statement: str, expected: object) -> None:
    namespace: dict[str, object] = {}
    exec(statement, namespace)
    assert namespace["result"] == expected


@pytest.mark.usefixtures("guard")
@pytest.mark.parametrize(
    ("statement", "error", "message"),
    [
        ("from lazy import nothing", ImportError, "cannot import name 'nothing' from 'lazy'"),
        ("from lazy.nothing import x", ModuleNotFoundError, "lazy.nothing"),
        ("import lazy.nothing", ModuleNotFoundError, "lazy.nothing"),
        ("from lazy import nothing as x, ndimage", ImportError, "nothing"),
        ("import no_such_module_of_user", ModuleNotFoundError, "no_such_module_of_user"),
        ("from . import x", ImportError, "relative import"),
        ("import lazy.broken", ValueError, "broken module"),
    ],
)
def test_imports_fail_as_without_the_guard(statement: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        exec(statement, {"__name__": "code_of_user"})


@pytest.mark.usefixtures("guard")
def test_packages_that_are_not_shared_are_left_alone() -> None:
    with pytest.raises(RuntimeError, match="inner"):
        exec("from own import inner", {})
    assert loaded() == {"own"}


@pytest.mark.usefixtures("guard")
@pytest.mark.parametrize(
    "source",
    [
        "import lazy\ndef f():\n    return lazy.ndimage.blur(1)\n",
        "import lazy as l\ndef f():\n    return l.ndimage.blur(1)\n",
        "def f():\n    import lazy\n    return lazy.ndimage.blur(1)\n",
        "import lazy.deep\ndef f():\n    return lazy.ndimage.blur(1)\n",
        "from lazy import ndimage\ndef f():\n    return ndimage.blur(1)\n",
        "from package_of_user import other\nimport lazy\ndef f():\n    return lazy.ndimage.blur(1)\n",
    ],
)
def test_modules_of_the_user_may_reach_modules_as_attributes(write_module: WriteModule, source: str) -> None:
    write_module("package_of_user.__init__", "")
    write_module("package_of_user.other", "import lazy\ny = lambda: lazy.deep.deeper\n")
    write_module("package_of_user.filters", source)
    namespace: dict[str, object] = {}
    exec("from package_of_user.filters import f\nresult = f()", namespace)
    assert namespace["result"] == 2


def test_the_guards_frames_are_not_shown(bench: Bench, guard: None) -> None:
    told = bench.fail("execute", "a = 1\nfrom lazy.nothing import x")
    assert told.frames == [("<module>", "<task>", 2)]
    assert "subinterpreter.py" not in told.traceback
    told = bench.fail(
        "execute", "try:\n    from lazy.nothing import x\nexcept ImportError as e:\n    raise OSError from e"
    )
    assert "subinterpreter.py" not in told.traceback
    assert "from lazy.nothing import x" in told.traceback


# A worker in a sub-interpreter


@pytest.mark.usefixtures("guard")
@pytest.mark.parametrize(
    ("init", "code"),
    [
        ("import lazy", "block.data[...] = lazy.ndimage.blur(1)"),
        ("import lazy as l", "block.data[...] = l.ndimage.blur(1)"),
        ("import lazy\ndef f():\n    return lazy.ndimage.blur(1)", "block.data[...] = f()"),
        ("", "import lazy\nblock.data[...] = lazy.ndimage.blur(1)"),
        ("", "from lazy import ndimage\nblock.data[...] = ndimage.blur(1)"),
        ("import lazy.stats", "block.data[...] = lazy.stats.mean - 1"),
    ],
)
def test_code_of_a_worker_reaches_modules(
    make_bench: Callable[..., Bench], tmp_path: Path, init: str, code: str
) -> None:
    import numpy as np

    bench = make_bench(mode="SUB", shared_modules="lazy\nnumpy")
    bench.run("initialise", init, 30.0, str(tmp_path / "stack"))
    bench.run("prepare", 1, code, "<loader 1>")
    bench.describe(1, (2, 3))
    data = np.zeros((2, 3))
    bench.run("step", data)
    assert (data == 2).all()
    bench.run("execute", "import lazy")
    assert bench.value(" lazy.deep.deeper.depth ") == 2


def test_a_function_reference_may_go_through_a_lazy_package(
    make_bench: Callable[..., Bench], write_module: WriteModule
) -> None:
    bench = make_bench(mode="SUB", shared_modules="lazy\nnumpy")
    bench.run("prepare", 1, "lazy:ndimage.blur", "<loader 1>")


# The main interpreter


def test_the_main_interpreter_gets_the_paths_and_imports_eagerly(monkeypatch: pytest.MonkeyPatch) -> None:
    path = ["/usr/lib/python3", "/a"]
    environ: dict[str, str] = {}
    jep = ModuleType("_jep")
    jep.mainInterpreterModules = {"sys": SimpleNamespace(path=path), "os": SimpleNamespace(environ=environ)}
    jep.mainInterpreterModulesLock = threading.Lock()
    monkeypatch.setitem(sys.modules, "_jep", jep)
    imported: list[str] = []

    def shared_import(name: str) -> None:
        assert jep.mainInterpreterModulesLock.locked()
        assert path[1:] == ["/a", "/b c", "/größe"]
        jep.mainInterpreterModules[name] = ModuleType(name)
        imported.append(name)

    class JepSharedModuleImporter:
        sharedImporter = SimpleNamespace(sharedImport=shared_import)  # noqa: N815 - as Jep has it

        def find_spec(self, *_: object) -> None:
            pass

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, JepSharedModuleImporter()])
    for _ in range(2):
        prepare_main_interpreter(["/a", "/b c", "/größe"])
        assert path == ["/usr/lib/python3", "/a", "/b c", "/größe"]
        assert environ == {"EAGER_IMPORT": "1"}
        assert imported == ["imglib2_cache_python.main_interpreter"]
