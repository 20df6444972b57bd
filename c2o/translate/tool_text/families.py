"""How the families of models write tool calls: what begins one, how its arguments come, what closes it.

A beginning is spelled without white space, which models use as they like; ``NAME`` stands for the tool's name.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Shape = Literal["json", "parameters", "object", "python", "empty"]
"""A JSON value; parameters in tags; an object in which the name stands too; Python's keyword arguments; none."""

Where = Literal["anywhere", "line", "start"]
"""Special tokens mean what they say anywhere; tags count at the start of a line, since people quote them; what has
no mark at all counts only as the first thing in an answer, or right behind another call."""


class Parameters(Struct, frozen=True):
    """Arguments one by one, as patterns."""

    open: str
    """With a group ``key``, and ``literal`` where the value is said to be JSON."""
    close: str
    end: str
    """The end of the call."""


class Family(Struct, frozen=True, kw_only=True):
    """One way to write a call."""

    models: str
    begins: tuple[str, ...]
    shape: Shape
    where: Where
    ahead: tuple[str, ...] = ()
    """What must follow the beginning without being part of it."""
    skip_to: str = ""
    """What stands between the beginning and the arguments ends with this."""
    parameters: Parameters | None = None
    closers: tuple[str, ...] = ()
    """What may stand behind the arguments, in any order."""


def _each(befores: tuple[str, ...], *behind: str) -> tuple[str, ...]:
    return tuple(before + each for before in befores for each in behind)


_OBJECTS = (
    '{"name":"NAME","arguments":',
    '{"name":"NAME","parameters":',
    '{"type":"function","name":"NAME","arguments":',
    '{"type":"function","name":"NAME","parameters":',
    '{"type":"function","function":{"name":"NAME","arguments":',
    '{"type":"function","function":{"name":"NAME","parameters":',
)

_ARGUMENTS_FIRST = ('{"arguments":', '{"parameters":')

_IN_EQUALS_TAGS = Parameters(
    open=r"<parameter=(?P<key>[^<>]+)>",
    close=r"</parameter>",
    end=r"</function>|</tool_call>",
)
_IN_NAMED_TAGS = Parameters(
    open=r"<parameter name=\"(?P<key>[^\"<>]+)\">",
    close=r"</parameter>",
    end=r"</invoke>",
)
_IN_DSML_TAGS = Parameters(
    open=r"<｜DSML｜parameter name=\"(?P<key>[^\"<>]+)\"(?: string=\"(?:true|(?P<literal>false))\")?>",
    close=r"</｜DSML｜parameter>",
    end=r"</｜DSML｜invoke>",
)
_IN_KEY_AND_VALUE = Parameters(
    open=r"<arg_key>(?P<key>[^<>]+)</arg_key>\s*<arg_value>",
    close=r"</arg_value>",
    end=r"</tool_call>",
)

_DSML_OUTER = ("<｜DSML｜function_calls>", "<｜DSML｜tool_calls>", "")
_DSML_CLOSERS = ("</｜DSML｜invoke>", "</｜DSML｜function_calls>", "</｜DSML｜tool_calls>")
_INVOKE_OUTER = ("<minimax:tool_call>", "<function_calls>", "<tool_call>", "")
_INVOKE_CLOSERS = ("</invoke>", "</minimax:tool_call>", "</function_calls>", "</tool_call>")
_DEEPSEEK_OUTER = ("<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>", "<｜tool▁call▁begin｜>")
_DEEPSEEK_CLOSERS = ("```", "<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>", "<｜end▁of▁sentence｜>")
_KIMI_OUTER = ("<|tool_calls_section_begin|><|tool_call_begin|>", "<|tool_call_begin|>")

