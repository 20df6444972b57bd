"""The configuration: its types, how it is read, and the commented file that ``c2o init`` writes.

Unknown keys and wrong types are refused with file, key and remedy.  Nothing is read from the
current directory: a cloned project must not be able to redirect anybody's prompts.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

import msgspec
import tomli_w
from msgspec import Meta, Struct

from c2o import urls
from c2o.config_mistakes import broken_line, line_of, mistake, tables_in, unknown
from c2o.env_proxy import ENV
from c2o.errors import ConfigError
from c2o.kinds import Effort, Kind
from c2o.secret import Keys, Secret, is_reference
from c2o.translate.dialect import Dialect
from c2o.translate.dialects import dialect_for, dialect_of

DEFAULT_PORT = 8226
"""c2o is 226 on a phone's keypad."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")

Seconds = Annotated[float, Meta(gt=0)]


class _Table(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Server(_Table, frozen=True, kw_only=True):
    """``[server]``: where the service listens and whom it serves."""

    auth_token: Secret
    """What clients must send as ``x-api-key`` or ``Authorization: Bearer``.  ``c2o init`` makes one."""
    host: str = "127.0.0.1"
    """The address to listen on."""
    port: Annotated[int, Meta(ge=0, le=65535)] = DEFAULT_PORT
    """The port to listen on; 0 takes a free one at each start."""
    allow_remote: bool = False
    """Must be true for any host but loopback: whoever has the token spends your upstreams."""
    repair_history: bool = False
    """Mend a conversation whose tool results are missing or belong to no call, instead of answering
    400 as Anthropic does.  For clients that cut their history carelessly."""


class Timeouts(_Table, frozen=True, kw_only=True):
    """``[upstreams.NAME.timeouts]``: seconds.  The defaults let a local model think for an hour."""

    connect: Seconds | None = None
    """To open a connection: 10, and 3 for an upstream on this machine."""
    first_byte: Seconds | None = None
    """From sending a request to the first byte of its answer: 600, and 3600 on this machine."""
    idle: Seconds | None = None
    """Between two pieces of an answer: 300, and 900 on this machine."""
    total: Seconds | None = None
    """For a whole answer, however lively: 3600, and 14400 on this machine."""
    write: Seconds | None = None
    """Until a client that doesn't read takes a piece of the answer: 60."""


class ClientCert(_Table, frozen=True, kw_only=True):
    """``client_cert`` of an upstream as a table, where certificate and key are two files."""

    cert: str
    """The certificate, and those between it and its CA, in PEM form."""
    key: str
    """Its key in PEM form, without a passphrase."""


Api = Literal["chat", "responses", "anthropic"]


class Upstream(_Table, frozen=True, kw_only=True):
    """``[upstreams.NAME]``: a server that speaks one of OpenAI's two APIs, or Anthropic's Messages API."""

    base_url: str
    """Any spelling: with or without /v1, /chat/completions, trailing slash."""
    api_key: Keys | None = None
    """``env:NAME``, ``file:PATH``, ``command:LINE``, ``keyring:NAME`` or the key itself, or a list of such: they take
    turns, and one that is limited or refused rests; absent for servers without keys."""
    api: Api | None = None
    """What the upstream speaks: ``chat`` (OpenAI's chat completions), ``responses`` (OpenAI's Responses) or
    ``anthropic`` (the Messages API, passed through); when absent ``anthropic`` for an address that ends in
    ``/anthropic``, ``responses`` for one that ends so and for models that are served nowhere else,
    ``chat`` for any other."""
    dialect: str | None = None
    """The family whose habits the upstream has; guessed from the host when absent."""
    quirks: dict[str, Any] = {}
    """Single fields of the dialect to override, e.g. ``{ stream_usage = false }``."""
    headers: dict[str, str] = {}
    """More headers for each request; an empty one takes away what c2o would send under its name."""
    extra_body: dict[str, Any] = {}
    """More fields for each request's body; they win over what c2o would send.  Tables are merged."""
    omit: list[str] = []
    """Fields of the body that aren't sent; those inside a table with a dot: ``chat_template_kwargs.thinking``."""
    requests_per_minute: Annotated[int, Meta(gt=0)] | None = None
    """How many requests may start in a minute; more wait for their turn."""
    max_concurrency: Annotated[int, Meta(gt=0)] | None = None
    """How many requests may run at once; more wait for their turn."""
    timeouts: Timeouts = Timeouts()
    """How long to wait for what."""
    proxy: str | None = None
    """The proxy on the way: ``http://``, ``https://``, ``socks5://`` or ``socks5h://`` (which resolves names itself),
    with ``user:password@`` if need be, or ``env:NAME``; ``env``: the one that the environment's ``HTTPS_PROXY`` and
    ``NO_PROXY`` name, which count for nobody else."""
    ca: str | None = None
    """A file with the certificates (PEM) of CAs that count beside the system's own."""
    client_cert: str | ClientCert | None = None
    """A file with the certificate (PEM) that the upstream wants of us, and its key; or ``{ cert, key }``, two files."""

    def __repr__(self) -> str:
        """Without headers and fields, which may hold keys."""
        return f"Upstream({urls.printable(self.base_url)!r}, dialect={self.dialect!r})"

    def key_sources(self) -> list[str]:
        """Where the keys are, as written; empty for a server without keys."""
        return self.api_key.sources() if self.api_key else []

    def files(self) -> Iterator[str]:
        """The files that it names."""
        sources = [*self.key_sources(), self.proxy or ""]
        yield from (source.removeprefix("file:") for source in sources if source.startswith("file:"))
        given = self.client_cert
        pair = (given.cert, given.key) if isinstance(given, ClientCert) else (given,)
        yield from filter(None, (self.ca, *pair))

    def body_fields(self) -> dict[str, Any]:
        """``extra_body`` and ``omit`` as one; None stands for what isn't sent."""
        fields: dict[str, Any] = {}
        for name in self.omit:
            _leave_out(fields, *name.split("."))
        return _merge(fields, self.extra_body)

    def dialect_name(self) -> str:
        """The dialect that is named, or that the host stands for."""
        parts = urls.parse(self.base_url)
        return self.dialect or dialect_of(parts.hostname or "", parts.port)

    def api_name(self, model: str = "") -> Api:
        """The API that is named, or that the address looks like, or that a model needs."""
        if self.api is not None:
            return self.api
        if urls.is_anthropic(self.base_url):
            return "anthropic"
        if urls.is_responses(self.base_url):
            return "responses"
        return "chat" if urls.is_azure_deployment(self.base_url) else self.habits().of(model).api

    def habits(self) -> Dialect:
        """The dialect with the quirks of this upstream.  Raises ValueError or msgspec.ValidationError."""
        return dialect_for(self.dialect_name(), self.quirks)


def _leave_out(fields: dict[str, Any], name: str, *inside: str) -> None:
    if not inside:
        fields[name] = None
    elif (table := fields.setdefault(name, {})) is not None:
        _leave_out(table, *inside)


def _merge(fields: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in more.items():
        inside = fields.get(name)
        fields[name] = _merge(inside, value) if isinstance(inside, dict) and isinstance(value, dict) else value
    return fields


class Limits(_Table, frozen=True, kw_only=True):
    """``[limits."UPSTREAM/MODEL"]``: what a model can take, in tokens."""

    context_window: Annotated[int, Meta(gt=0)] | None = None
    """Prompt and answer together."""
    max_output_tokens: Annotated[int, Meta(gt=0)] | None = None
    """The longest answer; Claude Code asks for 32,000 and more, which is cut down to this."""


NO_LIMITS = Limits()

Dollars = Annotated[float, Meta(ge=0)]


class Prices(_Table, frozen=True, kw_only=True):
    """``[prices."UPSTREAM/MODEL"]``: US dollars for a million tokens; ``*`` may stand for any part of a model."""

    input: Dollars | None = None
    """Of the prompt."""
    output: Dollars | None = None
    """Of the answer, with its reasoning."""
    cache_read: Dollars | None = None
    """Of the prompt, what a cache served; as the rest of it, if nothing is said."""
    cache_write: Dollars | None = None
    """Of the prompt, what went into a cache; as the rest of it, if nothing is said."""


Targets = tuple[str, ...]
"""``"upstream/model"``, and what takes its place when that can't answer, in order."""


class Think(_Table, frozen=True, kw_only=True):
    """``[routes] think``: for requests that want more thinking than usual."""

    model: Targets
    """Where they go."""
    effort: Effort = "xhigh"
    """From which effort on; Claude Code asks for ``high`` by itself.  A budget of thinking tokens always counts."""


class LongContext(_Table, frozen=True, kw_only=True):
    """``[routes] long_context``: for prompts that are longer than usual."""

    model: Targets
    """Where they go."""
    above: Annotated[int, Meta(gt=0)] = 60_000
    """Tokens of a prompt, as estimated."""


class Routes(_Table, frozen=True, kw_only=True):
    """``[routes]``: where requests of a kind go, whatever model they ask for."""

    background: Targets = ()
    """What the client asks on its own account: titles, summaries of web pages, safety checks of commands."""
    subagent: Targets = ()
    """The agents that a conversation sends out."""
    think: Think | None = None
    """Requests that want more thinking than usual."""
    image: Targets = ()
    """Turns with an image that the model which they would go to can't see."""
    web_search: Targets = ()
    """The searches of Claude Code's WebSearch."""
    long_context: LongContext | None = None
    """Prompts that are longer than usual."""

    def of(self, kind: Kind) -> Targets:
        """Where requests of a kind go; empty where ``[models]`` says it."""
        if kind == "main":
            return ()
        there: Targets | Think | LongContext | None = getattr(self, kind)
        return there.model if isinstance(there, Think | LongContext) else there or ()

    def targets(self) -> dict[Kind, Targets]:
        """All that there are."""
        kinds: tuple[Kind, ...] = get_args(Kind)
        return {kind: targets for kind in kinds if (targets := self.of(kind))}


NO_ROUTES = Routes()


class Config(_Table, frozen=True, kw_only=True):
    """The whole file."""

    server: Server
    upstreams: dict[str, Upstream]
    models: dict[str, Targets]
    """``[models]``: what the client asks for → ``"upstream/model"``, or a list: fallbacks in order."""
    routes: Routes = NO_ROUTES
    """``[routes]``: by kind of request, looked up before ``[models]``."""
    limits: dict[str, Limits] = {}
    prices: dict[str, Prices] = {}
    path: Path | None = None
    """Where it was read from."""
    digest: str = ""
    """Tells whether a service runs with this file's content."""

    def files(self) -> list[Path]:
        """The files that it names."""
        return [Path(name).expanduser() for upstream in self.upstreams.values() for name in upstream.files()]

    def targets(self) -> list[str]:
        """Each ``upstream/model`` that ``[models]`` and ``[routes]`` name, once."""
        named = [*self.models.values(), *self.routes.targets().values()]
        return list(dict.fromkeys(target for targets in named for target in targets))


NEED_RESTART = (("server", "host"), ("server", "port"))
"""What a running service can't follow: its socket is bound."""


def load(path: Path) -> Config:
    """Read and check the configuration.  Raises ConfigError with file, key and remedy."""
    return parse(read(path), path)


def read(path: Path) -> bytes:
    """The file as it stands.  Raises ConfigError."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            return file.read()
    except FileNotFoundError:
        raise ConfigError(f"there is no configuration at {path}. Run: c2o init") from None
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}. Make it a file that you can read.") from None


def _without_waiting(path: str, flags: int) -> int:
    """A pipe is read if somebody holds its other end, ``<(…)`` of a shell for one, and empty otherwise."""
    if sys.platform == "win32":
        return os.open(path, flags)
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    os.set_blocking(descriptor, True)
    return descriptor


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


def parse(data: bytes, path: Path) -> Config:
    """The configuration in ``data``.  ``path`` is for the messages."""
    try:
        text = data.decode("utf-8-sig")
        tables = tables_in(text)
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text. Save it as UTF-8, or write a new one: c2o init --force") from None
    except tomllib.TOMLDecodeError as error:
        at = broken_line(text)
        raise ConfigError(
            f"{path}:{at} is not valid TOML: {error}. Correct it, or write a new one: c2o init --force", line=at
        ) from None
    try:
        return _checked(tables, path, digest_of(data))
    except ValueError as error:
        line = line_of(str(error), text)
        raise ConfigError(f"{path}:{line}: {error}" if line else f"{path}: {error}", line=line) from None


TABLES = ("server", "upstreams", "models", "routes", "limits", "prices")
"""What may stand in the file."""


def _checked(tables: dict[str, Any], path: Path, digest: str) -> Config:
    for name in tables:
        if name not in TABLES:
            raise ValueError(f"[{name}]: {unknown('table', name, TABLES)}")
    config = Config(
        server=_table(tables, "server", Server),
        upstreams=_tables(tables, "upstreams", Upstream),
        models=_models(_dict(tables, "models")),
        routes=_routes(_dict(tables, "routes")),
        limits=_tables(tables, "limits", Limits),
        prices=_tables(tables, "prices", Prices),
        path=path,
        digest=digest,
    )
    _check_server(config.server)
    _check_upstreams(config.upstreams)
    _check_models(config)
    return config


T = TypeVar("T")


def _dict(tables: Mapping[str, Any], name: str, place: str = "") -> dict[str, Any]:
    value = tables.get(name, {})
    if not isinstance(value, dict):
        raise ValueError(f"{place or name} must be a table: [{place or name}].")
    return value


def _table(tables: Mapping[str, Any], name: str, type: type[T], place: str = "") -> T:
    try:
        return msgspec.convert(_dict(tables, name, place), type, dec_hook=_secret)
    except msgspec.ValidationError as error:
        raise ValueError(mistake(str(error), place or name, type)) from None


def _tables(tables: Mapping[str, Any], name: str, type: type[T]) -> dict[str, T]:
    entries = _dict(tables, name)
    return {key: _table(entries, key, type, f"{name}.{quoted(key)}") for key in entries}


def _secret(type: type, value: object) -> object:
    if type is Keys:
        return _keys(value)
    if type is Secret and isinstance(value, str) and value.strip():
        return Secret(value.strip())
    raise ValueError("this must be some text, in quotes")


def _keys(value: object) -> Keys:
    keys = texts(value)
    if not keys or not all(key.strip() for key in keys):
        raise ValueError("this must be some text, in quotes, or a list of such")
    if len({key.strip() for key in keys}) < len(keys):
        raise ValueError("this names a key twice")
    return Keys(Secret(key.strip()) for key in keys)


def texts(value: object) -> tuple[str, ...]:
    """One text or a list of them; empty for anything else."""
    values = [value] if isinstance(value, str) else value
    return tuple(values) if isinstance(values, list) and all(isinstance(each, str) for each in values) else ()


def _models(models: dict[str, Any]) -> dict[str, Targets]:
    return {name: _targets(f"[models] {quoted(name)}", value) for name, value in models.items()}


def _targets(place: str, value: object) -> Targets:
    targets = texts(value)
    if not targets:
        raise ValueError(f'{place} must be text: "upstream/model", or a list: fallbacks in order.')
    if len(set(targets)) < len(targets):
        raise ValueError(f"{place}: a model is named twice; its own fallback helps nobody.")
    return targets


WITH_CONDITION: Mapping[str, type[Think | LongContext]] = {"think": Think, "long_context": LongContext}
"""Routes that are tables and say when they are taken; the model alone where the usual will do."""


def _routes(routes: dict[str, Any]) -> Routes:
    known = {name: _route(name, value) for name, value in routes.items() if name in Routes.__struct_fields__}
    return _table({"routes": {**routes, **known}}, "routes", Routes)


def _route(name: str, value: object) -> object:
    if not isinstance(value, dict):
        targets = _targets(f"[routes] {name}", value)
        return WITH_CONDITION[name](model=targets) if name in WITH_CONDITION else targets
    if name not in WITH_CONDITION:
        raise ValueError(f'[routes] {name} must be text: "upstream/model", or a list: fallbacks in order.')
    model = {"model": _targets(f"[routes.{name}] model", value["model"])} if "model" in value else {}
    return _table({name: {**value, **model}}, name, WITH_CONDITION[name], f"routes.{name}")


def _check_server(server: Server) -> None:
    if server.host not in LOOPBACK and not server.allow_remote:
        raise ValueError(
            f"[server] host: {server.host} can be reached from other machines. "
            'Set allow_remote = true if that is what you want, or host = "127.0.0.1".'
        )


def _check_upstreams(upstreams: Mapping[str, Upstream]) -> None:
    if not upstreams:
        raise ValueError("there is no upstream. Run c2o init --force, or add [upstreams.NAME] with a base_url.")
    for name, upstream in upstreams.items():
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
            raise ValueError(f"[upstreams.{quoted(name)}] the name may have letters, digits, '-', '_' and '.' only.")
        _check_field(f"[upstreams.{name}] base_url", urls.parse, upstream.base_url)
        _check_field(f"[upstreams.{name}] dialect", dialect_for, upstream.dialect_name())
        if upstream.proxy and upstream.proxy != ENV and not is_reference(upstream.proxy):
            _check_field(f"[upstreams.{name}] proxy", urls.parse_proxy, upstream.proxy)
        _check_quirks(f"upstreams.{name}.quirks", upstream)


def _check_field(place: str, check: Callable[..., object], *values: object) -> None:
    try:
        check(*values)
    except ValueError as error:
        raise ValueError(f"{place}: {error}.") from None


def _check_quirks(place: str, upstream: Upstream) -> None:
    try:
        upstream.habits()
    except msgspec.ValidationError as error:
        raise ValueError(mistake(str(error), place, Dialect)) from None


def _check_models(config: Config) -> None:
    if not config.models:
        raise ValueError('[models] is empty. Add default = "upstream/model".')
    for name, targets in config.models.items():
        for target in targets:
            _check_target(config, f"[models] {quoted(name)}", target)
    for kind, targets in config.routes.targets().items():
        for target in targets:
            _check_target(config, f"[routes] {kind}", target)
            if "*" in target:
                raise ValueError(f"[routes] {kind}: {target!r} must name one model, without *.")
    for target in config.limits:
        _check_target(config, f"[limits.{quoted(target)}]", target)
    for target in config.prices:
        _check_target(config, f"[prices.{quoted(target)}]", target)


def _check_target(config: Config, place: str, target: str) -> None:
    upstream, slash, model = target.partition("/")
    if not slash or not model:
        raise ValueError(f'{place}: {target!r} must be "upstream/model".')
    if upstream not in config.upstreams:
        raise ValueError(f"{place}: there is no [upstreams.{upstream}]; there are: {', '.join(config.upstreams)}.")


def quoted(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else f'"{key}"'


def render(
    *,
    token: str,
    upstreams: Mapping[str, Mapping[str, Any]],
    models: Mapping[str, str | list[str]],
    limits: Mapping[str, Mapping[str, int]] = {},
    port: int = DEFAULT_PORT,
) -> str:
    """The commented configuration file that ``c2o init`` writes."""
    parts = [
        "# c2o: Claude Code on any OpenAI-compatible model.  Check it with: c2o doctor\n",
        "[server]",
        _line("port", port, "clients find c2o at http://127.0.0.1:PORT"),
        _line("auth_token", token, "clients send it; it is worth nothing outside this machine"),
    ]
    for name, upstream in upstreams.items():
        parts += ["", *_upstream_lines(name, upstream)]
    parts += ["", "[models]", '# what the client asks for = "upstream/model"; tiers: opus, sonnet, haiku, fable']
    parts += [_line(name, target) for name, target in models.items()]
    for target, values in limits.items():
        parts += ["", _toml({"limits": {target: values}})]
    return "\n".join(parts) + "\n"


def _upstream_lines(name: str, upstream: Mapping[str, Any]) -> Iterator[str]:
    """Tables of its own (headers, extra_body …) come last, as TOML wants it."""
    tables = {key: value for key, value in upstream.items() if isinstance(value, Mapping)}
    yield f"[upstreams.{quoted(name)}]"
    yield from (_line(key, value, _COMMENTS.get(key, "")) for key, value in upstream.items() if key not in tables)
    if tables:
        yield ""
        yield _toml({"upstreams": {name: tables}})


_COMMENTS = {
    "base_url": "any spelling: with or without /v1, trailing slash",
    "api_key": "env:NAME, file:PATH, command:LINE, keyring:NAME, or the key itself; a list takes turns",
}


def _line(key: str, value: object, comment: str = "") -> str:
    text = _toml({key: value})
    return f"{text}  # {comment}" if comment else text


def _toml(table: Mapping[str, Any]) -> str:
    return tomli_w.dumps(table).rstrip("\n")
