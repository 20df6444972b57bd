"""A, B, E: images, documents, and the tools that Anthropic defines, from the client to the upstream and back."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from typing import Any

import anthropic
import pytest
from anthropic.types.browser_member_name import BROWSER_MEMBER_NAME_VALUES
from anthropic.types.computer_member_name import COMPUTER_MEMBER_NAME_VALUES

from tests.conformance.judges import PythonSDK
from tests.conformance.proxy import Json, Proxy, configuration
from tests.fake_upstream import Call, FakeUpstream, Reply, error
from tests.pdf import as_base64, blank_pdf, locked_pdf, mixed_pdf, scanned_pdf, text_pdf

Sent = Callable[..., Json]
Refused = Callable[..., anthropic.BadRequestError]

VARIANTS: dict[str, Json] = {"blind": {"vision": False}, "open": {"tool_media": True}}


@pytest.fixture
def proxy(start: Callable[..., Proxy], upstream: FakeUpstream) -> Proxy:
    """As elsewhere, and an upstream that sees nothing, and one that takes images in tool messages."""
    tables = configuration(upstream.url)
    tables["upstreams"] |= {
        name: {"base_url": f"{upstream.url}/{name}/v1", "api_key": "sk-variant", "quirks": quirks}
        for name, quirks in VARIANTS.items()
    }
    return start(tables)


# ---- words for conversations


def user(*content: Json | str) -> Json:
    return {"role": "user", "content": [_text(each) for each in content]}


def assistant(*content: Json | str) -> Json:
    return {"role": "assistant", "content": [_text(each) for each in content]}


def system(*content: Json) -> Json:
    return {"role": "system", "content": list(content)}


def _text(block: Json | str) -> Json:
    return {"type": "text", "text": block} if isinstance(block, str) else block


def use(id: str, name: str = "Read", **more: Any) -> Json:
    return {"type": "tool_use", "id": id, "name": name, "input": {}} | more


def result(id: str, *content: Json | str, **more: Any) -> Json:
    return {"type": "tool_result", "tool_use_id": id, "content": [_text(each) for each in content]} | more


PNG, GIF = "iVBORw0KGgo=", "R0lGODlhAQABAAAAACw="


def image(data: str = PNG, media_type: str = "image/png") -> Json:
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}


def document(source: Json, **more: Any) -> Json:
    return {"type": "document", "source": source} | more


def pdf(data: bytes, **more: Any) -> Json:
    return document({"type": "base64", "media_type": "application/pdf", "data": as_base64(data)}, **more)


HELLO = text_pdf("Hello from the first page\n(with brackets)", "Greetings from the second", pictures=1)


def tool(name: str, **more: Any) -> Json:
    return {"name": name, "input_schema": {"type": "object", "properties": {}}} | more


# ---- what went upstream


def picture(data: str = PNG, media_type: str = "image/png") -> Json:
    return {"type": "image_url", "image_url": {"url": f"data:{media_type};base64,{data}"}}


def said(text: str) -> Json:
    return {"type": "text", "text": text}


def only(sent: Json) -> Any:
    """The content of the only message."""
    (message,) = sent["messages"]
    assert message["role"] == "user"
    return message["content"]


def names(sent: Json) -> list[str]:
    return [each["function"]["name"] for each in sent.get("tools", [])]


def functions(sent: Json) -> dict[str, Json]:
    return {each["function"]["name"]: each["function"] for each in sent["tools"]}


# ---- images


def test_a05_texts_in_their_order(sent: Sent) -> None:
    assert only(sent(messages=[user("a", "b")])) == "a\n\nb"


def test_a06_image_in_base64(sent: Sent) -> None:
    assert only(sent(messages=[user("see", image())])) == [said("see"), picture()]


def test_a06_several_images_in_their_places(sent: Sent) -> None:
    content = only(sent(messages=[user("one", image(), "two", image(GIF, "image/gif"))]))
    assert content == [said("one"), picture(), said("two"), picture(GIF, "image/gif")]


def test_a06_image_of_a_kind_that_nobody_takes(refused: Refused) -> None:
    raised = refused(messages=[user("see", image(media_type="image/tiff"))])
    assert "messages.0.content.1.image.source.base64.media_type: " in raised.message


def test_a07_image_by_url(sent: Sent, upstream: FakeUpstream) -> None:
    """It is the upstream's to fetch: this one, which would notice, is never asked for it."""
    url = f"{upstream.url}/a.png"
    content = only(sent(messages=[user({"type": "image", "source": {"type": "url", "url": url}})]))
    assert content == [{"type": "image_url", "image_url": {"url": url}}]
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("dialect", ["generic", "blind"])
def test_a08_image_by_file_id(refused: Refused, dialect: str) -> None:
    raised = refused(dialect, messages=[user({"type": "image", "source": {"type": "file", "file_id": "file_1"}})])
    assert "messages.0.content.0" in raised.message


