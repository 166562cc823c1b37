# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""What is kept of an exception of user code: text only, so that no object outlives the failure."""

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

# In the place of a frame's function: its file is advice. No function is called so.
ADVICE = "<advice>"

# Longer names of files, functions and classes are shortened.
_MAX_NAME = 1_000

# Of the traceback of an exception, these many innermost entries are looked at.
_MAX_DEPTH = 2_000

# Causes, contexts and members of groups, together with the exception itself, that are told as Python does. If there
# are more, the first and the last are told one after the other, and so many are visited at most.
_MAX_EXCEPTIONS = 500
_MAX_NESTING = 50
_MAX_VISITED = 100_000
_MAX_TOLD = 100

# Flag of the classes that are not built in.
_HEAP_TYPE = 1 << 9

# Python 3.10 has no groups.
_GROUP: Any = getattr(builtins, "BaseExceptionGroup", None)
_GROUP_LIMITS: dict[str, Any] = {"max_group_width": _MAX_EXCEPTIONS, "max_group_depth": _MAX_NESTING} if _GROUP else {}

# Frames of this package, and of the import machinery between it and a module of the user.
_HIDDEN_FILES = (str(Path(__file__).parent) + os.sep, importlib.__file__, "<frozen importlib._bootstrap")


@dataclass(frozen=True)
class Failure:
    """An exception as text.

    Attributes:
        type_name: Qualified name of the exception's class, without ``builtins``.
        message: ``str( exception )``, shortened to `MAX_MESSAGE` characters.
        file: File, or name of the snippet, of the user's line; empty if there is none.
        line: Number of the user's line, 1 for the first; 0 if there is none.
        source: Text of the user's line, stripped and shortened to `MAX_MESSAGE` characters; empty if unknown.
        traceback: The traceback as Python prints it, shortened to `MAX_TRACEBACK` characters, without the frames
            of this package and of importlib.
        frames: ``( function, file, line )``, innermost first, at most `MAX_FRAMES`.
        advice: What can be done about it; empty if that is not known. Nothing that Python has told is changed by it.
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
        """All fields as a flat list of strings: crosses into Java in one call.

        Three for each frame are at the end; where there is advice, it follows in the place of a frame's file.
        """
        flat = [self.type_name, self.message, self.file, str(self.line), self.source, self.traceback]
        for function, file, line in self.frames:
            flat += [function, file, str(line)]
        if self.advice:
            flat += [ADVICE, self.advice, "0"]
        return [transferable(text) for text in flat]


def capture(error: BaseException) -> Failure:
    """Describes an exception; never raises, whatever the exception does when it is asked."""
    try:
        return _capture(error)
    except BaseException as second:
        # Out of memory, a recursion limit just reached, a hostile __str__: say at least what is known for sure.
        name = type.__getattribute__(type(error), "__name__")
        note = f"{name} (it could not be described: {type(second).__name__})"
        return Failure(name, note, "", 0, "", note, ())


def transferable(text: str) -> str:
    """The text with what Java's strings cannot take (lone surrogates, NUL) replaced by escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def capture_stack(frame: FrameType) -> Failure:
    """Describes where a thread is, as if a ``TimeoutError`` had just been raised there."""
    summary = _shown(traceback.StackSummary.extract(traceback.walk_stack(frame), limit=_MAX_DEPTH))
    summary.reverse()
    text = "Stack (most recent call last):\n" + "".join(summary.format())
    file, line, source = _users_line(TimeoutError(), summary)
    source, text = _shortened(source, MAX_MESSAGE), _shortened(text, MAX_TRACEBACK)
    return Failure("TimeoutError", "", _name(file), line, source, text, _frames(summary))


def _capture(error: BaseException) -> Failure:
    summary, text = _told_by_python(error) or (_stack_of(error), _told_one_by_one(error))
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


