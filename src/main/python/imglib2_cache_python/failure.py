# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Exceptions of user code as text. No object is kept, so that none outlives the failure."""

from __future__ import annotations

import builtins
import importlib
import os
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

MAX_MESSAGE = 10_000
MAX_TRACEBACK = 100_000
MAX_FRAMES = 200

# Marks an entry of the list of frames that is no frame: its file is the advice. No function has this name.
ADVICE = "<advice>"

# Names of files, functions and classes are shortened to this length.
_MAX_NAME = 1_000

# Number of innermost entries that are read of a traceback.
_MAX_DEPTH = 2_000

# Limits for an exception together with its causes, contexts and members of groups. Python formats all of them if there
# are at most `_MAX_EXCEPTIONS`, nested in at most `_MAX_NESTING` groups. If there are more, at most `_MAX_VISITED` are
# visited. The first and the last ones, `_MAX_SHOWN` in all, are then formatted one after the other.
_MAX_EXCEPTIONS = 500
_MAX_NESTING = 50
_MAX_VISITED = 100_000
_MAX_SHOWN = 100

# CPython's flag of classes that are not built in.
_HEAP_TYPE = 1 << 9

# Python 3.10 has no exception groups.
_GROUP: Any = getattr(builtins, "BaseExceptionGroup", None)
_GROUP_LIMITS: dict[str, Any] = {"max_group_width": _MAX_EXCEPTIONS, "max_group_depth": _MAX_NESTING} if _GROUP else {}

# Frames of these files are not shown: those of this package, and of the import machinery.
_HIDDEN_FILES = (str(Path(__file__).parent) + os.sep, importlib.__file__, "<frozen importlib._bootstrap")


@dataclass(frozen=True)
class Failure:
    """An exception as text.

    Attributes:
        type_name: Qualified name of the exception's class, without ``builtins``.
        message: ``str( exception )``, shortened to `MAX_MESSAGE` characters.
        file: File of the user's line, or the name of its snippet; empty if there is no such line.
        line: Number of the user's line, counted from 1; 0 if there is no such line.
        source: Text of the user's line, stripped and shortened to `MAX_MESSAGE` characters; empty if unknown.
        traceback: The traceback as Python prints it, shortened to `MAX_TRACEBACK` characters, without the frames
            of this package and of importlib.
        frames: ``( function, file, line )``, innermost first, at most `MAX_FRAMES`.
        advice: What the user can do about it; empty if unknown. The other texts are as Python gives them.
    """

    type_name: str
    message: str
    file: str
    line: int
    source: str
    traceback: str
    frames: tuple[tuple[str, str, int], ...]
    advice: str = ""

    def to_strings(self) -> list[str]:
        """All fields as a flat list of strings, which is handed to Java in one call.

        Six texts, then three strings per frame. Advice, if there is any, follows as the file of one more frame.
        """
        flat = [self.type_name, self.message, self.file, str(self.line), self.source, self.traceback]
        for function, file, line in self.frames:
            flat += [function, file, str(line)]
        if self.advice:
            flat += [ADVICE, self.advice, "0"]
        return [transferable(text) for text in flat]


def capture(error: BaseException) -> Failure:
    """Describes an exception. Never raises, whatever the methods of the exception do."""
    try:
        return _capture(error)
    except BaseException as second:
        # For instance no memory, the recursion limit, a __str__ that raises: report at least the name of the class.
        name = type.__getattribute__(type(error), "__name__")
        note = f"{name} (it could not be described: {type(second).__name__})"
        return Failure(name, note, "", 0, "", note, ())