def called(*results: Json | str) -> list[Json]:
    return [user("look"), assistant(use("t1"), use("t2")), user(*results)]


def test_a22_image_in_a_tool_result(sent: Sent) -> None:
    _, _, first, second, after = sent(messages=called(result("t1", "a cat", image()), result("t2", "none")))["messages"]

    assert first == {
        "role": "tool",
        "tool_call_id": "t1",
        "content": "a cat\n[image 1 of tool result t1: see the next message]",
    }
    assert second["content"] == "none"
    assert after == {"role": "user", "content": [said("Image 1 (from tool result t1):"), picture()]}


def test_a22_image_in_a_tool_result_where_it_may_stay(sent: Sent) -> None:
    *_, first, second = sent("open", messages=called(result("t1", "a cat", image()), result("t2", "none")))["messages"]
    assert first == {"role": "tool", "tool_call_id": "t1", "content": [said("a cat"), picture()]}
    assert second["content"] == "none"


def test_a22_images_of_a_failed_tool_that_may_stay(sent: Sent) -> None:
    messages = called(result("t1", image(), is_error=True), result("t2", "none"))
    first = sent("open", messages=messages)["messages"][2]
    assert first["content"] == [said("Error:"), picture()]


def test_a23_images_of_two_results_and_text(sent: Sent) -> None:
    results = called(result("t2", image(GIF, "image/gif")), result("t1", image(), image()), "and now?")
    *_, first, second, after = sent(messages=results)["messages"]

    assert [first["tool_call_id"], second["tool_call_id"]] == ["t1", "t2"]
    assert first["content"] == (
        "[image 1 of tool result t1: see the next message]\n[image 2 of tool result t1: see the next message]"
    )
    assert after["content"] == [
        said("Image 1 (from tool result t1):"),
        picture(),
        said("Image 2 (from tool result t1):"),
        picture(),
        said("Image 1 (from tool result t2):"),
        picture(GIF, "image/gif"),
        said("and now?"),
    ]


def test_a24_image_for_an_upstream_that_sees_nothing(sent: Sent) -> None:
    got = sent("blind", messages=called(result("t1", image()), result("t2", "none"), image(), "and now?"))

    omitted = "[image omitted: the upstream model cannot see images]"
    *_, first, _, after = got["messages"]
    assert first["content"] == omitted
    assert after["content"] == f"{omitted}\n\nand now?"
    assert PNG not in json.dumps(got)


def test_a24_the_upstream_says_itself_that_it_sees_nothing(proxy: Proxy, upstream: FakeUpstream) -> None:
    """Its refusal costs one request, once."""
    refusal = "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"
    upstream.play(error(500, refusal), Reply("a"), Reply("b"))
    request = {"model": "generic/model", "max_tokens": 9, "messages": [user("look", image())]}

    assert [proxy.post(request).status for _ in range(2)] == [200, 200]

    first, *others = [only(each.json) for each in upstream.requests]
    assert first == [said("look"), picture()]
    assert others == ["look\n\n[image omitted: the upstream model cannot see images]"] * 2


# ---- documents


def test_a25_text_document(sent: Sent) -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "It was a dark night."}
    content = only(sent(messages=[user(document(source, title="A novel", context="Chapter 1"), "Sum up")]))
    assert content == '<document title="A novel">\nChapter 1\nIt was a dark night.\n</document>\n\nSum up'


def test_a25_document_of_blocks(sent: Sent) -> None:
    source = {"type": "content", "content": [_text("before"), image(), _text("after")]}
    assert only(sent(messages=[user(document(source, title="Mixed"))])) == [
        said('<document title="Mixed">\nbefore'),
        picture(),
        said("after\n</document>"),
    ]


@pytest.mark.parametrize("dialect", ["openai", "openrouter"])
@pytest.mark.parametrize(("title", "name"), [("A report", "A report.pdf"), ("a.PDF", "a.PDF"), (None, "document.pdf")])
def test_a26_pdf_becomes_a_file(sent: Sent, dialect: str, title: str | None, name: str) -> None:
    content = only(sent(dialect, messages=[user("Read", pdf(HELLO, title=title))]))
    file = {"filename": name, "file_data": f"data:application/pdf;base64,{as_base64(HELLO)}"}
    assert content == [said("Read"), {"type": "file", "file": file}]


def test_a26_context_comes_before_the_file(sent: Sent) -> None:
    context, file = only(sent("openai", messages=[user(pdf(HELLO, context="From 1999"))]))
    assert (context, file["type"]) == (said("From 1999"), "file")


