"""What can be different about a family of upstreams: a field for each fact, with what it means and where it was seen.

Every default is what a plain OpenAI-compatible server takes, which means the *smallest* request:
several upstreams answer 400 to a field that they don't know (NVIDIA NIM, Mistral, Azure).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct


class Dialect(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The habits of one family of upstreams."""

    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """Where the answer's limit goes.  OpenAI's reasoning models refuse ``max_tokens``
    (https://platform.openai.com/docs/api-reference/chat/create); Ollama and DeepSeek silently ignore
    the newer name, which would leave the answer unbounded."""

    stream_usage: bool = True
    """Whether ``stream_options.include_usage`` may be sent.  Without it usage is estimated."""

    system_role: Literal["system", "developer"] = "system"
    """The role of instructions."""

    system_messages: Literal["first", "anywhere"] = "first"
    """Where a system message may stand.  The chat templates of many open models (Gemma, Mistral, Llama 2,
    older Qwen) raise an error for one that isn't the first, so elsewhere it becomes text of the user
    message before it, in the ``<system-reminder>`` form that Claude Code itself uses."""

    vision: bool = True
    """Whether images may be sent.  Where not, a text says that there was one."""

    documents: Literal["file", "text"] = "text"
    """Whether a PDF goes out as a ``file`` part, or as its text.  Azure, DashScope, vLLM and Fireworks refuse file
    parts; llama.cpp answers ``unsupported content[].type``."""

    document_urls: bool = False
    """Whether a PDF may be given by its URL.  OpenAI's chat completions take base64 only."""

    tool_media: bool = False
    """Whether images and files may stand in a tool message.  OpenAI allows text alone there
    (https://platform.openai.com/docs/api-reference/chat/create), and so do most models behind vLLM
    (https://github.com/vllm-project/vllm/issues/43203); elsewhere they follow in the user's next message."""

    tool_choice_required: bool = True
    """Whether ``"tool_choice": "required"`` is understood."""

    tool_choice_named: bool = False
    """Whether ``tool_choice`` may name a function.  llama.cpp logs "type must be string, but is object"
    and silently takes ``auto``, so elsewhere the tool list is cut to that tool and ``required`` is sent."""

    parallel_tool_calls: bool = False
    """Whether ``"parallel_tool_calls": false`` may be sent.  It is enforced here in any case."""

    strict_tools: bool = False
    """Whether a tool may say ``"strict": true``.  xAI, Fireworks and vLLM behind a gateway refuse it; OpenAI
    wants a schema of certain rules for it (https://platform.openai.com/docs/guides/function-calling)."""

    sampling: bool = True
    """Whether ``temperature`` and ``top_p`` may be sent; OpenAI's reasoning models refuse them."""

    top_k: bool = False
    """Whether ``top_k`` may be sent; it is no OpenAI field
    (https://docs.vllm.ai/en/stable/serving/openai_compatible_server.html lists it as an extra)."""

    response_format: Literal["json_schema", "json_object", "none"] = "json_schema"
    """How an answer of a given shape is asked for; where there is no schema, it goes into the prompt."""

    prefill: Literal["refuse", "plain", "prefix", "partial", "continue_final_message"] = "refuse"
    """How an answer is made to go on from words that the client put into the model's mouth: not at all;
    by itself (llama.cpp); by a flag on the message (Mistral ``prefix``, Moonshot ``partial``); by flags of the
    request (vLLM, SGLang)."""

    safety_identifier: bool = False
    """Whether a hash of ``metadata.user_id`` goes out as ``safety_identifier``
    (https://platform.openai.com/docs/guides/safety-best-practices)."""

    cache_breakpoints: bool = False
    """Whether the client's marks for the prompt cache go out with the instructions.  OpenAI's models take them from
    gpt-5.6 on, older ones refuse the field (https://developers.openai.com/api/docs/guides/prompt-caching).  The
    conversation needs no marks: those models find its end by themselves."""

    reasoning_efforts: tuple[str, ...] = ()
    """The words that ``reasoning_effort`` takes, weakest first; empty: the field isn't sent."""

    thinking_off: Mapping[str, Any] = {}
    """The fields of a request that switch thinking off, where the client says ``thinking: disabled``.  Claude Code's
    safety checks do, with room for 64 tokens: a model that thinks them away blocks every command."""

    reasoning_replay: Literal[
        "drop", "reasoning_content", "reasoning", "reasoning_details", "thought_signature", "thinking_parts"
    ] = "drop"
    """Where the reasoning of earlier turns goes.  Dropped unless a server is known to read it: strict ones
    refuse the field."""

    reasoning_required: bool = False
    """Whether each assistant message of a conversation with tools must have it, if only as empty text.
    DeepSeek answers 400 otherwise (https://api-docs.deepseek.com/guides/thinking_mode)."""

    think_tags: bool = True
    """Whether reasoning may come as ``<think>…</think>`` at the very start of the text, as it does from servers
    that run without a reasoning parser."""

    think_open: bool = False
    """Whether an answer begins inside of the reasoning, because the chat template has written ``<think>`` already
    (https://huggingface.co/deepseek-ai/DeepSeek-R1: with llama.cpp or vLLM without a reasoning parser)."""

    tool_text: bool = True
    """Whether tool calls that a model wrote as text are taken as calls.  Servers without a tool parser for their model
    leave them there; see ``tool_text/families.py`` for the forms."""

    count_tokens: Literal["none", "vllm", "llamacpp"] = "none"
    """How a server on this machine counts the tokens of a conversation: ``/tokenize`` takes it as it is (vLLM), or
    text that ``/apply-template`` made of it (llama.cpp).  Elsewhere they are estimated, and nobody is asked."""

    windows: Literal["models", "loaded"] = "models"
    """Where a server on this machine tells how large its context windows are: in its list of models, or in that of
    the loaded ones (https://docs.ollama.com/api/ps), since Ollama gives each as much as there is memory for."""
