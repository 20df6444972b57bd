"""A real llama.cpp server that says what a script says: ``llama_server.py MODEL_FILE [CONTEXT]``.

Run by an environment with xllamacpp, gguf and numpy in it; prints its address when it listens.

The model (``scripted_model.py``) is made on the spot.  Everything else (HTTP, templates, tool grammars, streaming) is
llama.cpp's own.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import xllamacpp
from scripted_model import SCRIPTS, TEMPLATE, byte_letters, unique_pieces

CONTEXT = 131_072

LONGEST = 200
"""Tokens of one answer.  A grammar (Claude Code asks for a title as JSON) that the script doesn't fit
makes the model babble until it is stopped."""


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
