# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Finds the packages that the sub-interpreters of one process must share.

Most packages with compiled code can be loaded only once in a process. They are loaded in the main interpreter and
shared with the sub-interpreters, together with all packages that depend on them, and all that these require.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import Distribution, distributions

# Each interpreter has a jep of its own; user code does not import the others.
_NOT_SHARED = {"jep", "pip", "setuptools", "wheel"}


@dataclass(frozen=True)
class Sharing:
    """The packages that sub-interpreters must share.

    Attributes:
        compiled: Normalised names of the distributions with compiled code, sorted.
        modules: Names of the top-level modules to share, sorted.
    """

    compiled: tuple[str, ...]
    modules: tuple[str, ...]


def find_sharing() -> Sharing:
    """Searches the distributions that are installed in this environment."""
    installed: dict[str, Distribution] = {}
    for dist in distributions():
        name = _name_of(dist)
        if name:
            # Python imports the first one on sys.path.
            installed.setdefault(_normalised(name), dist)
    for name in _NOT_SHARED:
        installed.pop(name, None)
    compiled = {name for name, dist in installed.items() if _is_compiled(dist)}
    requires = {name: _requirements(dist) & installed.keys() for name, dist in installed.items()}
    shared = set(compiled)
    while True:
        dependents = {name for name, required in requires.items() if required & shared}
        required = {requirement for name in shared | dependents for requirement in requires[name]}
        if dependents | required <= shared:
            break
        shared |= dependents | required
    modules = {module for name in shared for module in _top_level_modules(installed[name])}
    return Sharing(tuple(sorted(compiled)), tuple(sorted(modules)))


def _name_of(dist: Distribution) -> str | None:
    """Name of a distribution; None if its installation is broken."""
    try:
        return dist.metadata.get("Name")
    except FileNotFoundError:
        # The package importlib_metadata finds distributions once it is imported, and raises this.
        return None


def _is_compiled(dist: Distribution) -> bool:
    if any(str(file).endswith(tuple(EXTENSION_SUFFIXES)) for file in dist.files or ()):
        return True
    # The files of an editable install lie elsewhere and are not listed: it may have compiled code.
    origin = dist.read_text("direct_url.json")
    return bool(origin and json.loads(origin).get("dir_info", {}).get("editable"))


def _requirements(dist: Distribution) -> set[str]:
    wanted = (line for line in dist.requires or () if "extra ==" not in line and "extra==" not in line)
    return {_normalised(match[0]) for match in (re.match(r"[\w.-]+", line) for line in wanted) if match}


def _top_level_modules(dist: Distribution) -> set[str]:
    tops = {file.parts[0] for file in dist.files or () if len(file.parts) > 1 or file.name.endswith(".py")}
    tops.update(
        file.name.partition(".")[0]
        for file in dist.files or ()
        if len(file.parts) == 1 and file.name.endswith(tuple(EXTENSION_SUFFIXES))
    )
    names = {top.removesuffix(".py") for top in tops}
    return {name for name in names if name.isidentifier() and name != "__pycache__"}


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
