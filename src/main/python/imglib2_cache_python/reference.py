# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Functions that are named by text: ``package.module:function``, or ``/path/file.py:function``.

A module of the user is imported anew if its file has changed since. All interpreters that share ``sys.modules`` share
what is known about that, so that one change leads to one import.

What others import, for instance init code, is known as well, if `note_imports` was called before. Of other modules that
were here already, only changed functions are noticed, and the text counts as unknown.
"""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import itertools
import os
import re
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.machinery import SOURCE_SUFFIXES, ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary, WeakSet, WeakValueDictionary

from imglib2_cache_python import USER_MODULES

# Names of the folders into which packages are installed.
INSTALL_FOLDERS = {"site-packages", "dist-packages"}

_DOTTED_NAME = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"

_FUNCTION_REFERENCE = re.compile(rf"\s*(?P<module>{_DOTTED_NAME}):(?P<function>{_DOTTED_NAME})\s*")

# TrustPolicy in Java knows a form that more texts match: what this matches must match there.
_FILE_REFERENCE = re.compile(rf"[ \t\r\n]*(?P<file>[^ \t\r\n][^\r\n]*\.py):(?P<function>{_DOTTED_NAME})[ \t\r\n]*")


class Reference(NamedTuple):
    """A function that is named by text.

    Attributes:
        source: Name of a module, or path of a file, which ends with ``.py``.
        function: Name of the function in there; with dots if it is an attribute of another object.
    """

    source: str
    function: str

    @property
    def is_file(self) -> bool:
        """Whether the source is a file."""
        return self.source.endswith(".py")


class _Stamp(NamedTuple):
    """What tells that a file has changed."""

    mtime_ns: int
    size: int


class _Known(NamedTuple):
    """A file that was loaded for a reference."""

    stamp: _Stamp | None
    module: ModuleType


# Compiled code that is so much younger than its source is of this source, also where clocks are coarse.
_DOUBTFUL_SECONDS = 3

# By the module, not by its name: sub-interpreters share this, but each has a module of its own.
_stamps: WeakKeyDictionary[ModuleType, _Stamp | None] = WeakKeyDictionary()

# Modules that others have imported, nobody knows when: their stamps are later, so that their text is not known.
_with_unknown_text: WeakSet[ModuleType] = WeakSet()

# Attribute of the spec of a module: the stamp that its file had when the module was looked for.
_NOTED = "_imglib2_cache_python_stamp"

# Attributes with the functions that an object calls, by its class.
_FUNCTIONS_OF = (
    (staticmethod, ("__func__",)),
    (classmethod, ("__func__",)),
    (property, ("fget", "fset", "fdel")),
    (functools.partial, ("func",)),
    (functools.partialmethod, ("func",)),
    (functools.cached_property, ("func",)),
    (type(functools.cache(len)), ("__wrapped__",)),
)

_numbers = itertools.count(1)


class _SourceLoader(SourceFileLoader):
    """Loads a file without a cache of compiled code, which is told by whole seconds whether it is up to date."""

    def path_stats(self, path: str) -> Any:  # noqa: ANN401
        raise OSError(f"{path} is not cached")


class _NotingFinder:
    """Finds what the finders behind it find, and notes of which stamp the file of a module of the user is then."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        is_behind = False
        for finder in list(sys.meta_path):
            if is_behind:
                find = getattr(finder, "find_spec", None)
                # Python itself knows how to ask an old one.
                spec = None if find is None else find(name, path, target)
                if find is None or spec is not None:
                    return _noted(name, spec)
            is_behind |= finder is self
        return None


def _noted(name: str, spec: ModuleSpec | None) -> ModuleSpec | None:
    source = _source_of(spec)
    if source is not None and _is_of_user(name, source):
        # Before the file is read: a later change is then noticed.
        setattr(spec, _NOTED, _stamp_of(source))
        _drop_doubtful_cache(source)
    return spec


def note_imports() -> None:
    """Notes from now on how the files of the user's modules are when anybody imports them in this interpreter."""
    # Compared by name, as interpreters may have classes of their own.
    if not any(type(finder).__name__ == _NotingFinder.__name__ for finder in sys.meta_path):
        sys.meta_path.insert(0, _NotingFinder())


