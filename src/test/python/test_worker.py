# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of worker.py: what Java calls."""

from __future__ import annotations

import contextlib
import linecache
import pickle
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import Bench, Told
from imglib2_cache_python._worker.streams import LineWriter
from imglib2_cache_python._worker.worker import BROKEN, FAILED, OK, finish_lines, redirect_streams

MakeBench = Callable[..., Bench]
WriteModule = Callable[[str, str], Path]

INIT_TIMEOUT = 30.0


@pytest.fixture
def stack_file(tmp_path: Path) -> Path:
    """File into which `initialise` may write a stack."""
    return tmp_path / "init.stack"


@contextlib.contextmanager
def redirected() -> Iterator[tuple[list[str], list[str]]]:
    """Redirects the standard streams. A fixture cannot, because pytest replaces them for each phase of a test."""
    streams = sys.stdout, sys.stderr
    out: list[str] = []
    err: list[str] = []
    try:
        redirect_streams(out.append, err.append)
        yield out, err
    finally:
        sys.stdout, sys.stderr = streams


# step


@pytest.mark.parametrize("seed", range(24))
def test_a_step_reads_the_parameters_as_java_writes_them(bench: Bench, stack_file: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    n = 1 + seed % 6
    dim = random.integers(1, 5, n)
    minimum = random.integers(-(2**40), 2**40, n)
    lower, upper = random.integers(0, 3, (2, n)).tolist()
    loader, index = random.integers(0, 2**62, 2).tolist()
    inputs = [random.random(lower + dim + upper) for _ in range(seed % 3)]
    data = np.zeros(dim)

    bench.run("initialise", "seen = []", INIT_TIMEOUT, str(stack_file))
    bench.run(
        "prepare",
        loader,
        "seen.append((block.index, block.min, block.max, block.dim, block.halo, len(block.inputs)))\n"
        "block.data[...] = sum((i + 1) * array[block.halo] for i, array in enumerate(block.inputs))",
        "<loader 1>",
    )
    bench.describe(loader, dim, index=index, minimum=minimum, lower=lower, upper=upper)
    bench.run("step", data, *inputs)

    (seen,) = bench.value("seen")
    assert seen == (
        index,
        tuple(minimum.tolist()),
        tuple((minimum + dim - 1).tolist()),
        tuple(dim.tolist()),
        tuple(slice(before, before + size) for before, size in zip(lower, dim.tolist(), strict=True)),
        len(inputs),
    )
    assert all(type(number) is int for numbers in seen[1:4] for number in numbers)
    expected = sum(((i + 1) * array[seen[4]] for i, array in enumerate(inputs)), np.zeros(dim))
    np.testing.assert_allclose(data, expected)


def test_a_memory_that_user_code_holds_is_told_and_told_again_when_it_is_free(bench: Bench) -> None:
    bench.run("prepare", 1, "a = block.inputs[0][1:]", "<loader 1>")
    bench.run("prepare", 2, "block.data[...] = block.inputs[0]", "<loader 2>")
    told = []
    for ticket, loader in ((1, 2), (2, 1), (3, 2), (4, 1), (5, 1), (6, 2)):
        bench.describe(loader, (2, 3), reused=0b10, ticket=ticket)
        bench.run("step", np.zeros((2, 3)), np.zeros((2, 3)))
        told.append(bench.told())
    number = {ticket: 64 * ticket + 1 for ticket in range(7)}
    assert told == [(0, []), (0b10, []), (0, []), (0b10, [number[2]]), (0b10, [number[4]]), (0, [])]


def test_only_memories_to_be_reused_are_watched(bench: Bench) -> None:
    bench.run("prepare", 1, "a, b = block.inputs", "<loader 1>")
    bench.describe(1, (2, 3), reused=0b101)
    bench.run("step", np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((2, 3)))
    assert bench.told() == (0b100, [])


def test_a_memory_that_a_failed_step_left_is_free_after_the_next(bench: Bench) -> None:
    bench.run("prepare", 1, "a = block.inputs[0]\ndel a\nraise ValueError", "<loader 1>")
    bench.run("prepare", 2, "pass", "<loader 2>")
    bench.describe(1, (2, 3), reused=0b10, ticket=7)
    bench.fail("step", np.zeros((2, 3)), np.zeros((2, 3)))
    escaped, _ = bench.told()
    bench.describe(2, (2, 3), reused=0b10, ticket=8)
    bench.run("step", np.zeros((2, 3)), np.zeros((2, 3)))
    assert bench.told() == (0, [64 * 7 + 1] if escaped else [])


def test_a_step_works_for_as_many_axes_as_numpy_has(bench: Bench) -> None:
    n = 32
    bench.run("prepare", 1, "block.data[...] = len(block.halo)", "<loader 1>")
    bench.describe(1, [1] * n)
    data = np.zeros([1] * n)
    bench.run("step", data)
    assert data.item() == n


@pytest.mark.parametrize(
    "code",
    [
        "block.inputs[0][...] = 1",
        "block.inputs[0] += 1",
        "block.inputs[1][block.halo].sort()",
        "np.copyto(block.inputs[0], 1)",
        "np.add(block.inputs[0], 1, out=block.inputs[0])",
        "block.inputs[0].fill(1)",
    ],
)
def test_inputs_cannot_be_written(bench: Bench, code: str) -> None:
    bench.run("prepare", 1, code, "<loader 1>")
    bench.describe(1, (2, 3))
    inputs = [np.zeros((2, 3)), np.zeros((2, 3))]
    told = bench.fail("step", np.zeros((2, 3)), *inputs)
    assert told.type_name == "ValueError"
    assert "read-only" in told.message
    assert not any(array.any() for array in inputs)


def test_a_function_reference_gets_read_only_inputs(bench: Bench, write_module: WriteModule) -> None:
    write_module("filters_of_user", "def f(a):\n    a += 1\n    return a\n")
    bench.run("prepare", 1, "filters_of_user:f", "<loader 1>")
    bench.describe(1, (2, 3))
    told = bench.fail("step", np.zeros((2, 3)), np.zeros((2, 3)))
    assert (told.type_name, told.line, told.source) == ("ValueError", 2, "a += 1")


def test_no_array_is_kept_after_a_step(bench: Bench) -> None:
    bench.run("prepare", 1, "block.data[...] = block.inputs[0]", "<loader 1>")
    bench.run("prepare", 2, "raise ValueError(block)", "<loader 2>")
    data, array = np.zeros((2, 3)), np.ones((2, 3))
    before = sys.getrefcount(data), sys.getrefcount(array)
    for loader, status in ((1, OK), (2, FAILED)):
        bench.describe(loader, (2, 3))
        assert bench.call("step", data, array) == status
        assert (sys.getrefcount(data), sys.getrefcount(array)) == before


def test_a_step_of_an_unknown_loader_fails(bench: Bench) -> None:
    bench.describe(404, (2, 3))
    assert bench.fail("step", np.zeros((2, 3))).type_name == "KeyError"


# Names


def test_snippets_see_what_init_defined(bench: Bench, stack_file: Path) -> None:
    code = "import math\nscale = 3\ndef halve(x):\n    return x / len(__private)\n__private = [1, 2]\n"
    bench.run("initialise", code, INIT_TIMEOUT, str(stack_file))
    bench.run("assign", "offset", 10)
    bench.run("execute", "offset += 1")
    bench.run(
        "prepare", 1, "block.data[...] = math.floor(np.pi) * scale + halve(offset) * len(__private) / 2", "<loader 1>"
    )
    bench.describe(1, (2, 3))
    data = np.zeros((2, 3))
    bench.run("step", data)
    assert (data == 3 * 3 + 11 / 2).all()


def test_a_snippet_does_not_change_what_others_see(bench: Bench) -> None:
    bench.run("execute", "scale = 3")
    bench.run("prepare", 1, "scale = 4; own = 1; block.data[...] = scale", "<loader 1>")
    bench.run("prepare", 2, "block.data[...] = scale", "<loader 2>")
    data = np.zeros((2, 3))
    for loader, value in ((1, 4), (2, 3)):
        bench.describe(loader, (2, 3))
        bench.run("step", data)
        assert (data == value).all()
    assert bench.value("scale") == 3
    assert bench.fail("evaluate", "own").type_name == "NameError"


def test_workers_of_one_process_do_not_see_each_other(make_bench: MakeBench) -> None:
    first, second = make_bench("python_1_worker_1"), make_bench("python_1_worker_2")
    first.run("execute", "mine = 1\nclass Own: pass\nmade = Own()")
    assert second.fail("evaluate", "mine").type_name == "NameError"
    second.run("execute", "mine = 2\nclass Own: pass\nmade = Own()")
    for bench, value in ((first, 1), (second, 2)):
        bench.run("prepare", 1, "block.data[...] = mine", "<loader 1>")
        bench.describe(1, (2, 3))
        data = np.zeros((2, 3))
        bench.run("step", data)
        assert (data == value).all()
        made = bench.value("made")
        assert type(pickle.loads(pickle.dumps(made))) is type(made)
    second.run("close")
    assert first.value("mine") == 1
    first.run("step", data)
    assert (data == 1).all()


def test_code_of_a_worker_does_not_run_as_main(bench: Bench) -> None:
    assert bench.value("__name__") == "imglib2_cache_python.user.python_1_worker_1"
    assert sys.modules[bench.value("__name__")].np is np


# initialise, execute, evaluate, assign


def test_init_that_takes_too_long_has_its_stack_written(bench: Bench, stack_file: Path) -> None:
    code = "import time\ndef wait():\n    time.sleep(0.6)\n\nwait()\n"
    begin = time.monotonic()
    bench.run("initialise", code, 0.2, str(stack_file))
    assert time.monotonic() - begin >= 0.6
    stack = stack_file.read_text()
    assert 'File "<init>", line 3 in wait' in stack
    assert 'File "<init>", line 5 in <module>' in stack


@pytest.mark.parametrize("code", ["x = 1", "import sys; sys.exit()"])
def test_init_that_ends_in_time_leaves_no_stack(bench: Bench, stack_file: Path, code: str) -> None:
    status = bench.worker.initialise(code, 0.3, str(stack_file))
    assert status == (OK if code == "x = 1" else FAILED)
    # These files get the descriptor of the closed file. A late stack would be written to one of them.
    others = [stack_file.with_suffix(f".{number}") for number in range(5)]
    with contextlib.ExitStack() as files:
        for other in others:
            files.enter_context(other.open("w"))
        time.sleep(0.4)
    assert [file.read_text() for file in [stack_file, *others]] == [""] * 6


def test_a_stack_file_that_cannot_be_written_is_a_failure(bench: Bench, tmp_path: Path) -> None:
    told = bench.fail("initialise", "x = 1", INIT_TIMEOUT, str(tmp_path / "no" / "folder"))
    assert told.type_name == "FileNotFoundError"


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 1", 2),
        ("  1 + 1\n", 2),
        ("\n(1 +\n1)", 2),
        ("\r\n(1 +\r\n1)", 2),
        ("\ufeff2", 2),
        ("[i for i in range(3)]", [0, 1, 2]),
        ("None", None),
        ("'größe'", "größe"),
        ("np.int64(3)", 3),
    ],
)
@pytest.mark.parametrize("mode", ["SHARED", "SUB"])
def test_an_expression_is_evaluated(make_bench: MakeBench, mode: str, expression: str, value: object) -> None:
    bench = make_bench(mode=mode)
    assert bench.value(expression) == value
    assert bench.worker.result() is None


