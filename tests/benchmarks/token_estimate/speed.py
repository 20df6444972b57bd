"""How long estimating takes, next to ``json.loads`` of the same bytes, in CPU time.

    python -m tests.benchmarks.token_estimate.speed

The requests are those of the side-by-side benchmark, and one of real code: the standard library, a file a turn.
"""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from c2o.translate.prompt_estimate import estimate
from c2o.translate.token_estimate import KnownTexts
from c2o.wire.anthropic import MessagesRequest, decode_request
from tests.translate.token_corpus import judged

PEERS = Path(__file__).parent.parent / "peers"


def main() -> None:
    print("   request     kB json.loads   estimate  ratio   MB/s    again  ratio")
    for name, body in requests().items():
        data = json.dumps(body, ensure_ascii=False).encode()
        request = decode_request(data)
        loads = fastest(lambda data=data: json.loads(data))
        first = fastest(lambda request=request: estimate(request))
        again = fastest(_again(request))
        print(
            f"{name:>10} {len(data) / 1000:6.0f} {loads * 1e3:8.2f}ms {first * 1e3:8.2f}ms {first / loads:6.1f}"
            f" {len(data) / first / 1e6:6.1f} {again * 1e3:6.2f}ms {again / loads:6.2f}"
        )


def _again(request: MessagesRequest) -> Callable[[], object]:
    """An estimate of what was seen before, as the service has it when a conversation goes on."""
    known = KnownTexts()
    estimate(request, count=known.tokens_in)
    return lambda: estimate(request, count=known.tokens_in)


def requests() -> dict[str, dict[str, Any]]:
    spec = importlib.util.spec_from_file_location("gen", PEERS / "gen.py")
    assert spec
    assert spec.loader
    gen = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(gen)
    return {
        "cc": gen.big_request(1, 25, 41, 133_000),
        "long": gen.big_request(2, 25, 301, 1_480_000),
        "code": {"model": "m", "messages": [{"role": "user", "content": text.text} for text in judged()]},
    }


def fastest(call: Callable[[], object], times: int = 7) -> float:
    """Seconds."""
    best = 1e9
    for _ in range(times):
        began = time.process_time()
        call()
        best = min(best, time.process_time() - began)
    return best


if __name__ == "__main__":
    main()
