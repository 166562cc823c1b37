# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of snippet.py."""

from __future__ import annotations

import gc
import linecache
import pickle
import sys
import traceback
import types
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from imglib2_cache_python.block import Block
from imglib2_cache_python.reference import function_reference, resolve
from imglib2_cache_python.snippet import Snippet, compile_code

WriteModule = Callable[[str, str], Path]
MakeBlock = Callable[..., Block]
MakeSnippet = Callable[..., Snippet]


@pytest.fixture
def make_snippet() -> Iterator[MakeSnippet]:
    """Function that makes snippets. They are disposed at the end."""
    snippets = []

    def make(code: str, check_written: bool = False, **seed: Any) -> Snippet:
        number = len(snippets)
        module = f"imglib2_cache_python.user.test_loader_{number}"
        snippets.append(Snippet(code, f"<loader {number}>", module, seed, check_written=check_written))
        return snippets[-1]

    yield make
    for snippet in snippets:
        snippet.dispose()


def module_of(snippet: Snippet) -> types.ModuleType:
    return sys.modules[snippet.module_name]


# Statements


def test_statements_see_block_numpy_and_the_seed(make_snippet: MakeSnippet, make_block: MakeBlock) -> None:
    block = make_block((4, 3, 2))
    make_snippet("block.data[...] = np.sqrt(block.inputs[0]) * scale", scale=3).run(block)
    np.testing.assert_allclose(block.data, np.sqrt(block.inputs[0]) * 3)


def test_the_seed_does_not_replace_the_names_of_the_module(make_snippet: MakeSnippet) -> None:
    snippet = make_snippet("x = 1", __name__="another", __builtins__={}, __file__="/tmp/else", _private=5)
    module = module_of(snippet)
    assert module.__name__ == snippet.module_name
    assert module.__file__ == snippet.file_name
    assert vars(module).get("__builtins__") != {}
    assert module._private == 5


def test_the_seed_may_have_names_with_two_underscores(make_snippet: MakeSnippet, make_block: MakeBlock) -> None:
    block = make_block()
    make_snippet("block.data[...] = __scale + __offset__", __scale=3, __offset__=4).run(block)
    assert (block.data == 7).all()


def test_what_running_code_leaves_in_a_module_stays_its_own(make_snippet: MakeSnippet, make_block: MakeBlock) -> None:
    seed: dict[str, Any] = {}
    code = "import warnings\nx: int = 1\nwarnings.warn('once')"
    with pytest.warns(UserWarning, match="once"):
        exec(compile(code, "<seed>", "exec", dont_inherit=True), seed)
    snippet = make_snippet(code.replace("x: int", "y: float"), **seed)
    with pytest.warns(UserWarning, match="once"):
        snippet.run(make_block())
    assert module_of(snippet).__annotations__ == {"y": float}
    assert vars(module_of(snippet))["__warningregistry__"] is not seed["__warningregistry__"]


def test_two_snippets_do_not_see_each_others_variables(make_snippet: MakeSnippet, make_block: MakeBlock) -> None:
    seed = {"shared": 1}
    make_snippet("secret = 1; shared = 2", **seed).run(make_block())
    second = make_snippet("block.data[...] = shared; secret", **seed)
    block = make_block()
    with pytest.raises(NameError, match="secret"):
        second.run(block)
    assert (block.data == 1).all()


def test_variables_stay_from_block_to_block(make_snippet: MakeSnippet, make_block: MakeBlock) -> None:
    snippet = make_snippet("count = globals().get('count', 0) + 1\nblock.data[...] = count")
    for count in (1, 2, 3):
        block = make_block()
        snippet.run(block)
        assert (block.data == count).all()


@pytest.mark.parametrize("code", ["kept = 1", "raise ValueError", "del block", "block = None", "raise SystemExit"])
def test_no_block_is_kept_after_the_run(make_snippet: MakeSnippet, make_block: MakeBlock, code: str) -> None:
    snippet = make_snippet(code)
    try:
        snippet.run(make_block())
    except (ValueError, SystemExit):
        assert "raise" in code
    assert "block" not in vars(module_of(snippet))


