"""A real llama.cpp server that says what a script says: ``llama_server.py MODEL_FILE [CONTEXT]``.

Run by an environment with xllamacpp, gguf and numpy in it; prints its address when it listens.

The model is made on the spot.  It has no attention and no knowledge: its embedding is the identity and
its output matrix says "after token A comes token B".  Each script is cut into tokens that occur nowhere
else, so that following them from the script's first token speaks it to its end.  The chat template
picks that first token from the conversation and shortens the prompt, which keeps any request fast.
Everything else (HTTP, templates, tool grammars, streaming) is llama.cpp's own.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import xllamacpp

SCRIPTS = {
    "hello": "Hello from llama.cpp. Über 日本語 🎉",
    "bash": 'Let us see.<tool_call>{"name": "Bash", "arguments": {"command": "echo from-$((40 + 2))"}}</tool_call>',
    "two": '<tool_call>{"name": "Read", "arguments": {"file_path": "/one.txt"}}</tool_call>\n'
    '<tool_call>{"name": "Read", "arguments": {"file_path": "/two.txt"}}</tool_call>',
    "think": "<think>I should ponder this first.</think>Forty-two.",
    "final": "The tool has answered, so the work is finished.",
}
"""``[[name]]`` in what the user says after the last answer picks a script; results of tools pick "final"."""

TEMPLATE = r"""
{%- set chosen = namespace(script='hello') %}
{%- for tool in tools or [] %}{{- '<tool>' + tool.function.name + '</tool>\n' }}{%- endfor %}
{%- for message in messages %}
  {%- set content = message.content if message.content is string else '' %}
  {%- set said = content if '[[whole]]' in content else content[-200:] %}
  {%- if message.role == 'assistant' %}
    {%- set chosen.script = 'hello' %}
    {{- '<|im_start|>assistant\n' }}
    {%- if message.reasoning_content %}{{- '<think>' + message.reasoning_content + '</think>' }}{%- endif %}
    {{- said }}
    {%- for call in message.tool_calls or [] %}
      {{- '<tool_call>{"name": "' + call.function.name + '", "arguments": ' }}
      {{- call.function.arguments if call.function.arguments is string else call.function.arguments | tojson }}
      {{- '}</tool_call>' }}
    {%- endfor %}
    {{- '<|im_end|>\n' }}
  {%- elif message.role == 'tool' %}
    {%- set chosen.script = 'final' %}
    {{- '<|im_start|>user\n<tool_response>\n' + said + '\n</tool_response><|im_end|>\n' }}
  {%- else %}
    {{- '<|im_start|>' + message.role + '\n' + said + '<|im_end|>\n' }}
    {%- for name in NAMES %}
      {%- if message.role == 'user' and '[[' + name + ']]' in content %}{%- set chosen.script = name %}{%- endif %}
    {%- endfor %}
  {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n<|' + chosen.script + '|>' }}{%- endif %}
""".strip().replace("NAMES", repr(list(SCRIPTS)))

CONTEXT = 131_072

LONGEST = 200
"""Tokens of one answer.  A grammar (Claude Code asks for a title as JSON) that the script doesn't fit
makes the model babble until it is stopped."""


def byte_letters() -> list[str]:
    """The letter that stands for each byte in a byte-level vocabulary, as GPT-2 defined it.

    Printable Latin-1 stands for itself; the other bytes take the letters from U+0100 on, in order.
    """
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]


class Vocabulary:
    """Tokens and their kinds, and which token follows which."""

    def __init__(self) -> None:
        self.tokens = byte_letters()
        self.kinds = [gguf.TokenType.NORMAL] * 256
        self.follows: dict[int, int] = {}
        self.add("th")  # byte-pair merging needs one merge
        self.end_of_text = self.add("<|endoftext|>", gguf.TokenType.CONTROL)
        self.add("<|im_start|>", gguf.TokenType.CONTROL)
        self.end = self.add("<|im_end|>", gguf.TokenType.CONTROL)

    def add(self, token: str, kind: Any = gguf.TokenType.NORMAL) -> int:
        self.tokens.append(token)
        self.kinds.append(kind)
        return len(self.tokens) - 1

    def teach(self, name: str, script: str) -> None:
        current = self.add(f"<|{name}|>", gguf.TokenType.CONTROL)
        for piece in unique_pieces(script, set(self.tokens)):
            following = self.add(piece, gguf.TokenType.USER_DEFINED)
            self.follows[current] = following
            current = following
        self.follows[current] = self.end


def unique_pieces(script: str, taken: set[str]) -> list[str]:
    """``script`` cut into short pieces of which none is taken or occurs twice."""
    pieces: list[str] = []
    while script:
        sizes = range(2, len(script) + 1)
        if size := next((n for n in sizes if script[:n] not in taken and script[:n] not in pieces), 0):
            pieces.append(script[:size])
            script = script[size:]
        else:  # the rest is no piece of its own
            script = pieces.pop() + script
            if script not in taken and script not in pieces:
                return [*pieces, script]
    return pieces


def write_model(path: Path) -> None:
    """A llama model in a GGUF file that speaks SCRIPTS."""
    words = Vocabulary()
    for name, script in SCRIPTS.items():
        words.teach(name, script)
    width = -(-len(words.tokens) // 64) * 64
    model = gguf.GGUFWriter(path, "llama")
    describe(model, words, width)
    for name, weights in tensors(words, width):
        model.add_tensor(f"{name}.weight", weights)
    model.write_header_to_file()
    model.write_kv_data_to_file()
    model.write_tensors_to_file()
    model.close()


def describe(model: Any, words: Vocabulary, width: int) -> None:
    model.add_name("scripted")
    model.add_file_type(gguf.LlamaFileType.ALL_F32)
    model.add_context_length(CONTEXT)
    model.add_embedding_length(width)
    model.add_block_count(1)
    model.add_feed_forward_length(32)
    model.add_head_count(width // 64)
    model.add_head_count_kv(1)
    model.add_rope_dimension_count(64)
    model.add_layer_norm_rms_eps(1e-5)
    model.add_vocab_size(len(words.tokens))
    model.add_tokenizer_model("gpt2")
    model.add_tokenizer_pre("default")
    model.add_token_list(words.tokens)
    model.add_token_types(words.kinds)
    model.add_token_merges(["t h"])
    model.add_bos_token_id(words.end_of_text)
    model.add_eos_token_id(words.end)
    model.add_add_bos_token(False)
    model.add_chat_template(TEMPLATE)


def tensors(words: Vocabulary, width: int) -> Iterator[tuple[str, Any]]:
    """The weights: all of them do nothing but the first and the last matrix."""
    embedding, output = np.zeros((2, len(words.tokens), width), np.float32)
    np.fill_diagonal(embedding, 1)
    for token, following in words.follows.items():
        output[following, token] = 4
    yield "token_embd", embedding
    yield "output", output
    for norm in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        yield norm, np.ones(width, np.float32)
    shapes = {
        "attn_q": (width, width), "attn_k": (64, width), "attn_v": (64, width), "attn_output": (width, width),
        "ffn_gate": (32, width), "ffn_up": (32, width), "ffn_down": (width, 32),
    }  # fmt: skip
    for name, shape in shapes.items():
        yield f"blk.0.{name}", np.zeros(shape, np.float32)


def serve(path: Path, context: int) -> None:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.port = 0
    parameters.n_ctx = context
    parameters.n_parallel = 2
    parameters.kv_unified = True
    parameters.n_predict = LONGEST
    parameters.cpuparams.n_threads = 1
    parameters.warmup = False
    parameters.use_jinja = True
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    write_model(Path(sys.argv[1]))
    serve(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else CONTEXT)