def function_reference(code: str) -> Reference | None:
    """The function that the code names; None if the code is statements."""
    match = _FILE_REFERENCE.fullmatch(code)
    if match and not _is_compound_statement(code):
        return Reference(match["file"], match["function"])
    match = _FUNCTION_REFERENCE.fullmatch(code)
    return Reference(match["module"], match["function"]) if match else None


def _is_compound_statement(code: str) -> bool:
    """Whether the code is, for instance, ``if own.py:f``."""
    with suppress(Exception):
        return not all(isinstance(statement, ast.AnnAssign) for statement in ast.parse(code.strip(" \t\r\n")).body)
    return False


def source_file(code: str) -> str | None:
    """Path of the file that a reference names; None if the code is none, or names no module with Python source.

    Imports nothing but the packages that the module is in.
    """
    reference = function_reference(code)
    return None if reference is None else _source_file(reference)


def _source_file(reference: Reference) -> str | None:
    if reference.is_file:
        return _key(reference.source)
    # Importing a package runs code that can raise anything.
    with suppress(Exception):
        return _source_of(importlib.util.find_spec(reference.source))
    return None


def _users_source(reference: Reference) -> tuple[str, str] | None:
    """Path and text of the module of the user that is named and is imported.

    Returns:
        None if it is not one of the user, if its file has changed since it was imported, or if that is not known.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file is no text.
    """
    path = _source_file(reference)
    if path is None or not _is_of_user("" if reference.is_file else reference.source, path):
        return None
    if reference.is_file:
        known = _loaded().files.get(path)
        stamp = None if known is None else known.stamp
    else:
        module = sys.modules.get(reference.source)
        stamp = None if module is None or module in _with_unknown_text else _stamps.get(module)
    content = Path(path).read_bytes()
    if stamp is None or stamp != _stamp_of(path):
        return None
    return path, importlib.util.decode_source(content)


class Pin:
    """Holds the module that the code of an image was resolved with first.

    Interpreters that share ``sys.modules`` prepare that code one after the other. All get the same module, also if its
    file changes in between. Other interpreters get the same text, see `pin_text`.
    """

    def __init__(self, module: ModuleType, source: tuple[str, str] | None = None) -> None:
        """Holds a module.

        Args:
            module: The module.
            source: Path and text of its file, if it is one of the user and its text is known.
        """
        self.module = module
        self.source = source


class _TextPin(Pin):
    """Holds a module that only images with this pin have: with the last of them, it leaves ``sys.modules``."""

    def __init__(self, module: ModuleType, source: tuple[str, str]) -> None:
        super().__init__(module, source)
        # While an interpreter ends, nothing else may be there any more.
        self._leave = functools.partial(sys.modules.pop, module.__name__, None)

    def __del__(self) -> None:
        self._leave()


class _Loaded(ModuleType):
    """What is known about the modules of one ``sys.modules``, which has it as a module.

    Sub-interpreters share the module that you are reading, but each of them loads the user's modules itself.

    Attributes:
        files: What was loaded, by the path of the file.
        pins: By the image and the source, as long as some interpreter has the code.
        locks: One for each source, because an import may never end.
    """

    NAME = "imglib2_cache_python.loaded"

    def __init__(self) -> None:
        super().__init__(self.NAME)
        self.files: dict[str, _Known] = {}
        self.pins: WeakValueDictionary[tuple[int, str], Pin] = WeakValueDictionary()
        self.locks: dict[str, threading.RLock] = {}


def _loaded() -> _Loaded:
    return sys.modules.get(_Loaded.NAME) or sys.modules.setdefault(_Loaded.NAME, _Loaded())  # type: ignore[return-value]


def pin(source: str, module: ModuleType, image: int) -> Pin:
    """Makes a module the one that `resolve` finds for an image, whatever its file has.

    Args:
        source: Module or file, as the code names it.
        module: The module.
        image: Number of the image.

    Returns:
        What to hold as long as that is to be so.
    """
    held = Pin(module)
    _loaded().pins[image, _key(source)] = held
    return held


