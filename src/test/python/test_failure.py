# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of failure.py: every exception of user code becomes text."""

from __future__ import annotations

import gc
import os
import sys
import traceback
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import SOURCES, Bench, Told
from imglib2_cache_python.failure import MAX_MESSAGE, MAX_TRACEBACK, capture, transferable

WriteModule = Callable[[str, str], Path]

PACKAGE = str(SOURCES / "imglib2_cache_python")

needs_3_11 = pytest.mark.skipif(sys.version_info < (3, 11), reason="notes and exception groups came with Python 3.11")


def raised(code: str, **names: object) -> BaseException:
    """Runs code and returns the exception that it raises."""
    try:
        exec(compile(code, "<code>", "exec"), dict(names))
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


# Kinds of exceptions


@pytest.mark.parametrize(
    ("code", "type_name", "message"),
    [
        ("raise ValueError('no')", "ValueError", "no"),
        ("raise ValueError", "ValueError", ""),
        ("raise ValueError(1, 2)", "ValueError", "(1, 2)"),
        ("{}['nucleus']", "KeyError", "'nucleus'"),
        ("{}[1, 2]", "KeyError", "(1, 2)"),
        ("1 / 0", "ZeroDivisionError", "division by zero"),
        ("import sys; sys.exit()", "SystemExit", ""),
        ("import sys; sys.exit(3)", "SystemExit", "3"),
        ("import sys; sys.exit('bye')", "SystemExit", "bye"),
        ("raise SystemExit(True)", "SystemExit", "True"),
        ("exit()", "SystemExit", "None"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", ""),
        ("raise GeneratorExit", "GeneratorExit", ""),
        ("raise StopIteration(5)", "StopIteration", "5"),
        ("raise MemoryError", "MemoryError", ""),
        ("bytearray(2**62)", "MemoryError", ""),
        ("assert 1 == 2, 'one is not two'", "AssertionError", "one is not two"),
        ("raise 5", "TypeError", "exceptions must derive from BaseException"),
        ("open('/no/such/file')", "FileNotFoundError", "[Errno 2] No such file or directory: '/no/such/file'"),
        ("import no_such_module", "ModuleNotFoundError", "No module named 'no_such_module'"),
        ("raise UnicodeDecodeError('utf-8', b'x', 0, 1, 'why')", "UnicodeDecodeError", None),
        (
            "class Own(BaseException): pass\nraise Own('mine')",
            "imglib2_cache_python.user.python_1_worker_1.Own",
            "mine",
        ),
        ("import subprocess; raise subprocess.SubprocessError('x')", "subprocess.SubprocessError", "x"),
        ("class A:\n  class B(Exception): pass\nraise A.B", "imglib2_cache_python.user.python_1_worker_1.A.B", ""),
        ("raise type('E', (Exception,), {'__module__': None})('x')", "None.E", "x"),
        ("raise ValueError('größer als π \U0001f52c')", "ValueError", "größer als π \U0001f52c"),
        ("raise ValueError('two\\nlines')", "ValueError", "two\nlines"),
    ],
)
def test_every_exception_is_described(bench: Bench, code: str, type_name: str, message: str | None) -> None:
    told = bench.fail("execute", "before = 1\n" + code)
    assert told.type_name == type_name
    assert message is None or told.message == message
    last_line = "before = 1\n" + code
    assert (told.file, told.line) == ("<task>", 1 + last_line.count("\n"))
    assert told.source == code.splitlines()[-1].strip()
    assert type_name.rpartition(".")[2] in told.traceback
    assert told.frames[-1] == ("<module>", "<task>", told.line)
    bench.run("execute", "the_worker = 'goes on'")


@pytest.mark.parametrize(
    "body",
    [
        "raise RuntimeError('in __str__')",
        "raise SystemExit",
        "raise KeyboardInterrupt",
        "return 5",
        "return None",
        "return str(self)",
        "del self",
    ],
)
@pytest.mark.parametrize("base", ["Exception", "BaseException", "ImportError", "KeyError", "SystemExit"])
def test_an_exception_whose_str_fails(bench: Bench, body: str, base: str) -> None:
    code = f"class Own({base}):\n    def __str__(self):\n        {body}\n    __repr__ = __str__\nraise Own('x')"
    told = bench.fail("execute", code)
    assert told.type_name.endswith("Own")
    assert "__str__ raised" in told.message
    assert (told.file, told.line, told.source) == ("<task>", 5, "raise Own('x')")


def test_a_recursion_without_end(bench: Bench) -> None:
    for _ in range(2):
        told = bench.fail("execute", "def f(n):\n    return g(n + 1)\ndef g(n):\n    return f(n)\nf(0)")
        assert told.type_name == "RecursionError"
        assert "maximum recursion depth" in told.message
        assert told.file == "<task>"
        assert told.source.startswith("return ")
        assert len(told.frames) <= 200
        assert len(told.traceback) < MAX_TRACEBACK + 100
    assert bench.value("1 + 1") == 2


def test_an_exception_in_the_middle_of_a_deep_stack_keeps_the_innermost_frames() -> None:
    error = raised("def f(n):\n    return 1 / 0 if n == 0 else f(n - 1)\nf(500)")
    frames = capture(error).frames
    assert len(frames) == 200
    assert frames[0] == ("f", "<code>", 2)


# Causes, groups, notes


def test_causes_and_contexts_are_in_the_traceback(bench: Bench) -> None:
    code = "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise ValueError('outer') from e"
    told = bench.fail("execute", code)
    assert (told.type_name, told.line) == ("ValueError", 4)
    assert "ZeroDivisionError: division by zero" in told.traceback
    assert "direct cause" in told.traceback

    told = bench.fail("execute", "try:\n    1 / 0\nfinally:\n    {}['x']")
    assert (told.type_name, told.line) == ("KeyError", 4)
    assert "ZeroDivisionError: division by zero" in told.traceback
    assert "During handling" in told.traceback

    told = bench.fail("execute", "try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise ValueError('alone') from None")
    assert "ZeroDivisionError" not in told.traceback


def test_causes_that_go_in_circles(bench: Bench) -> None:
    code = "a, b = ValueError('a'), ValueError('b')\na.__cause__, b.__cause__ = b, a\nb.__context__ = b\nraise a"
    told = bench.fail("execute", code)
    assert (told.message, told.line) == ("a", 4)
    assert "ValueError: b" in told.traceback


def test_a_long_chain_of_causes(bench: Bench) -> None:
    code = (
        "e = None\nfor n in range(300):\n    try:\n        raise ValueError(n) from e\n"
        "    except ValueError as x:\n        e = x\nraise e"
    )
    told = bench.fail("execute", code)
    assert told.message == "299"
    assert "ValueError: 298" in told.traceback


@needs_3_11
def test_notes_are_in_the_traceback(bench: Bench) -> None:
    told = bench.fail("execute", "e = ValueError('x')\ne.add_note('look at the input')\nraise e")
    assert told.message == "x"
    assert "look at the input" in told.traceback
    told = bench.fail("execute", "e = ValueError('x')\ne.__notes__ = 5\nraise e")
    assert (told.type_name, told.message, told.line) == ("ValueError", "x", 3)


@needs_3_11
def test_all_of_a_group_is_in_the_traceback(bench: Bench) -> None:
    code = (
        "e = [ValueError('first'), KeyError('second')]\nraise ExceptionGroup('several', [*e, ExceptionGroup('in', e)])"
    )
    told = bench.fail("execute", code)
    assert (told.type_name, told.message, told.line) == ("ExceptionGroup", "several (3 sub-exceptions)", 2)
    assert told.traceback.count("ValueError: first") == 2
    assert told.traceback.count("KeyError: 'second'") == 2


def test_a_class_that_replaces_the_cause() -> None:
    class MoreError(ValueError):
        @property
        def __cause__(self) -> MoreError:
            return MoreError("another")

    told = capture(raised("raise MoreError('x')", MoreError=MoreError))
    assert told.message == "x"
    assert 'File "<code>", line 1' in told.traceback
    assert told.traceback.endswith("MoreError: x\n")


@needs_3_11
def test_a_class_that_replaces_the_members_of_a_group() -> None:
    class More(ExceptionGroup):  # noqa: F821 - since Python 3.11
        @property
        def exceptions(self) -> list[More]:
            return [self, self]

    told = capture(raised("raise More('x', [ValueError('real')])", More=More))
    assert told.message == "x (1 sub-exception)"
    assert told.traceback.count("More: x") == 1
    assert "ValueError: real" in told.traceback


@needs_3_11
def test_circles_through_groups(bench: Bench) -> None:
    code = (
        "a = ValueError('a')\nb = ExceptionGroup('b', [a, KeyError('c')])\n"
        "a.__cause__ = b\nb.__context__ = a\nb.__cause__ = b\nraise b"
    )
    told = bench.fail("execute", code)
    assert (told.message, told.line) == ("b (2 sub-exceptions)", 6)
    assert "ValueError: a" in told.traceback
    assert "KeyError: 'c'" in told.traceback


@needs_3_11
@pytest.mark.parametrize("depth", [5, 50, 51, 1000, 5000])
def test_the_innermost_of_nested_groups_is_shown(bench: Bench, depth: int) -> None:
    code = f"e = KeyError('leaf')\nfor i in range({depth}):\n    e = ExceptionGroup(f'group {{i}}', [e])\nraise e"
    told = bench.fail("execute", code)
    assert (told.type_name, told.line) == ("ExceptionGroup", 4)
    assert "KeyError: 'leaf'" in told.traceback
    assert f"group {depth - 1} (" in told.traceback
    assert "group 0 (" in told.traceback
    assert ("exceptions left out" in told.traceback) == (depth > 100)


@needs_3_11
@pytest.mark.parametrize("number", [20, 499, 500, 50_000, 200_000])
def test_all_members_of_a_wide_group_are_shown_up_to_a_limit(bench: Bench, number: int) -> None:
    told = bench.fail("execute", f"raise ExceptionGroup('wide', [ValueError(f'<{{i}}>') for i in range({number})])")
    assert told.message == f"wide ({number} sub-exceptions)"
    shown = [i for i in range(number if number < 500 else 40) if f"ValueError: <{i}>" not in told.traceback]
    assert shown == []
    assert len(told.traceback) < MAX_TRACEBACK + 100
    if number <= 50_000:
        assert f"ValueError: <{number - 1}>" in told.traceback
        assert ("exceptions left out" in told.traceback) == (number >= 500)
    else:
        assert "or more exceptions left out" in told.traceback


@needs_3_11
def test_a_group_whose_members_double_with_each_level(bench: Bench) -> None:
    code = "e = KeyError('leaf')\nfor i in range(60):\n    e = ExceptionGroup(f'group {i}', [e, e])\nraise e"
    told = bench.fail("execute", code)
    assert told.message == "group 59 (2 sub-exceptions)"
    assert "or more exceptions left out" in told.traceback


def test_beginning_and_end_of_a_very_long_chain_of_causes_are_shown(bench: Bench) -> None:
    code = "e = None\nfor n in range(20_000):\n    x = ValueError(f'<{n}>')\n    x.__cause__ = e\n    e = x\nraise e"
    told = bench.fail("execute", code)
    assert (told.message, told.line) == ("<19999>", 6)
    for n in (19_999, 19_998, 1, 0):
        assert f"ValueError: <{n}>" in told.traceback
    assert "(19900 exceptions left out)" in told.traceback
    assert "cause of ValueError:" in told.traceback


# Texts that cannot be handed to Java, or that are too long


def test_surrogates_and_nul_are_escaped(bench: Bench) -> None:
    told = bench.fail(
        "execute", "class E(Exception): pass\nE.__qualname__ = 'E\\ud800'\nraise E('a\\ud800b\\0c\\udfff')"
    )
    assert told.message == "a\\ud800b\\x00c\\udfff"
    assert told.type_name.endswith("E\\ud800")
    assert "\\ud800b\\x00c\\udfff" in told.traceback


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("größe \U0001f52c \t\n", "größe \U0001f52c \t\n"),
        ("\0", "\\x00"),
        ("\ud83d", "\\ud83d"),
        ("\ud83d\udd2c", "\\ud83d\\udd2c"),
    ],
)
def test_transferable_text(text: str, expected: str) -> None:
    assert transferable(text) == expected