def test_a26_pdf_in_a_tool_result_follows_as_a_file(sent: Sent) -> None:
    messages = called(result("t1", pdf(HELLO, title="a.pdf")), result("t2", "none"))
    *_, first, _, after = sent("openai", messages=messages)["messages"]
    assert first["content"] == "[document 1 of tool result t1: see the next message]"
    label, file = after["content"]
    assert label == said("Document 1 (from tool result t1):")
    assert file["file"]["filename"] == "a.pdf"


def test_a26_the_upstream_says_itself_that_it_takes_no_files(proxy: Proxy, upstream: FakeUpstream) -> None:
    refusal = "Invalid Value: 'file'. This model does not support file content types."
    upstream.play(error(400, refusal), Reply("a"), Reply("b"))
    request = {"model": "openai/model", "max_tokens": 9, "messages": [user(pdf(HELLO, title="a.pdf"))]}

    assert [proxy.post(request).status for _ in range(2)] == [200, 200]

    file, named, text = [only(each.json) for each in upstream.requests]
    assert file[0]["type"] == "file"
    assert "a.pdf omitted" in named
    assert text == HELLO_AS_TEXT


HELLO_AS_TEXT = """<document title="a.pdf" pages="2">
[page 1]
Hello from the first page
(with brackets)
[1 picture of this page not shown]
[page 2]
Greetings from the second
</document>"""


def test_a27_pdf_becomes_text_page_by_page(sent: Sent) -> None:
    assert only(sent(messages=[user(pdf(HELLO, title="a.pdf"))])) == HELLO_AS_TEXT


def test_a27_pdf_in_a_tool_result(sent: Sent) -> None:
    """As Claude Code 2.1.329 sends it."""
    *_, first, second = sent(messages=called(result("t1", pdf(HELLO, title="a.pdf")), result("t2", "none")))["messages"]
    assert first == {"role": "tool", "tool_call_id": "t1", "content": HELLO_AS_TEXT}
    assert second["role"] == "tool"


def test_a27_pdf_beside_its_tool_result(sent: Sent) -> None:
    """As Claude Code 2.1.197 sends it."""
    messages = called(result("t1", "PDF file read"), result("t2", "none"), pdf(HELLO, title="a.pdf"))
    *_, first, _, after = sent(messages=messages)["messages"]
    assert first["content"] == "PDF file read"
    assert after == {"role": "user", "content": HELLO_AS_TEXT}


def test_a27_pdf_among_images(sent: Sent) -> None:
    content = only(sent(messages=[user(image(), pdf(HELLO, title="a.pdf"))]))
    assert content == [picture(), said(HELLO_AS_TEXT)]


def test_a28_scan_without_eyes(refused: Refused) -> None:
    raised = refused("blind", messages=[user("Read", pdf(scanned_pdf()))])
    assert "messages.0.content.1.document: could not process PDF" in raised.message


def test_a28_scan_without_eyes_in_a_tool_result(refused: Refused) -> None:
    """The place is the one by which Claude Code takes the document out of the conversation."""
    raised = refused("blind", messages=called(result("t1", "here:", pdf(scanned_pdf())), result("t2", "none")))
    assert "messages.2.content.0.tool_result.content.1.document: could not process PDF" in raised.message


def test_a28_scan_with_eyes(sent: Sent) -> None:
    content = only(sent(messages=[user(pdf(scanned_pdf(2), title="scan"))]))
    assert [part["type"] for part in content] == ["text", "image_url", "text", "image_url", "text"]
    assert [part["text"] for part in content[::2]] == [
        '<document title="scan" pages="2">\n[page 1]',
        "[page 2]",
        "</document>",
    ]
    assert content[1]["image_url"]["url"].startswith("data:image/png;base64,iVBOR")


def test_a28_only_20_pages_of_a_scan_are_drawn(sent: Sent) -> None:
    content = only(sent(messages=[user(pdf(scanned_pdf(22)))]))
    assert sum(part["type"] == "image_url" for part in content) == 20
    assert content[-1]["text"] == (
        "[page 21]\n[a picture without text, not shown]\n[page 22]\n[a picture without text, not shown]\n</document>"
    )


def test_a28_scanned_page_among_written_ones(sent: Sent) -> None:
    content = only(sent("blind", messages=[user(pdf(mixed_pdf("Written.")))]))
    assert content.endswith("[page 1]\nWritten.\n[page 2]\n[a picture without text, not shown]\n</document>")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (locked_pdf(), "password"),
        (HELLO[:100], "damaged"),
        (b"no PDF", "damaged"),
        (blank_pdf(), "no text"),
    ],
    ids=["locked", "cut", "text", "blank"],
)
def test_a28_what_can_not_be_read(refused: Refused, data: bytes, why: str) -> None:
    raised = refused(messages=[user(pdf(data))])
    assert "messages.0.content.0.document: could not process PDF: " in raised.message
    assert why in raised.message