@pytest.mark.parametrize("expression", ["x = 1", "", "  ", "1 +", "pass", "1\n2", "'\0'"])
@pytest.mark.parametrize("mode", ["SHARED", "SUB"])
def test_what_is_no_expression_is_a_syntax_error(make_bench: MakeBench, mode: str, expression: str) -> None:
    bench = make_bench(mode=mode)
    told = bench.fail("evaluate", expression)
    assert (told.type_name, told.file) == ("SyntaxError", "<task>")


def test_an_assigned_value_is_the_object_itself(bench: Bench) -> None:
    value = object()
    bench.run("assign", "größe", value)
    assert bench.value("größe") is value


@pytest.mark.parametrize("name", ["", "a b", "1a", "a.b", "a=1", "a\n"])
def test_only_names_can_be_assigned(bench: Bench, name: str) -> None:
    told = bench.fail("assign", name, 1)
    assert told.type_name == "ValueError"
    assert "is not a Python name" in told.message


# check, prepare, forget, close


@pytest.mark.parametrize("code", ["block.data[...] = 1", "no_such_module_of_user:f", "1 / 0", "", "undefined_name"])
def test_check_runs_nothing_and_keeps_nothing(bench: Bench, code: str) -> None:
    before = set(sys.modules)
    bench.run("check", code, "<loader 1>")
    assert set(sys.modules) == before
    assert "<loader 1>" not in linecache.cache


