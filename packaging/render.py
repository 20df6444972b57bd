"""Writes the units and the plist as `c2o service install` renders them, for those who make packages.

    python packaging/render.py

The paths are those of the Debian package and of Homebrew; `you` stands for whoever installs it.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from c2o.service import launchd, systemd
from c2o.service.manager import Program

FOLDER = Path(__file__).parent


def program(manager: str, python: str, state: str, log: str) -> Program:
    return Program(
        command=(python, "-P", "-m", "c2o.proxy"),
        variables={"C2O_MANAGER": manager},
        host="127.0.0.1",
        port=8226,
        log=PurePosixPath(log, "c2o.log"),  # type: ignore[arg-type]
        writes=(PurePosixPath(state), PurePosixPath(log)),  # type: ignore[arg-type]
    )


LINUX = program("systemd", "/usr/lib/c2o/bin/python", "/home/you/.local/state/c2o", "/home/you/.local/state/c2o/log")
MAC = program(
    "launchd",
    "/opt/homebrew/opt/c2o/libexec/bin/python",
    "/Users/you/Library/Application Support/c2o",
    "/Users/you/Library/Logs/c2o",
)

FILES = {
    "systemd/c2o.service": systemd.render_service(LINUX),
    "systemd/c2o.socket": systemd.render_socket(LINUX.host, LINUX.port),
    "launchd/c2o.plist": launchd.render(MAC),
}

if __name__ == "__main__":
    for name, text in FILES.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