def test_a29_document_by_file_id(refused: Refused) -> None:
    raised = refused(messages=[user(document({"type": "file", "file_id": "file_1"}))])
    assert "messages.0.content.0.document.source" in raised.message


def test_a29_pdf_by_url_where_the_upstream_fetches(sent: Sent) -> None:
    url = "https://example.com/a.pdf"
    content = only(sent("openrouter", messages=[user(document({"type": "url", "url": url}, title="a"))]))
    assert content == [{"type": "file", "file": {"filename": "a.pdf", "file_data": url}}]


@pytest.mark.parametrize("dialect", ["generic", "openai"])
def test_a29_pdf_by_url_is_never_fetched(refused: Refused, dialect: str, proxy: Proxy, upstream: FakeUpstream) -> None:
    raised = refused(dialect, messages=[user(document({"type": "url", "url": f"{upstream.url}/a.pdf"}))])
    assert "messages.0.content.0.document.source" in raised.message


def test_a30_search_result_in_a_tool_result(sent: Sent) -> None:
    found = {
        "type": "search_result",
        "title": "Bees",
        "source": "https://example.com/bees",
        "content": [_text("They fly.")],
        "citations": {"enabled": True},
    }
    first = sent(messages=called(result("t1", found), result("t2", "none")))["messages"][2]
    assert first["content"] == (
        '<search_result title="Bees" source="https://example.com/bees">\nThey fly.\n</search_result>'
    )


def test_browser_state_in_a_tool_result(sent: Sent) -> None:
    state = {
        "type": "browser_state",
        "tabs": [
            {"tab_id": "1", "title": "Bees", "url": "https://example.com/bees", "active": True},
            {"tab_id": "2", "title": "", "url": ""},
        ],
        "state_changes": [{"type": "tab_opened", "tab_id": "2"}],
    }
    first = sent(messages=called(result("t1", state), result("t2", "none")))["messages"][2]
    tabs, change = first["content"].rsplit("\n", 1)
    assert tabs == "Browser tabs:\n- 1 (active): Bees <https://example.com/bees>\n- 2: untitled <>"
    assert json.loads(change.removeprefix("Changes: ")) == state["state_changes"]


# ---- tools that come and go


DEFERRED = [tool("Bash"), tool("WebFetch", defer_loading=True), tool("Later", defer_loading=True)]


def reference(name: str) -> Json:
    return {"type": "tool_reference", "tool_name": name}


def test_a31_deferred_tool_that_was_found(sent: Sent) -> None:
    messages = [user("go"), assistant(use("t1", "ToolSearch")), user(result("t1", reference("WebFetch")))]
    got = sent(tools=DEFERRED, messages=messages)
    assert names(got) == ["Bash", "WebFetch"]
    assert "WebFetch" in got["messages"][-1]["content"]


def test_a31_deferred_tool_that_the_api_found(sent: Sent) -> None:
    found = {"type": "tool_search_tool_search_result", "tool_references": [reference("WebFetch")]}
    searched = [
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "tool_search_tool_regex", "input": {"pattern": "Web"}},
        {"type": "tool_search_tool_result", "tool_use_id": "srvtoolu_1", "content": found},
    ]
    got = sent(tools=DEFERRED, messages=[user("go"), assistant(*searched), user("on")])
    assert names(got) == ["Bash", "WebFetch"]
    assert "Loaded tools: WebFetch" in got["messages"][1]["content"]


def test_a31_deferred_tool_that_was_called(sent: Sent) -> None:
    messages = [user("go"), assistant(use("t1", "Later")), user(result("t1", "done"))]
    assert names(sent(tools=DEFERRED, messages=messages)) == ["Bash", "Later"]


def test_a32_deferred_tool_that_nobody_refers_to(sent: Sent) -> None:
    assert names(sent(tools=DEFERRED)) == ["Bash"]


def test_a32_all_tools_deferred(sent: Sent) -> None:
    assert names(sent(tools=DEFERRED[1:])) == ["WebFetch", "Later"]


def change(kind: str, **tool: Any) -> Json:
    return {"type": f"tool_{kind}", "tool": tool}


def removed(name: str) -> Json:
    return change("removal", type="tool_reference", name=name)


def added(name: str) -> Json:
    return change("addition", type="tool_reference", name=name)


TWO = [tool("Bash"), tool("Read")]


def changed(*changes: Json) -> list[Json]:
    return [user("go"), assistant("going"), user("on"), system(*changes)]


def test_a46_a_tool_removed(sent: Sent) -> None:
    got = sent(tools=TWO, messages=changed(removed("Read")))
    assert names(got) == ["Bash"]
    assert [message["role"] for message in got["messages"]] == ["user", "assistant", "user"]