@pytest.mark.parametrize(
    "code", ["block.data = block.data * 2", "block.data = None", "block.data = block.data[:]", "del block.data"]
)
def test_replacing_the_pixels_is_refused(make_snippet: MakeSnippet, make_block: MakeBlock, code: str) -> None:
    with pytest.raises(TypeError, match=r"block\.data\[\.\.\.\] = result"):
        make_snippet(code).run(make_block())


@pytest.mark.parametrize(
    "code",
    [
        "block.data.shape = (3, 2)",
        "block.data.shape = (6,)",
        "block.data.dtype = '>f4'",
        "block.data.dtype = np.int32",
        "block.data.dtype = np.uint16",
        "block.data.strides = (4, 8)",
        "block.data.strides = (0, 0)",
        "block.data.resize((4, 3), refcheck=False)",
        "block.data.resize((1, 3), refcheck=False)",
        "block.dim = (3, 2); block.data.shape = (3, 2)",
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_changing_the_array_in_place_is_refused(make_snippet: MakeSnippet, make_block: MakeBlock, code: str) -> None:
    block = make_block()
    with pytest.raises(TypeError, match=r"changed in place to .*expected shape \(2, 3\), dtype float32.*reshape"):
        make_snippet(code).run(block)


def test_an_array_with_components_has_an_additional_axis(make_snippet: MakeSnippet) -> None:
    def block() -> Block:
        return Block(np.zeros((2, 3, 4)), [], 0, (0, 0), (1, 2), (2, 3), (slice(0, 2), slice(0, 3)))

    make_snippet("block.data[...] = 1, 2, 3, 4").run(block())
    with pytest.raises(TypeError, match="changed in place"):
        make_snippet("block.data.shape = (6, 4)").run(block())


def test_writing_into_the_pixels_in_place_is_no_replacement(make_snippet: MakeSnippet, make_block: MakeBlock) -> None:
    block = make_block()
    make_snippet("block.data += 2\nblock.data *= 3\nblock.data = block.data").run(block)
    assert (block.data == 6).all()


def test_a_future_import_stays_in_its_snippet(make_snippet: MakeSnippet, make_block: MakeBlock) -> None:
    code = "def f(x: int): pass\nkind = type(f.__annotations__['x'])"
    kinds = []
    for text in ("from __future__ import annotations\n" + code, code):
        snippet = make_snippet(text)
        snippet.run(make_block())
        kinds.append(module_of(snippet).kind)
    assert kinds == [str, type]


def test_instances_of_classes_of_a_snippet_can_be_pickled(make_snippet: MakeSnippet, make_block: MakeBlock) -> None:
    snippet = make_snippet(
        "from dataclasses import dataclass\n@dataclass\nclass Cell:\n    size: int\ncell = Cell(int(block.dim[0]))"
    )
    snippet.run(make_block((7, 2)))
    cell = module_of(snippet).cell
    copy = pickle.loads(pickle.dumps(cell))
    assert copy is not cell
    assert copy == cell
    assert copy.size == 7


def test_functions_of_a_snippet_see_its_names_and_the_block(make_snippet: MakeSnippet, make_block: MakeBlock) -> None:
    block = make_block()
    make_snippet("def fill():\n    block.data[...] = np.int64(offset)\nfill()", offset=9).run(block)
    assert (block.data == 9).all()


# The check whether every pixel was written


DTYPES = [f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)] + ["f4", "f8", "c8", "c16", "?"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", ["0", "1", "np.array([0x01010101] * 4, np.uint32).view(block.data.dtype)[0]", "-0.0"])
def test_written_pixels_of_any_value_are_written(
    make_snippet: MakeSnippet, make_block: MakeBlock, dtype: str, value: str
) -> None:
    block = make_block((4, 3), dtype=dtype)
    block.data[...] = 1
    make_snippet(f"block.data[...] = {value}", check_written=True).run(block)
    assert (block.data == block.data[0, 0]).all()
    assert block.data[0, 0] == eval(value, {"np": np, "block": block})


@pytest.mark.parametrize("dtype", DTYPES)
def test_pixels_that_are_not_written_are_found(make_snippet: MakeSnippet, make_block: MakeBlock, dtype: str) -> None:
    random = np.random.default_rng(1)
    for _ in range(5):
        dim = tuple(random.integers(1, 6, 3).tolist())
        block = make_block(dim, dtype=dtype)
        written = random.random(dim) < 0.7
        values = random.integers(0, 2, dim)
        snippet = make_snippet(
            "block.data[written] = values[written]", check_written=True, written=written, values=values
        )
        if written.all():
            snippet.run(block)
            continue
        first = np.argwhere(~written)[0].tolist()
        with pytest.raises(ValueError, match="were not written") as raised:
            snippet.run(block)
        count = np.count_nonzero(~written)
        told = (
            f"{count} of {written.size} pixels were not written, the first is block.data[{', '.join(map(str, first))}]"
        )
        assert str(raised.value).startswith(told)


@pytest.mark.parametrize(
    ("code", "unwritten"),
    [
        ("pass", 6),
        ("block.data[1:] = 5", 3),
        ("block.data[0, 1:] = 0; block.data[1] = 0", 1),
        ("block.data.fill(0)", 0),
        ("block.data += 2", 0),
        ("block.data[...] = block.inputs.pop()", 0),
        ("x = block.inputs[0]; block.inputs.clear(); block.data[...] = 0 * x; block.dim = None", 0),
        ("calls = globals().get('calls', 0) + 1\nassert calls <= 2\nblock.data[...] = 0", 0),
        ("calls = globals().get('calls', 0) + 1\nassert calls <= 1\nblock.data[...] = 9", 0),
    ],
)
def test_what_counts_as_written(make_snippet: MakeSnippet, make_block: MakeBlock, code: str, unwritten: int) -> None:
    block = make_block((2, 3), dtype="u1")
    block.data[...] = 77
    snippet = make_snippet(code, check_written=True)
    if unwritten:
        with pytest.raises(ValueError, match=f"^{unwritten} of 6 pixels were not written"):
            snippet.run(block)
    else:
        snippet.run(block)


def test_the_check_does_not_change_the_result(make_snippet: MakeSnippet, make_block: MakeBlock) -> None:
    block = make_block((2, 3), dtype="f4")
    block.data[...] = 77
    make_snippet("block.data += 2; block.data[0] = 0", check_written=True).run(block)
    assert block.data.tolist() == [[0, 0, 0], [2, 2, 2]]


def test_a_pixel_is_written_if_all_its_components_are(make_snippet: MakeSnippet) -> None:
    block = Block(np.zeros((2, 3, 4)), [], 0, (0, 0), (1, 2), (2, 3), (slice(0, 2), slice(0, 3)))
    make_snippet("block.data[...] = 0", check_written=True).run(block)
    with pytest.raises(ValueError, match=r"^2 of 6 pixels were not written, the first is block\.data\[0, 1\];"):
        make_snippet("block.data[:, ::2] = 0\nblock.data[:, 1, :3] = 0", check_written=True).run(block)


def test_a_failure_of_the_code_is_raised_also_with_the_check(make_snippet: MakeSnippet, make_block: MakeBlock) -> None:
    with pytest.raises(ZeroDivisionError):
        make_snippet("1 / 0", check_written=True).run(make_block())
    with pytest.raises(TypeError, match="was replaced"):
        make_snippet("block.data = 5", check_written=True).run(make_block())


def test_a_function_writes_all(make_snippet: MakeSnippet, make_block: MakeBlock, write_module: WriteModule) -> None:
    write_module("filters_of_user", "calls = []\ndef zero(a):\n    calls.append(a)\n    return 0 * a\n")
    block = make_block((2, 3))
    make_snippet("filters_of_user:zero", check_written=True).run(block)
    assert (block.data == 0).all()
    assert len(sys.modules["filters_of_user"].calls) == 1


# Sources


def test_inspect_finds_the_source_of_functions_and_classes(make_snippet: MakeSnippet, make_block: MakeBlock) -> None:
    function = "def double(x):\n    return 2 * x\n"
    cls = "class Filter:\n    size = 3\n"
    snippet = make_snippet(
        f"import inspect\n{function}\n{cls}\ntexts = [inspect.getsource(double), inspect.getsource(Filter)]"
    )
    snippet.run(make_block())
    assert module_of(snippet).texts == [function, cls]


def test_tracebacks_show_the_users_lines(make_snippet: MakeSnippet, make_block: MakeBlock) -> None:
    snippet = make_snippet("def fail():\n    raise ValueError('here')  # the place\n\nfail()  # the call")
    for _ in range(2):
        with pytest.raises(ValueError, match="here") as raised:
            snippet.run(make_block())
        text = "".join(traceback.format_exception(raised.value))
        assert f'File "{snippet.file_name}", line 4' in text
        assert "fail()  # the call" in text
        assert f'File "{snippet.file_name}", line 2' in text
        assert "raise ValueError('here')  # the place" in text
        linecache.checkcache()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("a = 1\r\nb = 2\r\nblock.data[...] = a + b\r\n", 3),
        ("a = 1\rb = 2\rblock.data[...] = a + b", 3),
        ("text = '''1\r\n2'''\r\nblock.data[...] = len(text)", 3),
        ("\ufeffblock.data[...] = 4", 4),
        ("if True:\n\tif True:\n\t\tblock.data[...] = 5", 5),
        ("größe = 2\nπ = 3\nblock.data[...] = größe * π", 6),
        ("# -*- coding: latin-1 -*-\nblock.data[...] = len('ä')", 1),
        ("block.data[...] = len('\U0001f52c')", 1),
        ("block.data[...] = 7 # no line end, and a form feed \f", 7),
        ("\n\n\nblock.data[...] = 8\n\n", 8),
        (f"text = '{'x' * 1_000_000}'\nblock.data[...] = len(text) // 100_000", 10),
        ("#" + "\n#" * 200_000 + "\nblock.data[...] = 11", 11),
    ],
    ids=["crlf", "cr", "crlf in text", "bom", "tabs", "names", "coding", "astral", "\\f", "empty", "1 MB", "lines"],
)
def test_unusual_sources_run(make_snippet: MakeSnippet, make_block: MakeBlock, code: str, expected: int) -> None:
    block = make_block()
    make_snippet(code).run(block)
    assert (block.data == expected).all()


