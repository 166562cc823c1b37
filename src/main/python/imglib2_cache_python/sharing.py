# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Which packages the sub-interpreters of one process must share, and whether they can.

A package with compiled code can usually be loaded only once in a process. Jep loads it in the main interpreter and
shares it with the sub-interpreters if it is told the names: of the packages with compiled code, of all that depend
on them, and of all that those require.
"""

from __future__ import annotations

import importlib
import importlib.resources
import json
import re
import site
import sys
import sysconfig
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import Distribution, distributions
from pathlib import Path

# Jep itself lives in every interpreter; the others are not imported by user code.
_NOT_SHARED = {"jep", "pip", "setuptools", "wheel"}

_PROVEN_FILE = "proven_in_subinterpreters.txt"


@dataclass(frozen=True)
class Sharing:
    """What the sub-interpreters must share.

    Attributes:
        compiled: Normalised names of the distributions with compiled code, sorted.
        modules: Names of the top-level modules to share, sorted.
        unlisted: Normalised names of the distributions whose files nobody lists (Debian's packages, for instance),
            sorted: they may have compiled code.
    """

    compiled: tuple[str, ...]
    modules: tuple[str, ...]
    unlisted: tuple[str, ...] = ()


def find_sharing() -> Sharing:
    """Looks through the distributions that are installed in this environment."""
    installed: dict[str, Distribution] = {}
    for dist in distributions():
        name = dist.metadata.get("Name")
        if name:
            # The first on sys.path is the one that is imported.
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
    unlisted = (name for name, dist in installed.items() if not dist.files)
    return Sharing(tuple(sorted(compiled)), tuple(sorted(modules)), tuple(sorted(unlisted)))


def choose_mode(version: tuple[int, int], sharing: Sharing) -> tuple[str, str]:
    """The interpreter mode that is safe here, and why.

    Args:
        version: Python's major and minor version.
        sharing: What `find_sharing` found.

    Returns:
        ``( "SUB" or "SHARED", reason )``.
    """
    if version not in ((3, 10), (3, 11)):
        return "SHARED", f"numpy does not work in sub-interpreters of CPython {version[0]}.{version[1]}"
    unproven = sorted(set(sharing.compiled) - proven_distributions())
    if unproven:
        return "SHARED", f"not proven to work in sub-interpreters: {', '.join(unproven)}"
    if sharing.unlisted:
        return "SHARED", f"it is not known whether they have compiled code: {', '.join(sharing.unlisted)}"
    foreign = foreign_paths()
    if foreign:
        return "SHARED", f"what lies there is not known to work in sub-interpreters: {', '.join(foreign)}"
    return "SUB", "every compiled package is proven to work in sub-interpreters"


def proven_distributions() -> set[str]:
    """Normalised names of the distributions that are proven to work in sub-interpreters."""
    # Not Path: this package may lie in a jar.
    lines = importlib.resources.files(__package__).joinpath(_PROVEN_FILE).read_text("utf-8").splitlines()
    return {_normalised(line.strip()) for line in lines if line.strip() and not line.startswith("#")}


def foreign_paths() -> list[str]:
    """Entries of ``sys.path`` that no installer looks after: ``.pth`` files put them there."""
    stdlib = sysconfig.get_path("stdlib")
    known = [stdlib, sysconfig.get_path("platstdlib"), str(Path(stdlib) / "lib-dynload"), _own_location()]
    for prefix in (sys.prefix, sys.base_prefix, sys.base_exec_prefix):
        known += site.getsitepackages([prefix])
        # Debian's packages, and the standard library's compiled modules on Windows.
        known += [str(Path(prefix) / "lib" / "python3" / "dist-packages"), str(Path(prefix) / "DLLs")]
    resolved = {_resolved(path) for path in known}
    return [path for path in sys.path if path and not path.endswith(".zip") and _resolved(path) not in resolved]


def _is_compiled(dist: Distribution) -> bool:
    if any(str(file).endswith(tuple(EXTENSION_SUFFIXES)) for file in dist.files or ()):
        return True
    # The files of an editable install lie elsewhere and are not listed.
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


def _own_location() -> str:
    return str(Path(__file__).parent.parent)


def _resolved(path: str) -> str:
    return str(Path(path).resolve())
