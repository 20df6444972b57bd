"""Tool calls that a model wrote as text: every family's form, cut anywhere, quoted, broken off, and told twice."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import strategies as st

from c2o.translate import tool_input
from c2o.translate.tool_text import ToolText
from tests import grammar
from tests.examples import for_all
from tests.fake_upstream import DONE, chunk, finish, text
from tests.translate.talk import Json, answered, completion, request, stream, streamed, tool, translator

TOOLS = [
    tool("Bash", {"command": {"type": "string"}, "timeout": {"type": "integer"}}, ("command",)),
    tool("Read", {"path": {"type": "string"}}),
    tool("ReadAll"),
]

LS: Json = {"command": "ls -la"}
SLOW: Json = {"command": "ls -la", "timeout": 5}
FILE: Json = {"path": "/a b"}

Call = tuple[str, Json]

BASH = ("Bash", LS)

WRITTEN: dict[str, tuple[str, list[Call]]] = {
    "Hermes": ('<tool_call>\n{"name": "Bash", "arguments": {"command": "ls -la"}}\n</tool_call>', [BASH]),
    "Hermes, on one line": ('<tool_call>{"name":"Bash","arguments":{"command":"ls -la"}}</tool_call>', [BASH]),
    "Hermes, arguments first": (
        '<tool_call>\n{"arguments": {"command": "ls -la"}, "name": "Bash"}\n</tool_call>',
        [BASH],
    ),
    "Hermes, two": (
        (
            '<tool_call>\n{"name": "Bash", "arguments": {"command": "ls -la"}}\n</tool_call>\n'
            '<tool_call>\n{"name": "Read", "arguments": {"path": "/a b"}}\n</tool_call>'
        ),
        [BASH, ("Read", FILE)],
    ),
    "Hermes, a list": (
        (
            '<tool_call>[{"name": "Bash", "arguments": {"command": "ls -la"}},'
            ' {"name": "Read", "arguments": {"path": "/a b"}}]</tool_call>'
        ),
        [BASH, ("Read", FILE)],
    ),
    "Hermes, arguments as a string": (
        '<tool_call>{"name": "Bash", "arguments": "{\\"command\\": \\"ls -la\\"}"}</tool_call>',
        [BASH],
    ),
    "Hermes, not closed": ('<tool_call>\n{"name": "Bash", "arguments": {"command": "ls -la"}}', [BASH]),
    "Qwen3-Coder": (
        (
            "<tool_call>\n<function=Bash>\n<parameter=command>\nls -la\n</parameter>\n<parameter=timeout>\n5\n"
            "</parameter>\n</function>\n</tool_call>"
        ),
        [("Bash", SLOW)],
    ),
    "Qwen3-Coder without its outer tag": (
        "<function=Bash>\n<parameter=command>\nls -la\n</parameter>\n</function>",
        [BASH],
    ),
    "Qwen3-Coder, two": (
        (
            "<tool_call>\n<function=Bash>\n<parameter=command>\nls -la\n</parameter>\n</function>\n</tool_call>\n"
            "<tool_call>\n<function=Read>\n<parameter=path>\n/a b\n</parameter>\n</function>\n</tool_call>"
        ),
        [BASH, ("Read", FILE)],
    ),
    "Qwen3-Coder, tags inside of a value": (
        "<function=Bash>\n<parameter=command>\necho '</parameter>' && echo '<parameter=x>'\n</parameter>\n</function>",
        [("Bash", {"command": "echo '</parameter>' && echo '<parameter=x>'"})],
    ),
    "Qwen3-Coder, no parameters": ("<tool_call>\n<function=ReadAll>\n</function>\n</tool_call>", [("ReadAll", {})]),
    "Groq": ('<function=Bash>{"command": "ls -la"}</function>', [BASH]),
    "Groq, its beginning lost": ('Bash{"command": "ls -la"}</function>', [BASH]),
    "Llama": ('<|python_tag|>{"name": "Bash", "parameters": {"command": "ls -la"}}', [BASH]),
    "Llama, two": (
        (
            '<|python_tag|>{"name": "Bash", "parameters": {"command": "ls -la"}}; '
            '{"name": "Read", "parameters": {"path": "/a b"}}<|eom_id|>'
        ),
        [BASH, ("Read", FILE)],
    ),
    "Llama, bare": ('{"name": "Bash", "parameters": {"command": "ls -la"}}', [BASH]),
    "Llama, bare with a type": (
        '{"type": "function", "name": "Bash", "parameters": {"command": "ls -la"}}',
        [BASH],
    ),
    "Llama, bare as OpenAI's own": (
        '{"type": "function", "function": {"name": "Bash", "arguments": {"command": "ls -la"}}}',
        [BASH],
    ),
    "Llama 4": ("[Bash(command='ls -la', timeout=5), Read(path=\"/a b\")]", [("Bash", SLOW), ("Read", FILE)]),
    "Llama 4, brackets inside of a value": ('[Bash(command="(ls) [-la]")]', [("Bash", {"command": "(ls) [-la]"})]),
    "DeepSeek V3": (
        (
            "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>Bash\n```json\n"
            '{"command": "ls -la"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>'
        ),
        [BASH],
    ),
    "DeepSeek V3.1": (
        (
            '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>Bash<｜tool▁sep｜>{"command": "ls -la"}<｜tool▁call▁end｜>'
            '<｜tool▁call▁begin｜>Read<｜tool▁sep｜>{"path": "/a b"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>'
        ),
        [BASH, ("Read", FILE)],
    ),
    "DeepSeek V3.2": (
        (
            '<｜DSML｜function_calls>\n<｜DSML｜invoke name="Bash">\n'
            '<｜DSML｜parameter name="command" string="true">ls -la</｜DSML｜parameter>\n'
            '<｜DSML｜parameter name="timeout" string="false">5</｜DSML｜parameter>\n</｜DSML｜invoke>\n'
            "</｜DSML｜function_calls>"
        ),
        [("Bash", SLOW)],
    ),
    "DeepSeek V3.2, JSON inside": (
        (
            '<｜DSML｜function_calls><｜DSML｜invoke name="Bash">{"command": "ls -la"}'
            "</｜DSML｜invoke></｜DSML｜function_calls>"
        ),
        [BASH],
    ),
    "DeepSeek V4, no parameters": (
        '<｜DSML｜tool_calls><｜DSML｜invoke name="ReadAll"/></｜DSML｜tool_calls>',
        [("ReadAll", {})],
    ),
    "Mistral": ('[TOOL_CALLS] [{"name": "Bash", "arguments": {"command": "ls -la"}}]', [BASH]),
    "Mistral, two": (
        (
            '[TOOL_CALLS][{"name": "Bash", "arguments": {"command": "ls -la"}},'
            ' {"name": "Read", "arguments": {"path": "/a b"}}]</s>'
        ),
        [BASH, ("Read", FILE)],
    ),
    "Mistral, newer": ('[TOOL_CALLS]Bash[ARGS]{"command": "ls -la"}', [BASH]),
    "Mistral, with an id": ('[TOOL_CALLS]Bash[CALL_ID]aBcD12345[ARGS]{"command": "ls -la"}', [BASH]),
    "Mistral, newest": (
        '[TOOL_CALLS]Bash{"command": "ls -la"}[TOOL_CALLS]Read{"path": "/a b"}',
        [BASH, ("Read", FILE)],
    ),
    "GLM": ("<tool_call>Bash\n<arg_key>command</arg_key>\n<arg_value>ls -la</arg_value>\n</tool_call>", [BASH]),
    "GLM, on one line": (
        (
            "<tool_call>Bash<arg_key>command</arg_key><arg_value>ls -la</arg_value>"
            "<arg_key>timeout</arg_key><arg_value>5</arg_value></tool_call>"
        ),
        [("Bash", SLOW)],
    ),
    "GLM, no arguments": ("<tool_call>ReadAll\n</tool_call>", [("ReadAll", {})]),
    "Kimi": (
        (
            "<|tool_calls_section_begin|><|tool_call_begin|>functions.Bash:0<|tool_call_argument_begin|>"
            '{"command": "ls -la"}<|tool_call_end|><|tool_call_begin|>functions.Read:1<|tool_call_argument_begin|>'
            '{"path": "/a b"}<|tool_call_end|><|tool_calls_section_end|>'
        ),
        [BASH, ("Read", FILE)],
    ),
    "MiniMax": (
        (
            '<minimax:tool_call>\n<invoke name="Bash">\n<parameter name="command">ls -la</parameter>\n'
            '<parameter name="timeout">5</parameter>\n</invoke>\n</minimax:tool_call>'
        ),
        [("Bash", SLOW)],
    ),
    "MiniMax M3": (
        (
            ']<]minimax[>[<tool_call>]<]minimax[>[<invoke name="Bash">]<]minimax[>[<parameter name="command">ls -la'
            "]<]minimax[>[</parameter>]<]minimax[>[</invoke>]<]minimax[>[</tool_call>"
        ),
        [BASH],
    ),
    "Claude": (
        (
            '<function_calls>\n<invoke name="Bash">\n<parameter name="command">ls -la</parameter>\n</invoke>\n'
            '<invoke name="Read">\n<parameter name="path">/a b</parameter>\n</invoke>\n</function_calls>'
        ),
        [BASH, ("Read", FILE)],
    ),
    "gpt-oss": (
        '<|channel|>commentary to=functions.Bash <|constrain|>json<|message|>{"command": "ls -la"}<|call|>',
        [BASH],
    ),
    "gpt-oss, its beginning too": (
        '<|start|>assistant<|channel|>commentary to=functions.Bash <|constrain|>json<|message|>{"command": "ls -la"}',
        [BASH],
    ),
    "gpt-oss, the other order": (
        '<|start|>assistant to=functions.Bash<|channel|>commentary json<|message|>{"command": "ls -la"}',
        [BASH],
    ),
}

NOT_FIRST = {"Llama, bare", "Llama, bare with a type", "Llama, bare as OpenAI's own", "Groq, its beginning lost"} | {
    name for name in WRITTEN if name.startswith("Llama 4")
}
"""Without a mark of their own they count only as the first thing in an answer."""


def told(*texts: str, reason: str = "stop", tools: list[Json] = TOOLS, **fields: Any) -> grammar.Message:
    return streamed(*map(text, texts), finish(reason), DONE, tools=tools, **fields)


def calls(found: grammar.Message) -> list[Call]:
    assert found.error is None, found.error
    return [(call["name"], call["input"]) for call in found.calls]


@pytest.mark.parametrize("form", WRITTEN)
def test_a_call_is_recognised_wherever_its_text_is_cut(form: str) -> None:
    written, expected = WRITTEN[form]

    for size in (1, 2, 3, 7, len(written)):
        found = told(*(written[at : at + size] for at in range(0, len(written), size)))
        assert (calls(found), found.said("text"), found.stop_reason) == (expected, "", "tool_use"), size
    for at in range(len(written)):
        assert calls(told(written[:at], written[at:])) == expected, written[:at]


@pytest.mark.parametrize("form", WRITTEN)
def test_a_call_in_a_whole_answer(form: str) -> None:
    written, expected = WRITTEN[form]

    found = answered(completion({"content": written}), tools=TOOLS)

    assert [(block["name"], block["input"]) for block in found["content"]] == expected
    assert found["stop_reason"] == "tool_use"


@pytest.mark.parametrize("form", sorted(set(WRITTEN) - NOT_FIRST))
def test_a_call_behind_words(form: str) -> None:
    written, expected = WRITTEN[form]

    found = told("I'll look.\n\n" + written + "\nSo.")

    assert calls(found) == expected
    assert [block["text"] for block in found.content if block["type"] == "text"] == ["I'll look.", "So."]


@pytest.mark.parametrize("form", sorted(NOT_FIRST))
def test_what_has_no_mark_is_text_behind_words(form: str) -> None:
    written = "I'll look.\n\n" + WRITTEN[form][0]

    assert told(written).content == [{"type": "text", "text": written}]


@pytest.mark.parametrize("form", WRITTEN)
def test_a_call_that_was_cut_off_is_marked(form: str) -> None:
    """Cut at every letter: a call that is shown is the whole one, or marked so that the client refuses it."""
    written, expected = WRITTEN[form]
    for at in range(1, len(written)):
        for name, input in calls(told(written[:at], reason="length")):
            if input != dict(expected)[name] and "INVALID_JSON" not in input:
                assert input.pop("__c2o_truncated__", None) is True, written[:at]
                assert input.items() <= dict(expected)[name].items(), written[:at]


@pytest.mark.parametrize("form", sorted(set(WRITTEN) - {"Qwen3-Coder, tags inside of a value"}))  # ends more than once
def test_no_value_is_completed_where_the_upstream_says_that_it_is_done(form: str) -> None:
    """Only brackets are added then, as for any other call."""
    written, expected = WRITTEN[form]
    for at in range(1, len(written)):
        for name, input in calls(told("Well.\n" * (form not in NOT_FIRST) + written[:at])):
            refused = input.pop("__c2o_truncated__", False) or input.pop("INVALID_JSON", False)
            assert refused or input.items() <= dict(expected)[name].items(), written[:at]


# ---- what is no call

TEXTS = {
    "an unknown name": '<tool_call>{"name": "Nope", "arguments": {}}</tool_call>',
    "a name that goes on": '<tool_call>{"name": "Bashful", "arguments": {}}</tool_call>',
    "between backticks": 'Write `<tool_call>{"name": "Bash", "arguments": {}}</tool_call>` in the prompt.',
    "special tokens between backticks": 'Write `<|python_tag|>{"name": "Bash", "parameters": {}}` there.',
    "in the midst of a line": 'Write <tool_call>{"name": "Bash", "arguments": {}}</tool_call> in the prompt.',
    "in a fence": 'So:\n```xml\n<tool_call>\n{"name": "Bash", "arguments": {}}\n</tool_call>\n```\nThat is all.',
    "in a fence of waves": '~~~\n<|python_tag|>{"name": "Bash", "parameters": {}}\n~~~\n',
    "JSON that is an answer": '{"name": "Widget", "parameters": {"size": 5}}',
    "a list that is an answer": '[{"name": "Widget", "price": 5}]',
    "a function that isn't called": "[Bash(command)](https://example.com)",
    "Python with more than literals": "[Bash(command=open('x'))]",
    "tags of other kinds": "<tool_calls> and <function> and <invoke> are tags; 1 < 2, [TOOLS], ]<[",
    "HTML": "<table><tr><td>a</td></tr></table>\n<input type='text'></section>",
    "a marker alone": "<tool_call>",
    "half a marker": "a <tool_",
    "an end token in the midst": "The token <|im_end|> ends a turn.",
    "only white space, then text": "\n\n  Hello",
    "a word that a tool's name begins with": "Read",
}


@pytest.mark.parametrize("what", TEXTS)
def test_what_is_no_call_is_text_to_the_letter(what: str) -> None:
    written = TEXTS[what]

    for size in (1, 2, 3, 7, len(written)):
        found = told(*(written[at : at + size] for at in range(0, len(written), size)))
        assert found.content == [{"type": "text", "text": written}], size


@pytest.mark.parametrize(
    "fields",
    [{"tools": []}, {"tool_choice": {"type": "none"}}, {"quirks": {"tool_text": False}}, {"tools": TOOLS[1:]}],
    ids=["no tools", "no call wanted", "switched off", "another tool"],
)
def test_a_call_that_nobody_offered_is_text(fields: Json) -> None:
    written = WRITTEN["Hermes"][0]

    assert told(written, **fields).content == [{"type": "text", "text": written}]


def test_a_call_behind_a_closed_fence() -> None:
    assert calls(told("```\ncode\n```\n", WRITTEN["Hermes"][0])) == [BASH]


@for_all(st.lists(st.text(alphabet='ab <[{`\n"T|｜', max_size=6), max_size=12))
def test_text_is_never_lost_or_changed(pieces: list[str]) -> None:
    of = ToolText(["Bash"], [])
    said: list[Any] = []
    for piece in pieces:
        said += [piece] if of.passes(piece) else of.feed(piece)

    assert "".join([*said, *of.close()]) == "".join(pieces)


PROSE = ["The", " quick", " brown fox", ", it's said: ", "jumps (over)", "5 > 3!\n\n", "- {it} is; ", "`code` #1", "\n"]


def test_ordinary_text_waits_for_nothing() -> None:
    of = ToolText(["Bash", "Read"], [])

    assert of.feed("Well, ") == ["Well, "]
    assert all(of.passes(word) for word in PROSE)


def test_text_waits_only_while_it_may_become_a_call() -> None:
    of = ToolText(["Bash"], [])

    assert of.feed("a <") == ["a"]
    assert of.feed("b> and") == [" <b> and"]
    assert of.passes(" more")


# ---- names, ids, notes


def test_names_are_the_client_s_whatever_the_model_makes_of_them() -> None:
    long = "mcp__server__" + "x" * 60
    of = translator(request(stream=True, tools=[tool(long)]))
    [short] = [each["function"]["name"] for each in json.loads(of.request().body)["tools"]]

    found = grammar.read(
        stream(of, [text(f'<tool_call>{{"name": "{short.upper()}", "arguments": {{}}}}</tool_call>'), finish(), DONE])
    )

    assert calls(found) == [(long, {})]


def test_a_call_that_was_written_is_noted() -> None:
    of = translator(request(stream=True, tools=TOOLS))

    stream(of, [text(WRITTEN["Kimi"][0]), finish(), DONE])

    assert of.outcome.repairs == ["tool call that Kimi wrote as text taken as a call"]


def test_the_input_is_repaired_like_any_other() -> None:
    written = '<tool_call>{"name": "Bash", "arguments": {"command": "ls", "timeout": "5",}}</tool_call>'

    assert calls(told(written)) == [("Bash", {"command": "ls", "timeout": 5})]


def test_the_first_call_is_kept_where_the_client_wants_one() -> None:
    found = told(WRITTEN["Kimi"][0], tool_choice={"type": "any", "disable_parallel_tool_use": True})

    assert calls(found) == [BASH]
    assert found.said("text") == ""


# ---- the same call, as text and as it should come


def structured(name: str, input: Json, id: str = "a") -> bytes:
    return chunk({"tool_calls": [{"index": 0, "id": id, "function": {"name": name, "arguments": json.dumps(input)}}]})


def test_a_call_is_not_made_twice() -> None:
    of = translator(request(stream=True, tools=TOOLS))

    found = grammar.read(
        stream(of, [text(WRITTEN["GLM, on one line"][0]), structured("Bash", SLOW), finish("tool_calls"), DONE])
    )

    assert calls(found) == [("Bash", SLOW)]
    assert "a tool call came as text and as a call: taken once" in of.outcome.repairs


def test_another_call_beside_a_written_one_is_made() -> None:
    found = streamed(text(WRITTEN["Hermes"][0]), structured("Read", FILE), finish("tool_calls"), DONE, tools=TOOLS)

    assert calls(found) == [BASH, ("Read", FILE)]


def test_an_upstream_that_finds_calls_itself_leaves_text_in_the_text() -> None:
    written = "\n" + WRITTEN["Hermes"][0]
    found = streamed(text("So"), structured("Read", FILE), text(written), finish("tool_calls"), DONE, tools=TOOLS)

    assert calls(found) == [("Read", FILE)]
    assert found.said("text") == "So" + written


def test_a_whole_answer_with_calls_of_both_kinds_has_those_that_the_upstream_found() -> None:
    written = WRITTEN["Hermes"][0]
    call = {"id": "a", "type": "function", "function": {"name": "Bash", "arguments": json.dumps(LS)}}

    found = answered(completion({"content": written, "tool_calls": [call]}, "tool_calls"), tools=TOOLS)

    assert [block["type"] for block in found["content"]] == ["text", "tool_use"]
    assert found["content"][0]["text"] == written


# ---- tokens that end a turn

ENDED = {
    "Done<|im_end|>": "Done",
    "Done.\n<|eot_id|>": "Done.",
    "Done</s></s>\n": "Done",
    "Done<｜end▁of▁sentence｜>": "Done",
    "<|im_end|> Done": "<|im_end|> Done",
    "Done</section>": "Done</section>",
}


@pytest.mark.parametrize("tools", [[], TOOLS], ids=["no tools", "tools"])
@pytest.mark.parametrize("written", ENDED)
def test_a_token_that_ends_the_turn_is_no_text(written: str, tools: list[Json]) -> None:
    for size in (1, 3, len(written)):
        pieces = [written[at : at + size] for at in range(0, len(written), size)]
        assert told(*pieces, tools=tools).said("text").rstrip() == ENDED[written]


# ---- size


def test_a_large_value_is_read_in_linear_time() -> None:
    """A megabyte of tags in small pieces; a reader that starts over at each piece would take minutes."""
    value = "<p>x</p>\n</param" * 60_000
    written = f"<function=Bash>\n<parameter=command>\n{value}\n</parameter>\n</function>"
    of = ToolText(["Bash"], [])
    began = time.process_time()

    said = [piece for at in range(0, len(written), 40) for piece in of.feed(written[at : at + 40])]

    assert time.process_time() - began < 20
    assert json.loads("".join(piece[1] for piece in said)) == {"command": value}


def test_a_large_text_of_marks_is_read_in_linear_time() -> None:
    written = 'a <tool_call>{"name": "B <|im ' * 30_000
    of = ToolText(["Bash"], [])
    began = time.process_time()

    said = [piece for at in range(0, len(written), 40) for piece in of.feed(written[at : at + 40])] + of.close()

    assert time.process_time() - began < 20
    assert "".join(map(str, said)) == written


def test_input_without_end_ends_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool_input, "LIMIT", 100)
    endless = '<tool_call>{"name": "Bash", "arguments": {"command": "' + "x" * 200

    for pieces in ([endless], [endless + '"}}</tool_call> and words'], [endless, '"}}</tool_call>', "words"]):
        found = told(*pieces)
        assert found.error is not None
        assert "larger than c2o takes" in found.error["message"]
        assert found.calls == []


def test_thousands_of_written_calls() -> None:
    assert len(calls(told(*[WRITTEN["Hermes"][0]] * 3000))) == 3000


def test_a_call_whose_arguments_never_begin_is_refused_by_the_client() -> None:
    found = told("<|tool_call_begin|>functions.Bash:" + "words and " * 40)

    assert calls(found) == [("Bash", {"__c2o_truncated__": True})]
    assert "words" in found.said("text")
