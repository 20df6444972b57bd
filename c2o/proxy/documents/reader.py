"""PDFs are read in a process of their own, and remembered."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import sys
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.util import find_spec

import msgspec

from c2o.translate.media import Document

SECONDS = 30.0
"""In which a PDF must have been read; a usual one takes 0.2 s, and a millisecond for each page."""
AT_ONCE = 2
OUTPUT = 64 * 1024 * 1024
"""Bytes that the reading process may say."""
REMEMBERED = 64 * 1024 * 1024
"""Bytes of documents that are kept: a PDF comes again with each turn of its conversation."""

NOT_INSTALLED = Document(
    advice="[PDF not shown: this upstream takes text only, and c2o has nothing to read PDFs with. "
    "To change that, run: pip install 'c2o[pdf]', then: c2o restart]"
)

COMMAND = [sys.executable, "-P", "-m", "c2o.proxy.documents"]

NEEDED = frozenset(
    {"HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "PYTHONHOME", "PYTHONPATH", "PYTHONUSERBASE", "TMPDIR", "VIRTUAL_ENV"}
)
"""What the reading process gets of our environment; keys are not among it."""


def installed() -> bool:
    """Is there a library to read PDFs with?"""
    return find_spec("pypdfium2") is not None


class Reader:
    """Reads PDFs, each once."""

    def __init__(
        self, *, available: bool | None = None, command: list[str] = COMMAND, seconds: float = SECONDS
    ) -> None:
        self._available = installed() if available is None else available
        self._command = command
        self._seconds = seconds
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._shelf = Shelf(REMEMBERED)

    async def read(self, pdfs: Iterable[str], *, pictures: bool) -> Mapping[str, Document]:
        """PDFs in base64, each with what is in it.  With ``pictures`` pages without text are drawn."""
        wanted = list(dict.fromkeys(pdfs))
        if not self._available:
            return dict.fromkeys(wanted, NOT_INSTALLED)
        found = await asyncio.gather(*(self._document(data, pictures) for data in wanted))
        return dict(zip(wanted, found, strict=True))

    async def _document(self, data: str, pictures: bool) -> Document:
        pdf = await asyncio.to_thread(_decoded, data)
        if pdf is None:
            return Document(problem="its data is not valid base64")
        key = f"{await asyncio.to_thread(_digest, pdf)} {pictures}"
        async with self._slots:  # who waits for the same PDF finds it on the shelf then
            document = self._shelf.get(key)
            if document is None:
                document = await self._read(pdf, pictures)
                self._shelf.put(key, document)
            return document

    async def _read(self, pdf: bytes, pictures: bool) -> Document:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            *(["--pictures"] if pictures else []),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if name in NEEDED},
            cwd="/",
        )
        try:
            async with asyncio.timeout(self._seconds):
                said = await _exchange(process, pdf)
                code = await process.wait()
        except TimeoutError:
            return Document(problem=f"reading it took longer than {self._seconds:g} s")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return _understood(said, code)


async def _exchange(process: asyncio.subprocess.Process, pdf: bytes) -> bytes:
    """The PDF over to the process, and what it says; nothing if that is too much."""
    assert process.stdin is not None and process.stdout is not None  # noqa: PT018 - both are pipes
    feeding = asyncio.create_task(_feed(process.stdin, pdf))
    pieces: list[bytes] = []
    size = 0
    try:
        while piece := await process.stdout.read(1024 * 1024):
            size += len(piece)
            if size > OUTPUT:
                process.kill()
                return b""
            pieces.append(piece)
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
    return b"".join(pieces)


async def _feed(stdin: asyncio.StreamWriter, pdf: bytes) -> None:
    with suppress(ConnectionError):  # it may have ended, and its exit code says why
        stdin.write(pdf)
        await stdin.drain()
        stdin.close()


def _understood(said: bytes, code: int) -> Document:
    if code == -signal.SIGXCPU:
        return Document(problem="reading it takes too long")
    try:
        return msgspec.json.decode(said, type=Document)
    except msgspec.DecodeError:
        return Document(problem="the library that reads PDFs failed over it")


def _decoded(data: str) -> bytes | None:
    try:
        return b64decode(data)
    except ValueError:
        return None


def _digest(pdf: bytes) -> str:
    return hashlib.sha256(pdf).hexdigest()


class Shelf:
    """Documents by a key; the one that nobody has asked for longest goes first."""

    def __init__(self, most: int) -> None:
        self._documents: OrderedDict[str, tuple[int, Document]] = OrderedDict()
        self._most = most
        self._size = 0

    def get(self, key: str) -> Document | None:
        if key not in self._documents:
            return None
        self._documents.move_to_end(key)
        return self._documents[key][1]

    def put(self, key: str, document: Document) -> None:
        size = sum(len(page.text) + len(page.picture) for page in document.pages) + 256
        self._size += size - self._documents.pop(key, (0, None))[0]
        self._documents[key] = size, document
        while self._size > self._most:
            _, (gone, _) = self._documents.popitem(last=False)
            self._size -= gone
