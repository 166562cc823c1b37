# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of imports.py: no module stays half imported, and imports do not disturb each other."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import threading
import traceback
from collections.abc import Callable
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from conftest import Bench, run_in_new_python
from imglib2_cache_python._worker import protocol, turns, waiting, watchdog
from imglib2_cache_python._worker.imports import keep_imports_whole
from imglib2_cache_python._worker.turns import importing
from test_watchdog import wait_until

WriteModule = Callable[[str, str], Path]

# A module that is imported until the watchdog has seen that the code shall be cancelled.
NOTICED = """
test = __import__("sys").modules["control_of_test"]
test.modules.append(globals())
control = test.control
while control[{stack_of}] != 7:
    pass
for _ in range(20):
    # Meanwhile the watchdog polls again, and other threads run.
    __import__("time").sleep(0.01)
whole = True
"""


@pytest.fixture(autouse=True)
def whole() -> None:
    """Prepares imports as every interpreter does."""
    keep_imports_whole(importlib)


@pytest.fixture
def control(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module by which the imported modules see the control words and report that their code runs."""
    module = type(sys)("control_of_test")
    module.control = bench.control
    module.modules = []
    monkeypatch.setitem(sys.modules, "control_of_test", module)
    return module


LAZY = """
import importlib

def __getattr__(name):
    return importlib.import_module(f"{__name__}.{name}")
"""

IMPORTS = {
    "statement": "import slow_module",
    "from": "from slow_package.inner import whole",
    "importlib": "import importlib\nimportlib.import_module('slow_package.inner')",
    "thread": (
        "import threading, importlib\n"
        "thread = threading.Thread(target=importlib.import_module, args=['slow_module'])\n"
        "thread.start()\nimport slow_module\nthread.join()"
    ),
    "loader": (
        "import importlib.util, sys\nspec = importlib.util.find_spec('slow_module')\n"
        "module = sys.modules['slow_module'] = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(module)"
    ),
    "lazy": (
        "import importlib.util, sys\nspec = importlib.util.find_spec('slow_module')\n"
        "spec.loader = importlib.util.LazyLoader(spec.loader)\n"
        "module = sys.modules['slow_module'] = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(module)\n"
        "module.whole"
    ),
    "getattr of a module": "import lazy_package\nlazy_package.inner",
    "reload": "import quick_module, importlib\nquick_module.change()\nimportlib.reload(quick_module)",
}


@pytest.mark.parametrize("way", IMPORTS)
def test_an_import_is_not_cancelled(bench: Bench, control: Any, write_module: WriteModule, way: str) -> None:
    noticed = NOTICED.format(stack_of=protocol.STACK_OF)
    write_module("slow_module", noticed)
    write_module("slow_package.__init__", "before = True\nfrom . import inner\nafter = inner.whole\n")
    write_module("slow_package.inner", noticed)
    write_module("lazy_package.__init__", LAZY)
    write_module("lazy_package.inner", noticed)
    quick = write_module("quick_module", "def change():\n    pass\n")
    if way == "reload":
        write_module("quick_module", f"def change():\n    open({str(quick)!r}, 'w').write({noticed!r})\n")
    bench.control[protocol.TICKET] = 7

    def cancel() -> None:
        wait_until(lambda: control.modules)
        bench.control[protocol.CANCEL] = 7

    canceller = threading.Thread(target=cancel)
    canceller.start()
    told = bench.fail("execute", IMPORTS[way] + "\nwhile True:\n    pass")
    canceller.join()
    assert told.type_name.endswith("Cancelled")
    assert not importing
    assert [module["whole"] for module in control.modules] == [True]
    assert sys.modules[control.modules[0]["__name__"]].whole
    assert "slow_package" not in sys.modules or sys.modules["slow_package"].after


def test_the_end_of_the_jvm_waits_for_no_import(bench: Bench, write_module: WriteModule) -> None:
    write_module("endless_module", "while True:\n    pass\n")
    bench.control[protocol.TICKET] = 7

    def cancel() -> None:
        wait_until(lambda: bool(importing))
        bench.control[protocol.CANCEL] = protocol.EXITING

    canceller = threading.Thread(target=cancel)
    canceller.start()
    assert bench.fail("execute", "import endless_module").type_name.endswith("Cancelled")
    canceller.join()
    assert "endless_module" not in sys.modules


def test_an_import_that_never_ends_is_cancelled_in_the_end(
    bench: Bench, write_module: WriteModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "_IMPORT_PATIENCE", 3)
    write_module("endless_package.__init__", "from . import whole\nfrom . import endless\n")
    write_module("endless_package.whole", "value = 1\n")
    write_module("endless_package.endless", "while True:\n    pass\n")
    bench.control[protocol.TICKET] = 7

    def cancel() -> None:
        wait_until(lambda: bool(importing))
        bench.control[protocol.CANCEL] = 7

    canceller = threading.Thread(target=cancel)
    canceller.start()
    assert bench.fail("execute", "import endless_package").type_name.endswith("Cancelled")
    canceller.join()
    assert [name for name in sys.modules if name.startswith("endless_package")] == []


@pytest.mark.parametrize("error", ["ValueError", "ImportError", "KeyboardInterrupt", "SystemExit", "MemoryError"])
@pytest.mark.parametrize("within", [False, True])
def test_what_a_failed_import_leaves_is_removed(write_module: WriteModule, error: str, within: bool) -> None:
    write_module("flaky_package.__init__", "from . import first, inner\nimport sys\nassert first.value == 1\n")
    write_module("flaky_package.first", "value = 1\n")
    write_module("flaky_package.inner.__init__", "from . import deep\nfrom . import failing\n")
    write_module("flaky_package.inner.deep", "value = 2\n")
    write_module("other_module", "value = 3\n")
    write_module(
        "flaky_package.inner.failing",
        f"import sys, other_module\nif not hasattr(sys, '_flaky'):\n    sys._flaky = 1\n    raise {error}\n",
    )
    try:
        if within:
            write_module(
                "tolerant",
                "try:\n    import flaky_package\nexcept BaseException as error:\n    told = type(error).__name__\n",
            )
            assert importlib.import_module("tolerant").told == error
        else:
            with pytest.raises(BaseException) as raised:
                importlib.import_module("flaky_package")
            assert type(raised.value).__name__ == error
        assert [name for name in sys.modules if name.startswith("flaky_package")] == []
        # A completely imported module stays.
        assert sys.modules["other_module"].value == 3
        package = importlib.import_module("flaky_package")
        assert package.first.value == 1
        assert package.inner.deep.value == 2
    finally:
        del sys._flaky


def test_modules_without_a_package_stay(bench: Bench, write_module: WriteModule) -> None:
    module = write_module("lonely", "value = 1\n")
    write_module("failing_module", "1 / 0\n")
    bench.run(
        "execute",
        f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("not.there.lonely", {str(module)!r})
module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
try:
    import failing_module
except ZeroDivisionError:
    pass
assert sys.modules["not.there.lonely"].value == 1
del sys.modules["not.there.lonely"]
""",
    )


