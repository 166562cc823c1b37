# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Makes the Python environment (.venv) that the build, the tests and the examples run with.

    python3 make_environment.py --venv .venv --requirements requirements.txt [--jdk /path/to/jdk]

The Python that runs this script becomes the environment's Python. A current environment is left alone; one whose
requirements changed is brought up to date (packages that are no longer required stay); any other one, such as that of
an interrupted run, is made afresh. Before anything is made, one message reports all that is missing on this machine;
the exit code is then 1.

Up to that report the script runs on Python 3.6, so that an old Python can report that it is too old.
"""

import argparse
import contextlib
import hashlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

OLDEST_PYTHON = (3, 10)
NEWEST_PYTHON = (3, 14)  # for the search on the PATH only: a newer one is not refused

# Part of the stamp. Increase it when environments of earlier versions of this script must be made afresh.
SCRIPT_VERSION = 1

# Files in the environment's folder. The lock is made first and stays: where it is, this script may empty the folder.
LOCK = "make_environment.lock"
STAMP = "make_environment.json"
LOG = "make_environment.log"

# These make pip install other packages, or elsewhere. The user's settings of how to reach packages are kept.
DISTURBING_PIP_SETTINGS = {
    "PIP_CONSTRAINT",
    "PIP_DRY_RUN",
    "PIP_NO_DEPS",
    "PIP_PREFIX",
    "PIP_PYTHON",
    "PIP_REQUIREMENT",
    "PIP_REQUIRE_VIRTUALENV",
    "PIP_ROOT",
    "PIP_TARGET",
}


class SetupError(Exception):
    """The environment cannot be made. The user sees only the message, which says why and what to do."""


# The Python that runs this script -------------------------------------------------------------------------------------


class Interpreter(NamedTuple):
    """The facts about a Python that decide whether Jep can be compiled for it and run in it."""

    executable: str
    build: str
    version: "tuple[int, ...]"
    implementation: str
    free_threaded: bool
    missing_modules: "list[str]"
    headers: str
    libpython: str
    library_folders: "list[str]"

    def __str__(self) -> str:
        """Its version and path."""
        return f"Python {'.'.join(map(str, self.version))} ({self.executable})"

    @property
    def series(self) -> str:
        """The version as in the names of packages, for instance 3.12."""
        return f"{self.version[0]}.{self.version[1]}"

    @property
    def comes_with_linux(self) -> bool:
        """Whether it is a Linux distribution's own Python, whose parts are separate packages."""
        return sys.platform == "linux" and self.executable.startswith("/usr/bin/")


def running_interpreter() -> Interpreter:
    """The Python that runs this script, or the one that its virtual environment was made of."""
    variables = sysconfig.get_config_vars()
    folder = variables.get("LIBDIR") or ""
    # Not LDLIBRARY, which can be a static library beside the shared one, as in Conda.
    library = f"libpython{variables.get('LDVERSION')}.{'dylib' if sys.platform == 'darwin' else 'so'}"
    return Interpreter(
        executable=base_executable(),
        build=sys.version,
        version=tuple(sys.version_info[:3]),
        implementation=sys.implementation.name,
        free_threaded=bool(variables.get("Py_GIL_DISABLED")),
        missing_modules=[name for name in ("venv", "ensurepip") if not importlib.util.find_spec(name)],
        headers=sysconfig.get_path("include"),
        libpython=library,
        library_folders=[folder, str(Path(folder, variables.get("MULTIARCH") or ""))],
    )


def base_executable() -> str:
    """The path of the running Python outside any virtual environment.

    If .venv is activated, python3 is the environment's own Python. The environment cannot be made of that.
    """
    if sys.prefix == sys.base_prefix:
        return sys.executable
    names = [f"python{sys.version_info[0]}.{sys.version_info[1]}", "python3", "python.exe"]
    candidates = [Path(getattr(sys, "_base_executable", sys.executable))]
    candidates += [Path(sys.base_prefix, folder, name) for name in names for folder in ("bin", "")]
    outside = (path for path in candidates if path.exists() and Path(sys.prefix) not in path.parents)
    return str(next(outside, sys.executable))


# What can be missing --------------------------------------------------------------------------------------------------


class Problem(NamedTuple):
    """A thing that is missing on this machine, what was found instead, and what to do about it."""

    missing: str
    found: str
    remedy: str

    def __str__(self) -> str:
        """The item of the message, in several lines."""
        return f"{self.missing}\nFound: {self.found}\nTo do: {self.remedy}"