@pytest.mark.parametrize("code", ["", "\n", "# nothing", "pass", "x: int", "x: int = 5"])
def test_code_that_writes_nothing_leaves_the_block_as_it_is(
    make_snippet: MakeSnippet, make_block: MakeBlock, code: str
) -> None:
    block = make_block()
    block.data[...] = 4
    make_snippet(code).run(block)
    assert (block.data == 4).all()


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("oddity", ["\f", "\v", "\x1c", "\x85", "\u2028", "\u2029"])
def test_lines_are_counted_as_python_counts_them(
    make_snippet: MakeSnippet, make_block: MakeBlock, separator: str, oddity: str
) -> None:
    snippet = make_snippet(separator.join([f"text = 'a{oddity}b'", "ok = 1", "raise ValueError('third line')"]))
    with pytest.raises(ValueError, match="third line") as raised:
        snippet.run(make_block())
    frame = traceback.extract_tb(raised.value.__traceback__)[-1]
    assert (frame.filename, frame.lineno, frame.line) == (snippet.file_name, 3, "raise ValueError('third line')")


@pytest.mark.parametrize(
    ("code", "line", "text"),
    [
        ("a = 1\nb = = 2\n", 2, "b = = 2"),
        ("a = 1\r\n\r\nb = = 2\r\n", 3, "b = = 2"),
        ("a = 1\nreturn a\n", 2, "return a"),
        ("def f():\n    nonlocal x\n", 2, "nonlocal x"),
        ("x = 1\nbreak", 2, "break"),
        ("a = 1\nb = '\0'\nc = 2", 2, "b = '\0'"),
        ("a = 1\nb = '\ud800'\nc = 2", 2, "b = '\ud800'"),
        ("if True:\na = 1", 2, "a = 1"),
        ("if True:\n    a = 1\n\tb = 1", 3, "b = 1"),
        ("a = 1\nb = 'not closed", 2, "b = 'not closed"),
        ("f(a=1, a=2)", 1, "f(a=1, a=2)"),
    ],
)
def test_a_syntax_error_names_the_line(code: str, line: int, text: str) -> None:
    with pytest.raises(SyntaxError) as raised:
        Snippet(code, "<loader 7>", "imglib2_cache_python.user.test_loader_7", {})
    error = raised.value
    assert (error.filename, error.lineno, (error.text or "").strip()) == ("<loader 7>", line, text)
    assert "imglib2_cache_python.user.test_loader_7" not in sys.modules


