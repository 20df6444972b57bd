"""PDFs are read once, in a process that may fail in every way and takes nobody with it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from c2o.proxy.documents import __main__ as reading
from c2o.proxy.documents import png
from c2o.proxy.documents.reader import COMMAND, NOT_INSTALLED, Reader, Shelf
from c2o.proxy.state import STATE
from c2o.translate.media import Document, Page
from tests.fake_upstream import FakeUpstream, Reply
from tests.pdf import as_base64, locked_pdf, mixed_pdf, scanned_pdf, text_pdf
from tests.proxy.conftest import Serve, Service, configuration
from tests.proxy.talk import eventually, hello

HELLO = text_pdf("Hello", "Goodbye")


def block(pdf: bytes) -> dict[str, Any]:
    source = {"type": "base64", "media_type": "application/pdf", "data": as_base64(pdf)}
    return {"type": "document", "source": source}


async def read(reader: Reader, *pdfs: bytes, pictures: bool = True) -> list[Document]:
    """What the reader finds in PDFs, in their order."""
    found = await reader.read(map(as_base64, pdfs), pictures=pictures)
    return [found[as_base64(pdf)] for pdf in pdfs]


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], list[str]]:
    """A reading process that runs these lines of Python."""

    def command(lines: str) -> list[str]:
        path = tmp_path / "reading.py"
        path.write_text(lines)
        return [sys.executable, str(path)]

    return command


# ---- the process itself


def test_pages_with_text_and_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "process_time", lambda: 0.0)  # this process has done more than read a PDF
    found = reading.read(mixed_pdf("Written"), pictures=True)
    written, drawn = found.pages
    assert (written, found.total, found.problem) == (Page("Written"), 2, "")
    assert (drawn.text, drawn.pictures) == ("", 1)
    assert drawn.picture.startswith("iVBOR")


def test_nothing_is_drawn_for_who_sees_nothing() -> None:
    assert reading.read(scanned_pdf(), pictures=False).pages == (Page(pictures=1),)


def test_pages_after_the_last_one_that_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGES", 2)
    found = reading.read(text_pdf("a", "b", "c"), pictures=False)
    assert (len(found.pages), found.total) == (2, 3)


def test_text_after_the_last_that_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "CHARACTERS", 10)
    found = reading.read(text_pdf("seven..", "four", "more"), pictures=False)
    assert [page.text for page in found.pages] == ["seven.."]
    assert found.total == 3


def test_no_more_is_drawn_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "DRAWING", 0.0)
    assert reading.read(scanned_pdf(2), pictures=True).pages == (Page(pictures=1), Page(pictures=1))


def test_divided_words_and_control_characters() -> None:
    assert reading._tidy("exam\ufffe\r\nple  \r\n\x00soft\u00adly \r\n") == "example\nsoftly"


def test_the_picture_of_a_page_is_a_png() -> None:
    rows = bytes([255, 0, 0] * 2 + [9, 9]) + bytes([0, 0, 250] * 2 + [9, 9])  # two bytes between the rows
    made = png.encoded(rows, width=2, height=2, stride=8)
    assert made.startswith(b"\x89PNG\r\n\x1a\n")
    size, name = made[33:37], made[37:41]
    assert name == b"IDAT"
    packed = made[41 : 41 + int.from_bytes(size, "big")]
    assert zlib.decompress(packed) == bytes([0, *[255, 0, 0] * 2, 0, *[0, 0, 255] * 2])


def run(pdf: bytes, *arguments: str, before: str = "") -> subprocess.CompletedProcess[bytes]:
    """The reading process, with other limits if ``before`` sets them."""
    if not before:
        return subprocess.run([*COMMAND, *arguments], input=pdf, capture_output=True, timeout=60)
    program = f"from c2o.proxy.documents import __main__ as reading\n{before}\nreading.main()"
    return subprocess.run([sys.executable, "-c", program], input=pdf, capture_output=True, timeout=60)


def test_it_says_json_and_nothing_else() -> None:
    done = run(HELLO)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["total"] == 2


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS doesn't limit a process's memory")
def test_too_little_memory_is_a_problem_of_the_document() -> None:
    done = run(HELLO + b" " * 300_000_000, before="reading.MEMORY = 250 * 1024**2")
    assert b"more memory" in done.stdout


def test_a_page_that_takes_for_ever_ends_the_process() -> None:
    started = time.monotonic()
    done = run(HELLO, before="reading.SECONDS = 1\ndef endless(*_):\n    while True: pass\nreading.read = endless")
    assert done.returncode < 0
    assert time.monotonic() - started < 60


def test_the_limits_are_in_force() -> None:
    limits = "RLIMIT_CPU RLIMIT_FSIZE RLIMIT_CORE"
    before = f"""