def pin_text(code: str, file: str, text: str, image: int) -> Pin | None:
    """Makes a text the module that `resolve` finds for an image: the one with which another interpreter computes it.

    Args:
        code: Names the module.
        file: Path of its file.
        text: What was in there.
        image: Number of the image.

    Returns:
        What to hold until `resolve` has found the module; None if the file still has this text.

    Raises:
        Exception: What the text raises.
    """
    reference = function_reference(code)
    if reference is None:
        return None
    key = _key(reference.source)
    with _lock(key):
        held = _loaded().pins.get((image, key))
        if held is not None:
            return held
        with suppress(OSError, ValueError, SyntaxError):
            if importlib.util.decode_source(Path(file).read_bytes()) == text:
                return None
        # Not by the module's own name, which means what is in the file now.
        module = module_for_text(reference, file, _unused_name(file))
        try:
            exec(compile(text, file, "exec"), vars(module))
        except BaseException:
            sys.modules.pop(module.__name__, None)
            raise
        held = _loaded().pins[image, key] = _TextPin(module, (file, text))
        return held


def module_for_text(reference: Reference, file: str, name: str) -> ModuleType:
    """A new module in which a text can run as if it was in the file of a reference.

    Args:
        reference: What names the file.
        file: Path of the file, which need not be there.
        name: Name of the module in ``sys.modules``.
    """
    module = ModuleType(name)
    module.__file__ = file
    is_package = not reference.is_file and Path(file).name == "__init__.py"
    own = name if reference.is_file else reference.source
    module.__package__ = own if is_package else own.rpartition(".")[0]
    module.__spec__ = importlib.machinery.ModuleSpec(name, None, origin=file, is_package=is_package)
    if is_package:
        module.__path__ = [str(Path(file).parent)]
    # So that objects of its classes can be pickled.
    sys.modules[name] = module
    return module


def resolve(source: str, function: str, image: int | None = None) -> tuple[Any, Pin]:
    """Imports the module or the file of a reference, anew if its file has changed, and returns the function.

    Args:
        source: Module or file.
        function: Function in there.
        image: Number of the image whose code it is. As long as a pin of that image is held, its module is the same.

    Returns:
        The function, and what to hold as long as it is in use.

    Raises:
        Exception: What importing raises.
        TypeError: What is named is not callable.
    """
    reference = Reference(source, function)
    key = _key(source)
    with _lock(key):
        pin = None if image is None else _loaded().pins.get((image, key))
        if pin is None:
            module = _module_of_file(key) if reference.is_file else _module_of_name(source)
            known = None
            # The file can be gone again.
            with suppress(OSError, ValueError, SyntaxError):
                known = _users_source(reference)
            pin = Pin(module, known)
            if image is not None:
                _loaded().pins[image, key] = pin
    found = functools.reduce(getattr, function.split("."), pin.module)
    if not callable(found):
        raise TypeError(f"{source}:{function} is a {type(found).__name__}, expected a function")
    return found, pin


def _key(source: str) -> str:
    """The name of a module, or the absolute path of a file."""
    return os.path.abspath(source) if Reference(source, "").is_file else source


def _unused_name(path: str) -> str:
    return f"{USER_MODULES}file_{next(_numbers)}_{re.sub(r'[^0-9A-Za-z]', '_', Path(path).stem)}"


def _module_of_file(path: str) -> ModuleType:
    stamp = _stamp_of(path)
    if stamp is None:
        raise FileNotFoundError(f"there is no file {path}; expected a Python file, or package.module:function")
    known = _loaded().files.get(path)
    if known is not None and known.stamp == stamp:
        return known.module
    name = _unused_name(path)
    loader = _SourceLoader(name, path)
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    # So that objects of its classes can be pickled.
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    if known is not None:
        sys.modules.pop(known.module.__name__, None)
    _loaded().files[path] = _Known(stamp, module)
    return module


def _module_of_name(name: str) -> ModuleType:
    module = sys.modules.get(name)
    if module is None:
        path = None
        # Importing tells what is wrong.
        with suppress(Exception):
            path = _source_of(importlib.util.find_spec(name))
        if path is not None and _is_of_user(name, path):
            _drop_doubtful_cache(path)
        return _remembered(name, None if path is None else _stamp_of(path))
    path = _source_of(getattr(module, "__spec__", None))
    if path is None or not _is_of_user(name, path):
        return importlib.import_module(name)
    stamp = _stamp_of(path)
    if module not in _stamps and hasattr(module.__spec__, _NOTED):
        # Somebody else has imported it; maybe another thread does so just now.
        module = _remembered(name, stamp)
    elif module not in _stamps and not _has_changed(module, path):
        module = _remembered(name, stamp)
        _with_unknown_text.add(module)
        return module
    # A file that is not there, maybe because an editor replaces it just now, is no reason to import anew.
    if stamp is None or _stamps.get(module) == stamp:
        return module
    with suppress(OSError):
        # By this, Python would tell with whole seconds only whether the file has changed.
        os.remove(importlib.util.cache_from_source(path))
    with _without(name):
        importlib.invalidate_caches()
        return _remembered(name, stamp)


