"""What a trace must never be: a leak, a burden, too large, or what a request fails of."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from pathlib import Path

import pytest

from c2o import trace_file
from c2o.proxy import tracing
from c2o.proxy.clock import Clock
from c2o.proxy.tracing import SMALL, Trace, Tracing
from c2o.redaction import HIDDEN, SLICE, Redactor
from c2o.trace_file import SHARE, Switch
from tests.fake_upstream import CUT, DONE, FakeUpstream, Hold, Reply, arguments, error, finish, stream, text
from tests.proxy.conftest import Serve, Service, configuration
from tests.proxy.fake_clock import FakeClock
from tests.proxy.talk import KEY, TOKEN, check_grammar, events, eventually, hello, text_in

SECRET = "nvapi-CANARY1env7Qz4Lw9XkTm2"


@pytest.fixture
def folder(c2o_home: Path) -> Path:
    return c2o_home / "state"


def nothing() -> Redactor:
    """There are no secrets."""
    return Redactor(())


def turned_on(**fields: int) -> None:
    trace_file.turn_on(Switch(until=time.time() + 600, **fields))


@pytest.fixture
async def traced(serve: Serve, upstream: FakeUpstream, folder: Path) -> Service:
    turned_on()
    return await serve(configuration(upstream.base_url), folder=folder)


def traces() -> list[trace_file.Trace]:
    return [found for path in trace_file.files() if (found := trace_file.read(path))]


def on_disk() -> str:
    return "".join(path.read_text() for path in trace_file.files())


# ---- a trace by itself


@pytest.fixture
def trace(folder: Path) -> Trace:
    turned_on()
    begun = Tracing(folder, Clock()).begin("req_1", lambda: Redactor([SECRET]))
    assert begun
    return begun


@pytest.mark.parametrize("size", [1, 5, 11, 500])
def test_a_secret_in_pieces_is_hidden(trace: Trace, size: int) -> None:
    packed = base64.b64encode(SECRET.encode()).decode()
    said = f"data: {{}}\n\ndata: your key is {SECRET}, or {packed}\n\nand the end".encode()
    for at in range(0, len(said), size):
        trace.data("heard", said[at : at + size])
    trace.end({"error": f"said {SECRET}"})

    (found,) = traces()
    assert SECRET[:12] not in on_disk()
    assert packed[:12] not in on_disk()
    assert found.text("heard").startswith(f"data: {{}}\n\ndata: your key is {HIDDEN}, or {HIDDEN}")
    assert found.text("heard").endswith("\n\nand the end")
    assert found.about("ended") == {"error": f"said {HIDDEN}"}


@pytest.mark.parametrize("size", [1, 3, 5, 20])
def test_a_secret_that_a_model_says_word_by_word_is_hidden(trace: Trace, size: int) -> None:
    """All but its beginning, which could be the beginning of anything; what is said around it stays."""
    said = f"Once upon a time there was {SECRET}, and they lived happily ever after"
    for at in range(0, len(said), size):
        trace.data("heard", text(said[at : at + size]))
        trace.data("heard", arguments(0, "other"))
    chunks = [json.loads(line[6:]) for line in traces()[0].text("heard").splitlines() if line]
    together = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    assert together.startswith("Once upon a time")
    assert together.endswith("happily ever after")
    assert HIDDEN in together
    assert not [at for at in range(len(SECRET) - 11) if SECRET[at : at + 12] in together]


def test_headers_show_what_is_known_to_be_harmless(trace: Trace) -> None:
    headers = {
        "User-Agent": "claude-cli/2",
        "x-api-key": "sk-unknown",
        "Cookie": "a=b",
        "X-Company": "c",
        "anthropic-beta": "x",
    }
    trace.request("asked", "POST /v1/messages", headers | {"anthropic-version": f"of {SECRET}"}, b"{}")
    (frame,) = traces()[0].frames
    assert frame.headers == {
        "User-Agent": "claude-cli/2",
        "x-api-key": HIDDEN,
        "Cookie": HIDDEN,
        "X-Company": HIDDEN,
        "anthropic-beta": "x",
        "anthropic-version": f"of {HIDDEN}",
    }


def test_headers_with_bytes_that_are_no_text_are_no_trouble(trace: Trace) -> None:
    headers = {"User-Agent": "a\udcffb", "Cookie": "session=\udcff0123456789"}
    trace.request("asked", "POST /v1/\udcff", headers, b"{}")
    (frame,) = traces()[0].frames
    assert (frame.line, frame.headers) == ("POST /v1/?", {"User-Agent": "a?b", "Cookie": HIDDEN})


def test_what_is_no_text_is_kept_in_base64_without_secrets(trace: Trace) -> None:
    trace.data("heard", b"\xff" + SECRET.encode() + b"\n")
    (frame,) = traces()[0].frames
    assert (frame.text, base64.b64decode(frame.base64 or "")) == (None, b"\xff***\n")


def test_a_trace_has_its_share_and_no_more(folder: Path) -> None:
    turned_on(largest=8000)
    trace = Tracing(folder, Clock()).begin("req_1", nothing)
    assert trace
    for _ in range(50):
        trace.data("heard", b"x" * 99 + b"\n")
    trace.end({})
    (found,) = traces()
    assert found.frames[-1].what == "cut"
    assert trace_file.files()[0].stat().st_size <= 8000 // SHARE + 50


def test_the_oldest_go_first_whoever_wrote_them(folder: Path) -> None:
    """Two services write at once, as they do while one hands over to the other."""
    turned_on(most=4)
    services = [Tracing(folder, Clock()) for _ in range(2)]
    ids = [f"req_{n}" for n in range(10)]
    for n, id in enumerate(ids):
        trace_of = services[n % 2].begin(id, nothing)
        assert trace_of
        trace_of.data("told", b"x" * 200 + b"\n")
        time.sleep(0.002)  # the names of files are in the order of milliseconds
    assert [each.id for each in traces()] == ids[-4:]

    turned_on(largest=1200)
    big = Tracing(folder, Clock()).begin("req_big", nothing)
    assert big
    big.data("told", b"y" * 100 + b"\n")
    assert sum(path.stat().st_size for path in trace_file.files()) <= 1200
    assert traces()[-1].id == "req_big"


def test_a_trace_that_vanishes_is_no_trouble(folder: Path) -> None:
    """The other service may take it away between two looks."""
    turned_on(most=1)
    (folder / "trace" / "20260101T000000.000-req_gone.jsonl").symlink_to("nowhere")
    assert Tracing(folder, Clock()).begin("req_1", nothing)
    assert [each.id for each in traces()] == ["req_1"]


def test_what_is_cleared_while_it_runs_stays_away(trace: Trace, caplog: pytest.LogCaptureFixture) -> None:
    assert trace_file.clear() == 1
    trace.data("told", b"more\n")
    trace.end({})
    assert trace_file.files() == []
    assert not caplog.records


async def test_it_ends_by_itself_and_is_looked_for_ten_times_a_second(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock()
    tracing = Tracing(folder, clock)
    assert tracing.begin("req_1", nothing) is None
    turned_on()
    assert tracing.begin("req_2", nothing) is None
    await clock.advance(0.11)
    assert tracing.begin("req_3", nothing)
    over = time.time() + 601
    monkeypatch.setattr(time, "time", lambda: over)
    assert tracing.begin("req_4", nothing) is None


@pytest.mark.parametrize("said", [b"", b"{", b'{"until": "soon"}', b"\xff"])
def test_a_switch_that_can_t_be_read_is_off(folder: Path, said: bytes) -> None:
    trace_file.folder().mkdir(parents=True)
    trace_file.switch_file().write_bytes(said)
    assert Tracing(folder, Clock()).begin("req_1", nothing) is None


# ---- what is large

LARGE = 2_000_000


async def _others_turns() -> list[float]:
    """The CPU seconds between the turns that somebody else has until all is written down."""
    seconds = []
    while "ended" not in on_disk_last():
        began = time.process_time()
        await asyncio.sleep(0)
        seconds.append(time.process_time() - began)
    return seconds


def on_disk_last() -> str:
    """The last bytes of the youngest trace."""
    with trace_file.files()[-1].open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - 100))
        return file.read().decode(errors="replace")


@pytest.mark.parametrize("events", [False, True], ids=["a request", "an answer"])
async def test_what_is_large_is_written_between_the_turns_of_others(trace: Trace, events: bool) -> None:
    packed = base64.b64encode(SECRET.encode()).decode()
    body = json.dumps({"content": f"{'x' * LARGE} {SECRET} {'word and ' * (LARGE // 9)}{packed}"}).encode() + b"\n"
    if events:
        trace.data("told", body)
    else:
        trace.request("asked", "POST /v1/messages", {}, body)
    trace.answer("told", 200, {})
    trace.end({})
    turns = await _others_turns()

    written = traces()[0]
    assert [frame.what for frame in written.frames][-2:] == ["told", "ended"]
    assert written.frames[0].text == body.decode().replace(SECRET, HIDDEN).replace(packed[:-4], HIDDEN)
    assert len(turns) > 2 * len(body) / SLICE
    assert max(turns) < sum(turns) / 10


async def test_no_secret_is_written_even_for_a_moment(folder: Path) -> None:
    """Nor one that is out of use by the time it would be: a key that was changed meanwhile."""
    turned_on()
    known = [Redactor([SECRET])]
    trace = Tracing(folder, Clock()).begin("req_1", lambda: known[0])
    assert trace
    trace.request("asked", "POST /v1/messages", {}, f"{SECRET} {'x' * LARGE} {SECRET}".encode())
    trace.data("told", f"a small one {SECRET}\n".encode())
    known[0] = nothing()
    trace.end({})
    while "ended" not in on_disk_last():
        assert SECRET[:12] not in on_disk()
        await asyncio.sleep(0.002)
    assert on_disk().count(HIDDEN) == 3


async def test_what_waits_is_bounded_and_written_at_the_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turned_on()
    monkeypatch.setattr(tracing, "MOST_WAITING", 3 * LARGE)
    service = tracing.Tracing(folder, Clock())
    for n in range(4):
        trace = service.begin(f"req_{n}", nothing)
        assert trace
        trace.data("heard", b"x" * LARGE + b"\n")
        trace.end({})
        time.sleep(0.002)  # the names of files are in the order of milliseconds
    await service.close()
    assert [each.frames[-1].what for each in traces()] == ["ended", "ended", "cut", "cut"]


def test_a_line_that_never_ends_is_bounded(folder: Path) -> None:
    turned_on(largest=8 * SMALL)
    trace = Tracing(folder, Clock()).begin("req_1", nothing)
    assert trace
    for _ in range(1000):
        trace.data("heard", b"x" * 1000)
    assert sum(map(len, trace._rest.get("heard", []))) <= 2 * SMALL
    trace.end({})
    assert traces()[0].frames[-1].what == "cut"


# ---- in the service


async def test_twenty_streams_at_once_lose_nothing(serve: Serve, upstream: FakeUpstream, folder: Path) -> None:
    """Neither the streams, traced with room for a few of them only, nor the bounds."""
    turned_on(largest=100_000)
    service = await serve(configuration(upstream.base_url), folder=folder)
    words = [f"word{n} " for n in range(300)]
    go = threading.Event()
    upstream.think(lambda _: stream(Hold(go), *map(text, words), finish(), DONE))
    asked = [asyncio.create_task(service.stream()) for _ in range(20)]
    await asyncio.to_thread(upstream.wait_for, 20)
    go.set()
    for answer in await asyncio.gather(*asked):
        found = events(answer.body)
        check_grammar(found)
        assert text_in(found) == "".join(words)

    assert 0 < sum(path.stat().st_size for path in trace_file.files()) <= 101_000
    assert all(each.id.startswith("req_") for each in traces())


async def test_what_failed_is_traced_too(traced: Service, upstream: FakeUpstream) -> None:
    upstream.play(error(401, f"no such key: {KEY}"), stream(text("Hi"), CUT), stream(CUT))
    answers = [await traced.post(), await traced.stream(), await traced.stream(), await traced.post(body={})]
    await eventually(lambda: all(each.about("ended") for each in traces()), "the end of all")

    refused, cut, closed, nonsense = traces()
    assert [refused.status("heard"), refused.status("told")] == [401, 401]
    assert refused.text("told").encode() == answers[0].body
    assert KEY not in on_disk()
    assert TOKEN not in on_disk()
    assert cut.text("told").encode() == answers[1].body
    assert "event: error" in cut.text("told")
    assert (closed.text("heard"), closed.status("told")) == ("", answers[2].status)
    assert (nonsense.of("sent"), nonsense.status("told"), nonsense.about("ended")["status"]) == ([], 400, 400)


async def test_a_request_that_can_t_be_traced_is_served(
    serve: Serve,
    upstream: FakeUpstream,
    folder: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A disk that is full from the beginning, and one that becomes full."""
    turned_on()
    service = await serve(configuration(upstream.base_url), folder=folder)
    upstream.think(lambda _: Reply(text="Hi there"))
    append, room = trace_file.append, [0]

    def full(path: Path, line: bytes, *, new: bool = False) -> None:
        if not room[0]:
            raise OSError(28, "No space left on device")
        room[0] -= 1
        append(path, line, new=new)

    monkeypatch.setattr(trace_file, "append", full)
    for left in (0, 1, 3, 5):
        room[0] = left
        assert text_in(events((await service.stream()).body)) == "Hi there"
    assert caplog.text.count("a request could not be traced: No space left on device") == 4
    assert len(traces()) == 3


async def test_off_nothing_is_written(serve: Serve, upstream: FakeUpstream, folder: Path) -> None:
    service = await serve(configuration(upstream.base_url), folder=folder)
    upstream.play(Reply(text="Hi"))
    assert (await service.post(body=hello())).status == 200
    assert not trace_file.folder().exists()


async def test_frames_are_json_lines(traced: Service, upstream: FakeUpstream) -> None:
    upstream.play(Reply(text="Grüße\u2028"))
    await traced.stream()
    (path,) = trace_file.files()
    lines = [json.loads(line) for line in path.read_text().split("\n")[:-1]]
    assert lines[0]["about"]["schema"] == "c2o.trace/1"
    assert {line["what"] for line in lines} == {"asked", "routed", "sent", "heard", "told", "ended"}