def test_check_refuses_what_is_not_python(bench: Bench) -> None:
    told = bench.fail("check", "ok = 1\nthis is no Python", "<loader 1>")
    assert (told.type_name, told.file, told.line) == ("SyntaxError", "<loader 1>", 2)
    assert "<loader 1>" not in linecache.cache


def test_code_is_prepared_once(bench: Bench) -> None:
    bench.run("prepare", 1, "count = globals().get('count', 0) + 1; block.data[...] = count", "<loader 1>")
    bench.describe(1, (2, 3))
    data = np.zeros((2, 3))
    bench.run("step", data)
    bench.run("prepare", 1, "block.data[...] = -1", "<loader 1>")
    bench.run("step", data)
    assert (data == 2).all()


def test_code_that_could_not_be_prepared_may_be_prepared_again(bench: Bench, write_module: WriteModule) -> None:
    assert bench.fail("prepare", 1, "late_module_of_user:f", "<loader 1>").type_name == "ModuleNotFoundError"
    write_module("late_module_of_user", "def f():\n    return [5]\n")
    bench.run("prepare", 1, "late_module_of_user:f", "<loader 1>")
    bench.describe(1, (1,))
    data = np.zeros(1)
    bench.run("step", data)
    assert data.tolist() == [5]


def test_forget_drops_the_code(bench: Bench) -> None:
    before = set(sys.modules)
    bench.run("prepare", 1, "x = 1", "<loader 1>")
    assert "<loader 1>" in linecache.cache
    assert len(set(sys.modules) - before) == 1
    bench.run("forget", 1)
    assert "<loader 1>" not in linecache.cache
    assert set(sys.modules) == before
    bench.describe(1, (2, 3))
    assert bench.fail("step", np.zeros((2, 3))).type_name == "KeyError"
    bench.run("forget", 1)
    bench.run("forget", 404)