def test_a46_the_last_word_counts(sent: Sent) -> None:
    assert names(sent(tools=TWO, messages=changed(removed("Read"), added("Read")))) == ["Bash", "Read"]
    assert names(sent(tools=TWO, messages=changed(removed("Read"), added("Read"), removed("Read")))) == ["Bash"]


def test_a46_a_deferred_tool_added(sent: Sent) -> None:
    assert names(sent(tools=DEFERRED, messages=changed(added("Later")))) == ["Bash", "Later"]


def test_a46_a_tool_defined_on_the_way(sent: Sent) -> None:
    new = change("addition", type="tool_definition", definition=tool("New", description="Brand-new"))
    assert functions(sent(tools=TWO, messages=changed(new)))["New"]["description"] == "Brand-new"


def test_a46_all_tools_removed(sent: Sent) -> None:
    got = sent(tools=TWO, tool_choice={"type": "auto"}, messages=changed(removed("Bash"), removed("Read")))
    assert "tools" not in got
    assert "tool_choice" not in got


@pytest.mark.parametrize(
    "wrong",
    [removed("Nobody"), added("Nobody"), change("removal", type="mcp_toolset_reference", server_name="nobody")],
    ids=["removed", "added", "mcp"],
)
def test_a46_a_tool_that_nobody_knows(refused: Refused, wrong: Json) -> None:
    raised = refused(tools=TWO, messages=changed(wrong))
    assert "messages.3.content.0.tool: " in raised.message
    assert raised.body["error"]["details"]["error_code"] == "tool_reference_unresolved"  # type: ignore[index]


# ---- what Anthropic's own tools did


SEARCH = [
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "bees"}},
    {
        "type": "web_search_tool_result",
        "tool_use_id": "srvtoolu_1",
        "content": [
            {"type": "web_search_result", "title": "Bees", "url": "https://b.example", "encrypted_content": "Zm9v"},
            {"type": "web_search_result", "title": "Wasps", "url": "https://w.example", "encrypted_content": "YmFy"},
        ],
    },
]


def test_a41_web_search_in_the_history(sent: Sent) -> None:
    got = sent(messages=[user("bees?"), assistant(*SEARCH, "They fly."), user("and?")])
    _, told, after = got["messages"]
    assert "tool_calls" not in told
    assert told["content"] == (
        '[used web_search {"query": "bees"}]\n\n'
        "[web_search found:\n- Bees <https://b.example>\n- Wasps <https://w.example>]\n\nThey fly."
    )
    assert after == {"role": "user", "content": "and?"}
    assert "Zm9v" not in json.dumps(got)


def test_a41_beside_calls_of_the_client_s_own_tools(sent: Sent) -> None:
    _, told, answer = sent(messages=[user("?"), assistant(*SEARCH, use("t1")), user(result("t1", "ok"))])["messages"]
    assert [call["id"] for call in told["tool_calls"]] == ["t1"]
    assert answer["tool_call_id"] == "t1"


def test_a41_a_search_without_its_result(sent: Sent) -> None:
    told = sent(messages=[user("bees?"), assistant("Well.", SEARCH[0]), user("go on")])["messages"][1]
    assert told["content"] == "Well."


def served(kind: str, content: Any, **more: Any) -> list[Json]:
    used = {"type": "server_tool_use", "id": "s1", "name": kind, "input": {}}
    return [used, {"type": f"{kind}_tool_result", "tool_use_id": "s1", "content": content} | more]