def test_an_expression_can_be_compiled_too() -> None:
    assert eval(compile_code("1 +\\\r\n 2", "<expression>", "eval")) == 3
    assert linecache.cache.pop("<expression>")[2] == ["1 +\\\n", " 2"]


@pytest.mark.parametrize("code", ["x = 1", "math:sqrt"])
def test_dispose_removes_the_module_and_the_source(code: str) -> None:
    snippet = Snippet(code, "<loader 5>", "imglib2_cache_python.user.test_loader_5", {})
    snippet.dispose()
    assert "imglib2_cache_python.user.test_loader_5" not in sys.modules
    assert "<loader 5>" not in linecache.cache
    snippet.dispose()


def test_objects_of_code_without_functions_are_freed_at_once(make_block: MakeBlock) -> None:
    gc.disable()
    try:
        snippet = Snippet("large = np.zeros(9)", "<l>", "user.large", {})
        snippet.run(make_block())
        large = weakref.ref(snippet._namespace["large"])
        assert snippet.dispose()
        assert large() is None
    finally:
        gc.enable()


def test_dispose_returns_false_if_something_refers_to_the_namespace(make_block: MakeBlock) -> None:
    snippet = Snippet("large = np.zeros(9)\ndef function():\n    return large", "<l>", "user.large", {})
    snippet.run(make_block())
    large = weakref.ref(snippet._namespace["large"])
    assert not snippet.dispose()
    gc.collect()
    assert large() is None