@pytest.mark.parametrize("code", ["x = 1", "__name__ = 'json'", "del __name__", "globals().clear()"])
def test_close_drops_all_and_nothing_else(code: str) -> None:
    import json

    before = set(sys.modules)
    bench = Bench("python_9_worker_9")
    bench.run("execute", code)
    bench.run("prepare", 1, "x = 1", "<loader 1>")
    bench.run("close")
    assert set(sys.modules) == before
    assert sys.modules["json"] is json
    assert "<loader 1>" not in linecache.cache


# Failures


@pytest.mark.parametrize(
    "code",
    [
        "raise ValueError('x')",
        "import sys; sys.exit()",
        "import sys; sys.exit(0)",
        "quit()",
        "raise KeyboardInterrupt",
        "raise GeneratorExit",
        "raise StopIteration",
        "raise MemoryError",
        "raise BaseException",
        "raise type('E', (BaseException,), {'__str__': lambda self: 1 / 0})",
        "raise type('E', (SystemExit,), {'__str__': lambda self: exit()})",
        "raise type('E', (ImportError,), {'msg': property(lambda self: exit())})",
        "raise type('E', (ImportError,), {'msg': property(lambda self: 'fixed')})",
        "raise type('E', (Exception,), {'__module__': 5})",
        "raise type('E', (Exception,), {'__cause__': property(lambda self: 1 / 0)})",
        "raise type('E', (SyntaxError,), {})",
        "raise SyntaxError('a', (1, 'b', 2.5, [3]))",
        "raise ImportError(name=5, path=6)",
        "raise 'text'",
        "def f(): f()\nf()",
        "import _thread; _thread.exit()",
        "globals().clear(); raise ValueError",
        "eval('(' * 5000)",
        "x = = 1",
        "return",
        "\0",
        "\ud800",
        "\ufeff\ufeff",
        "class E(Exception):\n  def __getattribute__(self, name): raise SystemExit\nraise E",
        "class M(type):\n  def __getattribute__(cls, name): raise SystemExit\n"
        "class E(Exception, metaclass=M): pass\nraise E",
        "print('unfinished', end=''); raise ValueError",
    ],
)
@pytest.mark.parametrize("mode", ["SHARED", "SUB"])
def test_nothing_that_code_does_gets_out(make_bench: MakeBench, stack_file: Path, mode: str, code: str) -> None:
    bench = make_bench(mode=mode)
    for method, arguments in (
        ("execute", (code,)),
        ("initialise", (code, INIT_TIMEOUT, str(stack_file))),
    ):
        told = bench.fail(method, *arguments)
        assert told.type_name
        assert told.traceback
    if bench.worker.prepare(1, code, "<loader 1>") == OK:
        bench.describe(1, (2, 3))
        bench.fail("step", np.zeros((2, 3)))
    else:
        assert Told.of(bench.worker.failure()).type_name == "SyntaxError"
    bench.run("execute", "the_worker = 'goes on'")