def check_machine(python: Interpreter, builds_jep: bool, jdk: "str | None") -> None:
    """Raises a SetupError that names everything that is missing on this machine."""
    environment = dict(os.environ)
    problems = check_python(python)
    if not problems:  # what an unsuitable Python lacks besides is of no interest
        problems += check_venv(python)
        if builds_jep:
            problems += check_headers(python) + check_libpython(python)
    if builds_jep:
        problems += check_jdk(jdk, environment) + check_compiler(environment)
    if problems:
        count = "One thing is" if len(problems) == 1 else f"{len(problems)} things are"
        items = (f"{number}. {problem}".replace("\n", "\n     ") for number, problem in enumerate(problems, 1))
        raise SetupError(f"{count} missing on this machine:\n  " + "\n  ".join(items))


def check_python(python: Interpreter) -> "list[Problem]":
    """Whether Jep and numpy can run in this Python at all."""
    found = str(python)
    if python.implementation != "cpython":
        missing = "CPython: Jep embeds no other implementation of Python."
        found += f", which is {python.implementation}"
    elif python.version < OLDEST_PYTHON:
        missing = f"Python {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or newer."
    elif python.free_threaded:
        missing = "A Python with the global interpreter lock: Jep does not run without it."
        found += ", which is free-threaded"
    else:
        return []
    return [Problem(missing, found, another_python())]


def check_venv(python: Interpreter) -> "list[Problem]":
    """Whether this Python can make virtual environments: Debian has that part in a separate package."""
    if not python.missing_modules:
        return []
    missing = f"The module {' and '.join(python.missing_modules)}, to make a virtual environment."
    return [Problem(missing, f"{python} does not have it", python_part(python, "venv", "libs"))]


def check_headers(python: Interpreter) -> "list[Problem]":
    """Whether C code can be compiled for this Python: many distributions have that part in a separate package."""
    if Path(python.headers, "Python.h").is_file():
        return []
    found = f"no Python.h in {python.headers}, the place of {python}"
    return [Problem("The C headers of Python, to compile jep.", found, python_part(python, "dev", "devel"))]


def check_libpython(python: Interpreter) -> "list[Problem]":
    """Whether this Python has the shared library that the linker looks for; on Windows, all have it."""
    folders = list(dict.fromkeys(python.library_folders))
    if os.name == "nt" or any(Path(folder, python.libpython).exists() for folder in folders):
        return []
    if python.comes_with_linux:
        remedy = python_part(python, "dev", "devel")
    else:
        version = ".".join(map(str, python.version))
        remedy = (
            "compile that Python with --enable-shared, for instance\n"
            f"  PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install --force {version}\n"
            "or name another Python: mvn -Dpython=/path/to/python3 ..."
        )
    found = f"no {python.libpython} in {' or '.join(folders)}, the place of {python}"
    return [Problem("The shared library of Python, which Jep is linked to.", found, remedy)]


def check_jdk(given: "str | None", environment: "Mapping[str, str]") -> "list[Problem]":
    """Whether there is a JDK to compile jep with."""
    home, origin = find_jdk(given, environment)
    if has_jni(home):
        return []
    found = f"no include/jni.h in {home} ({origin})" if home else origin
    other, _ = find_jdk(None, {})
    if other and has_jni(other):
        remedy = f"use this one: export JAVA_HOME={shlex.quote(str(other))}"
    else:
        package = system_package("default-jdk", "java-latest-openjdk-devel", "openjdk")
        remedy = f"{package}\nand let JAVA_HOME point to it"
    return [Problem("A JDK, to compile jep; a JRE is not enough.", found, remedy)]


