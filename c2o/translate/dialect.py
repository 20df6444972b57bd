"""What can be different about a family of upstreams: a field for each fact, with what it means and where it was seen.

Every default is what a plain OpenAI-compatible server takes, which means the *smallest* request:
several upstreams answer 400 to a field that they don't know (NVIDIA NIM, Mistral, Azure).
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Literal

from msgspec import Struct, structs

Step = Literal["short_ids", "capped_ids", "named_results", "filler", "stream_when_thinking", "tool_stream"]
"""Names of the adjustments in ``steps``."""


SearchWay = Literal["responses", "openrouter", "options", "zai", "perplexity", "groq"]
"""Names of the ways in ``web_search``."""


SearchFilter = Literal["allowed_domains", "blocked_domains", "excluded_domains"]
"""Names of lists of domains in the Responses API's tool ``web_search``."""


class Dialect(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The habits of one family of upstreams."""

    sources: tuple[str, ...] = ()
    """Where the vendor, or who met them, describes these habits."""

    models: Mapping[str, Mapping[str, Any]] = {}
    """Fields that are different for some models, by a glob for the model's id in lower case; the last that matches
    wins.  One vendor's models differ as vendors do: OpenAI's reasoning models refuse sampling, its others refuse
    ``reasoning_effort``."""

    api: Literal["chat", "responses"] = "chat"
    """Which of OpenAI's APIs is spoken, where the configuration names none.  Some models are served by the Responses
    API alone (https://platform.openai.com/docs/models/o1-pro), which answers chat completions with 404
    (https://github.com/langchain-ai/langchain/blob/master/libs/partners/openai/langchain_openai/chat_models/base.py:
    ``_RESPONSES_API_ONLY_PREFIXES``)."""

    key_header: Literal["Authorization", "api-key", "x-api-key"] = "Authorization"
    """The header for the key: ``Authorization: Bearer``, Azure's
    (https://learn.microsoft.com/en-us/azure/ai-foundry/openai/reference#authentication), or Anthropic's
    (https://platform.claude.com/docs/en/api/overview), which others that speak its API take as a Bearer too."""

    headers: Mapping[str, str] = {}
    """Headers that every request must have.  GitHub Copilot refuses requests that don't say from which editor they
    come (https://github.com/BerriAI/litellm/blob/main/litellm/llms/github_copilot/common_utils.py)."""

    initiator: bool = False
    """Whether headers tell if a person or a tool's result has made this request, and that it has images
    (GitHub Copilot's ``X-Initiator`` and ``Copilot-Vision-Request``:
    https://github.com/BerriAI/litellm/blob/main/litellm/llms/github_copilot/common_utils.py)."""

    fields: Mapping[str, Any] = {}
    """Fields that every request has.  MiniMax leaves its reasoning in the text without ``reasoning_split``
    (https://platform.minimax.io/docs/api-reference/text-openai-api)."""

    steps: tuple[Step, ...] = ()
    """What is done with the request when it is finished, where a field doesn't say it; see ``steps``."""

    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """Where the answer's limit goes.  OpenAI's reasoning models refuse ``max_tokens``
    (https://platform.openai.com/docs/api-reference/chat/create); Ollama and DeepSeek silently ignore
    the newer name, which would leave the answer unbounded."""

    stream_usage: bool = True
    """Whether ``stream_options.include_usage`` may be sent (https://platform.openai.com/docs/api-reference/chat/create);
    a refusal is learned, and usage estimated then.  For gateways that break a stream over it instead."""

    system_role: Literal["system", "developer", "user"] = "system"
    """The role of instructions.  Gemma knows none for them, so they begin what the user says
    (https://ai.google.dev/gemma/docs/core/prompt-structure)."""

    system_messages: Literal["first", "anywhere"] = "first"
    """Where a system message may stand.  The chat templates of many open models (Gemma, Mistral, Llama 2,
    older Qwen) raise an error for one that isn't the first, so elsewhere it becomes text of the user's
    message before it, in the ``<system-reminder>`` form that Claude Code itself uses.  OpenAI's and Azure's
    models take it anywhere (https://platform.openai.com/docs/api-reference/chat/create)."""

    vision: bool = True
    """Whether images may be sent.  Where not, a text says that there was one.  DeepSeek's, Z.ai's and MiniMax's models
    for text refuse or ignore them (https://api-docs.deepseek.com/quick_start/pricing tells which have eyes)."""

    image_urls: bool = True
    """Whether an image may be given by its URL.  Ollama and Moonshot take data URLs only
    (https://docs.ollama.com/api/openai-compatibility, https://platform.moonshot.ai/docs/guide/use-kimi-vision-model)."""

    documents: Literal["file", "text"] = "text"
    """Whether a PDF goes out as a ``file`` part, as OpenAI and OpenRouter take it
    (https://platform.openai.com/docs/guides/pdf-files), or as its text.  Azure, DashScope, vLLM and Fireworks refuse
    file parts; llama.cpp answers ``unsupported content[].type``."""

    document_urls: bool = False
    """Whether a PDF may be given by its URL, as OpenRouter takes it
    (https://openrouter.ai/docs/features/multimodal/pdfs).  OpenAI's chat completions take base64 only."""

    tool_media: bool = False
    """Whether images and files may stand in a tool message.  OpenAI allows text alone there
    (https://platform.openai.com/docs/api-reference/chat/create), and so do most models behind vLLM
    (https://github.com/vllm-project/vllm/issues/43203); elsewhere they follow in the user's next message."""

    output_media: bool = False
    """The same for a tool's output in the Responses API, where OpenAI allows them
    (https://platform.openai.com/docs/api-reference/responses/create)."""

    tool_choice_required: bool = True
    """Whether ``"tool_choice": "required"`` is understood.  Z.ai takes ``auto`` alone
    (https://docs.z.ai/api-reference/llm/chat-completion), Moonshot, Qwen and Ollama refuse or ignore it too."""

    required_word: Literal["required", "any"] = "required"
    """How ``tool_choice`` says that some tool must be called: Mistral's word is ``any``
    (https://docs.mistral.ai/capabilities/function_calling)."""

    forced_calls_think: bool = True
    """Whether a call can be forced while the model thinks.  DeepSeek answers "Thinking mode does not support this
    tool_choice", Qwen likewise (https://github.com/cloudwego/eino/issues/994).  Where not, the force is left out for
    a client that wants thinking, and thinking is switched off for any other."""

    tool_choice_named: bool = False
    """Whether ``tool_choice`` may name a function, as OpenAI has it
    (https://platform.openai.com/docs/guides/function-calling).  llama.cpp logs "type must be string, but is object"
    and silently takes ``auto``, so elsewhere the tool list is cut to that tool and ``required`` is sent."""

    parallel_tool_calls: bool = False
    """Whether ``"parallel_tool_calls": false`` may be sent: to OpenAI, Azure, OpenRouter, Mistral, Groq and xAI
    (https://platform.openai.com/docs/guides/function-calling).  It is enforced here in any case."""

    strict_tools: bool = False
    """Whether a tool may say ``"strict": true``.  xAI, Fireworks and vLLM behind a gateway refuse it; OpenAI
    wants a schema of certain rules for it (https://platform.openai.com/docs/guides/function-calling)."""

    most_tools: int | None = None
    """How many tools a request may have; those beyond are left out.  OpenAI takes 128
    (https://platform.openai.com/docs/api-reference/chat/create#chat-create-tools)."""

    schemas: Literal["json_schema", "openai", "inlined", "openapi"] = "json_schema"
    """What tools' schemas may look like: anything; with a plain object at the root, as OpenAI wants it
    (https://platform.openai.com/docs/guides/function-calling); without ``$ref``, which the templates of many open
    models (Qwen, GLM, gpt-oss) show to the model as it is, and some servers refuse; or Gemini's subset of OpenAPI
    (https://ai.google.dev/api/caching#Schema)."""

    schema_without: tuple[str, ...] = ()
    """Keywords to leave out of schemas.  Numbers and formats among them go into the description.  xAI takes no
    ``allOf`` (https://docs.x.ai/docs/guides/structured-outputs)."""

    empty_content: Literal["null", "omit", "empty"] = "null"
    """What the content of a message with calls and no words is: null, as OpenAI writes it itself; nothing
    (Mistral: https://github.com/vybestack/llxprt-code/issues/761); or an empty text."""

    lowest_temperature: float = 0.0
    """MiniMax refuses 0 (https://platform.minimax.io/docs/api-reference/text-openai-api: above 0, up to 1)."""

    sampling: bool = True
    """Whether ``temperature`` and ``top_p`` may be sent; OpenAI's reasoning models refuse them
    (https://platform.openai.com/docs/guides/reasoning)."""

    top_k: bool = False
    """Whether ``top_k`` may be sent; it is no OpenAI field
    (https://docs.vllm.ai/en/stable/serving/openai_compatible_server.html lists it as an extra)."""

    response_format: Literal["json_schema", "json_object", "none"] = "json_schema"
    """How an answer of a given shape is asked for; where there is no schema, it goes into the prompt.  DeepSeek knows
    ``json_object`` alone (https://api-docs.deepseek.com/guides/json_mode), as do Moonshot, Z.ai and Qwen."""

    prefill: Literal["refuse", "plain", "prefix", "partial", "continue_final_message"] = "refuse"
    """How an answer is made to go on from words that the client put into the model's mouth: not at all;
    by itself (llama.cpp); by a flag on the message (Mistral ``prefix``, Moonshot ``partial``); by flags of the
    request (vLLM, SGLang: https://docs.vllm.ai/en/stable/serving/openai_compatible_server.html)."""

    safety_identifier: bool = False
    """Whether a hash of ``metadata.user_id`` goes out as ``safety_identifier``
    (https://platform.openai.com/docs/guides/safety-best-practices)."""

    cache_breakpoints: bool = False
    """Whether the client's marks for the prompt cache go out with the instructions.  OpenAI's models take them from
    gpt-5.6 on, older ones refuse the field (https://developers.openai.com/api/docs/guides/prompt-caching).  The
    conversation needs no marks: those models find its end by themselves."""

    cache_control: bool = False
    """Whether the client's marks for the prompt cache go out as they are, on the parts of a content.  OpenRouter hands
    them on (https://openrouter.ai/docs/features/prompt-caching); Groq and Fireworks refuse the field."""

    prompt_cache_key: bool = False
    """Whether a hash that is the same in all of a conversation goes out as ``prompt_cache_key``, so that it meets the
    same cache (https://platform.openai.com/docs/guides/prompt-caching)."""

    reasoning_efforts: tuple[str, ...] = ()
    """The words that ``reasoning_effort`` takes, weakest first; empty: the field isn't sent.  OpenAI's differ from
    model to model (https://platform.openai.com/docs/guides/reasoning), and others have taken over some of them."""

    effort_field: Literal["reasoning_effort", "reasoning"] = "reasoning_effort"
    """Where the effort goes: a field of its own, or ``reasoning.effort``
    (https://openrouter.ai/docs/use-cases/reasoning-tokens)."""

    effort_with_tools: bool = True
    """Whether a model may think in a request with tools; where not, the effort is ``none``.  OpenAI's models from
    gpt-5.4 on do it through the Responses API alone (https://github.com/openai/openai-openapi/issues/541)."""

    thinking_on: Mapping[str, Any] = {}
    """The fields of a request that switch thinking on, where the client asks for it by a budget or an effort:
    ``thinking`` at DeepSeek and Z.ai (https://docs.z.ai/guides/capabilities/thinking-mode), ``enable_thinking`` at
    Qwen, ``chat_template_kwargs`` at vLLM and NIM."""

    thinking_off: Mapping[str, Any] = {}
    """The fields of a request that switch thinking off, where the client says ``thinking: disabled``.  Claude Code's
    safety checks do, with room for 64 tokens: a model that thinks them away blocks every command.  The same fields as
    for ``thinking_on``, or the effort ``none`` (Groq, Ollama: https://docs.ollama.com/api/openai-compatibility)."""

    reasoning_replay: Literal[
        "drop",
        "reasoning_content",
        "reasoning",
        "reasoning_details",
        "thought_signature",
        "thinking_parts",
        "think_tags",
        "response_items",
    ] = "drop"
    """Where the reasoning of earlier turns goes.  Dropped unless a server is known to read it: strict ones
    refuse the field.  In the Responses API it is always items of its own.  DeepSeek, Z.ai and Moonshot read
    ``reasoning_content`` (https://api-docs.deepseek.com/guides/thinking_mode), OpenRouter ``reasoning_details``
    (https://openrouter.ai/docs/use-cases/reasoning-tokens), Gemini its signature, Mistral parts of the content."""

    reasoning_required: bool = False
    """Whether each assistant message of a conversation with tools must have it, if only as empty text.
    DeepSeek answers 400 otherwise (https://api-docs.deepseek.com/guides/thinking_mode)."""

    reasoning_filler: str = ""
    """What stands there where there was no reasoning.  To Moonshot an empty text counts as missing
    (https://platform.moonshot.ai/docs/guide/use-kimi-k2-thinking-model)."""

    think_tags: bool = True
    """Whether reasoning may come as ``<think>…</think>`` at the very start of the text, as it does from servers
    that run without a reasoning parser (https://docs.vllm.ai/en/stable/features/reasoning_outputs.html)."""

    think_open: bool = False
    """Whether an answer begins inside of the reasoning, because the chat template has written ``<think>`` already
    (https://huggingface.co/deepseek-ai/DeepSeek-R1: with llama.cpp or vLLM without a reasoning parser)."""

    tool_text: bool = True
    """Whether tool calls that a model wrote as text are taken as calls.  Servers without a tool parser for their model
    leave them there (https://docs.vllm.ai/en/stable/features/tool_calling.html lists the parsers); see
    ``tool_text/families.py`` for the forms."""

    web_search: Literal["none"] | SearchWay = "none"
    """How an upstream that can search the web itself is asked to: by OpenRouter's tool
    (https://openrouter.ai/docs/guides/features/server-tools/web-search), by ``web_search_options`` for the models of
    OpenAI's that search in chat completions (https://developers.openai.com/api/docs/guides/tools-web-search), by
    Z.ai's tool (https://docs.z.ai/guides/tools/web-search), or not at all, because Perplexity's models
    (https://docs.perplexity.ai/docs/sonar/filters) and Groq's compound systems (https://console.groq.com/docs/web-search)
    search by themselves.  Elsewhere a search is refused: a model would invent what it can't look up."""

    responses_search: bool = False
    """Whether its Responses API has the tool ``web_search``
    (https://developers.openai.com/api/docs/guides/tools-web-search, https://docs.x.ai/docs/guides/tools/search-tools,
    https://learn.microsoft.com/en-us/azure/foundry/openai/how-to/web-search,
    https://www.alibabacloud.com/help/en/model-studio/web-search)."""

    search_filters: tuple[SearchFilter, ...] = ()
    """The lists of domains that this tool takes.  Of two the first that the client fills is sent, since xAI takes only
    one (https://docs.x.ai/docs/guides/tools/search-tools); pages that the upstream found against the other are left
    out."""

    most_search_domains: int = 100
    """How many domains such a list may have, this tool's or another's
    (https://developers.openai.com/api/docs/guides/tools-web-search: 100, https://docs.perplexity.ai/docs/sonar/filters:
    20, https://docs.x.ai/docs/guides/tools/search-tools: 5)."""

    count_tokens: Literal["none", "vllm", "llamacpp"] = "none"
    """How a server on this machine counts the tokens of a conversation: ``/tokenize`` takes it as it is (vLLM), or
    text that ``/apply-template`` made of it (llama.cpp:
    https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md).
    Elsewhere they are estimated, and nobody is asked."""

    windows: Literal["models", "loaded"] = "models"
    """Where a server on this machine tells how large its context windows are: in its list of models, or in that of
    the loaded ones (https://docs.ollama.com/api/ps), since Ollama gives each as much as there is memory for."""

    # Of upstreams that speak Anthropic's own API (api = "anthropic")

    messages_betas: bool = False
    """Whether the client's ``anthropic-beta`` goes on, and with it the fields that belong to betas.  Others than
    Anthropic don't know them (https://api-docs.deepseek.com/guides/anthropic_api: ignored); gateways to Vertex answer
    ``context_management: Extra inputs are not permitted`` (https://github.com/anthropics/claude-code/issues/21612)."""

    messages_cache_control: tuple[str, ...] = ("type", "ttl")
    """What of a mark for the prompt cache goes on (https://platform.claude.com/docs/en/build-with-claude/prompt-caching);
    ``scope`` belongs to a beta."""

    messages_signatures: bool = False
    """Whether the signatures of thinking are checked, so that blocks signed by c2o for another upstream must stay
    out: Claude models answer 400 to them
    (https://platform.claude.com/docs/en/build-with-claude/extended-thinking)."""

    messages_prewarm: bool = False
    """Whether ``max_tokens: 0`` is known, which fills the prompt cache and generates nothing
    (https://platform.claude.com/docs/en/build-with-claude/prompt-caching); elsewhere it is answered here."""

    def of(self, model: str) -> Dialect:
        """The habits of one of the models."""
        id = model.lower()
        changes = {
            field: value
            for pattern, fields in self.models.items()
            if fnmatchcase(id, pattern)
            for field, value in fields.items()
        }
        return structs.replace(self, **changes) if changes else self