def _has_changed(module: ModuleType, path: str) -> bool:
    """Whether functions in the file of a module have changed since somebody else has imported the module.

    Nobody knows when that was. Nor is anything known about modules whose loader may have changed the text, about
    functions that are not from the file, and about what is no function: a constant can have changed.
    """
    if type(getattr(module.__spec__, "loader", None)) is not SourceFileLoader:
        return False
    try:
        compiled = compile(importlib.util.decode_source(Path(path).read_bytes()), path, "exec", dont_inherit=True)
    except OSError:
        return False
    except Exception:
        # Importing tells what is wrong.
        return True
    known = {compiled}
    remaining = [compiled]
    while remaining:
        inner = [one for one in remaining.pop().co_consts if type(one) is CodeType]
        known.update(inner)
        remaining += inner
    names = (path, module.__spec__.origin)
    return any(code not in known for code in _codes(module) if code.co_filename in names)


def _codes(module: ModuleType) -> Iterator[CodeType]:
    """The code of the functions in a module and its classes. Runs no code of others, as `isinstance` may."""
    remaining = list(vars(module).values())
    seen = set()
    while remaining:
        one = remaining.pop()
        kind = type(one)
        if id(one) in seen:
            continue
        seen.add(id(one))
        if kind is FunctionType:
            if one.__globals__ is vars(module):
                yield one.__code__
            # What a decorator has replaced.
            remaining.append(vars(one).get("__wrapped__"))
            for cell in one.__closure__ or ():
                # One that has no value yet.
                with suppress(ValueError):
                    remaining.append(cell.cell_contents)
        elif issubclass(kind, type):
            if vars(one).get("__module__") == module.__name__:
                remaining += vars(one).values()
        else:
            names = next((names for holder, names in _FUNCTIONS_OF if kind is holder), ())
            remaining += [getattr(one, name, None) for name in names]


def _drop_doubtful_cache(path: str) -> None:
    """Removes compiled code that may be of an earlier text, although Python takes it to be up to date.

    Python compares whole seconds and the size only. Code that was compiled later than that is of this text.
    """
    with suppress(OSError):
        compiled = importlib.util.cache_from_source(path)
        if os.stat(compiled).st_mtime < os.stat(path).st_mtime + _DOUBTFUL_SECONDS:
            os.remove(compiled)


def _remembered(name: str, stamp: _Stamp | None) -> ModuleType:
    module = importlib.import_module(name)
    _stamps[module] = getattr(getattr(module, "__spec__", None), _NOTED, stamp)
    return module


@contextmanager
def _without(name: str) -> Iterator[None]:
    """Removes a module, and the Python modules in it if it is a package; puts them back if something is raised."""
    removed = {
        one: module
        for one, module in list(sys.modules.items())
        if one == name or (one.startswith(f"{name}.") and _source_of(getattr(module, "__spec__", None)))
    }
    for one in removed:
        sys.modules.pop(one, None)
    try:
        yield
    except BaseException:
        sys.modules.update(removed)
        parent, _, last = name.rpartition(".")
        if parent in sys.modules:
            setattr(sys.modules[parent], last, removed[name])
        raise


def _lock(key: str) -> threading.RLock:
    return _loaded().locks.setdefault(key, threading.RLock())


def _source_of(spec: ModuleSpec | None) -> str | None:
    origin = getattr(spec, "origin", None)
    if not getattr(spec, "has_location", False) or not isinstance(origin, str):
        return None
    return os.path.abspath(origin) if origin.endswith(tuple(SOURCE_SUFFIXES)) else None


@functools.cache
def _is_of_user(name: str, path: str) -> bool:
    """Whether a module belongs neither to the standard library nor to an installed package."""
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names or top == USER_MODULES.partition(".")[0]:
        return False
    file = Path(path)
    # sysconfig knows the folder of the standard library, too. But it imports, which must not begin within an import.
    return INSTALL_FOLDERS.isdisjoint(file.parts) and Path(os.__file__).parent not in file.parents


def _stamp_of(path: str) -> _Stamp | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return _Stamp(status.st_mtime_ns, status.st_size)
