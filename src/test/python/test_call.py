# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of call.py: what a function is called with, and which calls are refused."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from imglib2_cache_python.block import Block
from imglib2_cache_python.call import check_call, prepare_call
from imglib2_cache_python.settings import Settings

MakeBlock = Callable[..., Block]


def record(*arguments: Any, **named: Any) -> Any:
    return arguments, named


def block_first(block, a, sigma=1):
    return (block, a), {"sigma": sigma}


def block_second(a, block, b=None, *, sigma=1):
    return (a, block, b), {"sigma": sigma}


def block_by_name(a, *, block, raw=None):
    return (a,), {"block": block, "raw": raw}


def block_by_position(a, block, /):
    return (a, block), {}


def block_after_all(*inputs, block):
    return inputs, {"block": block}


def named_block(*inputs, **block):
    return inputs, block


def images(one, two, /, three, *, sigma, radius=2):
    pass


class Blur:
    def __call__(self, image, sigma=1):
        return (image,), {"sigma": sigma}


@pytest.mark.parametrize(
    ("function", "names", "parameters", "arguments", "keywords"),
    [
        (record, [], {}, [0, 1, 2], {}),
        (record, [None, None, None], {"k": 5}, [0, 1, 2], {"k": 5}),
        (record, [None, "raw", None], {"k": 5}, [0, 2], {"raw": 1, "k": 5}),
        (record, ["c", "b", "a"], {}, [], {"a": 2, "b": 1, "c": 0}),
        (block_first, [None], {"sigma": 7}, ["block", 0], {"sigma": 7}),
        (block_second, [None, None], {}, [0, "block", 1], {"sigma": 1}),
        (block_second, [None], {}, [0, "block", None], {"sigma": 1}),
        (block_second, [None, "b"], {}, [0, "block", 1], {"sigma": 1}),
        (block_second, ["a"], {}, [0, "block", None], {"sigma": 1}),
        (block_by_name, [None, "raw"], {}, [0], {"block": "block", "raw": 1}),
        (block_by_position, [None], {}, [0, "block"], {}),
        (block_after_all, [None, None], {}, [0, 1], {"block": "block"}),
        (block_after_all, [], {}, [0, 1, 2], {"block": "block"}),
        (named_block, [None], {}, [0], {}),
        (Blur(), [None], {"sigma": 3}, [0], {"sigma": 3}),
        (functools.partial(block_first, sigma=4), [None], {}, ["block", 0], {"sigma": 4}),
    ],
)
def test_inputs_parameters_and_the_block_are_the_arguments(
    make_block: MakeBlock,
    function: Callable[..., Any],
    names: Sequence[str | None],
    parameters: dict[str, Any],
    arguments: list[Any],
    keywords: dict[str, Any],
) -> None:
    block = make_block(inputs=len(names) or 3)
    settings = Settings(parameters, names)
    if names:
        check_call(function, "function", settings)

    def wanted(value: Any) -> Any:
        return block if value == "block" else value

    got, got_keywords = prepare_call(function, settings)(block)
    assert len(got) == len(arguments)
    for value, what in zip(got, arguments, strict=True):
        assert value is (block.inputs[what] if isinstance(what, int) else wanted(what))
    assert got_keywords.keys() == keywords.keys()
    named = {name: i for i, name in enumerate(names) if name}
    for name, what in keywords.items():
        assert got_keywords[name] is (block.inputs[named[name]] if name in named else wanted(what))


def fails(function: Callable[..., Any], names: Sequence[str | None], parameters: dict[str, Any]) -> str:
    with pytest.raises(TypeError) as raised:
        check_call(function, "package:function", Settings(parameters, names))
    return str(raised.value)


@pytest.mark.parametrize(
    ("function", "names", "parameters", "message"),
    [
        (
            block_first,
            [None],
            {"sigam": 2},
            "package:function takes no argument 'sigam', which is the parameter 'sigam'; it takes a, sigma; "
            "did you mean 'sigma'?",
        ),
        (
            block_first,
            [None, "raw"],
            {},
            "package:function takes no argument 'raw', which is the input 'raw'; it takes a, sigma",
        ),
        (
            block_first,
            [None] * 3,
            {},
            "package:function takes 2 inputs without a name at most, got 3; it takes a, sigma; its argument 'block' "
            "is the block, not an input: rename it if you want an input",
        ),
        (
            images,
            [None, None, None, None],
            {"sigma": 1},
            "package:function takes 3 inputs without a name at most, got 4; it takes one, two, three, sigma, radius",
        ),
        (
            images,
            [None] * 3,
            {},
            "package:function needs the argument 'sigma'; give it as a parameter, or as an input of that name",
        ),
        (images, [None], {"sigma": 1}, "package:function needs the arguments 'two', 'three'; add an input"),
        (images, [None] * 2, {}, "package:function needs the arguments 'three', 'sigma'; give each as a parameter"),
        (
            images,
            [None, "two", "three"],
            {"sigma": 1},
            "takes no argument 'two', which is the input 'two'; it takes one, two, three, sigma, radius; it takes "
            "'two' only by its position: make it an input without a name",
        ),
        (
            block_first,
            [None],
            {"a": 2},
            "package:function gets its argument 'a' twice: the parameter 'a', and input 0, which has no name; it takes "
            "a, sigma; give the input the name of the argument that it is",
        ),
        (lambda: 0, [None], {}, "takes 0 inputs without a name at most, got 1; it takes none"),
        (np.add, [None], {}, "package:function takes 2 inputs without a name, got 1"),
        (np.add, [None] * 3, {}, "package:function takes 2 inputs without a name, got 3"),
        (
            np.sqrt,
            [None],
            {"dtipe": "f4"},
            "takes no argument 'dtipe', which is the parameter 'dtipe'; it takes 1 input",
        ),
        (np.sqrt, ["x"], {}, "takes no argument 'x', which is the input 'x'"),
    ],
)
def test_other_arguments_are_refused(
    function: Callable[..., Any], names: Sequence[str | None], parameters: dict[str, Any], message: str
) -> None:
    assert message in fails(function, names, parameters)


def test_functions_of_packages_are_taken() -> None:
    from scipy import ndimage

    check_call(ndimage.gaussian_filter, "f", Settings({"sigma": 2}, [None]))
    check_call(ndimage.median_filter, "f", Settings({"size": 3, "mode": "nearest"}, ["input"]))
    check_call(np.add, "f", Settings({"dtype": "f8"}, [None, None]))
    assert "sigma" in fails(ndimage.gaussian_filter, [None], {})


def test_a_function_that_does_not_tell_is_not_checked(make_block: MakeBlock) -> None:
    class Silent:
        @property
        def __signature__(self) -> None:
            raise KeyError

        def __call__(self, *arguments: Any, **named: Any) -> Any:
            return len(arguments), named

    for function in (Silent(), max):
        check_call(function, "f", Settings({"anything": 2}, [None] * 7))
    assert prepare_call(Silent(), Settings({"k": 1}, [None]))(make_block()) == (1, {"k": 1})


def test_a_call_looks_nothing_up(make_block: MakeBlock, monkeypatch: pytest.MonkeyPatch) -> None:
    call = prepare_call(block_second, Settings({"sigma": 2}, [None, "b"]))
    monkeypatch.setattr("inspect.signature", None)
    assert call(make_block(inputs=2))[1] == {"sigma": 2}