# Function references


@pytest.mark.parametrize(
    ("code", "reference"),
    [
        ("scipy.ndimage:gaussian_filter", ("scipy.ndimage", "gaussian_filter")),
        ("  module:function \n", ("module", "function")),
        ("module:Class.method", ("module", "Class.method")),
        ("größe:maß", ("größe", "maß")),
        ("_a1.b_2:c3", ("_a1.b_2", "c3")),
        ("x:int", ("x", "int")),
        ("x: int", None),
        ("x :int", None),
        ("x = 1", None),
        ("module.function", None),
        ("module:function()", None),
        ("a:b\nc:d", None),
        ("a:b # why", None),
        ("1a:b", None),
        ("a:1b", None),
        ("a::b", None),
        ("a.:b", None),
        ("a:", None),
        (":b", None),
        ("d[a:b]", None),
        ("lambda: 0", None),
        ("", None),
    ],
)
def test_a_function_reference_is_a_module_a_colon_and_a_function(code: str, reference: tuple[str, str] | None) -> None:
    assert function_reference(code) == reference


def test_a_function_gets_the_inputs_and_returns_the_pixels(
    make_snippet: MakeSnippet, make_block: MakeBlock, write_module: WriteModule
) -> None:
    write_module("filters_of_user", "def weighted(a, b, c):\n    return a + 2 * b + 3 * c\n")
    block = make_block((35, 15, 6), inputs=3)
    make_snippet("filters_of_user:weighted").run(block)
    a, b, c = block.inputs
    np.testing.assert_array_equal(block.data, a + 2 * b + 3 * c)