@pytest.mark.parametrize("length", [MAX_MESSAGE, MAX_MESSAGE + 1, 1_000_000, 100_000_000])
def test_a_message_is_bounded(bench: Bench, length: int) -> None:
    told = bench.fail("execute", f"raise ValueError('<' + 'x' * ({length} - 2) + '>')")
    assert told.message.startswith("<x")
    assert told.message.endswith("x>")
    if length <= MAX_MESSAGE:
        assert len(told.message) == length
    else:
        assert len(told.message) < MAX_MESSAGE + 100
        assert f"({length - MAX_MESSAGE} characters left out)" in told.message
    assert len(told.traceback) < MAX_TRACEBACK + 100


def test_a_very_long_line_is_bounded(bench: Bench) -> None:
    told = bench.fail("execute", f"text = '{'x' * 1_000_000}'; raise ValueError('at the end')")
    assert told.message == "at the end"
    assert told.source.startswith("text = 'x")
    assert sum(len(text) for text in told[:6] if isinstance(text, str)) < 2 * MAX_MESSAGE + MAX_TRACEBACK + 500


def test_the_message_of_every_cause_is_bounded(bench: Bench) -> None:
    told = bench.fail("execute", "raise KeyError('b') from ValueError('c' * 100_000_000)")
    assert (told.message, told.line) == ("'b'", 1)
    assert told.traceback.count("characters left out") == 1
    assert told.traceback.endswith("KeyError: 'b'\n")


