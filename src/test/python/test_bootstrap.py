# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of bootstrap.py and open_interpreter.py, the two scripts that Java runs."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import SOURCES

PACKAGE = SOURCES / "imglib2_cache_python"
BOOTSTRAP = (PACKAGE / "_probe" / "bootstrap.py").read_text("utf-8")
OPEN_INTERPRETER = (PACKAGE / "_embedding" / "open_interpreter.py").read_text("utf-8")

OLD_VERSIONS = ["3.6", "3.7", "3.8", "3.9"]


def version_of(python: str | Path) -> str | None:
    """Version of a Python, or None if it does not run: version managers have commands for inactive versions."""
    code = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
    try:
        child = subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return child.stdout.strip() if child.returncode == 0 else None


def find_old_python(version: str) -> tuple[str, str]:
    """Command and version of an old Python on this machine. Skips the test if there is none."""
    on_path = shutil.which(f"python{version}")
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for python in [*([on_path] if on_path else []), *sorted(versions.glob(f"{version}.*/bin/python"))]:
        found = version_of(python)
        if found and found.startswith(f"{version}."):
            return str(python), found
    pytest.skip(f"there is no Python {version} on the PATH or in {versions}")


@pytest.mark.parametrize("version", OLD_VERSIONS)
def test_an_old_python_tells_its_version_only(version: str) -> None:
    python, found = find_old_python(version)
    child = subprocess.run([python, "-I", "-c", BOOTSTRAP, "/nowhere"], capture_output=True, text=True, check=False)
    expected = f"\n<imglib2-cache-python>\nversion={found}\n</imglib2-cache-python>\n"
    assert (child.returncode, child.stdout, child.stderr) == (0, expected, "")


@pytest.mark.parametrize("version", [(3, 0, 0), (3, 6, 15), (3, 9, 18)])
def test_a_version_that_is_too_old_is_all_that_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], version: tuple[int, int, int]
) -> None:
    with monkeypatch.context() as context:
        context.setattr(sys, "version_info", (*version, "final", 0))
        context.setattr(sys, "argv", ["-c"])
        exec(compile(BOOTSTRAP, "<string>", "exec"), {})
    expected = "\n<imglib2-cache-python>\nversion={}.{}.{}\n</imglib2-cache-python>\n".format(*version)
    assert capsys.readouterr().out == expected


def test_any_python_3_can_read_the_bootstrap() -> None:
    ast.parse(BOOTSTRAP, feature_version=(3, 7))