FETCHED = {
    "type": "web_fetch_result",
    "url": "https://b.example",
    "content": document({"type": "text", "media_type": "text/plain", "data": "They fly."}, title="Bees"),
}
FETCHED_PDF = FETCHED | {"content": pdf(HELLO, title="a.pdf")}
MCP = [
    {"type": "mcp_tool_use", "id": "m1", "name": "echo", "server_name": "tools", "input": {"a": 1}},
    {"type": "mcp_tool_result", "tool_use_id": "m1", "is_error": False, "content": [_text("one"), _text("two")]},
]
RAN = {"type": "bash_code_execution_result", "stdout": "4\n", "stderr": "oops", "return_code": 1, "content": []}
SECRET = {"type": "encrypted_code_execution_result", "encrypted_stdout": "Zm9v", "stderr": "", "return_code": 0}
NO_PAGE = {"type": "web_fetch_tool_result_error", "error_code": "url_not_accessible"}
TOLD: dict[str, tuple[list[Json], str]] = {
    "fetch": (
        served("web_fetch", FETCHED),
        '[fetched https://b.example:\n<document title="Bees">\nThey fly.\n</document>]',
    ),
    "fetched PDF": (served("web_fetch", FETCHED_PDF), f"[fetched https://b.example:\n{HELLO_AS_TEXT}]"),
    "failed fetch": (served("web_fetch", NO_PAGE), "[web_fetch failed: url_not_accessible]"),
    "failed search": (
        served("web_search", {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}),
        "[web_search failed: max_uses_exceeded]",
    ),
    "code": (served("bash_code_execution", RAN), "[bash_code_execution ended with code 1:\n4\n\noops]"),
    "code that only Anthropic can read": (
        served("code_execution", SECRET),
        "[code_execution ran (only Anthropic's own servers can read the result)]",
    ),
    "edit": (
        served(
            "text_editor_code_execution",
            {"type": "text_editor_code_execution_view_result", "content": "1 a", "file_type": "text"},
        ),
        "[text editor: 1 a]",
    ),
    "advice": (served("advisor", {"type": "advisor_result", "text": "Test it."}), "[advisor: Test it.]"),
    "mcp": (MCP, '[used tools: echo {"a": 1}]\n\n[result: one\ntwo]'),
    "failed mcp": ([MCP[0], MCP[1] | {"is_error": True, "content": "no"}], "[failed: no]"),
    "uploaded": ([{"type": "container_upload", "file_id": "file_1"}, _text("Done.")], "Done."),
    "fallback": ([{"type": "fallback", "from": "a", "to": "b"}, _text("Done.")], "Done."),
    "listing": ([{"type": "mcp_tool_listing", "mcp_server_name": "s", "tools": []}, _text("Done.")], "Done."),
}


@pytest.mark.parametrize("case", TOLD)
def test_a41_others_in_the_history(sent: Sent, case: str) -> None:
    blocks, text = TOLD[case]
    told = sent(messages=[user("go"), assistant(*blocks), user("on")])["messages"][1]
    assert "tool_calls" not in told
    assert told["content"].endswith(text)


def test_a41_upload_of_the_user(refused: Refused) -> None:
    raised = refused(messages=[user("go", {"type": "container_upload", "file_id": "file_1"})])
    assert "messages.0.content.1.container_upload" in raised.message


def test_conversation_begins_at_its_last_compaction(sent: Sent) -> None:
    summary = {"type": "compaction", "content": "We talked about bees.", "tool_changes": [removed("Read")]}
    messages = [
        user("old"),
        assistant("older"),
        user("gone"),
        assistant(summary, "Go on."),
        user("And?"),
    ]
    got = sent(tools=TWO, messages=messages)
    assert [message["content"] for message in got["messages"]] == [
        "Summary of the conversation so far:\n\nWe talked about bees.",
        "Go on.",
        "And?",
    ]
    assert names(got) == ["Bash"]


def test_a_compaction_that_failed_says_nothing(sent: Sent) -> None:
    got = sent(messages=[user("old"), assistant({"type": "compaction", "content": None}, "Go on."), user("And?")])
    assert [message["content"] for message in got["messages"]] == ["old", "Go on.", "And?"]


# ---- tools


def test_a48_examples_and_fields_that_only_advise(sent: Sent) -> None:
    given = tool(
        "Bash",
        description="Runs.",
        input_examples=[{"command": "ls"}, {"command": "pwd"}],
        cache_control={"type": "ephemeral"},
        eager_input_streaming=True,
        allowed_callers=["direct"],
    )
    (function,) = sent(tools=[given])["tools"]
    assert function == {
        "type": "function",
        "function": {
            "name": "Bash",
            "description": 'Runs.\n\nExamples:\n\n{"command": "ls"}\n\n{"command": "pwd"}',
            "parameters": {"type": "object", "properties": {}},
        },
    }


STRICT = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
LOOSE = STRICT | {"required": []}


@pytest.mark.parametrize(
    ("dialect", "schema", "strict"), [("openai", STRICT, True), ("openai", LOOSE, None), ("generic", STRICT, None)]
)
def test_a48_strict_only_where_it_holds(sent: Sent, dialect: str, schema: Json, strict: bool | None) -> None:
    function = functions(sent(dialect, tools=[tool("Bash", strict=True, input_schema=schema)]))["Bash"]
    assert function.get("strict") is strict
    assert function["parameters"] == schema


@pytest.mark.parametrize(
    "schema", [{"type": "object"}, {}, {"$schema": "https://json-schema.org/draft/2020-12/schema"}]
)
def test_a49_tool_without_properties(sent: Sent, schema: Json) -> None:
    function = functions(sent(tools=[tool("Bash", input_schema=schema)]))["Bash"]
    assert function["parameters"] == {"type": "object", "properties": {}}


LONG = "mcp__a_server_with_a_long_name__" + "and_a_tool_with_a_long_name_too_" * 2 + "."


