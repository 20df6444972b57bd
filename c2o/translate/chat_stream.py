"""What a chat-completions chunk says, told to the MessageBuilder.

A whole completion is a stream of one chunk whose ``message`` plays the delta, so there is one mapping.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec
from msgspec import structs

from c2o.translate.message_builder import MessageBuilder
from c2o.translate.reasoning import ReasoningStream
from c2o.translate.stop_sequences import StopMatcher
from c2o.translate.think_tags import ThinkTags
from c2o.translate.tool_calls import Call, CallRouter, Nameless
from c2o.translate.tool_input import LIMIT, Ending, ToolInput, TooMuchInput
from c2o.translate.tool_text import Said, ToolText
from c2o.translate.usage import counted, size_in, usage_of
from c2o.translate.web_search import Search
from c2o.wire.anthropic import Error, ServerToolUsage, StopDetails, StopReason
from c2o.wire.chat import ChatUsage, Choice, Chunk, MessageDelta

STOP_REASONS: dict[str, StopReason] = {
    "length": "max_tokens",
    "max_tokens": "max_tokens",
    "model_length": "max_tokens",
    "max_output_tokens": "max_tokens",
    "model_context_window_exceeded": "model_context_window_exceeded",
    "content_filter": "refusal",
    "sensitive": "refusal",
    "refusal": "refusal",
    "safety": "refusal",
    "recitation": "refusal",
    "blocklist": "refusal",
    "prohibited_content": "refusal",
    "spii": "refusal",
    "guardrail_intervened": "refusal",
}
"""Finish reasons that mean something else than the end of a turn, in lower case: OpenAI's, Mistral's, Z.ai's, Google's
(https://ai.google.dev/api/generate-content#FinishReason), Bedrock's."""

FAILURES: dict[str, str] = {
    "error": "api_error",
    "network_error": "api_error",
    "abort": "api_error",
    "insufficient_system_resource": "overloaded_error",
}
"""Finish reasons of an answer that is no answer: OpenRouter, Z.ai, SGLang, DeepSeek."""

MOST_OBJECTS = 50
"""Calls that the arguments of one are split into at most."""

SAID_ALL = ("tool_calls", "stop", "function_call")
"""Finish reasons after which a call that lacks nothing but its closing brackets may be completed."""


class TextFilter(Protocol):
    """Something that an answer's text passes through."""

    def feed(self, text: str) -> str: ...

    def close(self) -> str: ...


class ChatStream:
    """Chunks in, calls on a MessageBuilder out.  One per request."""

    def __init__(
        self,
        builder: MessageBuilder,
        calls: CallRouter,
        reasoning: ReasoningStream,
        *,
        filters: list[TextFilter],
        stop_sequences: list[str],
        think: ThinkTags | None,
        tool_text: ToolText | None,
        prompt_estimate: int,
        max_tokens: int | None,
        search: Search | None = None,
    ) -> None:
        self._builder = builder
        self._calls = calls
        self._search = search
        self._filters = filters if search is None else [*filters, search]
        self._stop = StopMatcher(stop_sequences) if stop_sequences else None
        self._think = think
        self._tool_text = tool_text
        self._writing: Call | None = None
        """The call that the model is writing as text."""
        self._reasoning = reasoning
        self._prompt_estimate = prompt_estimate
        self._max_tokens = max_tokens
        self._usage: ChatUsage | None = None
        self._refusal = ""
        self._size = 0
        self.finish_reason: str | None = None
        self.remember: dict[str, str] = {}
        """Reasoning to remember by tool call, for clients that don't send it back."""
        self.stopped = False
        """A stop sequence has ended the answer: the rest needn't be read."""
        self.ended = False
        """The message is over, well or with an error."""

    def chunk(self, chunk: Chunk) -> None:
        """One chunk.  Never raises over what it holds."""
        if chunk.usage is not None:
            self._note_usage(chunk.usage)
        elif chunk.x_groq is not None and chunk.x_groq.usage is not None:
            self._note_usage(chunk.x_groq.usage)
        if self._search is not None:
            self._search.chunk(chunk)
        for choice in chunk.choices or ():
            if not choice.index:  # more choices are never asked for; what Copilot sends without index are parts of one
                self._choice(choice)

    def _choice(self, choice: Choice) -> None:
        if choice.usage is not None:
            self._note_usage(choice.usage)
        if choice.finish_reason:
            self.finish_reason = choice.finish_reason.partition(":")[0].lower()  # Gemini: "content_filter: SAFETY"
        delta = choice.delta or choice.message
        if delta is not None and not self.stopped:
            self._delta(delta)

    def _note_usage(self, usage: ChatUsage) -> None:
        """The last report counts; some servers send zeros until they know."""
        if usage.prompt_tokens or usage.completion_tokens or usage.input_tokens or usage.output_tokens:
            self._usage = usage

    @property
    def prompt_tokens(self) -> int | None:
        """The whole prompt, as the upstream counted it."""
        return (counted(self._usage).prompt or None) if self._usage else None

    def _delta(self, delta: MessageDelta) -> None:
        if delta.reasoning_details and isinstance(delta.reasoning_details, list):
            self._details(delta)
        elif reasoning := delta.reasoning_content or delta.reasoning or delta.reasoning_text or delta.thinking:
            self._thinking(_text(reasoning))
        if delta.tool_calls and self._tool_text is not None and not self._calls.any_written:
            self._no_more_calls_in_text()
        if content := delta.content:
            if type(content) is str and self._think is None:
                self._text(content)
            else:
                self._content(content)
        if delta.refusal:
            self._refusal += delta.refusal
            self._text(delta.refusal)
        if self.stopped:
            return
        if delta.tool_calls:
            for fragment in delta.tool_calls:
                call = self._calls.route(fragment)
                if call is not None and fragment.extra_content:
                    call.thought_signature = _thought_signature(fragment.extra_content)
                self._input(call, fragment.function and fragment.function.arguments)
        elif delta.function_call is not None:
            self._input(self._calls.legacy(delta.function_call), delta.function_call.arguments)

    def _thinking(self, text: str) -> None:
        if text:
            self._size += size_in(text)
            self._reasoning.text(text)

    def _details(self, delta: MessageDelta) -> None:
        """Typed pieces of reasoning; the same text stands in ``reasoning`` beside them, or only here."""
        pieces = [piece for piece in delta.reasoning_details if isinstance(piece, dict)]
        told = [piece for piece in pieces if piece.get("type") != "reasoning"]  # a whole item: its text came before it
        inside = "".join(_text(piece.get("text") or piece.get("summary")) for piece in told)
        self._thinking(_text(delta.reasoning or delta.reasoning_content) or inside)
        self._reasoning.details(pieces)

    def _content(self, content: Any) -> None:
        """Text, or parts of which some may be reasoning (Mistral)."""
        if isinstance(content, list):
            self._thinking("".join(_text(part.get("thinking")) for part in content if isinstance(part, dict)))
        text = _text(content)
        if self._think is not None:
            reasoning, text = self._think.feed(text)
            self._thinking(reasoning)
            if self._think.over:
                self._think = None
        self._text(text)

    def _text(self, text: str) -> None:
        self._size += size_in(text)
        if self._tool_text is not None and not self._tool_text.passes(text):
            self._say(self._tool_text.feed(text))
        elif self._filters:
            self._pass(text)
        else:
            self._show(text)

    def _say(self, said: list[Said]) -> None:
        """Text, and pieces of calls that the model wrote as text."""
        for each in said:
            if self.ended:
                return
            if isinstance(each, str):
                self._pass(each)
                continue
            if each.name:
                self._writing = self._calls.written(each.name)
            if self._writing is not None and each.arguments:
                self._arguments(self._writing, each.arguments)

    def _no_more_calls_in_text(self) -> None:
        """The upstream finds calls itself: what it left in the text is text."""
        tool_text, self._tool_text = self._tool_text, None
        if tool_text is not None:
            self._say(tool_text.close())

    def _pass(self, text: str) -> None:
        for each in self._filters:
            text = each.feed(text)
        self._show(text)

    def _show(self, text: str) -> None:
        if self._stop is not None:
            text = self._stop.feed(text)
            self.stopped = self._stop.hit is not None
        if text:
            self._reasoning.before_text()
            self._builder.text(text)

    def _input(self, call: Call | None, arguments: Any) -> None:
        """A piece of a call's arguments; they wait until the call has its name."""
        if call is None or not arguments or self.ended:
            return
        text = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()
        self._size += size_in(text)
        self._arguments(call, text)

    def _arguments(self, call: Call, text: str) -> None:
        call.said.append(text)
        call.unread += text
        waits = not call.name or self._calls.may_be_double(call)
        if not waits or len(call.unread) > LIMIT:
            self._read(call)

    def _read(self, call: Call) -> None:
        """What has come of a call's arguments, passed on; the block opens with the first."""
        unread, call.unread = call.unread, ""
        try:
            said = self._begin(call).feed(unread)
        except TooMuchInput:
            self.fail("api_error", f"the upstream's input for {call.name} is larger than c2o takes")
            return
        except Nameless:
            self.fail("api_error", "the upstream called a tool without naming it")
            return
        if said:
            self._builder.tool_input(call.key, said)

    def _begin(self, call: Call) -> ToolInput:
        if call.input is not None:
            return call.input
        for earlier in self._calls.waiting_before(call):  # clients make calls in order: so must they come
            if earlier.name:
                self._begin(earlier)
        input = self._calls.begin(call)
        self._reasoning.before_call(call.id, call.thought_signature)
        self._builder.tool_use(call.key, id=call.id, name=call.tool, toolset=call.toolset)
        return input

    def fail(self, kind: str, message: str) -> None:
        """End with an error event, unless the answer has ended already."""
        if not self.ended:
            self.ended = True
            self._builder.fail(Error(kind, message))

    def finish(self) -> None:
        """The upstream has said everything: end the message, well or with an error."""
        if self.ended:
            return
        if self.finish_reason in FAILURES:
            self.fail(FAILURES[self.finish_reason], f"the upstream gave up on the answer ({self.finish_reason})")
            return
        if self._search is not None:
            self._search.tell(self._builder)
        self._flush_text()
        if self._search is not None:
            self._search.cite(self._builder)
        if self.ended or not self._finish_calls():
            return
        self.remember = self._reasoning.close([call.id for call in self._calls.wanted()])
        if self._nothing_came():
            self.fail("api_error", f"the upstream sent an empty answer (finish_reason {self.finish_reason})")
            return
        usage = usage_of(self._usage, prompt_estimate=self._prompt_estimate, answer_size=self._size)
        if self._search is not None and self._search.times:
            searched = ServerToolUsage(web_search_requests=self._search.times)
            usage = structs.replace(usage, server_tool_use=searched)
        self._builder.usage(usage)
        self.ended = True
        self._builder.stop(self._stop_reason(), self._stop.hit if self._stop else None, self._stop_details())

    def _flush_text(self) -> None:
        if self._think is not None:
            reasoning, text = self._think.close()
            self._thinking(reasoning)
            self._text(text)
        if self._tool_text is not None:
            self._say(self._tool_text.close())
        for number, each in enumerate(self._filters):
            text = each.close()
            for later in self._filters[number + 1 :]:
                text = later.feed(text)
            self._show(text)
        if self._stop is not None and (held := self._stop.close()):
            self._reasoning.before_text()
            self._builder.text(held)

    def _finish_calls(self) -> bool:
        """Close all calls; False if one couldn't be, and so ended the answer."""
        self._calls.drop_doubles()
        for call in self._calls.wanted():
            self._read(call)
            if not self.ended:
                self._split(call)
            if self.ended:
                return False
        for call in self._calls.wanted():
            if rest := self._begin(call).close(self._ending()):
                self._builder.tool_input(call.key, rest)
            self._builder.tool_finished(call.key)
        return True

    def _split(self, call: Call | None) -> None:
        """Further objects behind a call's arguments are calls of their own, unless they only repeat it."""
        for _ in range(MOST_OBJECTS):
            behind = call.input.take_object_behind() if call and call.input else ""
            if call is None or self.ended or not behind or self._calls.repeats(call, behind):
                return
            call = self._calls.another(call)
            if call is not None:
                self._arguments(call, behind)

    def _ending(self) -> Ending:
        if self.finish_reason in SAID_ALL:
            return "whole"
        return "cut" if self.finish_reason in STOP_REASONS else "unsaid"

    def _nothing_came(self) -> bool:
        ended_early = self._stop_reason() != "end_turn"
        return self._builder.empty and not self._reasoning.came and not ended_early

    @property
    def thought_away(self) -> bool:
        """Did the answer end at its limit with nothing but reasoning?"""
        at_limit = STOP_REASONS.get(self.finish_reason or "") == "max_tokens"
        return at_limit and self._reasoning.came and not self._builder.spoke

    def _stop_reason(self) -> StopReason:
        if self.stopped:
            return "stop_sequence"
        if self._refusal:
            return "refusal"
        reason = STOP_REASONS.get(self.finish_reason or "")
        if reason == "max_tokens" and self._window_is_full():
            return "model_context_window_exceeded"
        return reason or ("tool_use" if self._calls.wanted() else "end_turn")

    def _window_is_full(self) -> bool:
        """Cut off before the limit that was asked for: it was the context window that ended it."""
        answered = counted(self._usage).completion if self._usage else 0
        return 0 < answered < (self._max_tokens or 0)

    def _stop_details(self) -> StopDetails | None:
        return StopDetails(explanation=self._refusal or None) if self._stop_reason() == "refusal" else None


def _thought_signature(extra: Any) -> str | None:
    google = extra.get("google") if isinstance(extra, dict) else None
    signature = google.get("thought_signature") if isinstance(google, dict) else None
    return signature if isinstance(signature, str) else None


def _text(content: Any) -> str:
    """Text from a string, a part, or a list of either."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(map(_text, content))
    return _text(content.get("text")) if isinstance(content, dict) else ""
