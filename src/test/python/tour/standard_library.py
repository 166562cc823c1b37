# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""The part of the tour that goes through the standard library.

Each stop computes ``3 * n + 1`` with a module and checks other functions of the module. As in user code, a stop imports
its modules itself: the worker that comes first imports them.
"""

from __future__ import annotations

from tour.itinerary import stop


@stop
def _abc(n: int) -> int:
    import abc

    class Shape(abc.ABC):
        @abc.abstractmethod
        def area(self) -> int: ...

    class Strip(Shape):
        def area(self) -> int:
            return 3 * n + 1

    try:
        Shape()  # type: ignore[abstract]
    except TypeError:
        assert issubclass(Strip, Shape)
        return Strip().area()
    raise AssertionError("an abstract class has an instance")


@stop
def _argparse(n: int) -> int:
    import argparse

    parser = argparse.ArgumentParser(prog="tour")
    parser.add_argument("--offset", type=int, default=1)
    parser.add_argument("numbers", type=int, nargs="+")
    parsed = parser.parse_args([*[str(n)] * 3, "--offset", "1"])
    return sum(parsed.numbers) + parsed.offset


@stop
def _array(n: int) -> int:
    import array

    numbers = array.array("q", [n, n, n, 1])
    numbers.byteswap()
    numbers.byteswap()
    return sum(array.array("q", numbers.tobytes()))


@stop
def _ast(n: int) -> int:
    import ast

    class Triple(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            return ast.Constant(3 * n) if node.id == "x" else node

    tree = ast.fix_missing_locations(Triple().visit(ast.parse("x + 1", mode="eval")))
    assert ast.literal_eval("{'a': [1, 2.5, None]}") == {"a": [1, 2.5, None]}
    assert ast.unparse(tree) == f"{3 * n} + 1"
    return eval(compile(tree, "<tour>", "eval"))


@stop
def _asyncio(n: int) -> int:
    import asyncio

    async def number(value: int) -> int:
        await asyncio.sleep(0.001)
        return value

    async def main() -> int:
        queue: asyncio.Queue[int] = asyncio.Queue()
        async with asyncio.Lock():
            await queue.put(await asyncio.wait_for(number(1), 60))
        numbers = await asyncio.gather(*(number(n) for _ in range(3)))
        assert asyncio.get_running_loop().is_running()
        return sum(numbers) + await queue.get()

    return asyncio.run(main())


@stop
def _asyncio_in_threads(n: int) -> int:
    import asyncio
    import time

    async def main() -> int:
        await asyncio.to_thread(time.sleep, 0.001)
        return await asyncio.get_running_loop().run_in_executor(None, lambda: 3 * n + 1)

    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(main())
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


@stop
def _base64(n: int) -> int:
    import base64

    data = (3 * n + 1).to_bytes(8, "big")
    for encode, decode in (
        (base64.b64encode, base64.b64decode),
        (base64.b32encode, base64.b32decode),
        (base64.b85encode, base64.b85decode),
        (base64.a85encode, base64.a85decode),
    ):
        assert decode(encode(data)) == data
    return int.from_bytes(base64.urlsafe_b64decode(base64.urlsafe_b64encode(data)), "big")


@stop
def _binascii(n: int) -> int:
    import binascii

    assert binascii.crc32(b"123456789") == 0xCBF43926
    return int.from_bytes(binascii.unhexlify(binascii.hexlify((3 * n + 1).to_bytes(4, "big"))), "big")


@stop
def _bisect(n: int) -> int:
    import bisect

    numbers = list(range(0, 3 * n + 2))
    bisect.insort(numbers, -1)
    return bisect.bisect_left(numbers, 3 * n)


@stop
def _bz2(n: int) -> int:
    import bz2

    return int(bz2.decompress(bz2.compress(b"%d" % (3 * n + 1) + b" " * 10_000)))


@stop
def _calendar(n: int) -> int:
    import calendar

    assert calendar.monthrange(2024, 2) == (3, 29)
    assert calendar.TextCalendar().formatmonth(2026, 1).splitlines()[0].strip() == "January 2026"
    return 3 * n + sum(calendar.isleap(year) for year in range(2001, 2005))


@stop
def _cmath_and_math(n: int) -> int:
    import cmath
    import math

    assert abs(cmath.exp(1j * math.pi) + 1) < 1e-12
    return round(math.fsum([n] * 3 + [0.1] * 10)) + math.isqrt(n * n) - n


@stop
def _collections(n: int) -> int:
    import collections

    point = collections.namedtuple("point", "x y")(n, 2 * n)
    counter = collections.Counter("abracadabra")
    groups = collections.defaultdict(list)
    for letter in "abracadabra":
        groups[letter].append(letter)
    assert {letter: len(group) for letter, group in groups.items()} == counter
    queue = collections.deque([1, 2, 3], maxlen=2)
    assert collections.ChainMap({"a": 1}, {"b": 2})["b"] == queue[0]
    return point.x + point.y + counter["c"]


@stop
def _concurrent_futures(n: int) -> int:
    from concurrent.futures import ThreadPoolExecutor, as_completed

    with ThreadPoolExecutor(3) as executor:
        futures = [executor.submit(int, n) for _ in range(3)]
        return sum(future.result() for future in as_completed(futures, timeout=60)) + 1


@stop
def _configparser(n: int) -> int:
    import configparser
    import io

    config = configparser.ConfigParser()
    config["image"] = {"scale": "3", "offset": "%(one)s", "one": "1"}
    text = io.StringIO()
    config.write(text)
    read = configparser.ConfigParser()
    read.read_string(text.getvalue())
    return read.getint("image", "scale") * n + read.getint("image", "offset")


@stop
def _contextlib(n: int) -> int:
    import contextlib
    import io

    with contextlib.ExitStack() as stack:
        out = stack.enter_context(io.StringIO())
        stack.enter_context(contextlib.suppress(ZeroDivisionError))
        out.write(str(3 * n + 1))
        return int(out.getvalue())
    raise AssertionError("not reached")


@stop
def _contextvars(n: int) -> int:
    import contextvars
    import threading

    # Several threads set variables, directly and in contexts. No thread must see the values of another one.
    variables = [contextvars.ContextVar(f"variable_{i}", default=1) for i in range(4)]
    wrong = []

    def change(number: int) -> None:
        for turn in range(50):
            for variable in variables:
                token = variable.set(number + turn)
                if variable.get() != number + turn:
                    wrong.append(variable.name)
                variable.reset(token)
                if variable.get() != 1:
                    wrong.append(variable.name)

    threads = [threading.Thread(target=change, args=(1000 * i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    context = contextvars.copy_context()
    context.run(variables[0].set, n)
    change(77)
    for thread in threads:
        thread.join()
    assert not wrong, wrong
    return 3 * context[variables[0]] + variables[0].get()


@stop
def _copy(n: int) -> int:
    import copy

    nested = {"a": [n, [n]], "b": {n}}
    nested["self"] = nested  # type: ignore[assignment]
    deep = copy.deepcopy(nested)
    assert deep["self"] is deep
    deep["a"].append(n + 1)
    assert len(copy.copy(nested)["a"]) == 2
    return deep["a"][0] + deep["a"][1][0] + deep["a"][2]


@stop
def _csv(n: int) -> int:
    import csv
    import io

    text = io.StringIO()
    writer = csv.DictWriter(text, ["name", "value"], quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows({"name": f'a "{i}", b', "value": n} for i in range(3))
    rows = list(csv.DictReader(io.StringIO(text.getvalue())))
    assert rows[2]["name"] == 'a "2", b'
    assert "excel-tab" in csv.list_dialects()
    return sum(int(row["value"]) for row in rows) + 1


@stop
def _ctypes(n: int) -> int:
    import ctypes

    class Pair(ctypes.Structure):
        _fields_ = [("a", ctypes.c_int32), ("b", ctypes.c_double)]

    pair = Pair(n, 2.0)
    add = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int)(lambda x, y: x + y)
    buffer = ctypes.create_string_buffer(ctypes.sizeof(pair))
    ctypes.memmove(buffer, ctypes.byref(pair), ctypes.sizeof(pair))
    return add(ctypes.cast(buffer, ctypes.POINTER(Pair)).contents.a, int(n * pair.b)) + 1


@stop
def _dataclasses(n: int) -> int:
    import dataclasses

    @dataclasses.dataclass(frozen=True, order=True)
    class Line:
        slope: int
        offset: int = 1
        tags: list[str] = dataclasses.field(default_factory=list, compare=False)

        def at(self, x: int) -> int:
            return self.slope * x + self.offset

    line = dataclasses.replace(Line(2), slope=3)
    assert dataclasses.asdict(line) == {"slope": 3, "offset": 1, "tags": []}
    assert Line(2) < line
    return line.at(n)


@stop
def _datetime(n: int) -> int:
    from datetime import datetime, timedelta, timezone

    moment = datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(days=n)
    again = datetime.fromisoformat(moment.isoformat())
    assert again == moment
    return 3 * (again - datetime(2026, 1, 1, tzinfo=timezone.utc)).days + 1


@stop
def _datetime_strptime(n: int) -> int:
    from datetime import datetime, timedelta

    moment = datetime(2025, 1, 1, 12, 30) + timedelta(days=n)
    parsed = datetime.strptime(moment.strftime("%Y-%m-%d %H:%M"), "%Y-%m-%d %H:%M")
    assert parsed == moment, (parsed, moment)
    return 3 * (parsed - datetime(2025, 1, 1, 12, 30)).days + 1


@stop
def _decimal(n: int) -> int:
    import decimal

    with decimal.localcontext() as context:
        context.prec = 50
        third = decimal.Decimal(1) / 3
        assert len(third.as_tuple().digits) == 50
    assert decimal.getcontext().prec == 28
    return int((decimal.Decimal("0.1") * 30 * n + 1).quantize(decimal.Decimal(1)))


@stop
def _difflib(n: int) -> int:
    import difflib

    before, after = ["a", "b", "c"], ["a", "x", "c"]
    assert list(difflib.restore(difflib.ndiff(before, after), 2)) == after
    assert difflib.get_close_matches("gausian", ["gaussian", "laplace"]) == ["gaussian"]
    return 3 * n + round(difflib.SequenceMatcher(None, "tour", "tour").ratio())


@stop
def _dis_and_opcode(n: int) -> int:
    import dis

    code = compile("x = 3 * n + 1", "<tour>", "exec")
    assert "x" in dis.code_info(code)
    assert any(instruction.opname == "STORE_NAME" for instruction in dis.get_instructions(code))
    names = {"n": n}
    exec(code, names)
    return names["x"]


@stop
def _email(n: int) -> int:
    from email import message_from_bytes, policy
    from email.message import EmailMessage
    from email.utils import parsedate_to_datetime

    message = EmailMessage()
    message["Subject"] = f"Zellen {n} äöü"
    message["Date"] = "Thu, 01 Jan 2026 12:00:00 +0000"
    message.set_content("body äöü\n")
    message.add_attachment(b"\0\1", maintype="application", subtype="octet-stream", filename="a.bin")
    read = message_from_bytes(message.as_bytes(), policy=policy.default)
    assert read.get_body().get_content() == "body äöü\n"
    assert parsedate_to_datetime(read["Date"]).year == 2026
    return 3 * int(read["Subject"].split()[1]) + len(list(read.iter_attachments()))


@stop
def _enum(n: int) -> int:
    import enum

    class Axis(enum.IntEnum):
        X = enum.auto()
        Y = enum.auto()

    class Flags(enum.Flag):
        A = enum.auto()
        B = enum.auto()

    assert (Flags.A | Flags.B) & Flags.B is Flags.B
    assert Axis["Y"] is Axis(2)
    return 3 * n + Axis.X


@stop
def _errno_and_os_error(n: int) -> int:
    import errno

    try:
        with open(f"/nowhere/{n}"):
            pass
    except FileNotFoundError as error:
        return 3 * n + (error.errno == errno.ENOENT)
    raise AssertionError("there is a folder /nowhere")


@stop
def _fileinput_and_linecache(n: int) -> int:
    import fileinput
    import linecache
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "lines.txt")
        file.write_text("1\n" + f"{n}\n" * 3)
        assert linecache.getline(str(file), 1) == "1\n"
        with fileinput.FileInput(file) as lines:
            return sum(map(int, lines))


@stop
def _fnmatch_and_glob(n: int) -> int:
    import fnmatch
    import glob
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        for i in range(3):
            Path(folder, f"plane_{i}.tif").touch()
        found = glob.glob("plane_*.tif", root_dir=folder)
        assert fnmatch.filter([*found, "other"], "plane_[01].*") == [f for f in found if "2" not in f]
        return len(found) * n + 1


@stop
def _fractions(n: int) -> int:
    from fractions import Fraction

    return int(sum(Fraction(n) / 3 for _ in range(9)) + Fraction("2/2"))


@stop
def _functools(n: int) -> int:
    import functools

    @functools.cache
    def fibonacci(i: int) -> int:
        return i if i < 2 else fibonacci(i - 1) + fibonacci(i - 2)

    @functools.singledispatch
    def kind(_: object) -> str:
        return "object"

    @kind.register
    def _(_: int) -> str:
        return "int"

    assert (fibonacci(50), fibonacci.cache_info().hits) == (12586269025, 48)
    assert (kind(1), kind("1")) == ("int", "object")
    return functools.reduce(lambda x, y: x + y, [n] * 3, functools.partial(int, "1")())


@stop
def _gc_and_weakref(n: int) -> int:
    import gc
    import weakref

    class Node:
        def __init__(self) -> None:
            self.itself = self

    ended = []
    node = Node()
    weakref.finalize(node, ended.append, 3 * n + 1)
    reference = weakref.ref(node)
    values = weakref.WeakValueDictionary({"node": node})
    del node
    # While another thread collects garbage, this call does nothing.
    for attempt in range(1000):
        if ended:
            break
        gc.collect(min(attempt, 2))
    assert reference() is None
    assert "node" not in values
    return ended[0]


@stop
def _getopt_and_shlex(n: int) -> int:
    import getopt
    import shlex

    options, rest = getopt.getopt(shlex.split(f"-a {n} --name 'x y' z"), "a:", ["name="])
    assert rest == ["z"]
    assert dict(options)["--name"] == "x y"
    return 3 * int(dict(options)["-a"]) + 1


@stop
def _gettext_and_locale(n: int) -> int:
    import gettext
    import locale

    assert locale.localeconv()["decimal_point"] == "."
    assert locale.atof("2.5") == 2.5
    assert gettext.gettext("cells") == "cells"
    return locale.atoi(str(3 * n + 1))


@stop
def _graphlib(n: int) -> int:
    from graphlib import CycleError, TopologicalSorter

    try:
        tuple(TopologicalSorter({1: {2}, 2: {1}}).static_order())
    except CycleError:
        return 3 * n + tuple(TopologicalSorter({"b": {"a"}, "c": {"b"}}).static_order()).index("b")
    raise AssertionError("a cycle has an order")


@stop
def _gzip_and_zlib(n: int) -> int:
    import gzip
    import zlib

    data = b"%d" % (3 * n + 1) + b" " * 1000
    assert zlib.crc32(b"123456789") == 0xCBF43926
    return int(zlib.decompress(zlib.compress(gzip.decompress(gzip.compress(data)), 9)))


@stop
def _hashlib_and_hmac(n: int) -> int:
    import hashlib
    import hmac

    assert hashlib.sha256(b"abc").hexdigest().startswith("ba7816bf8f01cfea414140de5dae2223")
    assert hashlib.md5(b"abc").hexdigest() == "900150983cd24fb0d6963f7d28e17f72"
    assert hashlib.blake2b(b"abc", digest_size=8).digest_size == 8
    assert hashlib.pbkdf2_hmac("sha256", b"p", b"s", 10) == hashlib.pbkdf2_hmac("sha256", b"p", b"s", 10)
    one = hmac.new(b"key", str(n).encode(), "sha1").digest()
    return 3 * n + hmac.compare_digest(one, hmac.digest(b"key", str(n).encode(), "sha1"))


@stop
def _heapq(n: int) -> int:
    import heapq

    heap = [5, 3, 1, 4]
    heapq.heapify(heap)
    assert list(heapq.merge([1, 3], [2, 4])) == [1, 2, 3, 4]
    return 3 * n + heapq.heappop(heap)


@stop
def _html(n: int) -> int:
    import html
    from html.parser import HTMLParser

    seen = []

    class Parser(HTMLParser):
        def handle_data(self, data: str) -> None:
            seen.append(data)

    Parser().feed(f"<p>{html.escape('a < b & c')}</p><b>{3 * n + 1}</b>")
    assert seen[0] == html.unescape("a &lt; b &amp; c")
    return int(seen[1])


@stop
def _http_cookies_and_urllib(n: int) -> int:
    from http import HTTPStatus
    from http.cookies import SimpleCookie
    from urllib.parse import parse_qs, quote, unquote, urlencode, urljoin, urlsplit

    cookie = SimpleCookie()
    cookie["session"] = str(n)
    cookie["session"]["max-age"] = 60
    assert "Max-Age=60" in cookie.output()
    query = urlencode({"n": [n, n, n], "name": "ä b"}, doseq=True)
    url = urljoin("http://localhost/a/b", f"../c?{query}")
    assert urlsplit(url).path == "/c"
    assert unquote(quote("ä/b")) == "ä/b"
    assert HTTPStatus(404).phrase == "Not Found"
    return sum(map(int, parse_qs(urlsplit(url).query)["n"])) + 1


@stop
def _importlib(n: int) -> int:
    import importlib.metadata
    import importlib.resources
    import importlib.util

    assert importlib.import_module("json.decoder").__name__ == "json.decoder"
    assert importlib.util.find_spec("no_such_module_at_all") is None
    assert importlib.metadata.version("numpy").count(".") >= 1
    assert "stop" in importlib.resources.files("tour").joinpath("itinerary.py").read_text("utf-8")
    return 3 * n + 1


@stop
def _inspect(n: int) -> int:
    import inspect

    def line(x: int, *, slope: int = 3) -> int:
        return slope * x + 1

    assert "slope * x" in inspect.getsource(line)
    signature = inspect.signature(line)
    assert list(signature.parameters) == ["x", "slope"]
    assert inspect.currentframe().f_code.co_name == "_inspect"
    return line(*signature.bind(n).args)


@stop
def _io(n: int) -> int:
    import io

    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="utf-16", newline="\r\n", write_through=True) as text:
        text.write(f"{n}\n" * 3 + "1\n")
        data = raw.getvalue()
    return sum(map(int, io.TextIOWrapper(io.BytesIO(data), encoding="utf-16")))


@stop
def _ipaddress(n: int) -> int:
    import ipaddress

    network = ipaddress.ip_network("10.0.0.0/16")
    return int(network[3 * n + 1]) - int(network.network_address)


@stop
def _itertools(n: int) -> int:
    import itertools

    assert len(list(itertools.permutations(range(4), 2))) == 12
    assert [len(list(group)) for _, group in itertools.groupby("aabbb")] == [2, 3]
    first, second = itertools.tee(itertools.islice(itertools.count(n), 3))
    return sum(itertools.chain(first, [1])) - 3 + 0 * sum(second)


@stop
def _json(n: int) -> int:
    import json

    value = json.loads(json.dumps({"n": [n, n, n, 1], "text": "ä\n", "x": 1.5}, indent=1))
    try:
        json.loads("{")
    except json.JSONDecodeError as error:
        assert error.pos == 1
    assert value["text"] == "ä\n"
    return sum(value["n"])


@stop
def _logging(n: int) -> int:
    import logging
    import logging.handlers
    import queue
    import threading

    logger = logging.getLogger(f"tour.{threading.get_ident()}")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    handler = logging.handlers.QueueHandler(records)  # type: ignore[arg-type]
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger.addHandler(handler)
    try:
        logger.debug("not seen")
        logger.info("%d", 3 * n + 1)
        try:
            raise ValueError(n)
        except ValueError:
            logger.exception("failed")
    finally:
        logger.removeHandler(handler)
    level, number = records.get(timeout=60).getMessage().split()
    assert (level, "ValueError" in records.get(timeout=60).getMessage()) == ("INFO", True)
    return int(number)


@stop
def _lzma(n: int) -> int:
    import lzma

    return int(lzma.decompress(lzma.compress(b"%d" % (3 * n + 1) + b" " * 1000, preset=0)))


@stop
def _mmap(n: int) -> int:
    import mmap
    import tempfile

    with tempfile.TemporaryFile() as file:
        file.write(b"\0" * 8192)
        file.flush()
        with mmap.mmap(file.fileno(), 0) as memory:
            memory[5000:5008] = (3 * n + 1).to_bytes(8, "big")
            memory.flush()
        file.seek(5000)
        return int.from_bytes(file.read(8), "big")


@stop
def _numbers_and_types(n: int) -> int:
    import numbers
    import types

    assert isinstance(n, numbers.Integral)
    assert isinstance(types.SimpleNamespace(a=1).a, numbers.Rational)
    kind = types.new_class("Kind", (), {}, lambda names: names.update(value=lambda self: 3 * n + 1))
    assert isinstance(kind().value, types.MethodType)
    assert types.MappingProxyType({"a": 1})["a"] == 1
    return kind().value()


@stop
def _operator(n: int) -> int:
    import operator

    assert operator.attrgetter("real", "imag")(2 + 3j) == (2.0, 3.0)
    assert operator.methodcaller("upper")("a") == "A"
    return operator.add(operator.mul(3, n), operator.itemgetter(1)([0, 1]))


@stop
def _os(n: int) -> int:
    import os

    name = f"TOUR_{os.getpid()}_{n}_{id(object())}"
    os.environ[name] = "1"
    try:
        assert os.getenv(name) == "1"
        assert name in os.environ.copy()
        assert os.fspath(os.path.join("a", "b")) == os.sep.join("ab")
        assert len(os.urandom(16)) == 16
        reader, writer = os.pipe()
        os.write(writer, b"%d" % (3 * n + 1))
        os.close(writer)
        data = os.read(reader, 100)
        os.close(reader)
    finally:
        del os.environ[name]
    return int(data)


@stop
def _pathlib(n: int) -> int:
    import tempfile
    from pathlib import Path, PurePosixPath

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a" / "ä b.txt"
        file.parent.mkdir(parents=True)
        file.write_text(str(3 * n + 1), "utf-8")
        assert [path.name for path in Path(folder).rglob("*.txt")] == [file.name]
        assert file.relative_to(folder).as_posix() == "a/ä b.txt"
        assert PurePosixPath("a/b.tar.gz").suffixes == [".tar", ".gz"]
        return int(file.read_text("utf-8"))


class _Pickled:
    """A class of the module, which pickle finds by its name."""

    def __init__(self, value: int) -> None:
        self.value = value


@stop
def _pickle(n: int) -> int:
    import pickle

    values = [_Pickled(n), _Pickled(n), {"n": n, "one": (1, b"\0", 1.5, None, {2})}]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        first, second, rest = pickle.loads(pickle.dumps(values, protocol))
        assert rest == values[2]
    return first.value + second.value + rest["n"] + rest["one"][0]


@stop
def _platform_and_sysconfig(n: int) -> int:
    import platform
    import sys
    import sysconfig

    assert platform.python_version().startswith("{}.{}.".format(*sys.version_info))
    assert platform.system()
    assert sysconfig.get_config_var("prefix")
    assert sysconfig.get_path("purelib")
    return 3 * n + 1


@stop
def _plistlib(n: int) -> int:
    import plistlib

    for kind in (plistlib.FMT_XML, plistlib.FMT_BINARY):
        value = plistlib.loads(plistlib.dumps({"n": 3 * n + 1, "data": b"\0"}, fmt=kind))
        assert value["data"] == b"\0"
    return value["n"]


@stop
def _pprint_and_reprlib(n: int) -> int:
    import pprint
    import reprlib

    assert pprint.pformat({"b": 1, "a": [2]}) == "{'a': [2], 'b': 1}"
    assert "..." in reprlib.repr("x" * 100)
    return eval(pprint.pformat([3 * n + 1], width=1))[0]


@stop
def _queue_and_threading(n: int) -> int:
    import queue
    import threading

    tasks: queue.PriorityQueue[tuple[int, int]] = queue.PriorityQueue()
    total = threading.local()
    results: list[int] = []
    barrier = threading.Barrier(3)

    def work() -> None:
        total.value = 0
        barrier.wait(60)
        _, value = tasks.get(timeout=60)
        total.value += value
        tasks.task_done()
        results.append(total.value)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for i in range(3):
        tasks.put((i, n))
    tasks.join()
    for thread in threads:
        thread.join()
    assert not hasattr(total, "value")
    return sum(results) + 1


@stop
def _random(n: int) -> int:
    import random

    dice = random.Random(42)
    assert [dice.randrange(100) for _ in range(5)] == [81, 14, 3, 94, 35]
    assert sorted(dice.sample(range(10), 10)) == list(range(10))
    assert 0 <= random.random() < 1
    return 3 * n + random.SystemRandom().randint(1, 1)


@stop
def _re(n: int) -> int:
    import re

    pattern = re.compile(r"(?P<name>\w+)=(?P<value>\d+)", re.ASCII)
    found = {match["name"]: int(match["value"]) for match in pattern.finditer(f"a={n}, b={2 * n}, ü=7")}
    assert re.sub(r"\s+", " ", "a \n b") == "a b"
    assert re.split("[,;]", "a,b;c") == ["a", "b", "c"]
    return found["a"] + found["b"] + 1


@stop
def _sched_and_time(n: int) -> int:
    import sched
    import time

    done: list[int] = []
    scheduler = sched.scheduler(time.monotonic, time.sleep)
    for value in (n, 2 * n, 1):
        scheduler.enter(0.001, 1, done.append, (value,))
    scheduler.run()
    assert time.strptime("2026-01-02", "%Y-%m-%d").tm_yday == 2
    assert time.strftime("%d", time.gmtime(0)) == "01"
    assert time.perf_counter_ns() > 0
    return sum(done)


@stop
def _secrets_and_uuid(n: int) -> int:
    import secrets
    import uuid

    assert len(secrets.token_hex(8)) == 16
    assert uuid.uuid4() != uuid.uuid4()
    assert uuid.uuid5(uuid.NAMESPACE_DNS, "python.org") == uuid.UUID("886313e1-3b8a-5372-9b90-0c9aee199e5d")
    return uuid.UUID(int=3 * n + 1).int


@stop
def _selectors_and_socket(n: int) -> int:
    import selectors
    import socket
    import threading

    with socket.create_server(("127.0.0.1", 0)) as server, selectors.DefaultSelector() as selector:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"%d" % (3 * int(connection.recv(100)) + 1))

        thread = threading.Thread(target=answer)
        thread.start()
        with socket.create_connection(server.getsockname(), timeout=60) as client:
            client.sendall(b"%d" % n)
            selector.register(client, selectors.EVENT_READ)
            assert selector.select(60)
            result = int(client.recv(100))
        thread.join()
    return result


@stop
def _select_and_socketpair(n: int) -> int:
    import select
    import socket

    one, other = socket.socketpair()
    with one, other:
        one.sendall((3 * n + 1).to_bytes(8, "big"))
        readable, _, _ = select.select([other], [], [], 60)
        return int.from_bytes(readable[0].recv(8), "big")


@stop
def _http_server(n: int) -> int:
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from urllib.request import ProxyHandler, build_opener

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"%d" % (3 * int(self.path[1:]) + 1))

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        opener = build_opener(ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{server.server_port}/{n}", timeout=60) as answer:
            result = int(answer.read())
        thread.join()
    return result


@stop
def _shelve_and_dbm(n: int) -> int:
    import dbm.dumb
    import shelve
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder, shelve.Shelf(dbm.dumb.open(str(Path(folder, "shelf")))) as shelf:
        shelf["values"] = [n, n, n, 1]
        return sum(shelf["values"])


@stop
def _shutil_and_tempfile(n: int) -> int:
    import shutil
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "source")
        source.mkdir()
        (source / "file.txt").write_text(str(3 * n + 1))
        shutil.copytree(source, Path(folder, "copy"))
        archive = shutil.make_archive(str(Path(folder, "archive")), "zip", folder, "copy")
        shutil.rmtree(source)
        shutil.unpack_archive(archive, Path(folder, "unpacked"))
        unpacked = Path(folder, "unpacked", "copy", "file.txt")
        with unpacked.open() as source_file, tempfile.NamedTemporaryFile("w+", dir=folder) as file:
            shutil.copyfileobj(source_file, file)
            file.seek(0)
            return int(file.read())


@stop
def _sqlite3(n: int) -> int:
    import sqlite3

    connection = sqlite3.connect(":memory:")
    try:
        connection.row_factory = sqlite3.Row
        connection.create_function("triple", 1, lambda x: 3 * x)
        connection.execute("create table cells (number integer, name text)")
        with connection:
            connection.executemany("insert into cells values (?, ?)", [(i, f"cell ä {i}") for i in range(n, n + 3)])
        try:
            connection.execute("select * from missing")
        except sqlite3.OperationalError as error:
            assert "missing" in str(error)
        row = connection.execute("select min(number) as least, count(*) as rows from cells").fetchone()
        assert row["rows"] == 3
        return connection.execute("select triple(?) + 1", (row["least"],)).fetchone()[0]
    finally:
        connection.close()


@stop
def _statistics(n: int) -> int:
    import statistics

    assert statistics.quantiles([1, 2, 3, 4], n=2) == [2.5]
    assert round(statistics.NormalDist(0, 1).cdf(1.96), 3) == 0.975
    return statistics.median([0, 3 * n + 1, 10_000]) + int(statistics.stdev([1, 1]))


@stop
def _string_and_textwrap(n: int) -> int:
    import string
    import textwrap

    assert textwrap.dedent("  a\n  b") == "a\nb"
    assert textwrap.shorten("hello wide world", 11, placeholder="…") == "hello wide…"
    assert string.capwords("ab cd") == "Ab Cd"
    assert string.Formatter().format("{:>4}", 1) == "   1"
    return int(string.Template("$value").substitute(value=3 * n + 1))


@stop
def _struct(n: int) -> int:
    import struct

    packed = struct.pack("<hIqd4s", -1, n, n, float(n), b"abcd")
    _, first, second, third, text = struct.unpack("<hIqd4s", packed)
    assert (struct.calcsize("<hIqd4s"), text) == (len(packed), b"abcd")
    return first + second + int(third) + 1


@stop
def _subprocess(n: int) -> int:
    import subprocess
    import sys

    code = "import sys; n = int(sys.stdin.read()); print(3 * n + 1); sys.exit(7)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], input=str(n), capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (7, "")
    return int(done.stdout)


@stop
def _symtable_and_tokenize(n: int) -> int:
    import io
    import keyword
    import symtable
    import token
    import tokenize

    table = symtable.symtable("def f(a):\n    return a + b", "<tour>", "exec")
    assert table.get_children()[0].lookup("b").is_global()
    tokens = tokenize.generate_tokens(io.StringIO(f"x = {3 * n + 1}  # comment\n").readline)
    assert keyword.iskeyword("lambda")
    return next(int(found.string) for found in tokens if found.type == token.NUMBER)


@stop
def _sys(n: int) -> int:
    import sys

    assert sys.getrefcount(object()) >= 1
    assert sys.intern(f"tour {n}") is sys.intern(f"tour {n}")
    assert "json" in sys.stdlib_module_names
    try:
        raise ValueError
    except ValueError:
        assert sys.exc_info()[0] is ValueError
    return 3 * n + (sys.getsizeof([]) > 0)


@stop
def _tarfile_and_zipfile(n: int) -> int:
    import io
    import tarfile
    import zipfile

    data = str(3 * n + 1).encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        info = tarfile.TarInfo("file")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    packed.seek(0)
    with tarfile.open(fileobj=packed) as tar:
        read = tar.extractfile("file").read()
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ä/file", read)
    with zipfile.ZipFile(zipped) as archive:
        assert archive.testzip() is None
        return int(archive.read("ä/file"))


@stop
def _traceback(n: int) -> int:
    import traceback

    def fail() -> None:
        raise KeyError(n) from OSError("cause")

    try:
        fail()
    except KeyError as error:
        text = "".join(traceback.format_exception(error))
        frames = traceback.extract_tb(error.__traceback__)
        assert "The above exception was the direct cause" in text
        assert frames[-1].name == "fail"
        assert frames[-1].line == 'raise KeyError(n) from OSError("cause")'
        return 3 * error.args[0] + 1
    raise AssertionError("not reached")


@stop
def _typing(n: int) -> int:
    from typing import Generic, NamedTuple, Protocol, TypedDict, TypeVar, get_type_hints, runtime_checkable

    value_type = TypeVar("value_type")

    class Box(Generic[value_type]):
        def __init__(self, value: int) -> None:
            self.value = value

    @runtime_checkable
    class HasValue(Protocol):
        value: int

    class Pair(NamedTuple):
        first: int
        second: int = 1

    class Options(TypedDict, total=False):
        halo: int

    assert isinstance(Box[int](n), HasValue)
    assert get_type_hints(Options) == {"halo": int}
    pair = Pair(3 * n)
    return pair.first + pair.second


@stop
def _unicodedata(n: int) -> int:
    import unicodedata

    assert unicodedata.normalize("NFD", "ä") == "a\u0308"
    assert unicodedata.name("µ") == "MICRO SIGN"
    assert "ä".encode("iso-8859-1").decode("latin1").casefold() == "ä"
    assert "中".encode("gb18030").decode("gb18030") == "中"
    return 3 * n + int(unicodedata.digit("\u0661"))


@stop
def _unittest_mock(n: int) -> int:
    from unittest import mock

    function = mock.Mock(side_effect=lambda x: 3 * x + 1)
    result = function(n)
    function.assert_called_once_with(n)
    return result


@stop
def _warnings(n: int) -> int:
    import warnings

    # `catch_warnings` is for one thread only. With its own registry, the warning was never shown before.
    registry: dict[object, object] = {}
    warnings.filterwarnings("ignore", "of the tour")
    shown = warnings.WarningMessage("text", UserWarning, "file", n)
    assert "UserWarning: text" in warnings.formatwarning(shown.message, shown.category, shown.filename, shown.lineno)
    warnings.warn_explicit("a deprecation of the tour", DeprecationWarning, "<tour>", n, "tour.nowhere", registry)
    assert "ignore" in {action for action, *_ in warnings.filters}
    return 3 * shown.lineno + 1


@stop
def _xml_dom_and_sax(n: int) -> int:
    import xml.sax
    from xml.dom import minidom

    seen = []

    class Handler(xml.sax.ContentHandler):
        def startElement(self, name: str, attributes: object) -> None:  # noqa: N802 - named by xml.sax
            seen.append((name, dict(attributes)))  # type: ignore[call-overload]

    text = minidom.parseString(f"<a><b value='{3 * n + 1}'/></a>").toxml()
    xml.sax.parseString(text.encode(), Handler())
    return int(seen[1][1]["value"])


@stop
def _xml_etree(n: int) -> int:
    import xml.etree.ElementTree as ElementTree

    root = ElementTree.Element("OME", {"xmlns": "http://www.openmicroscopy.org"})
    for _ in range(3):
        ElementTree.SubElement(root, "Pixels", SizeX=str(n)).text = "ä < b"
    read = ElementTree.fromstring(ElementTree.tostring(root, "utf-8"))
    name = "{http://www.openmicroscopy.org}Pixels"
    try:
        ElementTree.fromstring("<a>")
    except ElementTree.ParseError as error:
        assert error.position == (1, 3)
    assert read.find(name).text == "ä < b"
    return sum(int(pixels.get("SizeX")) for pixels in read.iter(name)) + 1


@stop
def _zipimport_and_runpy(n: int) -> int:
    import runpy
    import tempfile
    import zipfile
    import zipimport
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "modules.zip")
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("inner.py", f"value = 3 * {n} + 1")
        code = zipimport.zipimporter(str(file)).get_code("inner")
        names: dict[str, int] = {}
        exec(code, names)
        Path(folder, "script.py").write_text("value = 1")
        assert runpy.run_path(str(Path(folder, "script.py")))["value"] == 1
        return names["value"]


@stop
def _zoneinfo(n: int) -> int:
    from datetime import datetime, timedelta, timezone
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        zone = ZoneInfo("Europe/Berlin")
    except ZoneInfoNotFoundError:
        # The system has no time zone database.
        return 3 * n + 1
    summer = datetime(2026, 7, 1, 12, tzinfo=zone)
    assert summer.utcoffset() == timedelta(hours=2)
    return 3 * n + summer.astimezone(timezone.utc).hour - 9
