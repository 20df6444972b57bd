"""What the real Claude Code says and hears: traced, made a recording, and found again by what it shows of an error."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests import test_recordings as recordings
from tests.clients.claude import Claude
from tests.clients.service import Service
from tests.clients.test_claude_code import steps
from tests.fake_upstream import Call, FakeUpstream, Reply, error
from tests.test_recordings import Recording

pytestmark = pytest.mark.slow

CUTS = 40
"""Where a stream of the real client is cut; each cut reads its 50 kB again."""


def test_a_traced_turn_is_a_recording(
    claude: Claude, c2o_service: Service, upstream: FakeUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streamed, with a tool call whose input is mended, and the turn after it."""
    command = Call("Bash", '{"command": "echo computed-42", "description": "Compute", "timeout": "5000"}')
    upstream.think(steps(Reply(text="Let me see.", calls=(command,)), Reply(text="It is forty-two.")))
    assert claude.c2o("trace", "on").returncode == 0
    done = claude.through_c2o("-p", "Compute", "--allowedTools", "Bash")
    assert (done.stdout.strip(), done.returncode) == ("It is forty-two.", 0), done

    traces = json.loads(claude.c2o("trace", "--json").stdout)["traces"]
    turns = [each for each in traces if each["stop_reason"]]
    assert [each["stop_reason"] for each in turns[-2:]] == ["tool_use", "end_turn"]
    monkeypatch.setattr(recordings, "CUT_EVERYWHERE", 0)
    for number, turn in enumerate(turns[-2:]):
        folder = tmp_path / "recordings" / "generic" / f"turn-{number}"
        exported = claude.c2o("trace", "export", turn["id"], "--to", str(folder), "--json")
        assert json.loads(exported.stdout)["reproducible"], exported
        _passes(Recording(folder))
    assert "computed-42" in claude.c2o("trace", "show", turns[-1]["id"], "--full").stdout


def _passes(recording: Recording) -> None:
    """The functions of the recordings' own tests take it as it is."""
    recordings.test_what_goes_upstream(recording)
    recordings.test_what_a_streaming_client_gets(recording)
    recordings.test_a_stream_where_a_whole_answer_was_asked_for(recording)
    for line_end in recordings.LINE_ENDS.values():
        recordings.check_cuts(recording, line_end, recordings.everywhere)
    data, request = recording.raw("upstream.sse"), recording.request()
    expected = recordings.translated(recording, [data])
    for at in range(0, len(data), len(data) // CUTS):
        assert recordings.stream(recording.translator(request), (data[:at], data[at:])) == expected


def test_the_id_of_what_failed_is_on_the_screen(claude: Claude, c2o_service: Service, upstream: FakeUpstream) -> None:
    """What Claude Code prints leads to the log's own explanation."""
    upstream.think(lambda _: error(402, "no money"))
    claude.c2o("trace", "on")
    done = claude.through_c2o("-p", "Hi")

    shown = re.search(r"API Error: 402 fake: no money \(c2o logs --request (req_\w+)\)", done.stdout)
    assert shown, done
    explained = claude.c2o("logs", "--request", shown[1]).stdout
    assert re.search(r"claude-cli/\d+\.\d+\.\d+ asked for \S+ as a stream; ", explained), explained
    assert "It went to fake/fake-model" in explained
    assert "(402): fake: no money\n  The account has to be topped up" in explained
    assert f"c2o trace show {shown[1]}" in explained
    traced = claude.c2o("trace", "show", shown[1]).stdout
    assert "no money" in traced