def test_names_are_bounded() -> None:
    def function() -> None:
        raise type("E" * 10_000, (Exception,), {"__module__": "m" * 10_000})("x")

    function.__code__ = function.__code__.replace(co_name="f" * 10_000, co_filename="c" * 10_000)
    told = capture(raised("function()", function=function))
    assert told.message == "x"
    assert all(len(text) < 1_100 for text in (told.type_name, told.file, *told.frames[0][:2]))


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("('<task>', 7, 2, 'x =')", 7),
        ("('<task>', 'seven', 2, 'x =')", 1),
        ("('<task>', 10**30, 2, 'x =')", 1),
        ("('<task>', 7, 2, 5)", 7),
        ("(5, 7, 2, 'x =')", 1),
    ],
)
def test_a_syntax_error_that_user_code_makes(bench: Bench, arguments: str, line: int) -> None:
    told = bench.fail("execute", f"raise SyntaxError('x', {arguments})")
    assert (told.type_name, told.file, told.line) == ("SyntaxError", "<task>", line)


def test_a_class_whose_metaclass_raises() -> None:
    class Meta(type):
        def __getattribute__(cls, name: str) -> object:
            raise RuntimeError(name)

    told = capture(raised("raise Own('x')", Own=Meta("Own", (ValueError,), {})))
    assert "Own" in told.type_name
    assert told.line in (0, 1)