@pytest.mark.parametrize("seed", range(12))
def test_a_padded_result_is_cropped(
    make_snippet: MakeSnippet, make_block: MakeBlock, write_module: WriteModule, seed: int
) -> None:
    write_module("filters_of_user", "def double(a):\n    return 2 * a\n")
    random = np.random.default_rng(seed)
    n = 1 + seed % 6
    dim, lower, upper = (tuple(random.integers(low, high, n).tolist()) for low, high in ((1, 6), (0, 3), (0, 3)))
    block = make_block(dim, lower=lower, upper=upper)
    make_snippet("filters_of_user:double").run(block)
    np.testing.assert_array_equal(block.data, 2 * block.inputs[0][block.halo], strict=True)


def test_a_result_of_the_cells_shape_is_not_cropped(
    make_snippet: MakeSnippet, make_block: MakeBlock, write_module: WriteModule
) -> None:
    write_module("filters_of_user", "def inner(a):\n    return a[1:-1, 2:]\n")
    block = make_block((35, 15), lower=(1, 2), upper=(1, 0))
    make_snippet("filters_of_user:inner").run(block)
    np.testing.assert_array_equal(block.data, block.inputs[0][1:-1, 2:])


def test_a_function_of_scipy_can_be_named(make_snippet: MakeSnippet, make_block: MakeBlock) -> None:
    from scipy import ndimage

    block = make_block((9, 8), lower=(2, 2), upper=(2, 2))
    make_snippet("scipy.ndimage:uniform_filter").run(block)
    np.testing.assert_array_equal(block.data, ndimage.uniform_filter(block.inputs[0])[2:-2, 2:-2])


