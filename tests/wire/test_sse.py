"""Server-sent events: splitting what arrives, framing what leaves."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from c2o.wire import sse
from c2o.wire.sse import SSEDecoder, TooLong, frame
from tests.examples import for_all
from tests.strategies import cut
from tests.translate.talk import cuts

STREAMS: dict[str, tuple[bytes, list[tuple[str, bytes]]]] = {
    # https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
    "one event": (b"data: a\n\n", [("", b"a")]),
    "several": (b"data: a\n\ndata: b\n\n", [("", b"a"), ("", b"b")]),
    "without the space": (b"data:a\n\n", [("", b"a")]),
    "one space only is taken": (b"data:  a \n\n", [("", b" a ")]),
    "named": (b"event: error\ndata: a\n\n", [("error", b"a")]),
    "named afterwards": (b"data: a\nevent: error\n\n", [("error", b"a")]),
    "several lines": (b"data: a\ndata: b\n\n", [("", b"a\nb")]),
    "an empty line of data": (b"data\ndata: b\n\n", [("", b"\nb")]),
    "nothing but an empty line of data": (b"data:\n\n", [("", b"")]),
    "comments": (b": OPENROUTER PROCESSING\n\n:\n\ndata: a\n\n", [("", b"a")]),
    "a comment inside": (b"data: a\n: keep-alive\ndata: b\n\n", [("", b"a\nb")]),
    "other fields": (b"retry: 3000\nid: 7\ndata: a\n\n", [("", b"a")]),
    "fields that nobody knows": (b"colour: blue\ndatabase: x\ndata: a\n\n", [("", b"a")]),
    "an event without data": (b"event: ping\n\ndata: a\n\n", [("", b"a")]),
    "many blank lines": (b"\n\n\ndata: a\n\n\n\n\ndata: b\n\n", [("", b"a"), ("", b"b")]),
    "a byte order mark": (b"\xef\xbb\xbfdata: a\n\n", [("", b"a")]),
    "no blank line at the end": (b"data: a\n\ndata: b", [("", b"a"), ("", b"b")]),
    "one line end at the end": (b"data: a\n", [("", b"a")]),
    "bytes that are no UTF-8": (b"data: \xff\xfe\n\n", [("", b"\xff\xfe")]),
    "a colon in the data": (b'data: {"a": 1}\n\n', [("", b'{"a": 1}')]),
    "nothing": (b"", []),
    "only comments": (b": a\n\n: b", []),
}

LINE_ENDS = {"LF": b"\n", "CRLF": b"\r\n", "CR": b"\r"}


def decoded(pieces: object) -> list[tuple[str, bytes]]:
    decoder = SSEDecoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]  # type: ignore[attr-defined]
    return [(event.event, event.data) for event in [*events, *decoder.close()]]


@pytest.mark.parametrize("line_end", LINE_ENDS)
@pytest.mark.parametrize("what", STREAMS)
def test_a_stream_is_split_into_events_wherever_it_is_cut(what: str, line_end: str) -> None:
    data, events = STREAMS[what]
    data = data.replace(b"\n", LINE_ENDS[line_end])

    assert decoded([data]) == events
    assert decoded(cuts(data, 1)) == events
    for at in range(len(data)):
        assert decoded([data[:at], data[at:]]) == events, at


@for_all(
    st.lists(st.sampled_from([b"data: a", b"\n", b"\r", b"\r\n", b"\n\n", b":", b"event: x", b"data"]))
    .map(b"".join)
    .flatmap(cut)
)
def test_any_bytes_are_split_in_the_same_way_wherever_they_are_cut(pieces: list[bytes]) -> None:
    assert decoded(pieces) == decoded([b"".join(pieces)]) == decoded(cuts(b"".join(pieces), 1))


def test_an_event_comes_as_soon_as_its_blank_line() -> None:
    """Not one piece later: what a model said is shown at once."""
    decoder = SSEDecoder()

    assert decoder.feed(b"data: a\n") == []
    assert [event.data for event in decoder.feed(b"\n")] == [b"a"]
    assert [event.data for event in decoder.feed(b"data: b\r\n\r\n")] == [b"b"]
    assert decoder.close() == []


def test_an_event_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "LIMIT", 1000)
    decoder = SSEDecoder()

    for _ in range(50):
        decoder.feed(b"data: 12345678\n\n")  # many small ones are fine
    decoder.feed(b"data: " + b"x" * 900)
    with pytest.raises(TooLong):
        decoder.feed(b"\ndata: " + b"x" * 100)


def test_megabytes_in_small_pieces_take_no_time() -> None:
    data = b"data: " + b"x" * 3_000_000 + b"\n\n"

    assert decoded(cuts(data, 100)) == [("", data[6:-2])]


def test_a_frame_is_read_back() -> None:
    assert (
        frame("message_stop", b'{"type":"message_stop"}') == b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    )
    assert decoded([frame("a", b"{}")]) == [("a", b"{}")]
