# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of reference.py: which text names which function, and which version of it."""

from __future__ import annotations

import importlib
import os
import pickle
import py_compile
import sys
import threading
import traceback
import zipfile
from collections.abc import Callable, Iterator
from importlib.machinery import FileFinder, SourceFileLoader
from pathlib import Path
from types import CodeType

import pytest
from conftest import run_in_new_python
from imglib2_cache_python import reference
from imglib2_cache_python.reference import function_reference, resolve, source_file

WriteModule = Callable[[str, str], Path]


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test has imported is forgotten at its end, and imports are noted only if it wants that."""
    before = dict(sys.modules)
    finders = [finder for finder in sys.meta_path if not isinstance(finder, reference._NotingFinder)]
    monkeypatch.setattr(sys, "meta_path", finders)
    known = dict(reference._loaded().files)
    yield
    for name in set(sys.modules) - set(before):
        if name.startswith("imglib2_cache_python.user."):
            del sys.modules[name]
    reference._loaded().files.clear()
    reference._loaded().files.update(known)


def edit(file: Path, source: str) -> None:
    """Writes a file; no two versions of it have the same time, also where clocks are coarse."""
    before = file.stat().st_mtime_ns if file.exists() else 0
    file.write_text(source, "utf-8")
    if before:
        os.utime(file, ns=(before + 1_000_000, before + 1_000_000))


def value(code: str, image: int | None = None) -> object:
    """What the function that the code names returns."""
    named = function_reference(code)
    assert named is not None
    return resolve(*named, image)[0]()


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("/folder/own.py:f", ("/folder/own.py", "f")),
        ("own.py:f", ("own.py", "f")),
        ("  ../my filters/own.py:Filter.run\n", ("../my filters/own.py", "Filter.run")),
        (r"C:\x\own.py:f", (r"C:\x\own.py", "f")),
        ("größe/ñ.py:größe", ("größe/ñ.py", "größe")),
        ("/a.py:b/own.py:f", ("/a.py:b/own.py", "f")),
        # Statements.
        ("if own.py:f", None),
        ("x = 1\nown.py:f", None),
        ("own.py:f()", None),
        ("/folder/own.py:", None),
        ("/folder/own.pyc:f", None),
        ("/folder/own:f", None),
        (":f", None),
    ],
)
def test_a_function_of_a_file_is_a_path_a_colon_and_a_function(code: str, named: tuple[str, str] | None) -> None:
    found = function_reference(code)
    assert found == named
    assert found is None or found.is_file


def test_a_module_is_no_file() -> None:
    found = function_reference("package.module:f")
    assert found == ("package.module", "f")
    assert not found.is_file


def test_a_file_is_loaded_once_and_its_traceback_shows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "own filters.py"
    file.write_text("calls = []\nclass A: pass\ndef f():\n    calls.append(A())\n    return len(calls)\n", "utf-8")
    assert value(f"{file}:f") == 1
    monkeypatch.chdir(tmp_path)
    # The same file, by another path.
    assert value("own filters.py:f") == 2
    function, pin = resolve(str(file), "f")
    assert function.__module__ == pin.module.__name__
    assert pickle.loads(pickle.dumps(pin.module.calls[0])).__class__ is pin.module.A
    pin.module.calls = None
    with pytest.raises(AttributeError) as raised:
        function()
    assert traceback.extract_tb(raised.value.__traceback__)[-1][:2] == (str(file), 4)
    assert not list(tmp_path.rglob("*.pyc"))


def test_two_files_of_the_same_name_are_two_modules(tmp_path: Path) -> None:
    for folder in "ab":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "own.py").write_text(f"def f(): return '{folder}'\n")
    assert [value(f"{tmp_path / folder / 'own.py'}:f") for folder in "abab"] == ["a", "b", "a", "b"]


@pytest.mark.parametrize("same_size", [True, False])
def test_a_file_that_has_changed_is_loaded_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, same_size: bool
) -> None:
    # Compiled code tells by whole seconds whether it is up to date.
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    file = tmp_path / "own.py"
    edit(file, "def f(): return 1\n")
    os.utime(file, (10**9, 10**9))
    old, pin = resolve(str(file), "f")
    edit(file, "def f(): return 2\n" if same_size else "def f():\n    return 2\n")
    assert value(f"{file}:f") == 2
    # The old one is as it was.
    assert old() == 1
    assert pin.module.f is old
    assert sum(getattr(one, "__file__", None) == str(file) for one in list(sys.modules.values())) == 1


def test_a_missing_file_and_a_file_with_an_error_are_told(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    with pytest.raises(FileNotFoundError, match=r"there is no file .*own\.py; expected"):
        value(f"{file}:f")
    edit(file, "def f(:\n")
    with pytest.raises(SyntaxError) as raised:
        value(f"{file}:f")
    assert raised.value.filename == str(file)
    edit(file, "f = 3\n")
    with pytest.raises(TypeError, match="is a int, expected a function"):
        value(f"{file}:f")
    with pytest.raises(AttributeError, match="no attribute 'g'"):
        value(f"{file}:g")
    edit(file, "def f(): return 4\n")
    assert value(f"{file}:f") == 4


@pytest.mark.parametrize("name", ["own_of_user", "package_of_user.own"])
@pytest.mark.parametrize("same_size", [True, False])
def test_a_module_of_the_user_that_has_changed_is_imported_anew(
    write_module: WriteModule, monkeypatch: pytest.MonkeyPatch, name: str, same_size: bool
) -> None:
    # Compiled code, which tells by whole seconds whether it is up to date.
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    file = write_module(name, "def f(): return 1\n")
    os.utime(file, (10**9, 10**9))
    old, pin = resolve(name, "f")
    assert list(file.parent.glob("__pycache__/*.pyc"))
    edit(file, "def f(): return 2\n" if same_size else "def f():\n    return 2\n")
    assert value(f"{name}:f") == 2
    assert sys.modules[name] is not pin.module
    parent, _, last = name.rpartition(".")
    assert not parent or getattr(sys.modules[parent], last) is sys.modules[name]
    assert old() == 1
    assert pin.module.f is old
    # Nothing has changed since.
    new = sys.modules[name]
    assert value(f"{name}:f") == 2
    assert sys.modules[name] is new


FILTERS = """
import contextlib
import dataclasses
import functools
import types

