"""``c2o usage``: counted by a real service, to the last token, over restarts and crashes."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from c2o import config, known_models, usage_store
from c2o.errors import ConfigError
from c2o.usage_store import Used
from c2o.wire.probe import ListedModel, Price
from tests.cli.on_a_terminal import COLOUR, on_a_terminal
from tests.clients.service import TOKEN
from tests.command_line import CommandLine, until
from tests.fake_upstream import FakeUpstream, Reply, Request, error, usage_of

SESSION = "0c0ffee0-0000-4000-8000-000000000001"

TODAY = f"{datetime.now().astimezone():%Y-%m-%d}"


@pytest.fixture
def mapped(c2o: CommandLine, upstream: FakeUpstream) -> CommandLine:
    """Two upstreams with one address: ``fake``, which counts, and ``free``; and a remote one that is never asked."""
    c2o.configure(
        {
            "server": {"auth_token": TOKEN, "port": 0},
            "upstreams": {
                "fake": {"base_url": upstream.base_url},
                "remote": {"base_url": "https://llm.example.com/v1"},
            },
            "models": {"default": "fake/big", "opus": "fake/big", "haiku": "fake/small", "sonnet": "remote/known"},
            "prices": {
                "fake/*": {"input": 1.0, "output": 10.0, "cache_read": 0.1},
                "fake/small": {"input": 0.0, "output": 0.0},
            },
        }
    )
    upstream.think(counts)
    return c2o


def counts(request: Request) -> Reply:
    """A model that takes its own usage from the prompt: ``prompt completion cached``."""
    prompt, completion, cached = map(int, request.prompt.split())
    return Reply("ok", usage=usage_of(prompt, completion, cached))


def ask(
    c2o: CommandLine, said: str, model: str = "claude-opus-5", *, session: str = SESSION, stream: bool = False
) -> int:
    """A request; returns the status of its answer."""
    body = {"model": model, "max_tokens": 9, "stream": stream, "messages": [{"role": "user", "content": said}]}
    connection = http.client.HTTPConnection(*c2o.service().address, timeout=30)
    headers = {"x-api-key": TOKEN, "content-type": "application/json", "X-Claude-Code-Session-Id": session}
    try:
        connection.request("POST", "/v1/messages", json.dumps(body), headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def said(c2o: CommandLine, *arguments: str) -> Any:
    return c2o("usage", *arguments, "--json").json


def counted(c2o: CommandLine, requests: int) -> Any:
    """The total, once so many requests are in it."""
    long_ago = datetime.now().astimezone() - timedelta(days=9)
    until(lambda: sum(each.requests for each in usage_store.read(usage_store.path(), long_ago)) == requests)
    return said(c2o)["total"]


def record(*rows: Used) -> None:
    usage_store.add(usage_store.path(), rows)


def used(age: float = 0.0, **fields: Any) -> Used:
    plain = Used(time.time() - age, "claude-opus-5", "fake", "big", SESSION, False, False, 1000, 3000, 0, 500, 1.5)
    return plain._replace(**fields)


# Shown ---------------------------------------------------------------------------------------------


def test_a_table_for_a_pipe(mapped: CommandLine) -> None:
    record(used(), used(failed=True, input=0, cache_read=0, output=0), used(age=86400, input=2_000_000, cache_read=0))

    shown = mapped("usage")

    yesterday = f"{datetime.now().astimezone() - timedelta(days=1):%Y-%m-%d}"
    assert (shown.exit_code, shown.err) == (0, "")
    assert shown.out.splitlines() == [
        " requests  failed       in  cached      out      cost  day",
        f"        1       -     2.0M     0 %      500     $2.00  {yesterday}",
        "        2       1       4k    75 %      500   $0.0063  today",
        "        3       1     2.0M     0 %       1k     $2.01  total",
        f"kept on this machine alone: {mapped.folder.parent / 'c2o' / 'state' / 'usage.db'}".replace(
            str(mapped.home), "~"
        ),
    ]


def test_as_json(mapped: CommandLine) -> None:
    record(used(seconds=2.5), used(estimated=True))

    whole = said(mapped)

    assert list(whole) == ["schema", "by", "since", "path", "set_aside", "groups", "total"]
    assert (whole["schema"], whole["by"], whole["set_aside"]) == ("c2o.usage/1", "day", None)
    assert datetime.fromisoformat(whole["since"]).astimezone().strftime("%H:%M:%S") == "00:00:00"
    (day,) = whole["groups"]
    ended_at = day.pop("ended_at")
    assert abs(datetime.fromisoformat(ended_at).timestamp() - time.time()) < 60
    assert day == {
        "key": TODAY,
        "requests": 2,
        "failed": 0,
        "estimated": 1,
        "input_tokens": 2000,
        "cache_read_tokens": 6000,
        "cache_write_tokens": 0,
        "output_tokens": 1000,
        "cache_hit_ratio": 0.75,
        "seconds": 4.0,
        "cost": 0.0126,
        "unpriced": [],
    }
    assert whole["total"] | {"key": TODAY, "ended_at": ended_at} == day | {"ended_at": ended_at}


def test_nothing_used(mapped: CommandLine) -> None:
    shown = mapped("usage")

    assert shown.exit_code == 0
    assert shown.out.startswith("nothing was used since 20")
    assert not usage_store.path().exists()


def keys(c2o: CommandLine, *arguments: str) -> list[str]:
    return [group["key"] for group in said(c2o, *arguments)["groups"]]


@pytest.mark.slow
def test_by_model_tier_and_session(mapped: CommandLine) -> None:
    record(
        used(model="small", asked="claude-haiku-4-5", input=1),
        used(asked="c2o-claude/fake/small", model="small", session=""),
        used(asked="c2o-claude/fake/big", age=100, session="s2"),
        used(asked="my-own-name", age=50, session="s3"),
        used(input=9_000_000),
    )

    assert keys(mapped, "--by", "model") == ["fake/big", "fake/small"]
    assert keys(mapped, "--by", "tier") == ["opus", "haiku", "my-own-name"]
    assert keys(mapped, "--by", "session") == ["s2", "s3", "", SESSION]
    assert f"  {SESSION[:8]}\n" in mapped("usage", "--by", "session").out


@pytest.mark.slow
def test_since(mapped: CommandLine) -> None:
    record(used(), used(age=3 * 3600), used(age=40 * 86400))

    assert said(mapped, "--since", "1h")["total"]["requests"] == 1
    for long_ago in ("60d", "99999d", "99999999999h"):
        assert said(mapped, "--since", long_ago)["total"]["requests"] == 3
    assert mapped("usage", "--since", "soon").exit_code == 2


@pytest.mark.slow
def test_a_price_that_nobody_knows_is_no_zero(mapped: CommandLine) -> None:
    record(
        used(), used(upstream="remote", model="m"), used(upstream="gone", model="x", input=0, cache_read=0, output=0)
    )

    shown = mapped("usage", "--by", "model").out

    assert "        ?  remote/m\n" in shown
    assert " $0.0063+?  total\n" in shown
    assert "? no price is known of remote/m. Dollars for a million tokens:\n" in shown
    command = "c2o config set 'prices.\"remote/m\".input' 0.60"
    assert command in shown
    assert said(mapped)["total"]["unpriced"] == ["remote/m"]

    mapped("config", "set", 'prices."remote/m".input', "1")
    assert said(mapped)["total"]["unpriced"] == ["remote/m"]  # without the other it isn't finished
    mapped("config", "set", 'prices."remote/m".output', "2")
    assert said(mapped)["total"]["unpriced"] == []
    assert said(mapped)["total"]["cost"] == pytest.approx(0.0063 + 0.005)


@pytest.mark.slow
def test_the_price_that_an_upstream_tells(mapped: CommandLine) -> None:
    told = ListedModel("told", price=Price(2.0, 4.0))
    listed = known_models.listed("https://llm.example.com/v1", [told], known_models.now())
    known_models.remember(known_models.path(), {"remote": listed})
    record(used(upstream="remote", model="told"))

    assert said(mapped)["total"]["cost"] == (4000 * 2 + 500 * 4) / 1e6


@pytest.mark.slow
def test_a_model_on_this_machine_is_free(configured: CommandLine) -> None:
    record(used())

    assert said(configured)["total"]["cost"] == 0.0


@pytest.mark.parametrize(
    ("prices", "why"),
    [
        ({"fake/m": {"inptu": 1}}, "input"),
        ({"fake/m": {"input": -1}}, "[prices"),
        ({"nobody/m": {"input": 1}}, "there is no [upstreams.nobody]"),
        ({"m": {"input": 1}}, '"upstream/model"'),
    ],
)
def test_prices_that_make_no_sense_are_refused(prices: Any, why: str) -> None:
    tables = {"server": {"auth_token": TOKEN}, "upstreams": {"fake": {"base_url": "http://127.0.0.1:1"}}}
    text = tomli_w.dumps({**tables, "models": {"default": "fake/m"}, "prices": prices})

    with pytest.raises(ConfigError) as refused:
        config.parse(text.encode(), Path("config.toml"))

    assert why in str(refused.value)


@pytest.mark.slow
def test_bars_on_a_terminal(mapped: CommandLine) -> None:
    record(used(), used(age=86400, input=8000, cache_read=0, output=0))

    with on_a_terminal(mapped, "usage") as terminal:
        assert terminal.end() == 0
        assert f"{'█' * 24}  20" in terminal.screen
        assert f"{'█' * 14}          " in terminal.screen
        assert "\x1b[36m█" in terminal.raw
    with on_a_terminal(mapped, "usage", NO_COLOR="1", COLUMNS="80", PYTHONIOENCODING="ascii") as terminal:
        assert terminal.end() == 0
        assert not COLOUR.search(terminal.raw)
        assert "#####" in terminal.raw
        assert max(map(len, terminal.screen.splitlines())) <= 80


# What becomes of a broken file ----------------------------------------------------------------------


@pytest.mark.slow
def test_a_damaged_file_is_set_aside_and_said(mapped: CommandLine) -> None:
    path = usage_store.path()
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database at all, not even the beginning of one " * 200)

    failed = mapped("usage")
    assert failed.exit_code == 1
    assert "file is not a database. The service sets it aside when it next writes" in failed.err

    mapped("start")
    assert ask(mapped, "10 5 0") == 200
    until(lambda: "it was set aside as usage.db.damaged, and usage is counted anew" in mapped.log)
    assert counted(mapped, 1)["input_tokens"] == 10
    assert "! an earlier file was damaged and set aside as " in mapped("usage").out


@pytest.mark.slow
def test_a_newer_file_is_said_everywhere_and_left_alone(mapped: CommandLine) -> None:
    record(used())
    with usage_store._writing(usage_store.path()) as database:
        database.execute("PRAGMA user_version = 9")
    before = usage_store.path().read_bytes()

    assert "Upgrade c2o." in mapped("usage").err
    mapped("start")
    assert ask(mapped, "10 5 0") == 200
    until(lambda: "usage.unwritable" in mapped("status", "--json").out)
    assert "usage isn't written down" in mapped("doctor", "--no-probe").out
    assert usage_store.path().read_bytes() == before


# Counted by the service -----------------------------------------------------------------------------


def test_what_is_counted(mapped: CommandLine, upstream: FakeUpstream) -> None:
    mapped("start")
    assert ask(mapped, "100 7 60") == 200
    assert ask(mapped, "50 3 0", "claude-haiku-4-5", stream=True) == 200
    upstream.think(lambda request: error(400, "no"))
    assert ask(mapped, "1 1 1") == 400
    assert ask(mapped, "1 1 1", "remote/x") == 502
    counted(mapped, 4)

    big, small, remote = said(mapped, "--by", "model")["groups"]

    assert (big["key"], big["requests"], big["failed"]) == ("fake/big", 2, 1)
    assert (big["input_tokens"], big["cache_read_tokens"], big["output_tokens"]) == (40, 60, 7)
    assert (small["input_tokens"], small["output_tokens"], small["failed"], small["cost"]) == (50, 3, 0, 0.0)
    assert (remote["failed"], remote["estimated"], remote["unpriced"]) == (1, 0, [])
    assert keys(mapped, "--by", "session") == [SESSION]


@pytest.mark.slow
def test_what_c2o_has_counted_itself_is_marked(mapped: CommandLine, upstream: FakeUpstream) -> None:
    upstream.think(lambda request: Reply("four words or so", usage={"total_tokens": 0}))
    mapped("start")
    assert ask(mapped, "What is this?") == 200
    whole = counted(mapped, 1)

    assert whole["estimated"] == 1
    assert whole["input_tokens"] > 0
    assert " ~" in mapped("usage").out


THREADS, EACH = 20, 10


def every(number: int) -> tuple[int, int, int]:
    """Prompt, completion and cached tokens of a request, all different."""
    return 1000 + number, 10 + number % 7, number % 900


def all_of(c2o: CommandLine, *, until_done: Iterator[None] | None = None) -> None:
    def some(thread: int) -> None:
        for number in range(thread * EACH, (thread + 1) * EACH):
            words = " ".join(map(str, every(number)))
            model = ("claude-opus-5", "claude-haiku-4-5")[number % 2]
            assert ask(c2o, words, model, session=f"s{thread}", stream=number % 3 == 0) == 200

    with ThreadPoolExecutor(THREADS) as pool:
        running = [pool.submit(some, thread) for thread in range(THREADS)]
        for _ in until_done or ():
            pass
        for each in running:
            each.result()


def expected(numbers: Iterator[int] | range) -> tuple[int, int, int, int]:
    """Requests, input, cached and output tokens."""
    rows = [every(number) for number in numbers]
    return len(rows), sum(p - c for p, _, c in rows), sum(c for *_, c in rows), sum(o for _, o, _ in rows)


def sums(group: Any) -> tuple[int, int, int, int]:
    return group["requests"], group["input_tokens"], group["cache_read_tokens"], group["output_tokens"]


def test_twenty_clients_at_once_are_counted_to_the_last_token(mapped: CommandLine) -> None:
    mapped("start")

    all_of(mapped)

    assert sums(counted(mapped, THREADS * EACH)) == expected(range(THREADS * EACH))
    by_model = {group["key"]: sums(group) for group in said(mapped, "--by", "model")["groups"]}
    assert by_model == {
        "fake/big": expected(range(0, THREADS * EACH, 2)),
        "fake/small": expected(range(1, THREADS * EACH, 2)),
    }
    by_session = {group["key"]: sums(group) for group in said(mapped, "--by", "session")["groups"]}
    assert by_session == {f"s{n}": expected(range(n * EACH, (n + 1) * EACH)) for n in range(THREADS)}


@pytest.mark.slow
def test_nothing_is_lost_over_restarts_under_load(mapped: CommandLine) -> None:
    """Each service that hands over finishes its streams, and writes beside its successor."""
    mapped("start")

    def restarts() -> Iterator[None]:
        for _ in range(3):
            assert mapped("restart").exit_code == 0
            yield

    all_of(mapped, until_done=restarts())

    assert sums(counted(mapped, THREADS * EACH)) == expected(range(THREADS * EACH))


@pytest.mark.slow
def test_a_killed_service_loses_no_more_than_the_last_moment(mapped: CommandLine) -> None:
    mapped("start")
    for number in range(5):
        ask(mapped, " ".join(map(str, every(number))))
    counted(mapped, 5)

    os.kill(mapped.service().pid, signal.SIGKILL)
    until(lambda: mapped("status").exit_code == 3)
    mapped("start")
    ask(mapped, " ".join(map(str, every(5))))

    assert sums(counted(mapped, 6)) == expected(range(6))


@pytest.mark.slow
def test_a_stopped_service_has_written_everything_but_content_and_keys(mapped: CommandLine) -> None:
    mapped("start")
    ask(mapped, "100 7 60")
    assert mapped("stop").exit_code == 0

    assert said(mapped)["total"]["requests"] == 1
    assert sorted(each.name for each in usage_store.path().parent.glob("usage*")) == ["usage.db"]
    data = usage_store.path().read_bytes()
    assert b"claude-opus-5" in data
    assert b"100 7 60" not in data
    assert TOKEN.encode() not in data


@pytest.mark.slow
def test_a_deleted_file_is_made_again(mapped: CommandLine) -> None:
    mapped("start")
    ask(mapped, "100 7 60")
    counted(mapped, 1)
    for each in usage_store.path().parent.glob("usage.db*"):
        each.unlink()
    ask(mapped, "10 7 6")

    assert counted(mapped, 1)["input_tokens"] == 4


@pytest.mark.slow
def test_a_state_folder_of_no_use_stops_no_request(mapped: CommandLine) -> None:
    mapped("start")
    usage_store.path().mkdir()
    assert ask(mapped, "100 7 60") == 200
    until(lambda: "usage.unwritable" in mapped("status", "--json").out)
    assert ask(mapped, "100 7 60") == 200
    shutil.rmtree(usage_store.path())