def find_jdk(given: "str | None", environment: "Mapping[str, str]") -> "tuple[Path | None, str]":
    """The home of the JDK to use, and what names it; or None, and where it was searched for."""
    if given:
        return Path(given), "--jdk"
    if environment.get("JAVA_HOME"):
        return Path(environment["JAVA_HOME"].strip('"')), "JAVA_HOME"
    if sys.platform == "darwin":  # its /usr/bin/javac starts the JDK that this command finds
        asked = subprocess.run(["/usr/libexec/java_home"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if asked.returncode == 0:
            return Path(os.fsdecode(asked.stdout).strip()), "/usr/libexec/java_home"
    javac = shutil.which("javac")
    if javac:
        return Path(javac).resolve().parent.parent, f"{javac} on the PATH"
    return None, "neither --jdk nor JAVA_HOME is set, and no javac is on the PATH"


def has_jni(home: "Path | None") -> bool:
    """Whether this is a JDK: a JRE does not have the headers of JNI."""
    return home is not None and (home / "include" / "jni.h").is_file()


def check_compiler(environment: "Mapping[str, str]") -> "list[Problem]":
    """Whether there is a C compiler to compile jep with."""
    if os.name == "nt" or find_compiler(environment):  # on Windows setuptools knows where to look
        return []
    if environment.get("CC"):
        found = f"CC={environment['CC']}, which is not on the PATH"
    elif sys.platform == "darwin":
        found = "no command line tools of Xcode"
    else:
        found = f"no {' or '.join(compiler_names(environment))} on the PATH"
    return [Problem("A C compiler, to compile jep.", found, system_package("build-essential", "gcc", None))]


def find_compiler(environment: "Mapping[str, str]") -> "str | None":
    """The C compiler's command, without options."""
    if sys.platform == "darwin" and not environment.get("CC"):
        # /usr/bin/clang always exists, but without the command line tools it only offers to install them.
        asked = subprocess.run(["xcode-select", "-p"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if asked.returncode != 0:
            return None
    return next(filter(shutil.which, compiler_names(environment)), None)


def compiler_names(environment: "Mapping[str, str]") -> "list[str]":
    """The command in CC alone if it is set, else the compiler that made this Python and the usual ones."""
    if environment.get("CC"):
        return shlex.split(environment["CC"])[:1]
    own = shlex.split(sysconfig.get_config_var("CC") or "")[:1]
    return list(dict.fromkeys([*own, "cc", "gcc", "clang"]))


def system_package(debian: str, fedora: str, homebrew: "str | None") -> str:
    """The command that installs a package on this system; on an unknown system, the commands of several ones."""
    if sys.platform == "darwin":
        return f"brew install {homebrew}" if homebrew else "xcode-select --install"
    apt, dnf = f"sudo apt install {debian}", f"sudo dnf install {fedora}"
    if shutil.which("apt-get"):
        return apt
    if shutil.which("dnf"):
        return dnf
    return f"{apt} (Debian, Ubuntu) or {dnf} (Fedora)"


def python_part(python: Interpreter, debian: str, fedora: str) -> str:
    """How to get a part of this Python that distributions have in a separate package."""
    name = f"python{python.series}"
    other = "name another Python: mvn -Dpython=/path/to/python3 ..."
    if python.comes_with_linux or sys.platform == "darwin":
        command = system_package(f"{name}-{debian}", f"{name}-{fedora}", f"python@{python.series}")
        return f"{command}\nor {other}"
    return f"install that Python completely, or {other}"


def another_python() -> str:
    """How to get a suitable Python: the newest one on the PATH, if there is any."""
    fits = "import sys, sysconfig; sys.exit(sys.implementation.name != 'cpython' or GIL)"
    fits = fits.replace("GIL", "sysconfig.get_config_var('Py_GIL_DISABLED')")
    for minor in range(NEWEST_PYTHON[1], OLDEST_PYTHON[1] - 1, -1):
        command = shutil.which(f"python3.{minor}")
        # It is tried, because version managers have commands for inactive versions, too, which fail.
        if command and subprocess.call([command, "-I", "-c", fits], stderr=subprocess.DEVNULL) == 0:
            return f"use this one: mvn -Dpython={command} ..."
    package = system_package("python3 python3-venv python3-dev", "python3 python3-devel", "python3")
    return (
        f"{package}\n"
        "or, if that is too old as well, get one with pyenv, conda or uv;\n"
        "then name it: mvn -Dpython=/path/to/python3 ..."
    )


# The environment ------------------------------------------------------------------------------------------------------


class Environment:
    """A virtual environment, with a stamp that says what it was made from."""

    def __init__(self, folder: Path, requirements: Path, python: Interpreter) -> None:
        """Reads the requirements; the folder need not exist yet."""
        self.folder = folder
        self.requirements = requirements
        self.python = python
        self._required = requirements.read_text(encoding="utf-8")

    @property
    def executable(self) -> Path:
        """The environment's Python."""
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def is_current(self) -> bool:
        """Whether nothing has to be done."""
        return self._read_stamp() == self._current_stamp() and self._runs()

    def is_upgradable(self) -> bool:
        """Whether it is complete and of the same Python, so that only its packages must be brought up to date."""
        old, new = self._read_stamp(), self._current_stamp()
        return bool(old) and {**old, "requirements": ""} == {**new, "requirements": ""} and self._runs()

    def builds_jep(self) -> bool:
        """Whether jep must be compiled to bring it up to date."""
        version = self._pinned_version("jep")
        if version is None:
            return False
        name = f"site-packages/jep-{version}.dist-info"
        installed = [*self.folder.glob(f"lib/python*/{name}"), *self.folder.glob(f"Lib/{name}")]
        return not (installed and self.is_upgradable())

    def refuse_foreign_folder(self) -> None:
        """Raises a SetupError if the folder, which may be emptied, holds files that this script did not make."""
        if not self.folder.exists() or (self.folder / LOCK).exists():
            return
        if not self.folder.is_dir():
            found = "is not a folder"
        elif (self.folder / "pyvenv.cfg").exists():
            found = "is a virtual environment that something else made"
        elif any(self.folder.iterdir()):
            found = "is not empty, and not a virtual environment (no pyvenv.cfg)"
        else:
            return
        raise SetupError(
            f"{self.folder} {found}, and is left as it is.\n"
            f"  If nobody needs it, delete it: rm -r {shlex.quote(str(self.folder))}\n"
            "  Otherwise name another place: mvn -Dpython.venv=/path/to/folder ..."
        )

    def update(self, jdk: "str | None") -> None:
        """Makes the environment, or brings it up to date; the caller must hold the lock.

        The stamp is deleted first and written last: an interrupted run leaves none.
        """
        in_place, builds_jep = self.is_upgradable(), self.builds_jep()
        self._path(STAMP).unlink(missing_ok=True)
        self._path(LOG).write_text("", encoding="utf-8")
        if not in_place:
            self._empty_folder()
            self._run("virtual environment", [self.python.executable, "-I", "-m", "venv", str(self.folder)])
        if builds_jep:
            self._install_jep(jdk)
        self._pip("other packages" if builds_jep else "packages", "-r", str(self.requirements))
        self._write_stamp()

    def _install_jep(self, jdk: "str | None") -> None:
        """Compiles jep, which is published as source code only.

        Build isolation is off, because pinning packages in there depends on the version of pip. Pip's cache is off,
        because it could hold a jep that was linked to another Python of the same version.
        """
        home, _ = find_jdk(jdk, os.environ)
        variables = {"JAVA_HOME": str(home)}
        compiler = find_compiler(os.environ)
        if compiler and not os.environ.get("CC"):
            variables["CC"] = compiler
        pins = ["-c", str(self.requirements)]
        self._pip("what jep is built with", *pins, "setuptools", "numpy")
        options = ["--no-build-isolation", "--no-cache-dir", "--no-binary=jep", "--no-deps"]
        self._pip(f"jep {self._pinned_version('jep')}, compiled", *pins, *options, "jep", **variables)

    def _pip(self, what: str, *arguments: str, **variables: str) -> None:
        options = ["--disable-pip-version-check", "--no-input", "install", "--progress-bar=off"]
        self._run(what, [str(self.executable), "-I", "-m", "pip", *options, *arguments], **variables)

    def _run(self, what: str, command: "list[str]", **variables: str) -> None:
        """Runs a command that prints to the log; if it fails, raises a SetupError with the end of its output."""
        print(f"  {what} ...", end="", flush=True)
        start = time.monotonic()
        begin = self._path(LOG).stat().st_size
        with self._path(LOG).open("ab") as log:
            environment = {**clean_environment(os.environ), **variables}
            # Files stay open, so that the command holds the lock, too: it may outlive a run that is killed.
            code = subprocess.call(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, close_fds=False
            )
        print(f" {time.monotonic() - start:.1f} s" if code == 0 else " failed", flush=True)
        if code != 0:
            printed = self._path(LOG).read_bytes()[begin:].decode(errors="replace")
            last = "\n".join(f"  | {line}" for line in printed.splitlines()[-30:])
            raise SetupError(
                f"{explain(printed)}\n{last}\n"
                f"  The command: {' '.join(map(shlex.quote, command))}\n"
                f"  All that it printed: {self._path(LOG)}"
            )

    def _empty_folder(self) -> None:
        for path in self.folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name not in (LOCK, LOG):
                path.unlink()

    def _runs(self) -> bool:
        """Whether the environment's Python starts, and is still the one that the environment was made of."""
        command = [str(self.executable), "-I", "-S", "-c", "import sys; print(sys.version)"]
        environment = clean_environment(os.environ)
        try:
            printed = subprocess.check_output(command, stderr=subprocess.DEVNULL, env=environment)
        except (OSError, subprocess.CalledProcessError):
            return False
        return printed.decode().split() == self.python.build.split()

    def _current_stamp(self) -> "dict[str, object]":
        return {
            "script": SCRIPT_VERSION,
            "folder": os.path.realpath(self.folder),
            "interpreter": os.path.realpath(self.python.executable),
            "build": self.python.build,
            "requirements": hashlib.sha256(self._required.encode()).hexdigest(),
        }

    def _read_stamp(self) -> "dict[str, object] | None":
        try:
            return dict(json.loads(self._path(STAMP).read_text(encoding="utf-8")))
        except (OSError, TypeError, ValueError):
            return None

    def _write_stamp(self) -> None:
        unfinished = self._path(STAMP + ".unfinished")
        unfinished.write_text(json.dumps(self._current_stamp(), indent=1) + "\n", encoding="utf-8")
        unfinished.replace(self._path(STAMP))

    def _pinned_version(self, package: str) -> "str | None":
        match = re.search(rf"^{package}==([^\s;#]+)", self._required, re.MULTILINE)
        return match.group(1) if match else None

    def _path(self, name: str) -> Path:
        return self.folder / name


def clean_environment(environment: "Mapping[str, str]") -> "dict[str, str]":
    """The environment variables for a child process, without those that disturb Python or pip."""
    disturbing = {"VIRTUAL_ENV", "__PYVENV_LAUNCHER__"} | DISTURBING_PIP_SETTINGS
    kept = {k: v for k, v in environment.items() if k not in disturbing and not k.startswith("PYTHON")}
    return {**kept, "PIP_USER": "0"}  # against a "user = yes" in pip.conf, which is an error in a virtual environment


def explain(printed: str) -> str:
    """Why pip failed, in a sentence."""
    if "No space left on device" in printed:
        return "The disk is full."
    if re.search(r"Retry\(total=0|Max retries exceeded|ReadTimeoutError|ConnectionResetError|IncompleteRead", printed):
        return (
            "Packages cannot be downloaded: the package index is not reachable.\n"
            "  To do: check the network. Behind a proxy: export HTTPS_PROXY=http://host:port\n"
            "  With a mirror: pip config set global.index-url https://..."
        )
    if re.search("No matching distribution found|ResolutionImpossible", printed):
        return (
            "A package is not offered in the pinned version for this Python on this machine.\n"
            "  To do: name another Python: mvn -Dpython=/path/to/python3 ..."
        )
    if re.search(r"subprocess-exited-with-error|metadata-generation-failed|Failed (to build|building)", printed):
        return "A package cannot be compiled; the compiler's first error tells why."
    return "A command failed."


@contextlib.contextmanager
def locked(folder: Path) -> "Iterator[None]":
    """Keeps other runs out of the folder. The system releases the lock when the process ends, however it ends.

    On POSIX, the commands that the process has started hold the lock, too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("a") as file:
        if not try_lock(file.fileno()):
            print(f"Waiting for another run that makes {folder} ...", flush=True)
            while not try_lock(file.fileno()):
                time.sleep(0.2)
        os.set_inheritable(file.fileno(), True)
        yield


def try_lock(file: int) -> bool:
    """Takes the lock if it is free; returns whether this process holds it now."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # another process has it, on POSIX and on Windows
        return False
    return True


def make(venv: Path, requirements: Path, jdk: "str | None") -> None:
    """Makes the environment, or brings it up to date; raises a SetupError or OSError if that is not possible."""
    python = running_interpreter()
    environment = Environment(venv, requirements, python)
    if environment.is_current():
        print(f"The Python environment {venv} is current.")
        return
    environment.refuse_foreign_folder()
    check_machine(python, environment.builds_jep(), jdk)
    with locked(venv):
        if environment.is_current():  # another run, which had the lock, has made it
            return
        print(f"Python environment {venv}, {python}:", flush=True)
        start = time.monotonic()
        environment.update(jdk)
        print(f"  ready after {time.monotonic() - start:.0f} s", flush=True)


def main(arguments: "list[str] | None" = None) -> int:
    """Runs the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Makes the Python environment of this project.")
    parser.add_argument("--venv", type=Path, required=True, help="the folder of the environment")
    parser.add_argument("--requirements", type=Path, required=True, help="the file that pins the packages")
    parser.add_argument("--jdk", help="the JDK that jep is compiled with; default: JAVA_HOME, or javac on the PATH")
    options = parser.parse_args(arguments)
    venv = options.venv.absolute()
    try:
        make(venv, options.requirements.absolute(), options.jdk)
        return 0
    except SetupError as error:
        message = str(error)
    except OSError as error:
        message = f"{error.filename or ''}: {error.strerror or error}"
    except KeyboardInterrupt:
        message = "Interrupted; the next run starts afresh."
    print(f"The Python environment {venv} cannot be made.\n{message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that pip ends when Maven is stopped
    sys.exit(main())
