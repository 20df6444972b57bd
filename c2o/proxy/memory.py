"""What is kept in memory for a short while, and bounded: a second chance, never the only one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping

ENTRIES = 1024
BYTES = 16 * 1024 * 1024


class Remembered(Mapping[str, str]):
    """Reasoning by tool-call id, for clients that don't send thinking back.  The oldest goes first."""

    def __init__(self, entries: int = ENTRIES, size: int = BYTES) -> None:
        self._entries: OrderedDict[str, str] = OrderedDict()
        self._most, self._largest = entries, size
        self._size = 0

    def update(self, more: Mapping[str, str]) -> None:
        for key, value in more.items():
            self._size += len(value) - len(self._entries.pop(key, ""))
            self._entries[key] = value
        while self._entries and (len(self._entries) > self._most or self._size > self._largest):
            _, value = self._entries.popitem(last=False)
            self._size -= len(value)

    def __getitem__(self, key: str) -> str:
        return self._entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
