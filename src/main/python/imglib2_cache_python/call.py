# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""How a function reference is called: with inputs, parameters and the block; and whether it takes them."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from inspect import Parameter, Signature
from typing import Any

import numpy as np

from imglib2_cache_python.block import Block
from imglib2_cache_python.settings import Settings

# Keyword arguments of a ufunc.
_OF_UFUNCS = ("out", "where", "axes", "axis", "keepdims", "casting", "order", "dtype", "subok", "signature", "sig")

# Number of arguments that a message lists.
_MAX_LISTED = 30

_BY_POSITION = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_BY_NAME = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


def prepare_call(function: Callable[..., Any], settings: Settings) -> Callable[[Block], Any]:
    """What calls the function for a block, so that nothing has to be looked up for each block.

    Inputs without a name are arguments in their order, those with a name are keyword arguments, as the parameters are.
    An argument that is called ``block`` is the block; the inputs are the others.
    """
    bound = partial(function, **settings.parameters) if settings.parameters else function
    place = _place_of_block(_signature(function))
    names = settings.input_names
    unnamed = [i for i, name in enumerate(names) if name is None]
    named = [(name, i) for i, name in enumerate(names) if name is not None]
    if place is None and not named:
        return lambda block: bound(*block.inputs)

    def call(block: Block) -> Any:  # noqa: ANN401
        inputs = block.inputs
        arguments: list[Any] = [inputs[i] for i in unnamed] if names else [*inputs]
        keywords: dict[str, Any] = {name: inputs[i] for name, i in named}
        if place is not None:
            if place <= len(arguments):
                arguments.insert(place, block)
            else:
                keywords["block"] = block
        return bound(*arguments, **keywords)

    return call


def check_call(function: Callable[..., Any], name: str, settings: Settings) -> None:
    """Raises if the function does not take the inputs and parameters; a function that does not tell is not checked.

    Args:
        function: The function.
        name: What messages call it.
        settings: With a name, or None, for each input.

    Raises:
        TypeError: It says which argument is wrong, or missing, and what to do.
    """
    unnamed = sum(one is None for one in settings.input_names)
    given = {one: f"the parameter {one!r}" for one in settings.parameters}
    given.update((one, f"the input {one!r}") for one in settings.input_names if one is not None)
    given.update((one, f"the opened object {one!r}") for one in settings.opened)
    if isinstance(function, np.ufunc):
        _check_ufunc(function, name, unnamed, given)
        return
    signature = _signature(function)
    if signature is None:
        return
    takes = {one: parameter for one, parameter in signature.parameters.items() if one != "block"}
    kinds = {parameter.kind for parameter in takes.values()}
    by_position = [one for one, parameter in takes.items() if parameter.kind in _BY_POSITION]
    by_name = [one for one, parameter in takes.items() if parameter.kind in _BY_NAME]
    for one, what in given.items():
        if one not in by_name and Parameter.VAR_KEYWORD not in kinds:
            remedy = _nearest(one, by_name)
            if one in by_position:
                remedy = f"; it takes {one!r} only by its position: make it an input without a name"
            raise TypeError(f"{name} takes no argument {one!r}, which is {what}; {_listed(takes.values())}{remedy}")
    if unnamed > len(by_position) and Parameter.VAR_POSITIONAL not in kinds:
        has_block = "block" in signature.parameters
        raise TypeError(
            f"{name} takes {_count(len(by_position), 'input')} without a name at most, got {unnamed}; "
            f"{_listed(takes.values())}"
            + ("; its argument 'block' is the block, not an input: rename it if you want an input" if has_block else "")
        )
    for place, one in enumerate(by_position[:unnamed]):
        if one in given:
            raise TypeError(
                f"{name} gets its argument {one!r} twice: {given[one]}, and input {place}, which has no name; "
                f"{_listed(takes.values())}; give the input the name of the argument that it is"
            )
    filled = {*by_position[:unnamed], *given}
    missing = [
        one
        for one, parameter in takes.items()
        if parameter.default is Parameter.empty and one not in filled and parameter.kind in _BY_POSITION + _BY_NAME
    ]
    if missing:
        several = len(missing) > 1
        it = "each" if several else "it"
        how = f"give {it} as a parameter, or as an input of that name" if missing[0] in by_name else "add an input"
        raise TypeError(f"{name} needs the argument{'s' * several} {', '.join(map(repr, missing))}; {how}")


def _check_ufunc(function: np.ufunc, name: str, unnamed: int, given: dict[str, str]) -> None:
    for one, what in given.items():
        if one not in _OF_UFUNCS:
            raise TypeError(
                f"{name} takes no argument {one!r}, which is {what}; it takes {_count(function.nin, 'input')} without "
                f"a name, and {', '.join(_OF_UFUNCS)}{_nearest(one, _OF_UFUNCS)}"
            )
    if unnamed != function.nin:
        raise TypeError(f"{name} takes {_count(function.nin, 'input')} without a name, got {unnamed}")


def _signature(function: Callable[..., Any]) -> Signature | None:
    """None if it is not known, as of some functions in C."""
    if isinstance(function, np.ufunc):
        return None
    # Objects of the user can raise anything.
    try:
        return inspect.signature(function)
    except Exception:
        return None


def _place_of_block(signature: Signature | None) -> int | None:
    """Before how many inputs without a name the block is an argument; None if it is none."""
    parameters: Sequence[Parameter] = [] if signature is None else list(signature.parameters.values())
    for place, parameter in enumerate(parameters):
        if parameter.name == "block" and parameter.kind in _BY_POSITION + _BY_NAME:
            # Those after `*inputs` are given by name.
            return place if parameter.kind in _BY_POSITION else 1 << 30
    return None


def _listed(parameters: Iterable[Parameter]) -> str:
    texts = [
        {Parameter.VAR_POSITIONAL: "*", Parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "") + parameter.name
        for parameter in parameters
    ]
    more = ", ..." if len(texts) > _MAX_LISTED else ""
    return f"it takes {', '.join(texts[:_MAX_LISTED])}{more}" if texts else "it takes none"


def _nearest(name: str, names: Sequence[str]) -> str:
    nearest = difflib.get_close_matches(name, names, 1)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
