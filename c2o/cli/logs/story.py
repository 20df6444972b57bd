"""``c2o logs --request ID``: what became of one request, in sentences that end with what to do."""

from __future__ import annotations

from collections.abc import Iterator

from c2o import trace_file
from c2o.cli.output import Line
from c2o.printable import printable
from c2o.wire.log import Finished, Record, Warned

KINDS = {
    "main": "the conversation itself",
    "background": "background work of the client's own",
    "subagent": "a subagent",
    "think": "a turn that thinks",
    "image": "a turn with an image",
    "web_search": "a web search",
    "long_context": "a long conversation",
}

ADVICE = {
    400: "The request itself was not taken: what the sentence above names has to change.",
    401: "Put a valid key (or token) where the sentence says. `c2o doctor` checks all of them.",
    402: "The account has to be topped up, or another upstream chosen: c2o config get models",
    403: "The caller was turned away. `c2o doctor` shows what clients are told to use.",
    404: "See which models there are: c2o config get models",
    413: "Make the request smaller: fewer or smaller pictures, or /compact in Claude Code.",
    429: "The client tries again by itself; requests_per_minute and max_concurrency hold c2o back: c2o config schema",
    502: "Look at the upstream: c2o doctor",
    504: "The upstream was too slow or is away: c2o doctor",
    529: "The upstream is overloaded; the client tries again by itself.",
}
"""What to do about a failure, by its status."""

CLIENT_LEFT = "the client left"


def story(record: Record) -> Iterator[Line]:
    """The sentences of a request that has ended."""
    request = record.request
    assert request is not None
    yield [_asked(record, request)]
    if request.target:
        yield [_went(request)]
    for each in request.attempts:
        yield [("↻ ", "yellow"), f"After {each.seconds:.2f} s at {printable(each.target)}: {printable(each.why)}"]
    yield from _notes(request.repairs, "Mended in the answer")
    yield from _notes(request.warnings, "Dropped or changed on the way")
    yield from _end(request)
    yield from _further(request)


def _asked(record: Record, request: Finished) -> str:
    who = printable(request.client or "A client")
    when = f"{record.time[:10]} {record.time[11:19]} UTC"
    if request.path:
        return f"{who} asked {printable(request.path)} and was refused at {when}."
    how = "as a stream" if request.stream else "in one piece"
    return f"{who} asked for {printable(request.asked)} {how}; it ended at {when}."


def _went(request: Finished) -> str:
    kind = f", as {KINDS.get(request.kind, printable(request.kind))}" if request.kind else ""
    return f"It went to {printable(request.target or '')}{kind}."


def _notes(notes: list[Warned], what: str) -> Iterator[Line]:
    for each in notes:
        times = f" ({each.count} times)" if each.count > 1 else ""
        yield [("! ", "yellow"), f"{what}: {printable(each.text)}{times}"]


def _end(request: Finished) -> Iterator[Line]:
    if request.output_tokens is not None:
        cached = f", {request.cached_tokens} more from its cache" if request.cached_tokens else ""
        yield [f"The upstream counted {request.input_tokens} tokens in{cached}, and {request.output_tokens} out."]
    if request.error is None:
        began = "" if request.first_byte is None else f"; the answer began after {request.first_byte:.2f} s"
        how = f"with {printable(request.stop_reason)} " if request.stop_reason else ""
        yield [("✓ ", "green"), f"It ended well, {how}after {request.seconds:.2f} s{began}."]
        return
    status = f" ({request.status})" if request.status else ""
    yield [("✗ ", "red"), f"It failed after {request.seconds:.2f} s{status}: {printable(request.error)}"]
    advice = "Nothing has to be done: a person or a program broke it off." if request.error == CLIENT_LEFT else None
    if said := advice or ADVICE.get(request.status or 0):
        yield [f"  {said}"]


def _further(request: Finished) -> Iterator[Line]:
    if trace_file.find(request.id):
        yield [("→ ", "cyan"), f"All that went over the wire: c2o trace show {request.id}"]
    elif request.error and not request.path:
        yield [("→ ", "cyan"), "To see what goes over the wire, turn tracing on and ask again: c2o trace on --for 10m"]
