# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Prints what Java must know about a Python before Java starts it in its own process.

The output is the text of a ``java.util.Properties`` file between two marker lines, because a ``sitecustomize`` may
print something, too. The module uses the standard library only.
"""

from __future__ import annotations

import importlib.util
import platform
import re
import sys
import sysconfig
from pathlib import Path

from imglib2_cache_python._probe.installing import command, environment, is_externally_managed, preparation

BEGIN = "<imglib2-cache-python>"
END = "</imglib2-cache-python>"

# Names of Jep's native library on Linux, macOS and Windows.
JEP_LIBRARIES = ("libjep.so", "libjep.jnilib", "jep.dll")


def main(sharing: bool) -> None:
    """Prints the properties of the running Python, if wanted with the packages that sub-interpreters must share."""
    print(f"\n{BEGIN}\n{as_properties(probe() | (find_shared() if sharing else {}))}{END}")


def probe() -> dict[str, str]:
    """Properties of the running Python, without those that are empty."""
    properties = {
        "version": platform.python_version(),
        "implementation": platform.python_implementation(),
        "executable": sys.executable,
        "prefix": sys.prefix,
        "base.prefix": sys.base_prefix,
        "bits": "64" if sys.maxsize > 2**32 else "32",
        "machine": platform.machine(),
        "free.threaded": str(bool(sysconfig.get_config_var("Py_GIL_DISABLED"))).lower(),
        "library": python_library(),
        **{f"jep.{key}": value for key, value in find_jep().items()},
        "numpy.version": find_numpy(),
        "install.preparation": preparation(),
        "install.command": command(),
        "install.environment": str(environment()) if is_externally_managed() else "",
        "folders": "\n".join(folders()),
    }
    return {key: value for key, value in properties.items() if value}


def folders() -> list[str]:
    """The folders that modules are imported from, without this package's own."""
    own = Path(__file__).parents[2]
    return [path for path in sys.path if Path(path).is_dir() and Path(path) != own]


def find_shared() -> dict[str, str]:
    """What only sub-interpreters need. It takes longer than all the rest, because it looks into each package.

    The items of a list are separated by line ends.
    """
    from imglib2_cache_python._probe.sharing import find_sharing

    sharing = find_sharing()
    properties = {"compiled.distributions": "\n".join(sharing.compiled), "shared.modules": "\n".join(sharing.modules)}
    return {key: value for key, value in properties.items() if value}


def find_jep() -> dict[str, str]:
    """Folder, version and native library of the module jep, as far as they exist.

    The module is not imported, which would fail outside of a JVM.
    """
    spec = importlib.util.find_spec("jep")
    if spec is None or not spec.submodule_search_locations:
        return {}
    folder = Path(spec.submodule_search_locations[0])
    found = {"folder": str(folder)}
    version_file = folder / "version.py"
    version = re.search(r"""['"](\d[\w.]*)['"]""", version_file.read_text("utf-8")) if version_file.is_file() else None
    if version:
        found["version"] = version[1]
    library = next((folder / name for name in JEP_LIBRARIES if (folder / name).is_file()), None)
    if library:
        found["library"] = str(library)
    return found


def find_numpy() -> str:
    """Version of numpy; empty if there is no numpy.

    It is read from the name of the folder that describes the installation. To import `importlib.metadata`, which knows
    all that, takes longer than the rest of the probe.
    """
    spec = importlib.util.find_spec("numpy")
    if spec is None:
        return ""
    folders = [Path(location).parent for location in spec.submodule_search_locations or ()]
    described = [
        re.fullmatch(r"numpy-(\d[\w.]*)(-py.*)?\.(dist|egg)-info", path.name)
        for folder in folders
        for path in folder.glob("numpy-*")
    ]
    versions = {match[1] for match in described if match}
    if len(versions) == 1:
        return versions.pop()
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("numpy")
    except PackageNotFoundError:
        return "unknown"


def python_library() -> str:
    """Path of the shared library of this Python; empty if it is not found."""
    names = [sysconfig.get_config_var(name) for name in ("INSTSONAME", "LDLIBRARY")]
    folders = [sysconfig.get_config_var("LIBDIR"), sys.base_prefix]
    multiarch = sysconfig.get_config_var("MULTIARCH")
    if multiarch and folders[0]:
        folders.insert(1, str(Path(folders[0]) / multiarch))
    if sys.platform == "win32":
        names = ["python{}{}.dll".format(*sys.version_info[:2])]
    candidates = (Path(folder) / name for folder in folders if folder for name in names if name)
    return next((str(path) for path in candidates if path.is_file() and path.suffix != ".a"), "")


def as_properties(properties: dict[str, str]) -> str:
    """The text of a ``java.util.Properties`` file, pure ASCII."""
    return "".join(f"{key}={_escaped(value)}\n" for key, value in properties.items())


def _escaped(value: str) -> str:
    utf16 = value.encode("utf-16-be", "surrogatepass")
    units = (int.from_bytes(utf16[i : i + 2], "big") for i in range(0, len(utf16), 2))
    return "".join(chr(u) if 32 < u < 127 and chr(u) not in "\\=:#!" else f"\\u{u:04x}" for u in units)