N = 1

class Lazy:
    @property
    def __class__(self): raise RuntimeError("loads a model")

class A:
    def f(self): return (lambda: N)()

    @staticmethod
    def static(): return "static"

    @classmethod
    def of_class(cls): return "class"

    @property
    def read(self): return "read"

    @read.setter
    def read(self, value): self.n = "written"

    @functools.cached_property
    def once(self): return "once"

    partly = functools.partialmethod(lambda self: "partly")

    class Nested:
        @staticmethod
        def f(): return "nested"

@dataclasses.dataclass
class B:
    n: int

def decorated(function):
    @functools.wraps(function)
    def call(): return function()
    return call

@decorated
@functools.lru_cache
@contextlib.contextmanager
def context(): yield N

@contextlib.contextmanager
def other(): yield "other"

@decorated
def f(): return A().f()

@functools.cache
def cached(): return "cached"

def plainly(function):
    def call(): return function()
    return call

@plainly
def hidden(): return "hidden"

bound = functools.partial(lambda: "bound")

lazy, g, number = Lazy(), functools.partial(f), eval("lambda: N")
exec("def h(): return 5")
"""


# Where functions are that change.
PLACES = ["static", "class", "read", "written", "once", "partly", "nested", "cached", "hidden", "bound"]


@pytest.mark.parametrize("change", ["function", "method", "decorated", "line", "nothing", "not valid", *PLACES])
def test_a_module_that_others_have_imported_is_imported_anew_if_its_functions_have_changed(
    write_module: WriteModule, change: str
) -> None:
    file = write_module("filters", FILTERS)
    module = importlib.import_module("filters")
    edits = {
        "function": ("A().f()", "2"),
        "method": ("lambda: N", "lambda: 2"),
        "decorated": ('yield "other"', 'yield "third"'),
        "line": ("import", "\nimport"),
        "nothing": ("", ""),
        "not valid": ("def", "if"),
        **{place: (f'"{place}"', f'"{place}?"') for place in PLACES},
    }
    assert change == "nothing" or edits[change][0] in FILTERS
    edit(file, FILTERS.replace(*edits[change]))
    if change == "not valid":
        with pytest.raises(SyntaxError):
            value("filters:f")
    else:
        assert value("filters:f") == (2 if change in ("function", "method") else 1)
    assert (sys.modules["filters"] is module) == (change in ("nothing", "not valid"))


def test_the_text_of_a_module_that_others_have_imported_is_not_known(write_module: WriteModule) -> None:
    text = "K = 1\ndef f(): return K\n"
    file = write_module("filters", text)
    importlib.import_module("filters")
    edit(file, text.replace("K = 1", "K = 2"))
    function, held = resolve("filters", "f", 3)
    # What a constant was cannot be seen.
    assert (function(), held.source) == (1, None)
    edit(file, text.replace("K = 1", "K = 3"))
    function, held = resolve("filters", "f", 4)
    assert (function(), held.source) == (3, (str(file), "K = 3\ndef f(): return K\n"))


@pytest.mark.parametrize("name", ["own_of_user", "package_of_user.own"])
def test_of_a_module_that_others_import_every_change_is_noticed_if_that_is_noted(
    write_module: WriteModule, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    # Compiled code, which tells by whole seconds whether it is up to date.
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    text = "import builtins\nbuiltins.runs += 1\nK = 1\ndef f(): return K\n"
    file = write_module(name, text)
    monkeypatch.setattr("builtins.runs", 0, raising=False)
    reference.note_imports()
    reference.note_imports()
    assert sum(isinstance(finder, reference._NotingFinder) for finder in sys.meta_path) == 1
    importlib.import_module(name)
    function, held = resolve(name, "f", 3)
    assert (function(), held.source) == (1, (str(file), text))
    del sys.modules[name]
    edit(file, text.replace("K = 1", "K = 4"))
    # Its compiled code is of the earlier text, although of the same second and size.
    assert importlib.import_module(name).K == 4
    edit(file, text.replace("K = 1", "K = 2"))
    function, held = resolve(name, "f", 4)
    assert (function(), held.source) == (2, (str(file), text.replace("K = 1", "K = 2")))
    assert value(f"{name}:f") == 2
    # No module has run for nothing.
    assert sys.modules["builtins"].runs == 3


def test_noting_imports_changes_nothing_else(monkeypatch: pytest.MonkeyPatch, write_module: WriteModule) -> None:
    class Old:
        """A finder from before Python 3.4."""

    asked = []

    class Other:
        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            asked.append((name, path, target))

    reference.note_imports()
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path[:1], Other(), *sys.meta_path[1:]])
    write_module("package_of_user.__init__", "")
    write_module("package_of_user.own", "")
    module = importlib.import_module("package_of_user.own")
    importlib.reload(module)
    with pytest.raises(ModuleNotFoundError) as raised:
        importlib.import_module("package_of_user.missing")
    assert all(frame.filename != reference.__file__ for frame in traceback.extract_tb(raised.value.__traceback__))
    path = sys.modules["package_of_user"].__path__
    assert asked[:2] == [("package_of_user", None, None), ("package_of_user.own", path, None)]
    assert ("package_of_user.own", path, module) in asked
    # Nobody asks those behind the one that has found it.
    sys.meta_path.append(Other())
    del asked[:], sys.modules["package_of_user.own"]
    importlib.import_module("package_of_user.own")
    assert len(asked) == 1
    if sys.version_info >= (3, 12):
        sys.meta_path.insert(1, Old())
        del sys.modules["package_of_user.own"]
        importlib.import_module("package_of_user.own")


def test_noting_imports_imports_nothing(tmp_path: Path) -> None:
    # An import within the import of a user's module would see what the outer one has left half done.
    (tmp_path / "module_of_user.py").write_text("")
    printed = run_in_new_python(
        f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n"
        "from imglib2_cache_python import reference\n"
        "reference.note_imports()\nbefore = set(sys.modules)\n"
        "import module_of_user\nprint(*sorted(set(sys.modules) - before))"
    )
    assert printed == "module_of_user"


def test_a_module_whose_loader_changes_its_text_is_not_imported_anew(
    write_module: WriteModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_module("filters", "def f(): return 1\n")

    class Changing(SourceFileLoader):
        def source_to_code(self, data: object, path: object, *, _optimize: int = -1) -> CodeType:  # type: ignore[override]
            return compile("def f(): return 2\n", os.fspath(path), "exec")  # type: ignore[call-overload]

    hook = FileFinder.path_hook((Changing, [".py"]))
    monkeypatch.setattr(sys, "path_hooks", [hook, *sys.path_hooks])
    sys.path_importer_cache.clear()
    try:
        module = importlib.import_module("filters")
        assert value("filters:f") == 2
        assert sys.modules["filters"] is module
    finally:
        sys.path_importer_cache.clear()


def test_a_package_is_imported_anew_with_its_modules(write_module: WriteModule) -> None:
    file = write_module("package_of_user.__init__", "from package_of_user import part\ndef f(): return 1\n")
    write_module("package_of_user.part", "")
    assert value("package_of_user:f") == 1
    part = sys.modules["package_of_user.part"]
    edit(file, "import package_of_user.part\ndef f(): return package_of_user.part\n")
    assert value("package_of_user:f") is sys.modules["package_of_user.part"] is not part


def test_a_change_that_cannot_be_imported_leaves_the_old_module(write_module: WriteModule) -> None:
    file = write_module("package_of_user.own", "def f(): return 1\n")
    old, pin = resolve("package_of_user.own", "f")
    edit(file, "1 / 0\n")
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            value("package_of_user.own:f")
        assert sys.modules["package_of_user.own"] is pin.module
        assert sys.modules["package_of_user"].own is pin.module
    edit(file, "def f(): return 3\n")
    assert value("package_of_user.own:f") == 3
    assert old() == 1


def test_a_file_that_an_editor_replaces_just_now_is_no_change(write_module: WriteModule) -> None:
    file = write_module("own_of_user", "def f(): return 1\n")
    assert value("own_of_user:f") == 1
    file.unlink()
    assert value("own_of_user:f") == 1


def test_installed_packages_and_the_standard_library_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_module: WriteModule
) -> None:
    folder = tmp_path / "lib" / "site-packages"
    folder.mkdir(parents=True)
    monkeypatch.syspath_prepend(str(folder))
    write_module("unused_of_user", "")
    file = folder / "installed_of_user.py"
    edit(file, "def f(): return 1\n")
    try:
        assert value("installed_of_user:f") == 1
        edit(file, "def f(): return 2\n")
        assert value("installed_of_user:f") == 1
    finally:
        sys.modules.pop("installed_of_user", None)
    import colorsys

    before = reference._stamp_of
    monkeypatch.setattr(reference, "_stamp_of", lambda path: before(path)._replace(size=next(reference._numbers)))
    for _ in range(2):
        assert resolve("colorsys", "rgb_to_hsv")[0] is colorsys.rgb_to_hsv


def test_all_threads_get_the_same_new_module(write_module: WriteModule, tmp_path: Path) -> None:
    file = write_module("own_of_user", "imports = 1\ndef f(): return 1\n")
    other = tmp_path / "file.py"
    edit(other, "def f(): return 1\n")
    codes = ("own_of_user:f", f"{other}:f")
    for code in codes:
        assert value(code) == 1
    slow = "import threading, time\nimported.append(threading.get_ident())\ntime.sleep(.01)\ndef f(): return 2\n"
    imported: list[int] = []
    import builtins

    builtins.imported = imported
    try:
        edit(file, slow)
        edit(other, slow)
        found: list[list[object]] = [[], []]
        barrier = threading.Barrier(8)

        def work(i: int) -> None:
            named = function_reference(codes[i % 2])
            barrier.wait()
            found[i % 2].append(resolve(*named)[0])

        threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        del builtins.imported
    assert len(imported) == 2
    for functions in found:
        assert len(functions) == 4
        assert len(set(map(id, functions))) == 1
        assert functions[0]() == 2


def test_all_interpreters_have_the_same_function_for_an_image(write_module: WriteModule) -> None:
    file = write_module("own_of_user", "def f(): return 1\n")
    first, pin = resolve("own_of_user", "f", 17)
    edit(file, "def f(): return 2\n")
    assert value("own_of_user:f", 18) == 2
    # Another interpreter makes the code of the first image ready only now.
    assert resolve("own_of_user", "f", 17)[0] is first
    del pin
    assert value("own_of_user:f", 17) == 2


def test_the_source_file_is_found_without_importing(write_module: WriteModule, monkeypatch: pytest.MonkeyPatch) -> None:
    package = write_module("package_of_user.__init__", "")
    file = write_module("package_of_user.own", "raise ValueError\n")
    assert source_file("package_of_user.own:f") == str(file)
    assert source_file("package_of_user:f") == str(package)
    assert "package_of_user.own" not in sys.modules
    monkeypatch.chdir(file.parent)
    assert source_file("own.py:f") == str(file)
    assert source_file("/folder/none.py:f") == os.path.abspath("/folder/none.py")
    write_module("broken_of_user.__init__", "raise ValueError\n")
    write_module("broken_of_user.own", "")
    for code in ("block.data[...] = 1", "math:sqrt", "none_of_user:f", "broken_of_user.own:f", "math.sqrt:f"):
        assert source_file(code) is None, code


def test_a_module_in_an_archive_is_imported_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "modules.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("zipped_of_user.py", "def f(): return 1\n")
    monkeypatch.syspath_prepend(str(archive))
    try:
        assert [value("zipped_of_user:f") for _ in range(2)] == [1, 1]
    finally:
        sys.modules.pop("zipped_of_user", None)


def test_code_that_another_interpreter_has_compiled_of_an_earlier_text_is_not_used(write_module: WriteModule) -> None:
    file = write_module("own_compiled", "def f():\n    return 1\n")
    py_compile.compile(str(file), doraise=True)
    # Of the same size, within the same second.
    edit(file, "def f():\n    return 2\n")
    assert value("own_compiled:f") == 2


def test_interpreters_that_have_modules_of_their_own_do_not_mix_them_up(write_module: WriteModule) -> None:
    file = write_module("own_of_each", "def f():\n    return 1\n")
    assert value("own_of_each:f") == 1
    mine = sys.modules.pop("own_of_each")
    # As another sub-interpreter, whose sys.modules is another one.
    assert value("own_of_each:f") == 1
    sys.modules["own_of_each"] = mine
    edit(file, "def f():\n    return 2\n")
    assert value("own_of_each:f") == 2


def test_a_pinned_text_is_what_an_image_gets_and_no_other_one(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    edit(path, "def f(): return 1")
    code = f"{path}:f"
    first, held = reference.resolve(str(path), "f", 7)
    assert held.source == (str(path), "def f(): return 1")
    assert reference.pin_text(code, str(path), "def f(): return 1", 8) is None
    edit(path, "import sys\n\n\ndef f(): return 2 + (__name__ not in sys.modules)")
    assert reference.pin_text(code, *held.source, 7) is held
    pinned = reference.pin_text(code, *held.source, 8)
    assert pinned is not None
    function, again = reference.resolve(str(path), "f", 8)
    assert again is pinned
    assert again.source == held.source
    assert (first(), function()) == (1, 1)
    assert reference.resolve(str(path), "f", 9)[0]() == 2
    assert reference.resolve(str(path), "f")[0]() == 2


def test_a_pinned_text_of_a_package_finds_its_neighbours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "package_of_pinned_text"
    folder.mkdir()
    edit(folder / "neighbour.py", "K = 3")
    text = "from .neighbour import K\ndef f(): return K"
    for name, file in (("package_of_pinned_text", "__init__.py"), ("package_of_pinned_text.module", "module.py")):
        edit(folder / file, "def f(): return 5")
        held = reference.pin_text(f"{name}:f", str(folder / file), text, 1)
        assert reference.resolve(name, "f", 1) == (held.module.f, held)
        assert held.module.f() == 3
        assert reference.resolve(name, "f", 2)[0]() == 5


def test_a_pinned_text_is_in_the_way_no_longer_than_its_image_lives(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    edit(path, "def f(): return 2")
    before = set(sys.modules)
    held = reference.pin_text(f"{path}:f", str(path), "class A: pass\ndef f(): return A()", 1)
    function, taken_over = resolve(str(path), "f", 1)
    del held
    # It can be pickled as long as the image lives.
    one = function()
    assert pickle.loads(pickle.dumps(one)).__class__ is one.__class__
    assert set(sys.modules) - before == {one.__class__.__module__}
    del taken_over
    assert set(sys.modules) == before
    # What somebody keeps still works.
    assert function().__class__ is one.__class__


def test_a_pinned_text_that_raises_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    edit(path, "def f(): return 2")
    before = set(sys.modules)
    for text, error in (("1 / 0", ZeroDivisionError), ("def", SyntaxError), ("raise SystemExit", SystemExit)):
        with pytest.raises(error):
            reference.pin_text(f"{path}:f", str(path), text, 1)
        assert set(sys.modules) == before
