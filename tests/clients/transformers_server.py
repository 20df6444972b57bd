"""A real ``transformers serve`` that says what a script says: ``transformers_server.py FOLDER PORT``.

Run by an environment with ``transformers[serving]`` and torch in it.  The model (``scripted_model.py``) is made in
FOLDER, which is also its name for requests.  Everything else (HTTP, templates, the parsing of calls and reasoning,
streaming) is transformers' own.
"""

import os
import sys
from pathlib import Path

import torch
from scripted_model import SCRIPTS, TEMPLATE, byte_letters, unique_pieces
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
from transformers.cli.serving.utils import _RESPONSE_TEMPLATE_FALLBACKS

END, END_OF_TEXT = "<|im_end|>", "<|endoftext|>"

CONTEXT = 131_072


class Vocabulary:
    """Tokens, and which one follows which."""

    def __init__(self) -> None:
        self.tokens = {letter: number for number, letter in enumerate(byte_letters())}
        self.special = [END_OF_TEXT, "<|im_start|>", END]
        self.follows: dict[int, int] = {}
        for token in self.special:
            self.add(token)
        for name, script in SCRIPTS.items():
            self.teach(f"<|{name}|>", script)

    def add(self, token: str) -> int:
        return self.tokens.setdefault(token, len(self.tokens))

    def teach(self, begin: str, script: str) -> None:
        self.special.append(begin)
        current = self.add(begin)
        for piece in unique_pieces(spelled(script), set(self.tokens)):
            following = self.add(piece)
            self.follows[current] = following
            current = following
        self.follows[current] = self.tokens[END]


def spelled(text: str) -> str:
    """A text in the letters of a byte-level vocabulary."""
    letters = byte_letters()
    return "".join(letters[byte] for byte in text.encode())


def write_tokenizer(words: Vocabulary, folder: Path) -> None:
    tokenizer = Tokenizer(models.BPE(vocab=words.tokens, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in words.special])
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, pad_token=END_OF_TEXT)
    fast.chat_template = TEMPLATE
    # What is known of the model's family, but that an answer begins behind the token that picks the script.
    family = next(known for names, known in _RESPONSE_TEMPLATE_FALLBACKS.items() if "qwen2" in names)
    fast.response_template = family | {"start_anchor": [f"<|{name}|>" for name in SCRIPTS]}
    fast.save_pretrained(folder)


def write_model(words: Vocabulary, folder: Path) -> None:
    width = -(-len(words.tokens) // 64) * 64
    end, pad = words.tokens[END], words.tokens[END_OF_TEXT]
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(words.tokens),
            hidden_size=width,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=width // 64,
            num_key_value_heads=1,
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=False,
            eos_token_id=end,
            pad_token_id=pad,
        )
    )
    with torch.no_grad():
        for name, weights in model.named_parameters():
            weights.fill_(1 if "norm" in name else 0)
        model.model.embed_tokens.weight.fill_diagonal_(1)
        for token, following in words.follows.items():
            model.lm_head.weight[following, token] = 4
    model.generation_config = GenerationConfig(eos_token_id=end, pad_token_id=pad, do_sample=False)
    model.save_pretrained(folder)


if __name__ == "__main__":
    folder, port = Path(sys.argv[1]), sys.argv[2]
    words = Vocabulary()
    write_model(words, folder)
    write_tokenizer(words, folder)
    serve = ["serve", str(folder), "--host", "127.0.0.1", "--port", port, "--device", "cpu"]
    program = "from transformers.cli.transformers import main; main()"
    os.execv(sys.executable, [sys.executable, "-c", program, *serve])