def test_the_traceback_of_a_very_deep_stack_is_bounded() -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    try:
        code = "".join(f"def f{i}(n): return 1 / 0 if n == 0 else f{(i + 1) % 9}(n - 1)\n" for i in range(9))
        told = capture(raised(code + "f0(5_000)"))
    finally:
        sys.setrecursionlimit(limit)
    assert (told.type_name, told.message) == ("ZeroDivisionError", "division by zero")
    assert len(told.frames) == 200
    assert len(told.traceback) < MAX_TRACEBACK + 100


@needs_3_11
def test_very_long_notes_are_bounded(bench: Bench) -> None:
    told = bench.fail("execute", "e = ValueError('x')\ne.add_note('y' * 1_000_000)\nraise e")
    assert len(told.traceback) < MAX_TRACEBACK + 100


# The user's line


def test_the_frames_of_the_package_are_not_shown(bench: Bench) -> None:
    bench.run("prepare", 1, "def fill():\n    raise ValueError('x')\nfill()", "<loader 1>")
    bench.describe(1, (2, 3))
    told = bench.fail("step", np.zeros((2, 3)))
    assert told.frames == [("fill", "<loader 1>", 2), ("<module>", "<loader 1>", 3)]
    assert PACKAGE not in told.traceback
    assert told.traceback.startswith("Traceback (most recent call last):\n")
    assert told.traceback.endswith("ValueError: x\n")


