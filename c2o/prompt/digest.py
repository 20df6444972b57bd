"""SHA-256 without OpenSSL, which takes longer to load than the rest to do; Python's own ``random`` has it so, too."""

from __future__ import annotations

try:
    from _sha2 import sha256
except ImportError:
    try:
        from _sha256 import sha256  # before 3.12
    except ImportError:
        from hashlib import sha256

BLOCK = 64
"""Bytes."""


def of(data: bytes) -> str:
    found: str = sha256(data).hexdigest()
    return found


def keyed(key: bytes, message: bytes) -> str:
    """HMAC: https://www.rfc-editor.org/rfc/rfc2104"""
    block = (key if len(key) <= BLOCK else sha256(key).digest()).ljust(BLOCK, b"\0")
    inner = sha256(bytes(byte ^ 0x36 for byte in block) + message).digest()
    return of(bytes(byte ^ 0x5C for byte in block) + inner)