import resource, sys
from c2o.translate.media import Document
def tell(*_):
    return Document(problem=repr([resource.getrlimit(getattr(resource, name))[0] for name in "{limits}".split()]))
reading.read = tell"""
    assert json.loads(run(HELLO, before=before).stdout)["problem"] == f"[{reading.SECONDS}, 0, 0]"


# ---- the service's side


async def test_each_pdf_is_read_once() -> None:
    reader = Reader()
    first, locked = await read(reader, HELLO, locked_pdf())
    assert [page.text for page in first.pages] == ["Hello", "Goodbye"]
    assert "password" in locked.problem

    reader._command = ["/nothing/there"]
    assert await read(reader, HELLO, locked_pdf()) == [first, locked]


async def test_with_and_without_eyes_are_two_things() -> None:
    reader = Reader()
    (seen,) = await read(reader, scanned_pdf())
    (unseen,) = await read(reader, scanned_pdf(), pictures=False)
    assert seen.pages[0].picture
    assert not unseen.pages[0].picture


async def test_without_the_library_it_says_what_to_install() -> None:
    assert await read(Reader(available=False), HELLO) == [NOT_INSTALLED]
    assert "pip install 'c2o[pdf]'" in NOT_INSTALLED.advice


async def test_what_is_no_base64() -> None:
    found = await Reader().read(["JVBERi0"], pictures=False)
    assert "base64" in found["JVBERi0"].problem


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("import os; os.abort()", "failed over it"),
        ("raise SystemExit(1)", "failed over it"),
        ("print('no JSON')", "failed over it"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "too long"),
        ("import time; time.sleep(60)", "longer than 0.5 s"),
        ("while True: print('x' * 1_000_000)", "failed over it"),
    ],
    ids=["crash", "exit", "nonsense", "processor", "time", "flood"],
)
async def test_a_process_that_fails(script: Callable[[str], list[str]], lines: str, problem: str) -> None:
    seconds = 0.5 if "sleep" in lines else 20.0
    (found,) = await read(Reader(command=script(lines), seconds=seconds), HELLO)
    assert problem in found.problem
    assert not psutil.Process().children()


async def test_a_process_that_does_not_listen(script: Callable[[str], list[str]]) -> None:
    """The PDF is larger than a pipe holds."""
    reader = Reader(command=script("""import os; os.close(0); print('{"total": 7}')"""))
    (found,) = await read(reader, HELLO + b" " * 1_000_000)
    assert found.total == 7


async def test_the_process_ends_with_the_request(script: Callable[[str], list[str]]) -> None:
    reader = Reader(command=script("import time; time.sleep(60)"))
    task = asyncio.create_task(read(reader, HELLO))
    await eventually(lambda: psutil.Process().children(), "the process")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not psutil.Process().children()


async def test_two_are_read_at_a_time(script: Callable[[str], list[str]], tmp_path: Path) -> None:
    lines = f"""