def test_a50_long_name_in_all_places(sent: Sent) -> None:
    messages = [user("go"), assistant(use("t1", LONG)), user(result("t1", "done"))]
    got = sent("openai", tools=[tool(LONG)], tool_choice={"type": "tool", "name": LONG}, messages=messages)
    (name,) = names(got)
    assert len(LONG) > 90
    assert len(name) <= 64
    assert got["messages"][1]["tool_calls"][0]["function"]["name"] == name
    assert got["tool_choice"]["function"]["name"] == name


def test_b23_long_name_comes_back(python: PythonSDK, upstream: FakeUpstream) -> None:
    upstream.think(lambda request: Reply(calls=(Call(request.tool_names[0], {}),)))
    for way, ask in python.ways.items():
        message = ask({"model": "m", "max_tokens": 9, "messages": [user("go")], "tools": [tool(LONG)]})
        assert message["content"][0]["name"] == LONG, way


def test_two_tools_of_one_name(refused: Refused) -> None:
    assert "tools.1: " in refused(tools=[tool("Bash"), tool("Bash")]).message


def defined(kind: str, name: str, **more: Any) -> Json:
    return {"type": kind, "name": name} | more


def properties(function: Json) -> Json:
    found: Json = function["parameters"]["properties"]
    return found


@pytest.mark.parametrize("version", ["20241022", "20250124"])
def test_a51_bash(sent: Sent, version: str) -> None:
    function = functions(sent(tools=[defined(f"bash_{version}", "bash")]))["bash"]
    assert {name: each["type"] for name, each in properties(function).items()} == {
        "command": "string",
        "restart": "boolean",
    }
    assert "required" not in function["parameters"]


@pytest.mark.parametrize(
    ("version", "name", "commands", "inserted"),
    [
        ("20241022", "str_replace_editor", 5, "new_str"),
        ("20250124", "str_replace_editor", 5, "new_str"),
        ("20250429", "str_replace_based_edit_tool", 4, "insert_text"),
        ("20250728", "str_replace_based_edit_tool", 4, "insert_text"),
    ],
)
def test_a52_text_editor(sent: Sent, version: str, name: str, commands: int, inserted: str) -> None:
    function = functions(sent(tools=[defined(f"text_editor_{version}", name)]))[name]
    assert len(properties(function)["command"]["enum"]) == commands
    assert function["parameters"]["required"] == ["command", "path"]
    assert "insert" in properties(function)[inserted]["description"]


def test_a52_how_much_is_shown(sent: Sent) -> None:
    name = "str_replace_based_edit_tool"
    function = functions(sent(tools=[defined("text_editor_20250728", name, max_characters=4321)]))[name]
    assert "4321 characters" in function["description"]
    assert "max_characters" not in json.dumps(function["parameters"])


def test_a53_memory(sent: Sent) -> None:
    function = functions(sent(tools=[defined("memory_20250818", "memory")]))["memory"]
    assert properties(function)["command"]["enum"] == ["view", "create", "str_replace", "insert", "delete", "rename"]
    assert {"old_path", "new_path", "insert_text", "view_range"} <= properties(function).keys()
    assert "/memories" in function["description"]


SCREEN = {"display_width_px": 1024, "display_height_px": 768}


@pytest.mark.parametrize(
    ("version", "more", "actions", "zoom"),
    [
        ("20241022", {}, 10, False),
        ("20250124", {"display_number": 1}, 16, False),
        ("20251124", {}, 16, False),
        ("20251124", {"enable_zoom": True}, 17, True),
        ("20250124", {"enable_zoom": True}, 16, False),
    ],
)
def test_a54_computer(sent: Sent, version: str, more: Json, actions: int, zoom: bool) -> None:
    function = functions(sent(tools=[defined(f"computer_{version}", "computer", **SCREEN, **more)]))["computer"]
    found = properties(function)["action"]["enum"]
    assert len(set(found)) == actions
    assert ("zoom" in found) is ("region" in properties(function)) is zoom
    assert "1024 pixels wide and 768 pixels high" in function["description"]
    assert (":1" in function["description"]) is ("display_number" in more)


def test_a54_computer_without_its_size(refused: Refused) -> None:
    raised = refused(tools=[defined("computer_20250124", "computer", display_width_px=1024)])
    assert "tools.0.display_height_px: Field required" in raised.message


COMPUTER, BROWSER = {"type": "computer_toolset_20260801"}, {"type": "browser_toolset_20260801"}


def configured(toolset: Json, **enabled: bool | None) -> Json:
    return toolset | {"configs": {name: {"enabled": value} for name, value in enabled.items()}}