def test_what_this_package_raises_has_no_line_of_the_user(bench: Bench) -> None:
    bench.run("prepare", 1, "block.data = block.data * 2", "<loader 1>")
    bench.describe(1, (2, 3))
    told = bench.fail("step", np.zeros((2, 3)))
    assert told.type_name == "TypeError"
    assert (told.file, told.line, told.source, told.frames) == ("", 0, "", [])
    assert told.traceback.startswith("TypeError: block.data was replaced")


@pytest.mark.parametrize("folder", ["imglib2_cache_python_filters", "imglib2_cache_python"])
def test_a_folder_with_a_similar_name_is_not_the_package(tmp_path: Path, folder: str) -> None:
    # The first folder is beside this package, as a package of the user in the same site-packages would be.
    file = f"{PACKAGE}_filters/a.py" if folder.endswith("filters") else str(tmp_path / folder / "a.py")
    namespace: dict[str, object] = {}
    exec(compile("def f():\n    raise ValueError('x')", file, "exec"), namespace)
    told = capture(raised("f()", f=namespace["f"]))
    assert told.frames[0] == ("f", file, 2)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("np.linalg.inv(np.zeros((2, 2)))", "LinAlgError"),
        ("ndimage.gaussian_filter(np.zeros(3), 1, mode='wide')", "RuntimeError"),
        ("np.apply_along_axis(lambda row: np.stack([]), 0, np.zeros((2, 2)))", "ValueError"),
        ("json.loads('{')", "JSONDecodeError"),
    ],
)
def test_the_users_line_is_reported_when_a_library_fails(bench: Bench, code: str, error: str) -> None:
    told = bench.fail("execute", f"import json\nfrom scipy import ndimage\n{code}  # here\n")
    assert told.type_name.endswith(error)
    assert (told.file, told.line, told.source) == ("<task>", 3, f"{code}  # here")
    assert told.frames[0][1] != "<task>"
    assert told.frames[-1][1] == "<task>"


def test_the_innermost_line_of_the_user_is_reported(bench: Bench) -> None:
    bench.run("initialise", "def halve(x):\n    '''Documented.'''\n    return x / 0\n", 10.0, os.devnull)
    bench.run("prepare", 1, "a = 1\nblock.data[...] = halve(a)", "<loader 1>")
    bench.describe(1, (2, 3))
    told = bench.fail("step", np.zeros((2, 3)))
    assert (told.file, told.line, told.source) == ("<init>", 3, "return x / 0")
    assert told.frames == [("halve", "<init>", 3), ("<module>", "<loader 1>", 2)]
    assert "block.data[...] = halve(a)" in told.traceback


def test_an_error_in_a_module_of_the_user(bench: Bench, write_module: WriteModule) -> None:
    file = write_module("filters_of_user", "import numpy as np\n\n\ndef f(a):\n    return np.linalg.inv(a)\n")
    bench.run("prepare", 1, "filters_of_user:f", "<loader 1>")
    bench.describe(1, (2, 2))
    told = bench.fail("step", np.zeros((2, 2)), np.zeros((2, 2)))
    assert (told.file, told.line, told.source) == (str(file), 5, "return np.linalg.inv(a)")


@pytest.mark.parametrize(
    ("source", "error", "line", "text"),
    [
        ("a = 1\nraise ValueError('x')\n", "ValueError", 2, "raise ValueError('x')"),
        ("a = 1\nb = = 2\n", "SyntaxError", 2, "b = = 2"),
        ("\n\nimport no_such_module_of_user\n", "ModuleNotFoundError", 3, "import no_such_module_of_user"),
    ],
)
def test_a_module_that_cannot_be_imported(
    bench: Bench, write_module: WriteModule, source: str, error: str, line: int, text: str
) -> None:
    file = str(write_module("broken_of_user", source))
    told = bench.fail("prepare", 1, "broken_of_user:f", "<loader 1>")
    assert (told.type_name, told.file, told.line, told.source) == (error, file, line, text)

    told = bench.fail("execute", "a = 1\nfrom broken_of_user import f\n")
    assert (told.type_name, told.file, told.line) == (error, "<task>", 2)
    assert text in told.traceback