def test_a_package_that_is_not_there_ends_the_bootstrap(tmp_path: Path) -> None:
    child = subprocess.run(
        [sys.executable, "-I", "-c", BOOTSTRAP, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert child.returncode != 0
    assert "No module named 'imglib2_cache_python'" in child.stderr
    assert "<imglib2-cache-python>" not in child.stdout


# Acts as Java: defines the names, runs the text, and calls the worker.
JAVA = """
import sys
text, location, folder, mode, result = sys.argv[1:]

class Lines:
    def __init__(self):
        self.lines = []
    def accept(self, line):
        self.lines.append(line)

# Imitates a sub-interpreter: the package that the main interpreter imports, and the parts of Jep that are used.
asked = []
main_interpreter = {"sys": type(sys)("sys"), "builtins": __import__("builtins")}
main_interpreter["sys"].path = []
main_module = type(sys)("imglib2_cache_python._embedding.main_interpreter")
main_module.is_shared = lambda name: False
main_module.connect = lambda *arguments: asked.append(arguments)
main_module.disconnect = lambda own_sys: asked.append("disconnect")
main_module.run_exit_functions = lambda: asked.append("exit functions")
main_module.is_alone = lambda: True
main_module.threading = __import__("threading")
main_module.end = lambda own_sys: asked.append("end") or True

class JepSharedModuleImporter:
    def sharedImport(self, name):
        main_interpreter[name] = main_module
    @property
    def sharedImporter(self):
        return self
    def find_spec(self, *_):
        return None
if mode == "SUB":
    for name in ("_jep", "jep", "jep.shared_modules_hook"):
        sys.modules[name] = type(sys)(name)
    sys.modules["_jep"].mainInterpreterModules = main_interpreter
    sys.modules["jep"].findClass = lambda _: type("Thread", (), {"interrupted": staticmethod(lambda: False)})
    sys.modules["jep.shared_modules_hook"].JepSharedModuleImporter = JepSharedModuleImporter
    sys.meta_path.append(JepSharedModuleImporter())

out, err = Lines(), Lines()
names = {
    "location": location,
    "module_path": [folder, folder],
    "mode": mode,
    "shared_modules": "numpy\\nscipy",
    "crash_file": "",
    "out": out,
    "err": err,
    "end_of_jvm": [0],
}
exec(text, names)
import numpy as np
from imglib2_cache_python._worker import protocol
constants = "\\n".join(f"{name}={value}" for name, value in protocol._CONSTANTS.items())
request, control = np.zeros(200, np.int64), np.zeros(200, np.int64)
layout = [5, 1, 2, 3, 1]
layout += [protocol.OUTPUT, 0, 0, 0, 1, 0, 3, 8]
layout += [protocol.READ, 0, 0, 0, 1, 0, 5, 8]
numbers = [1, 0, 1, 0, 0, len(layout), *layout, *[0, 0, -1, -2, 0, 0, 0, 2]]
request[: 1 + len(numbers)] = [1 + len(numbers), *numbers]
stack = np.zeros(200, np.uint8)
worker = names["Worker"]("python_1_worker_1", mode, constants, "float64", request, control, stack)
statuses = [
    worker.initialise("print('init')\\nimport scipy", 30.0, result + ".stack"),
    worker.prepare(5, "filters_of_user:shifted", "<loader 5>"),
    worker.step(np.zeros(3), np.arange(5.0)),
    worker.prepare(6, "block.data[...] = scipy.ndimage.gaussian_filter(block.inputs[0], 1)[block.halo]", "<loader 6>"),
    worker.execute("import sys\\nprint('unfinished', end='', file=sys.stderr)\\nsys.exit(3)"),
]
import json
with open(result, "w", encoding="utf-8") as file:
    json.dump({
        "statuses": statuses,
        "failure": worker.failure(),
        "out": out.lines,
        "err": err.lines,
        "path": sys.path,
        "main path": main_interpreter["sys"].path,
        "imported by main": list(main_interpreter)[2:],
        "shared": [list(asked[0][3]), list(asked[0][4])] if asked else None,
        "closed": [worker.close(), *asked[1:]],
        "finders": [type(finder).__name__ for finder in sys.meta_path],
        "start method": __import__("multiprocessing").get_start_method(),
    }, file)
"""


@pytest.mark.parametrize("mode", ["SHARED", "SUB"])
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "jar"])
def test_what_java_runs_makes_a_worker(tmp_path: Path, mode: str, packed: bool) -> None:
    location = str(SOURCES)
    if packed:
        jar = tmp_path / "größe 1.0.jar"
        with zipfile.ZipFile(jar, "w") as zipped:
            for file in PACKAGE.rglob("*.py"):
                zipped.write(file, "META-INF/python" / file.relative_to(SOURCES))
        location = str(jar / "META-INF" / "python")
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "filters_of_user.py").write_text("def shifted(a):\n    print('called')\n    return a + 1\n", "utf-8")
    result = tmp_path / "result.json"
    child = subprocess.run(
        [sys.executable, "-I", "-B", "-c", JAVA, OPEN_INTERPRETER, location, str(folder), mode, str(result)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (child.returncode, child.stdout, child.stderr) == (0, "", ""), child.stderr
    told = json.loads(result.read_text("utf-8"))
    assert told["statuses"] == [0, 0, 0, 0, 1]
    assert told["failure"][:5] == ["SystemExit", "3", "<task>", "3", "sys.exit(3)"]
    assert told["failure"][6:] == ["<module>", "<task>", "3"]
    assert (told["out"], told["err"]) == (["init", "called"], ["unfinished"])
    assert told["path"][0] == location
    assert told["path"].count(str(folder)) == 1
    if mode == "SUB":
        assert told["main path"] == [location, str(folder)]
        assert told["imported by main"] == ["imglib2_cache_python._embedding.main_interpreter"]
        assert told["shared"] == [["numpy", "scipy"], [location, str(folder), str(folder)]]
        assert told["closed"] == [0, "exit functions", "end", "disconnect"]
        assert "SharedModules" in told["finders"]
        assert "JepSharedModuleImporter" not in told["finders"]
    else:
        assert told["imported by main"] == []
        assert told["closed"] == [0]
        assert told["start method"] == "spawn"