def _told_by_python(error: BaseException) -> tuple[traceback.StackSummary, str] | None:
    """Stack and text as Python tells them; None if that would take too long or fails."""
    for number, (_, nesting, one) in enumerate(_family(error)):
        if number == _MAX_EXCEPTIONS or nesting > _MAX_NESTING or _is_devious(type(one)):
            return None
    # Whatever the exception raises when it is asked, there is another way to describe it.
    with suppress(BaseException):
        described = traceback.TracebackException.from_exception(error, compact=True, limit=-_MAX_DEPTH, **_GROUP_LIMITS)
        pending = [described]
        while pending:
            one = pending.pop()
            # Without a stack, no line announces it.
            one.stack = _shown(one.stack) or None  # type: ignore[assignment]
            # Not left to the end: one message can be longer than all that is told.
            for attribute in ("_str", "text"):
                text = getattr(one, attribute, None)
                if isinstance(text, str):
                    setattr(one, attribute, _shortened(text, MAX_MESSAGE))
            linked = (one.__cause__, one.__context__, *(getattr(one, "exceptions", None) or ()))
            pending += [other for other in linked if other is not None]
        return described.stack or traceback.StackSummary(), "".join(described.format())
    return None


def _told_one_by_one(error: BaseException) -> str:
    """The exception, its causes, contexts and members, each for itself."""
    told: list[str] = []
    last: deque[tuple[str, BaseException]] = deque(maxlen=_MAX_TOLD // 2)
    number = 0
    for relation, _, one in _family(error):
        number += 1
        if number <= _MAX_TOLD // 2:
            told.append(_told_alone(relation, one))
        elif number <= _MAX_VISITED:
            last.append((f"Exception {number}, {relation}", one))
        else:
            break
    left_out = number - len(told) - len(last)
    if left_out:
        told.append(f"... ({left_out}{' or more' if number > _MAX_VISITED else ''} exceptions left out) ...\n")
    return "\n".join(told + [_told_alone(relation, one) for relation, one in last])


def _told_alone(relation: str, error: BaseException) -> str:
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


def _family(error: BaseException) -> Iterator[tuple[str, int, BaseException]]:
    """The exception and all that Python would tell with it, as ``( relation, nesting in groups, exception )``.

    A member of several groups comes several times.
    """
    seen = {id(error)}
    pending = [("", 0, error)]
    while pending:
        relation, nesting, one = pending.pop()
        yield relation, nesting, one
        # Not the attributes, which a class may have made anything.
        cause = BaseException.__cause__.__get__(one)
        context = None if BaseException.__suppress_context__.__get__(one) else BaseException.__context__.__get__(one)
        members = _GROUP.exceptions.__get__(one) if _GROUP and issubclass(type(one), _GROUP) else ()
        name = _qualified_name(type(one))
        for what, other in ((f"raised while handling what led to {name}", context), (f"cause of {name}", cause)):
            if other is not None and id(other) not in seen:
                seen.add(id(other))
                pending.append((what, nesting, other))
        relation = f"member of {name}"
        pending += [(relation, nesting + 1, other) for other in reversed(members[:_MAX_VISITED])]


def _is_devious(cls: type) -> bool:
    """Whether a class has its own say in what belongs to an exception, which can be more and more of them."""
    return any(
        name in vars(base)
        for base in type.__dict__["__mro__"].__get__(cls)
        if type.__dict__["__flags__"].__get__(base) & _HEAP_TYPE
        for name in ("__getattribute__", "__cause__", "__context__", "__suppress_context__", "exceptions")
    )


def _stack_of(error: BaseException) -> traceback.StackSummary:
    found = BaseException.__traceback__.__get__(error)
    return _shown(traceback.StackSummary.extract(traceback.walk_tb(found), limit=-_MAX_DEPTH))


def _frames(stack: traceback.StackSummary) -> tuple[tuple[str, str, int], ...]:
    innermost = stack[: -MAX_FRAMES - 1 : -1]
    return tuple((_name(frame.name), _name(frame.filename), frame.lineno or 0) for frame in innermost)


def _shown(stack: traceback.StackSummary) -> traceback.StackSummary:
    return traceback.StackSummary.from_list([frame for frame in stack if not frame.filename.startswith(_HIDDEN_FILES)])


def _users_line(error: BaseException, summary: traceback.StackSummary) -> tuple[str, int, str]:
    """The innermost line of a snippet, else of whatever code was called first, else of a syntax error."""
    # Not isinstance, which asks the exception itself.
    if issubclass(type(error), SyntaxError) and (not summary or error.filename == summary[-1].filename):
        # User code can have put anything there.
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
    # Not the attributes, which a metaclass may have made anything.
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
