"""``c2o init`` with a person at the keys: what is asked, what is shown, and that stopping leaves nothing."""

from __future__ import annotations

import threading
import tomllib
from typing import Any

import pytest

from c2o import facts
from tests.cli.on_a_terminal import CTRL_C, CTRL_D, Terminal, on_a_terminal
from tests.cli.test_doctor_probe import blind
from tests.cli.test_init import BEFORE, file_of, files_of, works
from tests.command_line import CommandLine
from tests.fake_upstream import FakeUpstream, Hold, Request, Scripted, error, stream

KEY = "sk-typed-key-0123456789"

UPSTREAM = "Number, name or URL"
ITS_KEY = "Its key: the name of a variable, 'paste', or 'none'"
HIDDEN = "The key (what you type stays hidden)"
KEEP = "Keep this key in the configuration file"
MODEL = "The model: number or name"
NOW = "t/m/k/u/w"
WRITE = "Write this to"
ELSE = "Try all that it can do?"


def written(c2o: CommandLine) -> dict[str, Any]:
    return tomllib.loads(file_of(c2o).read_text())


def test_a_local_server_by_its_url(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    with on_a_terminal(c2o, "init") as terminal:
        terminal.see("Which upstream shall Claude Code work on?")
        terminal.answer(UPSTREAM, upstream.base_url)
        terminal.see("✓ local lists 1 model")
        terminal.answer(MODEL)
        terminal.see("✓ local: fake-model streams")
        terminal.see("✓ local: fake-model calls a tool")
        terminal.answer(ELSE)
        terminal.see("wrote ~/c2o/config.toml")
        terminal.see("c2o run claude")
        assert terminal.end() == 0
    assert written(c2o)["upstreams"] == {"local": {"base_url": upstream.base_url}}
    assert written(c2o)["models"] == {"default": "local/fake-model"}
    assert file_of(c2o).stat().st_mode & 0o777 == 0o600


def test_all_that_the_model_can_do_is_tried_if_the_person_wants(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(blind)
    with on_a_terminal(c2o, "init", "--upstream", upstream.base_url, "--model", "fake-model") as terminal:
        terminal.see("Up to 6 more short requests, which may cost something")
        terminal.answer(ELSE, "y")
        terminal.see("local: keeps to max_tokens")
        terminal.see("local: images  (it refuses:")
        assert terminal.end() == 0
    assert len(upstream.requests) == 3 + 5
    known = [fact.fact for fact in facts.read(c2o.folder / "state" / "learned.toml", facts.now()).facts]
    assert {"can:tools", "can:required_tools", "without:image"} <= set(known)


def test_what_is_ready_comes_first_and_keys_are_shown_by_name(c2o: CommandLine) -> None:
    with on_a_terminal(c2o, "init", "--no-probe", GROQ_API_KEY=KEY) as terminal:
        menu = terminal.see(UPSTREAM)
        terminal.type(CTRL_C)
        assert terminal.end() == 130
        assert KEY not in terminal.screen
    lines = menu.splitlines()
    ready = [line for line in lines if "is set" in line or "answers, " in line]
    assert any("Groq" in line and "GROQ_API_KEY is set" in line for line in ready)
    first = next(number for number, line in enumerate(lines) if "wants" in line or "isn't running" in line)
    assert [line for line in lines[first:] if line in ready] == []


def test_an_upstream_of_another_machine_is_asked_with_its_key(c2o: CommandLine, upstream: FakeUpstream) -> None:
    """The name of a variable goes into the file, its value goes to the upstream and nowhere else."""
    upstream.think(works)
    c2o.folder.mkdir(mode=0o700)
    with on_a_terminal(
        c2o, "init", "--no-probe", "--upstream", upstream.base_url, "--key-env", "MY_KEY", MY_KEY=KEY
    ) as terminal:
        terminal.answer(MODEL, "1")
        assert terminal.end() == 0
        assert KEY not in terminal.screen
    assert written(c2o)["upstreams"]["local"]["api_key"] == "env:MY_KEY"
    assert {request.headers["authorization"] for request in upstream.requests} == {f"Bearer {KEY}"}


@pytest.fixture
def keyed(c2o: CommandLine, upstream: FakeUpstream) -> CommandLine:
    """A configuration whose upstream has its key in a variable that isn't set."""
    c2o.folder.mkdir(mode=0o700)
    text = BEFORE.replace("https://old.example.com/v1", upstream.base_url).replace("command:pass show old", "env:OLD")
    file_of(c2o).write_text(text)
    return c2o


def test_a_pasted_key_is_never_shown_and_kept_only_if_wanted(keyed: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    with on_a_terminal(keyed, "init", "--no-probe", "--upstream", "old") as terminal:
        terminal.see("OLD is not set here")
        terminal.answer(ITS_KEY)
        terminal.see(HIDDEN)
        terminal.type(f"{KEY}\n")
        terminal.answer(KEEP, "y")
        terminal.answer(MODEL, "fake-model")
        terminal.see("~ upstream old")
        terminal.answer(WRITE, "y")
        assert terminal.end() == 0
        assert KEY not in terminal.screen
    assert written(keyed)["upstreams"]["old"]["api_key"] == KEY


def test_a_key_that_may_not_be_kept_goes_into_a_variable(keyed: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    with on_a_terminal(keyed, "init", "--no-probe", "--upstream", "old", ELSEWHERE=KEY) as terminal:
        terminal.answer(ITS_KEY, "paste")
        terminal.see(HIDDEN)
        terminal.type(f"{KEY}\n")
        terminal.answer(KEEP, "n")
        terminal.answer(ITS_KEY, "ELSEWHERE")
        terminal.answer(MODEL)
        terminal.answer(WRITE)
        assert terminal.end() == 0
    assert written(keyed)["upstreams"]["old"]["api_key"] == "env:ELSEWHERE"
    assert KEY not in file_of(keyed).read_text()


def test_a_variable_that_is_not_set_is_said_at_once(keyed: CommandLine, upstream: FakeUpstream) -> None:
    with on_a_terminal(keyed, "init", "--no-probe", "--upstream", "old") as terminal:
        terminal.answer(ITS_KEY, "NO_SUCH_KEY")
        terminal.see("✗ NO_SUCH_KEY is not set")
        terminal.see(ITS_KEY)
        terminal.type(CTRL_C)
        assert terminal.end() == 130


def test_a_refused_key_is_asked_again(keyed: CommandLine, upstream: FakeUpstream) -> None:
    def think(request: Request) -> Scripted:
        return works(request) if request.headers["authorization"] == f"Bearer {KEY}" else error(401, "Wrong key")

    upstream.think(think)
    with on_a_terminal(
        keyed, "init", "--no-probe", "--upstream", "old", OLD="sk-wrong-key-987654", GOOD=KEY
    ) as terminal:
        terminal.see("OLD is set here: sk-w…7654")
        terminal.answer(ITS_KEY)
        terminal.answer(MODEL, "fake-model")
        terminal.see("✗ old refused the key from env:OLD: Wrong key")
        terminal.answer(NOW)
        terminal.answer(ITS_KEY, "GOOD")
        terminal.see("✓ old: fake-model streams")
        terminal.answer(WRITE)
        assert terminal.end() == 0
    assert written(keyed)["upstreams"]["old"]["api_key"] == "env:GOOD"


def test_an_unknown_model_is_asked_again(c2o: CommandLine, upstream: FakeUpstream) -> None:
    def think(request: Request) -> Scripted:
        known = request.json["model"] == "fake-model"
        return works(request) if known else error(404, "No such model", code="model_not_found")

    upstream.think(think)
    upstream.models = []
    with on_a_terminal(c2o, "init", "--no-probe", "--upstream", upstream.base_url) as terminal:
        terminal.answer(MODEL, "fake")
        terminal.see("✗ local doesn't know the model fake")
        terminal.answer(NOW)
        terminal.answer(MODEL, "fake-model")
        assert terminal.end() == 0
    assert written(c2o)["models"]["default"] == "local/fake-model"


def test_what_does_not_work_can_be_written_all_the_same(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(lambda request: error(500, "On fire"))
    with on_a_terminal(c2o, "init", "--no-probe", "--upstream", upstream.base_url) as terminal:
        terminal.answer(MODEL)
        terminal.see("✗ local: On fire")
        terminal.answer(NOW, "x")
        terminal.see("one of the letters")
        terminal.answer(NOW, "w")
        assert terminal.end() == 0
    assert written(c2o)["models"]["default"] == "local/fake-model"


def test_nothing_answers_and_another_is_chosen(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    with on_a_terminal(c2o, "init", "--no-probe", "--upstream", "http://127.0.0.1:9/v1") as terminal:
        terminal.see("connection refused")
        terminal.answer("Try again?", "n")
        terminal.answer(UPSTREAM, "nonsense")
        terminal.see("there is no upstream 'nonsense'")
        terminal.answer(UPSTREAM, upstream.base_url)
        terminal.answer(MODEL)
        assert terminal.end() == 0


def test_a_long_list_is_searched(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    names = ["text-embed", *(f"vendor/model-{number}" for number in range(40)), "vendor/coder-a", "vendor/coder-b"]
    upstream.models = [{"id": name} for name in names]
    with on_a_terminal(c2o, "init", "--no-probe", "--upstream", upstream.base_url) as terminal:
        terminal.see("a part of one of the 43 names [vendor/model-0]")
        terminal.type("CODER\n")
        terminal.see("2 models have that in their names")
        terminal.answer(MODEL, "2")
        assert terminal.end() == 0
    assert written(c2o)["models"]["default"] == "local/vendor/coder-b"


def test_the_demo_asks_nothing_more(c2o: CommandLine) -> None:
    with on_a_terminal(c2o, "init", "--no-probe") as terminal:
        terminal.answer(UPSTREAM, "demo")
        terminal.see("-m c2o.demo --port 8227")
        assert terminal.end() == 0
    assert written(c2o)["models"] == {"default": "demo/c2o-demo"}


def test_what_is_there_is_shown_and_kept_unless_agreed(keyed: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    text = file_of(keyed).read_text()
    with on_a_terminal(keyed, "init", "--no-probe", OLD=KEY) as terminal:
        shown = terminal.see("Which upstream")
        terminal.type("old\n")
        terminal.answer(ITS_KEY)
        terminal.answer(MODEL, "fake-model")
        terminal.see("~ default: old/usual → old/fake-model")
        terminal.answer(WRITE, "n")
        terminal.see("nothing was written")
        assert terminal.end() == 130
    assert "There is a configuration already" in shown
    assert "old/usual" in shown
    assert file_of(keyed).read_text() == text


def test_flags_answer_their_questions(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    with on_a_terminal(c2o, "init", "--no-probe", "--upstream", upstream.base_url, "--model", "fake-model") as terminal:
        assert terminal.end() == 0
        assert "?" not in terminal.screen


@pytest.mark.parametrize("flags", [["--yes"], ["--json"]])
def test_nothing_is_asked_of_who_does_not_want_it(c2o: CommandLine, flags: list[str]) -> None:
    with on_a_terminal(c2o, "init", "--no-probe", *flags) as terminal:
        terminal.see("--upstream and --model")
        assert terminal.end() == 2


def test_c2o_no_input_is_respected(c2o: CommandLine) -> None:
    with on_a_terminal(c2o, "init", "--no-probe", C2O_NO_INPUT="1") as terminal:
        assert terminal.end() == 2


def test_without_colours_it_is_the_same(c2o: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(works)
    with on_a_terminal(c2o, "init", "--no-probe", "--upstream", upstream.base_url, NO_COLOR="1") as terminal:
        terminal.answer(f"? {MODEL} [fake-model] ")
        assert terminal.end() == 0
        assert "\x1b[3" not in terminal.raw


# ---- stopping


QUESTIONS: list[tuple[str, str]] = [
    (UPSTREAM, "old"),
    (ITS_KEY, "paste"),
    (HIDDEN, "sk-wrong-key-987654"),
    (KEEP, "y"),
    (MODEL, "fake-model"),
    (NOW, "k"),
    (ITS_KEY, "paste"),
    (HIDDEN, KEY),
    (KEEP, "y"),
    (WRITE, "y"),
]
"""All kinds of questions, in an order in which they may come, and what leads to the next."""


def key_is_right(request: Request) -> Scripted:
    return works(request) if request.headers["authorization"] == f"Bearer {KEY}" else error(401, "Wrong key")


def answer_up_to(terminal: Terminal, last: int) -> None:
    for question, answer in QUESTIONS[:last]:
        terminal.answer(question, answer)
    if last < len(QUESTIONS):
        terminal.see(QUESTIONS[last][0])


def test_the_questions_come_like_this(keyed: CommandLine, upstream: FakeUpstream) -> None:
    """So that the next test stops at each of them."""
    upstream.think(key_is_right)
    with on_a_terminal(keyed, "init", "--no-probe") as terminal:
        answer_up_to(terminal, len(QUESTIONS))
        assert terminal.end() == 0
    assert written(keyed)["upstreams"]["old"]["api_key"] == KEY


@pytest.mark.parametrize("stop", [pytest.param(CTRL_C, id="Ctrl-C"), pytest.param(CTRL_D, id="Ctrl-D")])
@pytest.mark.parametrize("last", range(len(QUESTIONS)))
def test_who_stops_leaves_nothing_behind(keyed: CommandLine, upstream: FakeUpstream, last: int, stop: str) -> None:
    upstream.think(key_is_right)
    text = file_of(keyed).read_text()
    with on_a_terminal(keyed, "init", "--no-probe") as terminal:
        answer_up_to(terminal, last)
        terminal.type(stop)
        assert terminal.end() == 130
        assert "c2o: nothing was written. Begin again with: c2o init" in terminal.screen
        assert "Traceback" not in terminal.screen
        assert "Aborted" not in terminal.screen
    assert file_of(keyed).read_text() == text
    assert files_of(keyed) == ["config.toml"]


def test_ctrl_c_while_an_upstream_is_tried(c2o: CommandLine, upstream: FakeUpstream) -> None:
    never = threading.Event()
    upstream.think(lambda request: stream(Hold(never)))
    with on_a_terminal(c2o, "init", "--no-probe", "--upstream", upstream.base_url, "--model", "fake-model") as terminal:
        (request,) = upstream.wait_for(1)
        terminal.type(CTRL_C)
        assert terminal.end() == 130
        assert "Traceback" not in terminal.screen
        assert request.hung_up.wait(5), "the one who asks has ended too"
    assert not c2o.folder.exists()