def test_wrong_arguments_do_not_get_out(bench: Bench) -> None:
    assert bench.worker.step(np.zeros(3)) == BROKEN
    assert Told.of(bench.worker.failure()).type_name == "ValueError"
    assert bench.fail("execute", 5).type_name == "AttributeError"
    assert bench.fail("assign", None, 1).type_name == "AttributeError"


def test_the_last_failure_is_told(bench: Bench) -> None:
    assert bench.worker.failure() == []
    assert bench.worker.execute("raise ValueError('first')") == FAILED
    assert bench.worker.execute("raise ValueError('second')") == FAILED
    assert Told.of(bench.worker.failure()).message == "second"
    assert bench.worker.execute("raise ValueError('third')") == FAILED
    assert bench.worker.execute("fine = 1") == OK
    assert bench.worker.failure() == []


def test_a_failure_that_nobody_asked_for_is_not_told_of_a_later_block(bench: Bench) -> None:
    bench.run("prepare", 1, "raise KeyError(block.index)", "<loader>")
    for index in (1, 2):
        bench.describe(1, (2,), index=index)
        assert bench.call("step", np.zeros(2)) != OK
    told = Told.of(bench.worker.failure())
    assert (told.type_name, told.message) == ("KeyError", "2")
    assert bench.worker.failure(1) == bench.worker.failure()
    assert bench.worker.failure(2) == []


def test_a_flaky_block_recovers(bench: Bench) -> None:
    bench.run(
        "prepare", 1, "n = globals().get('n', 0) + 1\nif n < 3:\n    raise OSError(n)\nblock.data[...] = n", "<l>"
    )
    bench.describe(1, (2, 3))
    data = np.zeros((2, 3))
    assert [bench.fail("step", data).message for _ in range(2)] == ["1", "2"]
    bench.run("step", data)
    assert (data == 3).all()


