"""Everything c2o knows how to fail with.

::

    C2oError                    exit code
    ├── UsageError               2   wrong use, or a terminal is needed
    ├── NotRunning               3   the service isn't running
    ├── CredentialError          4   an upstream's key is missing or refused
    ├── UpstreamError            5   an upstream can't be reached or doesn't answer as it should
    ├── PortTaken                6   another program holds the port
    ├── Unhealthy                7   the service runs but isn't well, or isn't ready in time
    ├── RefusedFile              8   a file that we won't touch
    ├── ConfigError             78   the configuration is wrong (sysexits' EX_CONFIG)
    ├── Cancelled              130   the person said stop
    └── RequestError             –   a client's request that we can't serve; becomes an Anthropic error

A message is one or more sentences for a person and ends with what to do.
Anything else that is raised is a bug.
"""

from __future__ import annotations


class C2oError(Exception):
    """A failure that is told in a sentence, never with a traceback."""

    exit_code = 1


class UsageError(C2oError):
    exit_code = 2


class NotRunning(C2oError):
    exit_code = 3


class CredentialError(C2oError):
    """``place`` is where the configuration names the key, where that is known: ``[upstreams.nim] api_key``."""

    exit_code = 4

    def __init__(self, message: str, *, place: str = "") -> None:
        super().__init__(message)
        self.place = place


class UpstreamError(C2oError):
    exit_code = 5


class PortTaken(C2oError):
    exit_code = 6


class Unhealthy(C2oError):
    exit_code = 7


class RefusedFile(C2oError):
    exit_code = 8


class ConfigError(C2oError):
    """``line`` of the configuration, where that is known."""

    exit_code = 78

    def __init__(self, message: str, *, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class Cancelled(C2oError):
    exit_code = 130


class RequestError(C2oError):
    """An answer to the client that isn't a message: an HTTP status and one of Anthropic's error types.

    ``retry`` fills the ``x-should-retry`` header, which the official SDKs and Claude Code obey;
    ``None`` leaves the decision to the client.  ``retry_after`` are the seconds of the header by that name.
    ``code`` is the ``error_code`` by which the SDKs choose an exception class, where there is one.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",
        retry: bool | None = None,
        code: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.type = type
        self.retry = retry
        self.code = code
        self.retry_after = retry_after
