# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of imports.py: no module stays half imported."""

from __future__ import annotations

import importlib
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Bench
from imglib2_cache_python._worker import protocol, watchdog
from imglib2_cache_python._worker.imports import importing, keep_imports_whole
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
def test_what_a_failed_import_leaves_is_removed(write_module: WriteModule, error: str) -> None:
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