def test_a_module_that_is_not_there_has_no_line(bench: Bench) -> None:
    told = bench.fail("prepare", 1, "no_such_module_of_user:f", "<loader 1>")
    assert (told.type_name, told.file, told.line, told.source) == ("ModuleNotFoundError", "", 0, "")
    assert told.traceback == "ModuleNotFoundError: No module named 'no_such_module_of_user'\n"


@pytest.mark.parametrize(
    ("code", "error", "line", "source"),
    [
        ("a = 1\nb = = 2\n", "SyntaxError", 2, "b = = 2"),
        ("a = 1\r\nreturn a\r\n", "SyntaxError", 2, "return a"),
        ("a = 1\n\n\nb = '\0'", "SyntaxError", 4, "b = '\\x00'"),
        ("if a:\nb = 2", "IndentationError", 2, "b = 2"),
        ("if a:\n        b = 2\n\tb = 3", "TabError", 3, "b = 3"),
    ],
)
@pytest.mark.parametrize("method", ["execute", "check", "prepare", "initialise"])
def test_a_syntax_error_is_reported_with_its_line(
    bench: Bench, method: str, code: str, error: str, line: int, source: str
) -> None:
    arguments, file = {
        "execute": ((code,), "<task>"),
        "check": ((code, "<loader 1>"), "<loader 1>"),
        "prepare": ((1, code, "<loader 1>"), "<loader 1>"),
        "initialise": ((code, 10.0, os.devnull), "<init>"),
    }[method]
    told = bench.fail(method, *arguments)
    assert (told.type_name, told.file, told.line, told.source) == (error, file, line, source)
    assert f'File "{file}", line {line}' in told.traceback
    assert source in told.traceback


def test_a_syntax_error_while_user_code_runs_is_reported_with_the_users_line(bench: Bench) -> None:
    told = bench.fail("execute", "a = 1\ncompile('x =', 'elsewhere', 'exec')\n")
    assert (told.type_name, told.file, told.line) == ("SyntaxError", "<task>", 2)
    assert 'File "elsewhere", line 1' in told.traceback


def test_an_expression_is_reported_with_its_own_text(bench: Bench) -> None:
    bench.run("execute", "text = 'this is the line of another task'")
    told = bench.fail("evaluate", "  1 / 0")
    assert (told.file, told.line, told.source) == ("<task>", 1, "1 / 0")
    assert "another task" not in told.traceback
    told = bench.fail("evaluate", "1 +")
    assert (told.type_name, told.file, told.line, told.source) == ("SyntaxError", "<task>", 1, "1 +")


# No object outlives the failure


def test_no_object_of_the_user_outlives_the_failure() -> None:
    class Big:
        pass

    big = Big()
    reference = weakref.ref(big)
    failure = capture(raised("def f(local):\n    raise ValueError(local)\nf(big)", big=big))
    del big
    gc.collect()
    assert reference() is None
    assert failure.type_name == "ValueError"


def test_an_exception_that_was_never_raised_has_no_frames() -> None:
    failure = capture(ValueError("only made"))
    assert (failure.file, failure.line, failure.frames) == ("", 0, ())
    assert failure.traceback == "ValueError: only made\n"


def test_describing_a_failure_may_fail_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_memory(*_: object, **__: object) -> None:
        raise MemoryError

    error = raised("raise ValueError('x')")
    monkeypatch.setattr(traceback, "walk_tb", out_of_memory)
    monkeypatch.setattr(traceback.TracebackException, "__init__", out_of_memory)
    failure = capture(error)
    assert failure.type_name == "ValueError"
    assert "could not be described: MemoryError" in failure.message
    assert Told.of(failure.to_strings()).frames == []