@pytest.mark.parametrize(("mode", "advised"), [("SUB", True), ("SHARED", False)])
def test_an_import_that_fails_in_a_sub_interpreter_comes_with_advice(
    make_bench: MakeBench, mode: str, advised: bool
) -> None:
    bench = make_bench(mode=mode)
    told = bench.fail("execute", "raise ImportError('cannot load module more than once per process')")
    assert told.message == "cannot load module more than once per process"
    assert ("try InterpreterMode.SHARED" in told.advice) == advised
    assert "InterpreterMode" not in told.traceback


# Streams


def test_lines_end_with_the_call(bench: Bench) -> None:
    with redirected() as (out, err):
        bench.run("execute", "import sys\nprint('a'); print('b', end=''); print('c', end='', file=sys.stderr)")
        assert (out, err) == (["a", "b"], ["c"])
        bench.fail("execute", "print('d', end='')\nraise ValueError")
        assert (out, err) == (["a", "b", "d"], ["c"])


def test_each_worker_of_a_process_has_its_own_lines() -> None:
    second_out: list[str] = []
    second_err: list[str] = []

    def second_worker() -> None:
        redirect_streams(second_out.append, second_err.append)
        print("second")
        print("second", file=sys.stderr)
        thread = threading.Thread(target=print, args=("from a thread",))
        thread.start()
        thread.join()

    with redirected() as (out, err):
        streams = sys.stdout, sys.stderr
        assert all(isinstance(stream, LineWriter) for stream in streams)
        thread = threading.Thread(target=second_worker)
        thread.start()
        thread.join()
        assert (sys.stdout, sys.stderr) == streams
        print("first")
        print("first", file=sys.stderr)
        assert (second_out, second_err) == (["second"], ["second"])
        assert (out, err) == (["from a thread", "first"], ["first"])


@pytest.mark.parametrize("replacement", ["None", "__import__('io').StringIO()", "5"])
def test_streams_that_user_code_replaces_do_no_harm(bench: Bench, replacement: str) -> None:
    with redirected() as (out, err):
        bench.run("execute", f"import sys\nkept = sys.stdout\nsys.stdout = {replacement}")
        bench.run("execute", "sys.stdout = kept\nprint('again')")
        bench.run("execute", "sys.stderr, kept = None, sys.stderr")
        bench.fail("execute", "raise ValueError")
        bench.run("execute", "sys.stderr = kept\nprint('again', file=sys.stderr)")
        assert (out, err) == (["again"], ["again"])


def test_a_stream_that_user_code_closes_does_not_lose_lines(bench: Bench) -> None:
    with redirected() as (out, _):
        bench.run("execute", "import sys\nsys.stdout.close()")
        bench.run("execute", "print('after close')")
        assert out == ["after close"]


def test_who_takes_the_lines_may_fail(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(line: str) -> None:
        raise OSError(f"disk full: {line}")

    monkeypatch.setattr(sys, "stdout", LineWriter(refuse))
    for code in ("print('a')", "print('a', end='')"):
        told = bench.fail("execute", code)
        assert (told.type_name, told.message) == ("OSError", "disk full: a")
    told = bench.fail("execute", "print('a', end=''); raise ValueError('of the user')")
    assert (told.type_name, told.message) == ("ValueError", "of the user")
    bench.run("execute", "fine = 1")


def test_lines_are_finished_only_where_they_are_redirected(capsys: pytest.CaptureFixture[str]) -> None:
    print("on the terminal", end="")
    finish_lines()
    assert capsys.readouterr().out == "on the terminal"


def test_a_warning_of_the_compiler_shows_the_users_line(bench: Bench) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        bench.run("execute", "a = 1\nb = a is 1\n")
    (warning,) = (one for one in caught if one.category is SyntaxWarning)
    assert (warning.filename, warning.lineno) == ("<task>", 2)
    assert linecache.getline("<task>", 2) == "b = a is 1\n"