def test_a_function_without_inputs_is_called_without_arguments(
    make_snippet: MakeSnippet, make_block: MakeBlock, write_module: WriteModule
) -> None:
    write_module("filters_of_user", "def constant():\n    return [[1, 2, 3], [4, 5, 6]]\n")
    block = make_block((2, 3), inputs=0)
    make_snippet("filters_of_user:constant").run(block)
    assert block.data.tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    ("result", "dtype", "error", "message"),
    [
        ("None", "float32", TypeError, "returned None"),
        ("np.zeros((3, 2))", "float32", ValueError, r"\(3, 2\), expected \(2, 3\) or, padded, \(4, 3\)"),
        ("np.zeros((2, 3, 1))", "float32", ValueError, "shape"),
        ("0.0", "float32", ValueError, "shape"),
        ("np.zeros((2, 3))", "uint8", TypeError, r"float64, which does not fit .* uint8; .*astype\(np\.uint8\)"),
        ("np.zeros((2, 3), complex)", "float32", TypeError, "complex128"),
        ("np.zeros((2, 3), np.int64)", "uint16", TypeError, "int64"),
        ("np.full((2, 3), 'x')", "float32", TypeError, "<U1"),
        ("np.full((2, 3), None)", "float32", TypeError, "object"),
        ("np.ma.masked_less(np.eye(2, 3), 1)", "float32", TypeError, r"masked .*result\.filled\(value\)"),
        ("1 / 0", "float32", ZeroDivisionError, "zero"),
        ("(a, 5.0)", "float32", TypeError, r"a tuple of 2 \(ndarray of shape \(4, 3\), float\), expected an array of"),
        ("(a, a)", "float32", ValueError, r"a tuple of 2 \(.*expected an array of shape \(2, 3\).*return one of them"),
        ("[a] * 20", "float32", ValueError, r"a list of 20 \(.*, \.\.\.\), expected"),
        ("[[1, 2], [3]]", "float32", TypeError, "a list of 2"),
        ("(row for row in a)", "float32", TypeError, r"a generator, expected .*np\.stack"),
        ("map(abs, a)", "float32", TypeError, "a map, expected"),
        ("(lambda: (yield a))()", "float32", TypeError, "a generator"),
        ("g(a)", "float32", TypeError, r"a coroutine, expected .*asyncio\.run"),
        ("h(a)", "float32", TypeError, "an async_generator, expected"),
        ("{'image': a}", "float32", TypeError, "a dict, expected .* one of its values"),
        ("{1.0}", "float32", TypeError, "a set"),
        ("Future()", "float32", TypeError, r"a Future, expected .*result\(\)"),
        ("True", "float32", ValueError, r"returned shape \(\), expected \(2, 3\) or, padded, \(4, 3\)"),
        ("a.max()", "float32", ValueError, r"returned shape \(\), expected \(2, 3\)"),
        ("'text'", "float32", TypeError, "a str, expected"),
        ("b'bytes'", "float32", TypeError, "a bytes, expected"),
        ("f", "float32", TypeError, "a function, expected"),
        ("np", "float32", TypeError, "a module, expected"),
        ("np.zeros", "float32", TypeError, "expected an array"),
        ("object()", "float32", ValueError, "an object, expected an array"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_a_function_must_not_return(
    make_snippet: MakeSnippet,
    make_block: MakeBlock,
    write_module: WriteModule,
    result: str,
    dtype: str,
    error: type[Exception],
    message: str,
) -> None:
    write_module(
        "filters_of_user",
        "import numpy as np\nfrom concurrent.futures import Future\nasync def g(a): pass\nasync def h(a): yield a\n"
        f"def f(a):\n    return {result}\n",
    )
    block = make_block((2, 3), dtype=dtype, lower=(1, 0), upper=(1, 0))
    block.data[...] = 1
    with pytest.raises(error, match=message):
        make_snippet("filters_of_user:f").run(block)
    assert (block.data == 1).all()


@pytest.mark.parametrize(
    ("returned", "dtype"),
    [("float64", "float32"), ("int64", "int32"), ("uint8", "float32"), ("bool", "uint8"), ("float32", "complex64")],
)
def test_dtypes_of_the_same_kind_are_converted(
    make_snippet: MakeSnippet, make_block: MakeBlock, write_module: WriteModule, returned: str, dtype: str
) -> None:
    write_module("filters_of_user", f"import numpy as np\ndef f(a):\n    return np.ones(a.shape, '{returned}')\n")
    block = make_block((2, 3), dtype=dtype)
    make_snippet("filters_of_user:f").run(block)
    assert block.data.dtype == dtype
    assert (block.data == 1).all()


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        ("no_such_module_of_user:f", ModuleNotFoundError, "no_such_module_of_user"),
        ("math.nothing:f", ModuleNotFoundError, "math"),
        ("math:nothing", AttributeError, "nothing"),
        ("math:sqrt.nothing", AttributeError, "nothing"),
        ("math:pi", TypeError, "math:pi is a float, expected a function"),
        ("broken_of_user:f", ValueError, "while importing"),
    ],
)
def test_a_reference_to_no_function_is_refused(
    make_snippet: MakeSnippet, write_module: WriteModule, code: str, error: type[Exception], message: str
) -> None:
    write_module("broken_of_user", "raise ValueError('while importing')\n")
    with pytest.raises(error, match=message):
        make_snippet(code)


def test_a_reference_may_lead_into_a_class_or_to_a_callable_object(write_module: WriteModule) -> None:
    write_module(
        "package_of_user.inner",
        "class Filter:\n    @staticmethod\n    def run(): return 5\n    def __call__(self): return 6\n"
        "ready = Filter()\n",
    )
    assert resolve("package_of_user.inner", "Filter.run")[0]() == 5
    assert resolve("package_of_user.inner", "ready")[0]() == 6