def test_tracebacks_are_as_without_the_library(bench: Bench, write_module: WriteModule) -> None:
    write_module("failing_module", "import missing_module_of_test\n")
    try:
        import failing_module  # noqa: F401
    except ImportError as error:
        files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    assert [Path(file).name for file in files] == [Path(__file__).name, "failing_module.py"]


# Imports by several threads at the same time


def import_at_once(*code: str, within: str = "sys", in_turn: bool = True) -> list[Any]:
    """Runs code in one worker's thread each; all begin at the same time.

    Args:
        code: What each of them runs.
        within: Name of a module; all but the first begin when the import of this one has begun.
        in_turn: Whether they take turns, as workers do and other threads do not.

    Returns:
        The names that each has defined, or what it has raised.
    """
    barrier = threading.Barrier(len(code))
    ends: list[Any] = [None] * len(code)

    def run(number: int) -> None:
        if in_turn:
            turns.join()
        try:
            names: dict[str, Any] = {}
            barrier.wait()
            if number:
                wait_until(lambda: within in sys.modules)
            exec(code[number], names)
            ends[number] = names
        except BaseException as error:
            ends[number] = error
        finally:
            turns.leave()

    threads = [threading.Thread(target=run, args=[number], daemon=True) for number in range(len(code))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    return ends


def import_whole(*code: str, within: str = "sys", in_turn: bool = True) -> list[dict[str, Any]]:
    """Does the same as `import_at_once`, and fails if any of the code raises something."""
    ends = import_at_once(*code, within=within, in_turn=in_turn)
    for names in ends:
        assert isinstance(names, dict), names
    return ends


# Ends when other threads wait in the import machinery, at the latest after a second.
UNTIL_OTHERS_IMPORT = """
def until_others_import(number):
    import sys, threading, time
    own, end = threading.get_ident(), time.monotonic() + 1
    while time.monotonic() < end:
        others = set()
        for ident, frame in sys._current_frames().items():
            while frame is not None and ident != own:
                if frame.f_code.co_filename.endswith(("<frozen importlib._bootstrap>", "waiting.py")):
                    others.add(ident)
                frame = frame.f_back
        if len(others) >= number:
            return
        time.sleep(0.001)
"""
UNTIL_ANOTHER_IMPORTS = UNTIL_OTHERS_IMPORT + "until_others_import(1)\n"


class SlowFinder:
    """Delays the import of ``circular_package``, before it is in ``sys.modules``, until four other threads import."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def find_spec(self, name: str, path: Any = None, _: object = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path) if name == "circular_package" else None
        if spec is not None:
            spec.loader.create_module = self._wait
        return spec

    def _wait(self, _: ModuleSpec) -> None:
        self._monkeypatch.setitem(sys.modules, "import_of_circular_package", type(sys)("import"))
        exec(UNTIL_OTHERS_IMPORT + "until_others_import(4)\n", {})


def test_parts_of_one_package_are_imported_in_any_order(
    write_module: WriteModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "meta_path", [SlowFinder(monkeypatch), *sys.meta_path])
    write_module("circular_package.__init__", "from .inner import value\n")
    write_module("circular_package.inner", "value = 1\nfrom . import other\n")
    write_module("circular_package.other", "from . import inner\nvalue = inner.value + 1\n")
    for names in import_whole(
        "import circular_package as it; value = it.value",
        "import circular_package.inner as it; value = it.value",
        "from circular_package.other import value",
        "from circular_package import other as it; value = it.value",
        "import importlib; value = importlib.import_module('circular_package.inner').value",
        within="import_of_circular_package",
    ):
        assert names["value"] in (1, 2)


@pytest.mark.parametrize("in_turn", [True, False])
@pytest.mark.parametrize("own", ["", "def __getattr__(name):\n    return 6 if name == 'own' else object.x\n"])
@pytest.mark.parametrize(
    "code",
    ["from replaced import late", "import replaced; late = replaced.late", "from replaced import early as late"],
)
def test_a_module_that_replaces_itself_is_whole_for_all(
    write_module: WriteModule, code: str, in_turn: bool, own: str
) -> None:
    write_module(
        "replaced",
        own
        + "import sys, types\n"
        + UNTIL_ANOTHER_IMPORTS
        + "class Late(types.ModuleType):\n"
        + "    def __getattr__(self, name):\n"
        + "        if name == 'late':\n            return 5\n"
        + "        return getattr(old, name)\n"
        + "early = 5\nold = sys.modules[__name__]\nsys.modules[__name__] = Late(__name__)\n",
    )
    ask = code + "\nimport replaced\nabsent, own = (getattr(replaced, name, 'none') for name in ('absent', 'own'))"
    for names in import_whole(code, ask, ask, within="replaced", in_turn=in_turn):
        assert names["late"] == 5
        assert names.get("absent", "none") == "none"
        assert names.get("own", 6 if own else "none") == (6 if own else "none")


# A package that has its module as soon as that names itself by its package, as scikit-image has by lazy_loader.
LAZY_PACKAGE = """
import importlib

def __getattr__(name):
    if name != "inner":
        raise AttributeError(name)
    globals()[name] = importlib.import_module("lazy_package.inner")
    return globals()[name]
"""
LAZY_BY_STATEMENT = LAZY_PACKAGE.replace("importlib.import_module(", "__import__(").replace(
    '.inner")', '.inner", fromlist=[""])'
)


@pytest.mark.parametrize(
    "code",
    [
        "from lazy_package import inner as module",
        "import lazy_package; module = lazy_package.inner",
        "import lazy_package.inner as module",
        "from lazy_package import *; module = inner",
    ],
)
@pytest.mark.parametrize("late", ["late = 5", "def __getattr__(name):\n    return 5 if name == 'late' else object.x"])
@pytest.mark.parametrize("in_turn", [True, False])
@pytest.mark.parametrize("lazy", [LAZY_PACKAGE, LAZY_BY_STATEMENT])
def test_a_module_that_its_package_has_early_is_whole_for_all(
    write_module: WriteModule, code: str, late: str, lazy: str, in_turn: bool
) -> None:
    write_module("lazy_package.__init__", "__all__ = ['inner']\n" + lazy)
    write_module(
        "lazy_package.inner",
        f"from lazy_package import inner as self\nbegun = 1\n{UNTIL_ANOTHER_IMPORTS}{late}\n__all__ = dir()\n",
    )
    ask = (
        "import sys\nwhile 'begun' not in vars(sys.modules.get('lazy_package.inner', sys)):\n    pass\n"
        f"{code}\nlate = module.late\nfrom lazy_package.inner import *"
    )
    first = "import lazy_package.inner as it; late = it.late"
    for names in import_whole(first, ask, ask, within="lazy_package", in_turn=in_turn):
        assert names["late"] == 5


def test_a_statement_imports_a_module_that_its_package_has_early_when_it_is_whole(write_module: WriteModule) -> None:
    write_module("lazy_package.__init__", LAZY_PACKAGE)
    write_module(
        "lazy_package.inner",
        "from lazy_package import inner\ndef early():\n    return late\n" + UNTIL_ANOTHER_IMPORTS + "late = 5\n",
    )
    ask = (
        "import sys\nwhile 'early' not in vars(sys.modules.get('lazy_package.inner', sys)):\n    pass\n"
        "from lazy_package import inner\nlate = inner.early()"
    )
    for names in import_whole("from lazy_package.inner import late", ask, within="lazy_package"):
        assert names["late"] == 5


def test_a_module_that_its_package_has_early_is_imported_again_if_it_fails(write_module: WriteModule) -> None:
    write_module("lazy_package.__init__", LAZY_PACKAGE)
    inner = write_module("lazy_package.inner", "from lazy_package import inner\nraise ValueError(3)\n")
    with pytest.raises(ValueError, match="3"):
        exec("import lazy_package.inner", {})
    inner.write_text("from lazy_package import inner\nvalue = 'mended'\n")
    importlib.invalidate_caches()
    names: dict[str, Any] = {}
    exec("from lazy_package import inner\nvalue = inner.value", names)
    assert names["value"] == "mended"


def test_what_a_module_lacks_is_told_by_python(write_module: WriteModule) -> None:
    name = write_module("circular_module", SEES_ITSELF + "itself.absent\n").stem
    with pytest.raises(AttributeError) as raised:
        exec(f"import {name}", {})
    module = ModuleType(name)
    module.__spec__ = importlib.util.find_spec(name)
    module.__spec__._initializing = True  # type: ignore[union-attr]
    with pytest.raises(AttributeError, match="partially initialized module 'circular_module'") as told:
        module.absent  # noqa: B018
    assert str(raised.value) == str(told.value)


# Others could see a module that begins like this before it is whole.
SEES_ITSELF = "import importlib\nitself = importlib.import_module(__name__)\n"


@pytest.mark.parametrize(
    "code",
    [
        "__all__ = dir()\nvalue = [*__all__, 'value'][-1]",
        "__all__ = tuple(dir())\nvalue = [*__all__, 'value'][-1]",
        "def value():\n    pass\nvalue = [it.__name__ for it in globals().values() if callable(it)][-1]",
        "before = globals().get('__getattr__')\n"
        "def __getattr__(name):\n    return 'value' if name == 'it' else before(name)\n"
        "value = itself.it",
        "def __getattr__(name):\n    return 'value' if name == 'it' else object.x\n"
        "importlib.import_module(__name__)\nvalue = itself.it",
        "import sys, types\nnew = types.ModuleType(__name__)\nvars(new).update(globals())\n"
        "sys.modules[__name__] = new\nnew.value = 'value'",
    ],
)
def test_modules_that_see_themselves_are_as_without_the_library(write_module: WriteModule, code: str) -> None:
    write_module("circular_module", SEES_ITSELF + code + "\n")
    names: dict[str, Any] = {}
    exec("from circular_module import value\nimport circular_module\nfrom circular_module import *", names)
    assert names["value"] == "value"
    with pytest.raises(
        AttributeError, match=r"^(module 'circular_module'|type object 'object') has no attribute '\w+'$"
    ):
        names["circular_module"].absent  # noqa: B018


def test_two_modules_that_wait_for_each_other_get_what_is_there(write_module: WriteModule) -> None:
    for name, other in (("first_of_two", "second_of_two"), ("second_of_two", "first_of_two")):
        write_module(
            name,
            f"{SEES_ITSELF}import sys\nbegun = 1\n"
            f"while 'begun' not in vars(sys.modules.get('{other}', sys)):\n    pass\n"
            f"has = hasattr(sys.modules['{other}'], 'late')\nlate = 1\n",
        )
    ends = import_whole("from first_of_two import has", "from second_of_two import has", in_turn=False)
    # One of them may have been the first to see the circle.
    assert not ends[0]["has"] or not ends[1]["has"]


def test_a_module_that_waits_for_its_turn_is_waited_for(
    write_module: WriteModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "_STANDSTILL", 20)
    write_module("lazy_package.__init__", LAZY_PACKAGE)
    # Its turn is given up, and then it waits for the one who has the turn now, and who asks for this module.
    write_module(
        "lazy_package.inner",
        "from lazy_package import inner\nimport threading\nsecond = threading.Event()\nsecond.wait(30)\n"
        "import of_the_first\nlate = 5\n",
    )
    write_module("of_the_first", "")
    write_module(
        "of_the_second",
        "from imglib2_cache_python._worker import waiting\nimport sys, threading, lazy_package\n"
        "lazy_package.inner.second.set()\n"
        "while threading.get_ident() not in waiting._awaited.values():\n    pass\n"
        "value = lazy_package.inner.late\n",
    )
    seen = "import sys\nwhile 'second' not in vars(sys.modules.get('lazy_package.inner', sys)):\n    pass\n"
    ends = import_whole("from lazy_package.inner import late", f"{seen}from of_the_second import value")
    assert ends[1]["value"] == 5


def test_an_import_that_does_not_get_on_is_waited_for_once(
    write_module: WriteModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "_STANDSTILL", 20)
    write_module("lazy_package.__init__", LAZY_PACKAGE)
    write_module(
        "lazy_package.inner",
        "from lazy_package import inner\nimport threading\nend = threading.Event()\nend.wait(30)\n",
    )
    given_up = []
    goes_on = waiting.Waiting.goes_on

    def noted(self: waiting.Waiting) -> bool:
        if not (result := goes_on(self)):
            given_up.append(self)
        return result

    monkeypatch.setattr(waiting.Waiting, "goes_on", noted)
    ends = import_at_once(
        "import lazy_package.inner",
        "import sys, lazy_package\nwhile 'end' not in vars(sys.modules.get('lazy_package.inner', sys)):\n    pass\n"
        "has = [hasattr(lazy_package.inner, name) for name in ('a', 'b', 'c')]\nlazy_package.inner.end.set()",
        in_turn=False,
    )
    assert ends[1]["has"] == [False, False, False]
    assert len(given_up) == 1


def test_names_of_an_import_may_come_from_a_generator(write_module: WriteModule) -> None:
    write_module("generated.__init__", "")
    write_module("generated.inner", "")
    write_module(
        "generates",
        "package = __import__('generated', fromlist=(name for name in ['inner']))\nvalue = package.inner.__name__\n",
    )
    assert import_at_once("from generates import value")[0]["value"] == "generated.inner"


@pytest.mark.parametrize("in_turn", [True, False])
def test_who_waited_for_an_import_that_failed_imports_again(write_module: WriteModule, in_turn: bool) -> None:
    first = (
        "import sys\nvalue = 0\n"
        + UNTIL_ANOTHER_IMPORTS
        + "if not hasattr(sys, '_failed'):\n    sys._failed = 1\n    {}\n"
    )
    try:
        ways = ("from @ import value", "import @; value = @.value")
        again = "try:\n    {0}\nexcept ZeroDivisionError:\n    {0}\n    again = 1"
        for number, way in enumerate((*ways, *map(again.format, ways))):
            write_module(f"failing_{number}", first.format("1 / 0") + "value = 7\n")
            sys.__dict__.pop("_failed", None)
            code = way.replace("@", f"failing_{number}")
            ends = import_at_once(code, code, code, within=f"failing_{number}", in_turn=in_turn)
            errors = [end for end in ends if isinstance(end, BaseException)]
            assert [type(error) for error in errors] == [ZeroDivisionError] * ("again" not in way), ends
            values = [end["value"] for end in ends if isinstance(end, dict)]
            assert values == [7] * (3 if "again" in way else 2)
    finally:
        sys.__dict__.pop("_failed", None)


def test_who_waited_for_an_import_that_fails_is_told_why(write_module: WriteModule) -> None:
    write_module("broken", UNTIL_ANOTHER_IMPORTS + "import missing_module_of_test\nvalue = 1\n")
    for end in import_at_once("from broken import value", "import broken", "from broken import value", within="broken"):
        assert isinstance(end, ModuleNotFoundError)
        assert end.name == "missing_module_of_test"
        files = [Path(frame.filename).name for frame in traceback.extract_tb(end.__traceback__)]
        assert files == [Path(__file__).name, "<string>", "broken.py"]


class OwnLoader:
    """Runs the code of modules itself, as those of test tools and frozen programs do."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
        self._code = code
        monkeypatch.setattr(sys, "meta_path", [self, *sys.meta_path])

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name == "specially_loaded" else None  # type: ignore[arg-type]

    def create_module(self, _: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code, vars(module))


@pytest.mark.parametrize("in_turn", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_modules_that_load_in_another_way_are_whole_for_all(
    monkeypatch: pytest.MonkeyPatch, fails: bool, in_turn: bool
) -> None:
    monkeypatch.delattr(sys, "_failed", raising=False)
    code = "import sys\n" + UNTIL_ANOTHER_IMPORTS
    if fails:
        code += "if not hasattr(sys, '_failed'):\n    sys._failed = 1\n    1 / 0\nvalue = 7\n"
    else:
        code += "sys.modules[__name__] = type('Other', (), {'value': 7})()\n"
    OwnLoader(monkeypatch, code)
    code = "from specially_loaded import value"
    try:
        ends = import_at_once(code, code, code, within="specially_loaded", in_turn=in_turn)
    finally:
        sys.modules.pop("specially_loaded", None)
        sys.__dict__.pop("_failed", None)
    assert sum(isinstance(end, ZeroDivisionError) for end in ends) == fails, ends
    assert [end["value"] for end in ends if isinstance(end, dict)] == [7] * (3 - fails), ends


def test_a_failed_module_is_the_same_for_who_did_not_wait(write_module: WriteModule) -> None:
    write_module("fancy", "import sys\nsys._fancy = getattr(sys, '_fancy', 0) + 1\nimport fancy_helper\n1 / 0\n")
    write_module("fancy_helper", "import fancy\ndef has(name):\n    return hasattr(fancy, name)\n")
    try:
        with pytest.raises(ZeroDivisionError):
            importlib.import_module("fancy")
        assert not importlib.import_module("fancy_helper").has("feature")
        assert sys._fancy == 1
    finally:
        del sys._fancy


def test_modules_that_nobody_waits_for_stay_as_they_are(write_module: WriteModule) -> None:
    reloaded = write_module("reloaded", "value = 1\n")
    module = importlib.import_module("reloaded")
    reloaded.write_text("value = 2\n1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        importlib.reload(module)
    assert "__getattr__" not in vars(module)
    spec = importlib.util.spec_from_file_location("reloaded", reloaded)
    plugin = importlib.util.module_from_spec(spec)
    with pytest.raises(ZeroDivisionError):
        spec.loader.exec_module(plugin)
    assert "__getattr__" not in vars(plugin)


def test_an_import_waits_for_a_thread_that_imports(write_module: WriteModule) -> None:
    write_module("of_the_thread", "value = 3\n")
    write_module(
        "starts_a_thread",
        "import importlib, threading\nfound = []\n"
        "def run():\n    found.append(importlib.import_module('of_the_thread').value)\n"
        "thread = threading.Thread(target=run)\nthread.start()\nthread.join()\nvalue = found[0]\n",
    )
    write_module("unconcerned", "value = 3\n")
    for names in import_whole("from starts_a_thread import value", "from unconcerned import value"):
        assert names["value"] == 3


def test_an_import_may_wait_for_a_lock_of_another_that_imports(
    write_module: WriteModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "_STANDSTILL", 50)
    write_module("has_a_lock", "import threading\nlock, held = threading.Lock(), threading.Event()\n")
    write_module("takes_it", "import has_a_lock\nhas_a_lock.held.wait()\nwith has_a_lock.lock:\n    value = 1\n")
    write_module("within_it", "value = 1\n")
    importlib.import_module("has_a_lock")
    for names in import_whole(
        "from takes_it import value",
        "import has_a_lock\nwith has_a_lock.lock:\n    has_a_lock.held.set()\n    from within_it import value",
        within="takes_it",
    ):
        assert names["value"] == 1


@pytest.mark.parametrize("seconds", ["0.02", "0.001"])
def test_an_import_may_look_for_what_another_that_imports_holds(write_module: WriteModule, seconds: str) -> None:
    write_module("has_a_flag", "held = False\n")
    write_module(
        "looks",
        "import has_a_flag, time\nwhile not has_a_flag.held:\n    pass\n"
        f"while has_a_flag.held:\n    time.sleep({seconds})\nvalue = 1\n",
    )
    write_module("within_it", "value = 1\n")
    importlib.import_module("has_a_flag")
    for names in import_whole(
        "from looks import value",
        "import has_a_flag\nhas_a_flag.held = True\nfrom within_it import value\nhas_a_flag.held = False",
        within="looks",
    ):
        assert names["value"] == 1


def test_code_that_is_run_as_a_module_imports_in_turn(write_module: WriteModule) -> None:
    write_module("long_module", UNTIL_ANOTHER_IMPORTS + "done = True\n")
    write_module("of_the_file", "import sys\nvalue = sys.modules['long_module'].done\n")
    file = write_module("not_imported", "from of_the_file import value\ndef find():\n    return value\n")
    for names in import_whole(
        "import long_module; value = long_module.done",
        f"from imglib2_cache_python import reference\nvalue = reference.resolve({str(file)!r}, 'find')[0]()",
        "import importlib.util\nspec = importlib.util.find_spec('not_imported')\n"
        "it = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(it)\nvalue = it.value",
        within="long_module",
    ):
        assert names["value"] is True


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_takes_turns_by_its_own_thread() -> None:
    printed = run_in_new_python(
        "import os, threading\n"
        "from imglib2_cache_python._worker import turns\n"
        "turns.join()\n"
        "child = os.fork()\n"
        "if child:\n    print(os.waitpid(child, 0)[1])\n"
        "else:\n    os._exit(turns._takers != {threading.get_ident(): threading.get_native_id()})\n"
    )
    assert printed == "0"


@pytest.fixture
def given_up(monkeypatch: pytest.MonkeyPatch) -> dict[int, object]:
    """The turns that somebody waits for no longer, by their ids."""
    turns_of_others: dict[int, object] = {}
    give_up = turns._give_up

    def noted(turn: dict[str, int]) -> None:
        turns_of_others[id(turn)] = turn
        give_up(turn)

    monkeypatch.setattr(turns, "_give_up", noted)
    return turns_of_others


def test_an_import_that_never_returns_is_waited_for_once(
    write_module: WriteModule, monkeypatch: pytest.MonkeyPatch, given_up: dict[int, object]
) -> None:
    monkeypatch.setattr(waiting, "_STANDSTILL", 100)
    write_module("never_returns", "import threading\ndone, end = [], threading.Event()\nend.wait(30)\n")
    others = []
    for number in range(3):
        write_module(f"quick_{number}", "import sys\ndone = sys.modules['never_returns'].done\ndone.append(1)\n")
        others.append(f"import quick_{number}, sys\nif len(quick_{number}.done) == 3:")
        others[-1] += "\n    sys.modules['never_returns'].end.set()"
    import_whole("import never_returns", *others, within="never_returns")
    assert len(given_up) == 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the system does not tell which threads sleep")
def test_a_long_call_of_c_in_an_import_is_waited_for(
    write_module: WriteModule, monkeypatch: pytest.MonkeyPatch, given_up: dict[int, object]
) -> None:
    monkeypatch.setattr(waiting, "_STANDSTILL", 50)
    # It computes without Python's lock.
    write_module("long_call", "import hashlib\nhashlib.pbkdf2_hmac('sha256', b'', b'', 1000000)\ndone = True\n")
    write_module("waits_for_it", "import sys\ndone = sys.modules['long_call'].done\n")
    import_whole("from long_call import done", "from waits_for_it import done", within="long_call")
    assert not given_up


@pytest.mark.parametrize(
    "code",
    [
        "import importlib.util\nimportlib.util.find_spec('missing_module_of_test')",
        "import importlib\nimportlib.import_module('json.decoder')",
        "from json import decoder, encoder",
        "sys.modules['long_module'].lazy.value",
    ],
)
def test_what_imports_nothing_new_waits_for_no_import(
    write_module: WriteModule, given_up: dict[int, object], code: str
) -> None:
    importlib.import_module("json.decoder")
    write_module("lazy_module", "value = 1\n")
    write_module(
        "long_module",
        "import threading, importlib.util, sys\nend = threading.Event()\n"
        "spec = importlib.util.find_spec('lazy_module')\n"
        "spec.loader = importlib.util.LazyLoader(spec.loader)\n"
        "lazy = sys.modules['lazy_module'] = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(lazy)\n"
        "waiting = True\nend.wait(30)\n",
    )
    quick = f"import sys\nwhile 'waiting' not in vars(sys.modules['long_module']):\n    pass\n{code}\n"
    quick += "first = not sys.modules['long_module'].end.is_set()\nsys.modules['long_module'].end.set()"
    for names in import_whole("import long_module", quick, within="long_module"):
        assert names.get("first", True)
    assert not given_up


@pytest.mark.parametrize("late", [False, True])
def test_who_is_cancelled_when_its_turn_comes_lets_others_import(
    write_module: WriteModule, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    write_module("module_of_turn", "value = 1\n")
    begin = turns.begin

    def cancelled(ident: int) -> None:
        if late:
            begin(ident)
        else:
            importing.add(ident)
        raise watchdog.Cancelled

    with monkeypatch.context() as patch:
        patch.setattr(turns, "begin", cancelled)
        ends = import_at_once("import module_of_turn")
    assert isinstance(ends[0], watchdog.Cancelled)
    assert not importing
    assert not turns._turn
    assert import_at_once("import module_of_turn as it; value = it.value")[0]["value"] == 1


def test_imports_at_the_end_of_the_stack_are_forgotten() -> None:
    code = """
def sink():
    try:
        import missing_module_of_test
    except ImportError:
        pass
    sink()
try:
    sink()
except RecursionError:
    pass
"""
    for in_turn in (False, True):
        assert isinstance(import_at_once(code, in_turn=in_turn)[0], dict)
        assert not importing
        assert not turns._turn


def test_code_that_waits_for_another_import_is_cancelled(bench: Bench, control: Any, write_module: WriteModule) -> None:
    write_module("long_module", "control = __import__('control_of_test')\ncontrol.begun.set()\ncontrol.end.wait(30)\n")
    write_module("waiting_module", "raise AssertionError('it was its turn')\n")
    control.begun, control.end = threading.Event(), threading.Event()

    def hold() -> None:
        turns.join()
        try:
            importlib.import_module("long_module")
        finally:
            turns.leave()

    holder = threading.Thread(target=hold)
    holder.start()
    assert control.begun.wait(30)
    bench.control[protocol.TICKET] = 7
    own = threading.get_ident()

    def cancel() -> None:
        wait_until(lambda: sys._current_frames()[own].f_code.co_filename == waiting.__file__)
        bench.control[protocol.CANCEL] = 7

    canceller = threading.Thread(target=cancel)
    canceller.start()
    turns.join()
    try:
        told = bench.fail("execute", "import waiting_module")
    finally:
        turns.leave()
        control.end.set()
        holder.join()
        canceller.join()
    assert told.type_name.endswith("Cancelled")
    assert told.source == "import waiting_module"
    assert not importing


SCIPY = (
    "import scipy.sparse.linalg",
    "import scipy.ndimage",
    "from scipy import stats; stats.norm",
    "from scipy.spatial import cKDTree",
)


@pytest.mark.parametrize("_", range(4))
def test_scipy_is_imported_by_all_workers_at_once(_: int) -> None:
    # In Python alone, many runs fail.
    printed = run_in_new_python(
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import test_imports as tests\n"
        "tests.keep_imports_whole(tests.importlib)\n"
        "print([end for end in tests.import_at_once(*tests.SCIPY) if not isinstance(end, dict)])"
    )
    assert printed == "[]"
