"""What the service writes to stderr."""

from __future__ import annotations

import logging

from aiohttp.http_exceptions import BadHttpMessage

from c2o.proxy.log import JournaldFormatter, SafeFormatter, as_record, quieten
from c2o.wire.log import Begun, Finished, Record, Warned, decode, encode


def record(message: str, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    exc_info = (type(error), error, None) if error else None
    return logging.LogRecord("c2o.proxy", logging.ERROR, __file__, 1, message, args, exc_info)


def shown(written: logging.LogRecord) -> str:
    """Without the time."""
    formatted = SafeFormatter(lambda text: text.replace("sk-secret", "***")).format(written)
    return formatted.partition(" ")[2]


def test_a_record_is_a_line_with_time_level_and_name() -> None:
    line = SafeFormatter(str).format(record("hello %s", "you"))
    assert line.endswith(" ERROR c2o.proxy: hello you")
    assert line[4] == line[7] == "-"
    assert line[10] == "T"


def test_secrets_are_taken_out_wherever_they_stand() -> None:
    error = ValueError("upstream said sk-secret")
    text = shown(record("key %s", "sk-secret", error=error))
    assert text.startswith("ERROR c2o.proxy: key ***\n")
    assert text.endswith("ValueError: upstream said ***")


def test_no_record_can_forge_a_line_or_drive_a_terminal() -> None:
    assert shown(record("model %s", "x\n2026 INFO forged\x1b[2J")) == (
        r"ERROR c2o.proxy: model x\n2026 INFO forged\x1b[2J"
    )
    assert "\x1b" not in shown(record("failed", error=ValueError("\x1b[2J")))


def test_a_client_that_speaks_nonsense_leaves_no_traceback() -> None:
    written = record("Error handling request", error=BadHttpMessage("x-api-key: sk-someone"))
    assert quieten(written)
    assert shown(written) == "WARNING c2o.proxy: a request that isn't HTTP, or broke off (BadHttpMessage)"


def test_our_own_errors_keep_theirs() -> None:
    written = record("Error handling request", error=ZeroDivisionError())
    assert quieten(written)
    assert shown(written) == "ERROR c2o.proxy: Error handling request\nZeroDivisionError"


def test_for_journald_there_is_a_priority_in_front_of_each_line_and_no_time() -> None:
    error = ValueError("one")
    assert JournaldFormatter(str).format(record("failed", error=error)) == "<3>c2o.proxy: failed\n<3>ValueError: one"


def test_a_line_of_the_file_is_json() -> None:
    written = as_record(record("key %s", "sk-secret"), lambda text: text.replace("sk-secret", "***"))
    assert written == Record(time=written.time, level="error", logger="c2o.proxy", message="key ***")
    assert encode(written) == (
        f'{{"time":"{written.time}","level":"error","logger":"c2o.proxy","message":"key ***"}}\n'.encode()
    )


def test_a_request_in_the_file_holds_no_secret_in_any_writing() -> None:
    """Redacted before it is JSON, which would write a quotation mark in another way."""
    secret = 'sk-"quoted"'
    request = Finished(
        id="req_1", asked=secret, target=f"nim/{secret}", warnings=[Warned(secret)], error=f"said {secret}"
    )
    written = logging.LogRecord("c2o.journal", logging.WARNING, __file__, 1, request, (), None)
    line = encode(as_record(written, lambda text: text.replace(secret, "***")))
    assert b"quoted" not in line
    begins = logging.LogRecord(
        "c2o.journal", logging.DEBUG, __file__, 1, Begun(id="req_1", pid=1, asked=secret), (), None
    )
    assert b"quoted" not in encode(as_record(begins, lambda text: text.replace(secret, "***")))
    read = decode(line)
    assert read is not None
    assert read.request == Finished(
        id="req_1", asked="***", target="nim/***", warnings=[Warned("***")], error="said ***"
    )


def test_a_traceback_is_in_the_line_too() -> None:
    read = decode(encode(as_record(record("failed", error=ValueError("one")), str)))
    assert read is not None
    assert read.traceback == "ValueError: one"


def test_what_a_crash_leaves_is_no_record() -> None:
    assert decode(b"Traceback (most recent call last):") is None
    assert decode(b'{"time": 1}') is None
    assert decode(b"\xff") is None