FAMILIES: tuple[Family, ...] = (
    # https://github.com/NousResearch/Hermes-Function-Calling
    Family(
        models="Hermes, Qwen",
        begins=_each(("<tool_call>", "<tool_call>["), *_OBJECTS),
        shape="json",
        where="line",
        closers=("}", "]", ",", "</tool_call>"),
    ),
    Family(
        models="Hermes, Qwen",
        begins=_each(("<tool_call>",), *_ARGUMENTS_FIRST),
        shape="object",
        where="line",
        closers=("</tool_call>",),
    ),
    # https://huggingface.co/Qwen/Qwen3-Coder-480B-A35B-Instruct (chat template); some leave the outer tag out
    Family(
        models="Qwen3-Coder",
        begins=("<tool_call><function=NAME>", "<function=NAME>"),
        shape="parameters",
        where="line",
        parameters=_IN_EQUALS_TAGS,
        closers=("</function>", "</tool_call>"),
    ),
    # https://huggingface.co/zai-org/GLM-4.6 (chat template)
    Family(
        models="GLM",
        begins=("<tool_call>NAME",),
        ahead=("<arg_key>", "</tool_call>"),
        shape="parameters",
        where="line",
        parameters=_IN_KEY_AND_VALUE,
    ),
    # https://huggingface.co/deepseek-ai/DeepSeek-V3 (tokenizer_config.json)
    Family(
        models="DeepSeek V3",
        begins=_each(_DEEPSEEK_OUTER, "function<｜tool▁sep｜>NAME```json"),
        shape="json",
        where="anywhere",
        closers=_DEEPSEEK_CLOSERS,
    ),
    # https://huggingface.co/deepseek-ai/DeepSeek-V3.1#toolcall
    Family(
        models="DeepSeek V3.1",
        begins=_each(_DEEPSEEK_OUTER, "NAME<｜tool▁sep｜>"),
        shape="json",
        where="anywhere",
        closers=_DEEPSEEK_CLOSERS,
    ),
    # https://huggingface.co/deepseek-ai/DeepSeek-V3.2 (encoding/encoding_dsv32.py)
    Family(
        models="DeepSeek V3.2",
        begins=_each(_DSML_OUTER, '<｜DSML｜invoke name="NAME">'),
        shape="parameters",
        where="anywhere",
        parameters=_IN_DSML_TAGS,
        closers=_DSML_CLOSERS,
    ),
    Family(
        models="DeepSeek V4",
        begins=_each(_DSML_OUTER, '<｜DSML｜invoke name="NAME"/>'),
        shape="empty",
        where="anywhere",
        closers=_DSML_CLOSERS,
    ),
    # https://docs.mistral.ai/guides/tokenization/ and https://github.com/mistralai/mistral-common
    Family(
        models="Mistral",
        begins=_each(("[TOOL_CALLS][", "[TOOL_CALLS]"), *_OBJECTS),
        shape="json",
        where="anywhere",
        closers=("}", "]", ",", "</s>"),
    ),
    Family(
        models="Mistral",
        begins=("[TOOL_CALLS]NAME[ARGS]",),
        shape="json",
        where="anywhere",
        closers=("</s>",),
    ),
    Family(
        models="Mistral",
        begins=("[TOOL_CALLS]NAME[CALL_ID]",),
        skip_to="[ARGS]",
        shape="json",
        where="anywhere",
        closers=("</s>",),
    ),
    Family(
        models="Mistral",
        begins=("[TOOL_CALLS]NAME",),
        ahead=("{",),
        shape="json",
        where="anywhere",
        closers=("</s>",),
    ),
    # https://www.llama.com/docs/model-cards-and-prompt-formats/llama3_1/
    Family(
        models="Llama 3",
        begins=_each(("<|python_tag|>",), *_OBJECTS),
        shape="json",
        where="anywhere",
        closers=("}", ";", "<|eom_id|>", "<|eot_id|>"),
    ),
    Family(
        models="Llama 3, old Fireworks",
        begins=_each(("", "["), *_OBJECTS),
        shape="json",
        where="start",
        closers=("}", "]", ";", ",", "<|eom_id|>", "<|eot_id|>"),
    ),
    # https://www.llama.com/docs/model-cards-and-prompt-formats/llama4/
    Family(
        models="Llama 4",
        begins=("[NAME(", "<|python_start|>[NAME(", ",NAME("),
        shape="python",
        where="start",
        closers=("]", "<|python_end|>", "<|eom_id|>", "<|eot_id|>"),
    ),
    # Llama on Groq, where the parser lost the beginning: https://github.com/sst/opencode/issues/1018
    Family(
        models="Llama on Groq",
        begins=("NAME",),
        ahead=('{"',),
        shape="json",
        where="start",
        closers=("</function>",),
    ),
    # https://huggingface.co/moonshotai/Kimi-K2-Instruct/blob/main/docs/tool_call_guidance.md
    Family(
        models="Kimi",
        begins=_each(_KIMI_OUTER, "functions.NAME:", "NAME:"),
        skip_to="<|tool_call_argument_begin|>",
        shape="json",
        where="anywhere",
        closers=("<|tool_call_end|>", "<|tool_calls_section_end|>"),
    ),
    # https://huggingface.co/MiniMaxAI/MiniMax-M2/blob/main/docs/tool_calling_guide.md
    Family(
        models="MiniMax, Claude",
        begins=_each(_INVOKE_OUTER, '<invoke name="NAME">'),
        shape="parameters",
        where="line",
        parameters=_IN_NAMED_TAGS,
        closers=_INVOKE_CLOSERS,
    ),
    Family(
        models="MiniMax, Claude",
        begins=_each(_INVOKE_OUTER, '<invoke name="NAME"/>'),
        shape="empty",
        where="line",
        closers=_INVOKE_CLOSERS,
    ),
    # https://cookbook.openai.com/articles/openai-harmony
    Family(
        models="gpt-oss",
        begins=_each(
            _each(
                ("<|start|>assistant", ""),
                "<|channel|>commentary to=functions.NAME",
                "<|channel|>analysis to=functions.NAME",
            ),
            "<|message|>",
            "json<|message|>",
            "code<|message|>",
            "<|constrain|>json<|message|>",
        )
        + _each(
            ("<|start|>assistant to=functions.NAME<|channel|>commentary",),
            "<|message|>",
            "json<|message|>",
            "<|constrain|>json<|message|>",
        ),
        shape="json",
        where="anywhere",
        closers=("<|call|>", "<|end|>", "<|return|>"),
    ),
)

ENDS = (
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<end_of_turn>",
    "<｜end▁of▁sentence｜>",
    "</s>",
)
"""Tokens that end a turn; a server that doesn't know its model's leaves one as the last word of the text."""

BULLETS = "●⏺"
"""What some models write before a call, as Claude Code shows it to them."""

JUNK = "]<]minimax[>["
"""What MiniMax M3 writes before each tag of a call."""
