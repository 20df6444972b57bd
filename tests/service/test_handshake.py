"""The one line by which a process says that it is ready."""

from __future__ import annotations

import os

import pytest

from c2o.errors import C2oError, ConfigError, PortTaken
from c2o.service.handshake import as_raised, ready_line


def test_the_line_is_given_as_it_came() -> None:
    reader, writer = os.pipe()
    os.write(writer, b'{"ok":true}\n')
    os.close(writer)
    assert ready_line(reader, 5) == b'{"ok":true}\n'


def test_a_process_that_ended_without_a_word_said_nothing() -> None:
    reader, writer = os.pipe()
    os.close(writer)
    assert ready_line(reader, 5) == b""


def test_a_process_that_is_silent_is_not_waited_for_forever() -> None:
    reader, writer = os.pipe()
    assert ready_line(reader, 0.05) is None
    os.close(writer)


@pytest.mark.parametrize(("exit_code", "kind"), [(6, PortTaken), (78, ConfigError), (1, C2oError), (99, C2oError)])
def test_a_failure_keeps_its_kind_and_words(exit_code: int, kind: type[C2oError]) -> None:
    failure = as_raised(exit_code, "port 1 is taken.")
    assert type(failure) is kind
    assert str(failure) == "port 1 is taken."
