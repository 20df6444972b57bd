"""The streams that are running, so that the end of the service can be told to each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from c2o.errors import RequestError

ENDING = RequestError("c2o is being stopped; send the request again", status=529, type="overloaded_error")


class Streams:
    """One task for each running stream."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()
        self.ending = False
        """The service ends: a stream that is cancelled now hasn't lost its client."""

    @contextmanager
    def running(self) -> Iterator[None]:
        """The current task is a stream."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            yield
        finally:
            self._tasks.discard(task)

    def end(self) -> None:
        """Break all of them off; each tells its client why."""
        self.ending = True
        for task in self._tasks:
            task.cancel()
