"""How the service tells who it is, on ``GET /health``.

A client of ours sends ``?challenge=NONCE``; the answer to it proves knowledge of the local token
without sending it, so that a stranger on the port gets neither the token nor a prompt.
"""

from __future__ import annotations

import hashlib
import hmac

from msgspec import UNSET, Struct, UnsetType

NAME = "c2o"


class Health(Struct, kw_only=True, omit_defaults=True):
    name: str
    version: str
    status: str = "ok"
    answer: str | UnsetType = UNSET
    """Only with a challenge."""


def answer(token: str, challenge: str) -> str:
    """What only someone with the local token can say to ``challenge``."""
    return hmac.new(token.encode(), f"c2o/health/{challenge}".encode(), hashlib.sha256).hexdigest()
