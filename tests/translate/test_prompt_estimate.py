"""Counting a whole request: everything counts that an upstream gets to see, and nothing makes it fail."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2o.translate.dialect import Dialect
from c2o.translate.dialects import DIALECTS
from c2o.translate.prompt_estimate import Estimate, estimate
from c2o.wire.anthropic import decode_request
from tests.translate import o200k
from tests.translate.test_media_tokens import b64, png
from tests.translate.token_corpus import Text, judged

Json = dict[str, Any]

REPLAYING = Dialect(reasoning_replay="reasoning_content")

WORDS = "The quick brown fox jumps over the lazy dog near the old river bank. " * 4
FEWEST = 50
"""Tokens that WORDS have at least."""


def counted(dialect: Dialect = REPLAYING, **fields: Any) -> Estimate:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]} | fields
    return estimate(decode_request(json.dumps(body).encode()), dialect)


def block(type: str, **fields: Any) -> Json:
    return {"type": type, **fields}


TEXT = block("text", text=WORDS)
IMAGE = block("image", source={"type": "base64", "media_type": "image/png", "data": b64(png(280, 280))})
PDF = {"type": "base64", "media_type": "application/pdf", "data": b64(b"%PDF /Type /Page /Type /Page")}

BLOCKS = {
    "text": TEXT,
    "image": IMAGE,
    "image-url": block("image", source={"type": "url", "url": "https://example.com/a.png"}),
    "image-file": block("image", source={"type": "file", "file_id": "file_1"}),
    "document-pdf": block("document", source=PDF),
    "document-url": block("document", source={"type": "url", "url": "https://example.com/a.pdf"}),
    "document-file": block("document", source={"type": "file", "file_id": "file_1"}),
    "document-text": block("document", source={"type": "text", "media_type": "text/plain", "data": WORDS}),
    "document-content": block("document", source={"type": "content", "content": [TEXT, IMAGE]}),
    "document-content-text": block("document", source={"type": "content", "content": WORDS}),
    "document-title": block("document", title=WORDS, source={"type": "text", "media_type": "text/plain", "data": "x"}),
    "search_result": block("search_result", source="https://example.com", title="t", content=[TEXT]),
    "thinking": block("thinking", thinking=WORDS, signature="s"),
    "tool_use": block("tool_use", id="a", name="Bash", input={"command": WORDS}),
    "tool_use-bare": block("tool_use", id="a", name=WORDS, input={}),
    "tool_result": block("tool_result", tool_use_id="a", content=WORDS),
    "tool_result-blocks": block("tool_result", tool_use_id="a", content=[TEXT, IMAGE]),
    "tool_result-document": block("tool_result", tool_use_id="a", content=[block("document", source=PDF)]),
    "tool_result-reference": block("tool_result", tool_use_id="a", content=[block("tool_reference", tool_name=WORDS)]),
    "browser_state": block("browser_state", tabs=[{"tab_id": "1", "title": WORDS, "url": "https://example.com"}]),
    "server_tool_use": block("server_tool_use", id="srvtoolu_1", name="web_search", input={"query": WORDS}),
    "web_search_tool_result": block(
        "web_search_tool_result", tool_use_id="srvtoolu_1", content=[block("web_search_result", title=WORDS, url="u")]
    ),
    "code_execution_tool_result": block(
        "code_execution_tool_result",
        tool_use_id="srvtoolu_1",
        content={"type": "code_execution_result", "stdout": WORDS},
    ),
    "mcp_tool_use": block("mcp_tool_use", id="mcptoolu_1", name="find", server_name="s", input={"what": WORDS}),
    "mcp_tool_result": block("mcp_tool_result", tool_use_id="mcptoolu_1", content=[TEXT]),
    "compaction": block("compaction", content=WORDS),
    "unknown": block("of_tomorrow", text=WORDS),
    "unknown-content": block("of_tomorrow", content={"deep": [WORDS]}),
}


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize("role", ["user", "assistant", "system"])
def test_d17_every_block_counts(role: str, name: str) -> None:
    with_it = counted(messages=[{"role": role, "content": [BLOCKS[name]]}]).total()

    assert with_it >= counted(messages=[{"role": role, "content": []}]).total() + FEWEST


EMPTY = {
    "redacted_thinking": block("redacted_thinking", data="A" * 4000),
    "container_upload": block("container_upload", file_id="file_1"),
    "fallback": block("fallback", **{"from": "a", "to": "b", "trigger": "c"}),
    "tool_addition": block("tool_addition", tool={"type": "tool_reference", "name": "Bash"}),
    "tool_removal": block("tool_removal", tool={"type": "tool_reference", "name": "Bash"}),
    "compaction-failed": block("compaction", content=None),
}


@pytest.mark.parametrize("name", EMPTY)
def test_d17_blocks_that_no_upstream_sees_count_nothing(name: str) -> None:
    with_it = counted(messages=[{"role": "user", "content": [TEXT, EMPTY[name]]}]).total()

    assert with_it == pytest.approx(counted(messages=[{"role": "user", "content": [TEXT]}]).total(), abs=10)


SCHEMA = {"type": "object", "properties": {"command": {"type": "string", "description": WORDS}}}

TOOLS = {
    "custom": {"name": "Bash", "input_schema": SCHEMA},
    "custom-typed": {"type": "custom", "name": "Bash", "description": WORDS, "input_schema": {"type": "object"}},
    "examples": {"name": "Bash", "input_schema": {"type": "object"}, "input_examples": [{"command": WORDS}]},
    **{
        type: {"type": type, "name": "t"}
        for type in (
            "bash_20250124", "text_editor_20250728", "memory_20250818", "web_search_20260318", "web_fetch_20260318",
            "code_execution_20260521", "tool_search_tool_regex_20251119", "advisor_20260301",
        )
    },
    "computer": {"type": "computer_20251124", "name": "computer", "display_width_px": 800, "display_height_px": 600},
    "toolset": {"type": "computer_toolset_20260801"},
    "mcp_toolset": {"type": "mcp_toolset", "mcp_server_name": "s"},
    "unknown": {"type": "of_tomorrow_20270101", "name": "t"},
}  # fmt: skip


@pytest.mark.parametrize("name", TOOLS)
def test_d17_every_tool_counts(name: str) -> None:
    assert counted(tools=[TOOLS[name]]).total() >= counted().total() + FEWEST


def test_a_deferred_tool_counts_once_it_is_mentioned() -> None:
    bash = {"name": "Bash", "input_schema": {"type": "object"}}
    deferred = {"name": "Find", "input_schema": SCHEMA, "defer_loading": True}
    found = block("tool_result", tool_use_id="a", content=[block("tool_reference", tool_name="Find")])
    messages = [{"role": "user", "content": [found]}]

    assert counted(tools=[bash, deferred]).total() < counted(tools=[bash]).total() + 5
    assert counted(tools=[bash, deferred], messages=messages).total() > counted(tools=[bash]).total() + FEWEST
    assert counted(tools=[deferred]).total() > counted().total() + FEWEST  # Claude Code counts tools one by one


def test_the_system_prompt_counts() -> None:
    assert counted(system=WORDS).total() > counted().total() + FEWEST
    assert counted(system=[TEXT, TEXT]).total() > counted(system=[TEXT]).total() + FEWEST


def test_thinking_that_does_not_go_back_counts_nothing() -> None:
    messages = [{"role": "assistant", "content": [BLOCKS["thinking"], TEXT]}]

    dropped = counted(DIALECTS["generic"], messages=messages).total()

    assert counted(REPLAYING, messages=messages).total() > dropped + FEWEST


def test_an_image_that_is_not_shown_counts_nothing() -> None:
    messages = [{"role": "user", "content": [IMAGE]}]

    assert counted(Dialect(vision=False), messages=messages).media == 0
    assert counted(Dialect(), messages=messages).media == 100


def test_a_factor_corrects_the_text_only() -> None:
    assert Estimate(1000.0, 300).total(1.2) == 1500
    assert Estimate(0.0, 0).total() == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.dictionaries(st.sampled_from(["content", "input", "tabs", "state_changes"]), JSON)


@given(st.sampled_from([name["type"] for name in BLOCKS.values()]), FIELDS, st.text(max_size=40))
def test_no_block_makes_it_fail(type: str, fields: Json, text: str) -> None:
    source = {"type": "base64", "media_type": "application/pdf", "data": text}

    assert counted(messages=[{"role": "user", "content": [block(type, source=source) | fields]}]).total() > 0


def code(text: Text) -> bool:
    return text.kind in ("Python", "diff", "JSON schema", "prose")


def test_a_coding_session_is_within_five_percent() -> None:
    """The whole way: files read by a tool, edited, shown as diffs, against o200k_base and OpenAI's own framing."""
    texts = [text.text for text in judged() if code(text)]
    messages: list[Json] = []
    truth = 0
    for number, text in enumerate(texts):
        call = block("tool_use", id=f"a{number}", name="Read", input={"file_path": f"/src/{number}.py"})
        messages += [
            {"role": "assistant", "content": [call]},
            {"role": "user", "content": [block("tool_result", tool_use_id=f"a{number}", content=text)]},
        ]
        truth += o200k.tokens(text) + o200k.tokens(json.dumps(call["input"])) + o200k.tokens("Read") + 2 * 4 + 2 * 3

    assert counted(messages=messages).total() == pytest.approx(truth, rel=0.05)