import os, pathlib, sys, time
here = pathlib.Path({str(tmp_path)!r})
mine = here / f"running-{{os.getpid()}}"
mine.touch()
print('{{"total": %d}}' % len(list(here.glob("running-*"))))
time.sleep(0.2)
mine.unlink()"""
    reader = Reader(command=script(lines))
    found = await read(reader, *(text_pdf(str(n)) for n in range(6)))
    assert max(document.total for document in found) <= 2


async def test_the_process_knows_no_keys(script: Callable[[str], list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NVIDIA_API_KEY", "nvapi-secret")
    reader = Reader(command=script("import json, os; print(json.dumps({'problem': ' '.join(os.environ)}))"))
    (found,) = await read(reader, HELLO)
    assert "NVIDIA_API_KEY" not in found.problem
    assert "PATH" in found.problem


def test_a_shelf_holds_only_so_much() -> None:
    def of(size: int) -> Document:
        return Document((Page("x" * (size - 256)),), 1)

    shelf = Shelf(1000)
    shelf.put("a", of(400))
    shelf.put("b", of(400))
    shelf.put("a", of(400))
    assert shelf.get("b") is not None
    shelf.get("a")
    shelf.put("c", of(400))
    assert (shelf.get("b"), shelf.get("a") is None, shelf.get("c") is None) == (None, False, False)
    shelf.put("d", of(2000))
    assert [shelf.get(key) for key in "abcd"] == [None] * 4


# ---- through the service


async def test_a_crash_is_a_refusal_and_the_service_goes_on(
    service: Service, upstream: FakeUpstream, script: Callable[[str], list[str]]
) -> None:
    service.app[STATE].reader = Reader(command=script("import os; os.abort()"))
    answer = await service.post(body=hello(messages=[{"role": "user", "content": [block(HELLO)]}]))
    assert answer.status == 400
    assert answer.error["message"].startswith("messages.0.content.0.document: could not process PDF: ")

    upstream.play(Reply("well"))
    assert (await service.post()).status == 200


async def test_without_the_library_the_model_is_told(service: Service, upstream: FakeUpstream) -> None:
    service.app[STATE].reader = Reader(available=False)
    upstream.play(Reply("ok"))
    answer = await service.post(body=hello(messages=[{"role": "user", "content": [block(HELLO)]}]))
    assert answer.status == 200
    assert "pip install 'c2o[pdf]'" in upstream.requests[0].prompt
    assert as_base64(HELLO) not in upstream.requests[0].body.decode()


async def test_nothing_is_read_for_an_upstream_that_takes_files(serve: Serve, upstream: FakeUpstream) -> None:
    service = await serve(configuration(upstream.base_url, dialect="openai"))
    service.app[STATE].reader = Reader(command=["/nothing/there"])
    upstream.play(Reply("ok"))
    answer = await service.post(body=hello(messages=[{"role": "user", "content": [block(HELLO)]}]))
    assert answer.status == 200


async def test_a_client_that_leaves_ends_the_reading(service: Service, script: Callable[[str], list[str]]) -> None:
    service.app[STATE].reader = Reader(command=script("import time; time.sleep(60)"))
    peer = await service.call(messages=[{"role": "user", "content": [block(HELLO)]}])
    await eventually(lambda: psutil.Process().children(), "the process")
    peer.leave()
    await eventually(lambda: not psutil.Process().children(), "the end of the process")


async def test_a_large_pdf_does_not_stop_others(service: Service, upstream: FakeUpstream) -> None:
    large = hello(messages=[{"role": "user", "content": [block(HELLO + b" " * 15_000_000)]}])
    upstream.think(lambda request: Reply("ok"))
    reading_it = asyncio.create_task(service.post(body=large))
    while not reading_it.done():
        started, busy = time.monotonic(), time.thread_time()
        assert (await service.get("/health")).status == 200
        assert time.thread_time() - busy < 0.5  # of the loop itself, whatever else this machine does
        assert time.monotonic() - started < 5
        await asyncio.sleep(0.02)
    assert (await reading_it).status == 200
