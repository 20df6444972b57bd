"""What ``c2o status`` shows a person; quick to load.

It takes the object that ``c2o status --json`` prints, described by ``c2o.cli.status.Status``.
"""

from __future__ import annotations

from c2o.shown import counted, duration, short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, TypeAlias

    from c2o.shown import Line

    Shown: TypeAlias = dict[str, Any]

_LOOK = {
    "running": ("●", "green"),
    "starting": ("●", "yellow"),
    "stopping": ("●", "yellow"),
    "unhealthy": ("●", "red"),
    "stopped": ("○", "dim"),
}


def lines(shown: Shown) -> Iterator[Line]:
    yield _headline(shown)
    if shown["requests"] is not None:
        yield from _upstreams(shown["upstreams"])
        yield from _models(shown["models"], shown["fallbacks"])
        yield from _routes(shown["routes"])
        yield from _row("traffic", [_traffic(shown["requests"])])
    if shown["learned"]:
        yield from _row("learned", [f"{counted(shown['learned'], 'fact')} about upstreams; see them with: c2o learned"])
    yield from _row("claude", *_claude(shown["claude"]))
    yield from _row("finishing", *_finishing(shown["finishing"]))
    for problem in shown["problems"]:
        yield [("  ! ", "yellow"), problem["hint"]]
    if shown["state"] == "unhealthy":
        yield from _row("log", [short(shown["log"])])


def _headline(shown: Shown) -> Line:
    symbol, style = _LOOK[shown["state"]]
    line: Line = [(f"{symbol} ", style), (f"c2o {shown['version'] or shown['cli_version']}", "bold"), "  "]
    if shown["state"] == "stopped":
        unusable = any(each["id"] == "config.invalid" for each in shown["problems"])  # which is said below
        return [*line, "not running", *([] if unusable else ["   start it with: c2o start"])]
    line.append((shown["state"], style))
    if shown["uptime"] is not None:
        line.append((f" {duration(shown['uptime'])}", style))
    if shown["draining"]:
        line.append(f", waiting for {counted(shown['draining'], 'running stream')}")
    if shown["url"]:
        line += ["   ", (shown["url"], "cyan"), "   ", (f"pid {shown['pid']}, {shown['manager']}", "dim")]
    return line


def _upstreams(upstreams: list[Shown]) -> Iterator[Line]:
    name_width = max((len(upstream["name"]) for upstream in upstreams), default=0)
    url_width = max((len(upstream["base_url"]) for upstream in upstreams), default=0)
    rows: list[Line] = [
        [
            f"{upstream['name']:{name_width}}  ",
            (f"{upstream['base_url']:{url_width}}", "cyan"),
            (f"  {_dialect(upstream)}{_key(upstream['key'])}", "dim"),
            (_trouble(upstream), "red"),
        ]
        for upstream in upstreams
    ]
    yield from _row("upstream", *rows)


def _dialect(upstream: Shown) -> str:
    """Where it is worth a word."""
    return "" if upstream["dialect"] in (upstream["name"], "generic") else f"{upstream['dialect']}, "


def _trouble(upstream: Shown) -> str:
    if upstream.get("without_key"):
        return "  without its key"
    return "" if upstream.get("breaker", "closed") == "closed" else "  can't be reached"


def _key(source: str | None) -> str:
    return f"key from {source.replace('env:', '')}" if source else "no key"


def _models(models: dict[str, str], fallbacks: dict[str, list[str]]) -> Iterator[Line]:
    """Names that lead to one model share a row."""
    names: dict[str, list[str]] = {}
    for name, target in models.items():
        names.setdefault(", else ".join([target, *fallbacks.get(name, ())]), []).append(name)
    rows = {target: ", ".join(together) for target, together in names.items()}
    width = max(map(len, rows.values()), default=0)
    lines: list[Line] = [[f"{together:{width}} → {target}"] for target, together in rows.items()]
    yield from _row("models", *lines)


def _routes(routes: dict[str, Shown]) -> Iterator[Line]:
    rows = {f"{kind}{_condition(route)}": ", else ".join(route["models"]) for kind, route in routes.items()}
    width = max(map(len, rows), default=0)
    lines: list[Line] = [[f"{kind:{width}} → {models}"] for kind, models in rows.items()]
    yield from _row("routes", *lines)


def _condition(route: Shown) -> str:
    if "above" in route:
        return f" (above {route['above']} tokens)"
    return f" (effort {route['effort']})" if "effort" in route else ""


def _traffic(requests: Shown) -> str:
    failed = f", {requests['failed']} failed" if requests["failed"] else ""
    running = f", {requests['active']} running now" if requests["active"] else ""
    return f"{counted(requests['total'], 'request')}{failed}{running}"


def _claude(led: Shown) -> Iterator[Line]:
    """Nothing where c2o has nothing to do with it."""
    sessions = counted(led["sessions"], "live session") if led["sessions"] else ""
    if led["decided_by"] and led["plain"] != "anthropic":
        by = short(led["decided_by"])
        where = "c2o" if led["plain"] == "c2o" else "another place; c2o claude status says more"
        yield [f"{by} → {where}", f"   {sessions}"]
    elif sessions:
        yield [sessions]


def _finishing(services: list[Shown]) -> Iterator[Line]:
    for each in services:
        yield [
            counted(each["requests"], "stream"),
            f" at c2o {each['version']}, which has handed over (pid {each['pid']})",
        ]


def _row(label: str, *rows: Line) -> Iterator[Line]:
    for number, row in enumerate(rows):
        yield [(f"  {'' if number else label:10} ", "dim"), *row]