def transferable(text: str) -> str:
    """The text with escapes for the characters that cannot be handed to Java: lone surrogates and NUL."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def capture_stack(frame: FrameType) -> Failure:
    """Describes the stack of a thread, as if it had just raised a ``TimeoutError``.

    Args:
        frame: The innermost frame of the thread.
    """
    summary = _without_hidden_frames(traceback.StackSummary.extract(traceback.walk_stack(frame), limit=_MAX_DEPTH))
    summary.reverse()
    text = "Stack (most recent call last):\n" + "".join(summary.format())
    file, line, source = _users_line(TimeoutError(), summary)
    source, text = _shortened(source, MAX_MESSAGE), _shortened(text, MAX_TRACEBACK)
    return Failure("TimeoutError", "", _name(file), line, source, text, _frames(summary))


def _capture(error: BaseException) -> Failure:
    summary, text = _formatted_by_python(error) or (_stack_of(error), _formatted_one_by_one(error))
    file, line, source = _users_line(error, summary)
    return Failure(
        _qualified_name(type(error)),
        _shortened(_message(error), MAX_MESSAGE),
        _name(file),
        line,
        _shortened(source, MAX_MESSAGE),
        _shortened(text, MAX_TRACEBACK),
        _frames(summary),
    )


def _formatted_by_python(error: BaseException) -> tuple[traceback.StackSummary, str] | None:
    """Stack and text as Python formats them; None if that fails or would take too long."""
    for number, (_, nesting, one) in enumerate(_with_related(error)):
        if number == _MAX_EXCEPTIONS or nesting > _MAX_NESTING or _replaces_links(type(one)):
            return None
    # If a method of the exception raises, the caller describes the exception in another way.
    with suppress(BaseException):
        described = traceback.TracebackException.from_exception(error, compact=True, limit=-_MAX_DEPTH, **_GROUP_LIMITS)
        pending = [described]
        while pending:
            one = pending.pop()
            # With an empty stack, Python would print the header of a traceback without any line.
            one.stack = _without_hidden_frames(one.stack) or None  # type: ignore[assignment]
            # Each text is shortened on its own: one message can be longer than the whole traceback may be.
            for attribute in ("_str", "text"):
                text = getattr(one, attribute, None)
                if isinstance(text, str):
                    setattr(one, attribute, _shortened(text, MAX_MESSAGE))
            linked = (one.__cause__, one.__context__, *(getattr(one, "exceptions", None) or ()))
            pending += [other for other in linked if other is not None]
        return described.stack or traceback.StackSummary(), "".join(described.format())
    return None


def _formatted_one_by_one(error: BaseException) -> str:
    """The exception, its causes, contexts and members, each formatted on its own."""
    texts: list[str] = []
    last: deque[tuple[str, BaseException]] = deque(maxlen=_MAX_SHOWN // 2)
    number = 0
    for relation, _, one in _with_related(error):
        number += 1
        if number <= _MAX_SHOWN // 2:
            texts.append(_formatted_alone(relation, one))
        elif number <= _MAX_VISITED:
            last.append((f"Exception {number}, {relation}", one))
        else:
            break
    left_out = number - len(texts) - len(last)
    if left_out:
        texts.append(f"... ({left_out}{' or more' if number > _MAX_VISITED else ''} exceptions left out) ...\n")
    return "\n".join(texts + [_formatted_alone(relation, one) for relation, one in last])


def _formatted_alone(relation: str, error: BaseException) -> str:
    lines = [f"{relation}:\n" if relation else ""]
    with suppress(BaseException):
        stack = _stack_of(error)
        if stack:
            lines += ["Traceback (most recent call last):\n", *stack.format()]
    message = _shortened(_message(error), MAX_MESSAGE)
    lines.append(_qualified_name(type(error)) + (f": {message}\n" if message else "\n"))
    with suppress(BaseException):
        lines += [_shortened(str(note), MAX_MESSAGE) + "\n" for note in getattr(error, "__notes__", ())]
    return "".join(lines)


def _with_related(error: BaseException) -> Iterator[tuple[str, int, BaseException]]:
    """The exception and all exceptions that Python would print with it: ``( relation, nesting in groups, exception )``.

    A member of several groups occurs several times.
    """
    seen = {id(error)}
    pending = [("", 0, error)]
    while pending:
        relation, nesting, one = pending.pop()
        yield relation, nesting, one
        # The attributes of the exception itself are not used: its class may have replaced them.
        cause = BaseException.__cause__.__get__(one)
        context = None if BaseException.__suppress_context__.__get__(one) else BaseException.__context__.__get__(one)
        members = _GROUP.exceptions.__get__(one) if _GROUP and issubclass(type(one), _GROUP) else ()
        name = _qualified_name(type(one))
        for link, other in ((f"context of {name}", context), (f"cause of {name}", cause)):
            if other is not None and id(other) not in seen:
                seen.add(id(other))
                pending.append((link, nesting, other))
        pending += [(f"member of {name}", nesting + 1, other) for other in reversed(members[:_MAX_VISITED])]


def _replaces_links(cls: type) -> bool:
    """Whether a class replaces the attributes that link exceptions, which could then link more and more of them."""
    return any(
        name in vars(base)
        for base in type.__dict__["__mro__"].__get__(cls)
        if type.__dict__["__flags__"].__get__(base) & _HEAP_TYPE
        for name in ("__getattribute__", "__cause__", "__context__", "__suppress_context__", "exceptions")
    )


def _stack_of(error: BaseException) -> traceback.StackSummary:
    found = BaseException.__traceback__.__get__(error)
    return _without_hidden_frames(traceback.StackSummary.extract(traceback.walk_tb(found), limit=-_MAX_DEPTH))


def _frames(stack: traceback.StackSummary) -> tuple[tuple[str, str, int], ...]:
    innermost = stack[: -MAX_FRAMES - 1 : -1]
    return tuple((_name(frame.name), _name(frame.filename), frame.lineno or 0) for frame in innermost)


def _without_hidden_frames(stack: traceback.StackSummary) -> traceback.StackSummary:
    return traceback.StackSummary.from_list([frame for frame in stack if not frame.filename.startswith(_HIDDEN_FILES)])


def _users_line(error: BaseException, summary: traceback.StackSummary) -> tuple[str, int, str]:
    """File, line and text of the user's line.

    It is the line of the syntax error if the code could not be compiled, else the innermost line of a snippet, else the
    outermost line of all.
    """
    # `isinstance` would read attributes of the exception.
    if issubclass(type(error), SyntaxError) and (not summary or error.filename == summary[-1].filename):
        # User code may have set these attributes to anything.
        file, line, text = error.filename, error.lineno, error.text
        if type(file) is str and type(line) is int and 0 <= line < 1 << 31:
            return file, line, text.strip() if type(text) is str else ""
    if not summary:
        return "", 0, ""
    snippets = [frame for frame in summary if frame.filename.startswith("<") and frame.line]
    frame = snippets[-1] if snippets else summary[0]
    return frame.filename, frame.lineno or 0, frame.line or ""


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException as second:
        return f"<no message: {_qualified_name(type(error))}.__str__ raised {_qualified_name(type(second))}>"


def _qualified_name(cls: type) -> str:
    # The attributes of the class itself are not used: a metaclass may have replaced them.
    name = type.__dict__["__qualname__"].__get__(cls)
    module = type.__dict__["__module__"].__get__(cls)
    return _name(name if module in ("builtins", "__main__") else f"{module}.{name}")


def _name(text: str) -> str:
    return _shortened(text, _MAX_NAME)


def _shortened(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n... ({len(text) - limit} characters left out) ...\n{text[-half:]}"