def test_a55_computer_toolset(sent: Sent) -> None:
    assert len(names(sent(tools=[COMPUTER]))) == 17
    found = names(sent(tools=[configured(COMPUTER, zoom=False, wait=None)]))
    assert len(found) == 16
    assert "computer__zoom" not in found
    assert all(name.startswith("computer__") for name in found)


def test_a55_browser_toolset(sent: Sent) -> None:
    some = names(sent(tools=[BROWSER]))
    every = names(
        sent(tools=[configured(BROWSER, javascript_exec=True, file_upload=True, read_console=True, read_network=True)])
    )
    assert (len(some), len(every)) == (27, 31)
    assert set(every) - set(some) == {
        "browser__javascript_exec",
        "browser__file_upload",
        "browser__read_console",
        "browser__read_network",
    }


def test_a55_the_members_are_those_of_the_sdk(sent: Sent) -> None:
    """What the SDK's models need and know is what the schemas say, for each member of both toolsets."""
    off = ("javascript_exec", "file_upload", "read_console", "read_network")
    ours = functions(sent(tools=[COMPUTER, configured(BROWSER, **dict.fromkeys(off, True))]))
    theirs = {
        **{f"computer__{name}": schema("computer", name) for name in COMPUTER_MEMBER_NAME_VALUES},
        **{f"browser__{name}": schema("browser", name) for name in BROWSER_MEMBER_NAME_VALUES},
    }
    assert ours.keys() == theirs.keys()
    for name, model in theirs.items():
        assert properties(ours[name]).keys() == model["properties"].keys(), name
        assert set(ours[name]["parameters"].get("required", [])) == set(model.get("required", [])), name


def schema(toolset: str, member: str) -> Json:
    """The schema of a member's input by the SDK's own model."""
    module = importlib.import_module(f"anthropic.types.{toolset}_{member}_input")
    (model,) = (getattr(module, name) for name in module.__all__)
    found: Json = model.model_json_schema()
    return found


def test_a55_a_member_that_there_is_not(refused: Refused) -> None:
    assert "tools.0.configs.fly" in refused(tools=[configured(COMPUTER, fly=True)]).message


@pytest.mark.parametrize("name", ["left_click", "computer__left_click", "computer"])
def test_a55_a_member_can_not_be_demanded(refused: Refused, name: str) -> None:
    assert "tool_choice" in refused(tools=[COMPUTER], tool_choice={"type": "tool", "name": name}).message


def test_a55_a_type_that_nobody_knows(refused: Refused) -> None:
    raised = refused(tools=[defined("telepathy_20300101", "telepathy")])
    assert "tools.0: telepathy_20300101" in raised.message


WEB_SEARCH = {
    "type": "web_search_20250305",
    "name": "web_search",
    "max_uses": 8,
    "allowed_domains": None,
    "blocked_domains": None,
}


def test_a56_web_search_alone(refused: Refused) -> None:
    assert "tools.0: web_search" in refused(tools=[WEB_SEARCH]).message


def test_a56_web_search_demanded(refused: Refused) -> None:
    raised = refused(tools=[tool("Bash"), WEB_SEARCH], tool_choice={"type": "tool", "name": "web_search"})
    assert "tools.1: web_search" in raised.message


def test_a57_web_search_beside_others(sent: Sent) -> None:
    assert names(sent(tools=[WEB_SEARCH, tool("Bash")])) == ["Bash"]


# ---- there and back


def test_b24_e05_a_member_of_a_toolset(python: PythonSDK, upstream: FakeUpstream) -> None:
    """Its call comes back in the client's words, and goes out again in the upstream's."""
    for way, ask in python.ways.items():
        request = {"model": "m", "max_tokens": 9, "messages": [user("click")], "tools": [COMPUTER, tool("Bash")]}
        upstream.play(
            Reply(calls=(Call("computer__left_click", {"coordinate": [3, 4]}, id="call_1"), Call("Bash", {})))
        )
        answered = ask(request)["content"]
        member, other = answered
        assert member | {"caller": None} == {
            "type": "tool_use",
            "id": "call_1",
            "name": "left_click",
            "toolset_name": "computer",
            "input": {"coordinate": [3, 4]},
            "caller": None,
        }, way
        assert "toolset_name" not in other, way

        upstream.play(Reply("clicked"))
        results = user(result("call_1", image(), toolset_name="computer"), result(other["id"], "done"))
        ask(request | {"messages": [user("click"), {"role": "assistant", "content": answered}, results]})
        told = upstream.requests[-1].messages
        assert [call["function"]["name"] for call in told[1]["tool_calls"]] == ["computer__left_click", "Bash"]
        assert [told[1]["tool_calls"][0]["id"], told[2]["tool_call_id"]] == ["call_1", "call_1"]
        assert told[-1]["content"][-1] == picture()
