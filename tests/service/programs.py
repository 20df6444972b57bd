"""The service as managers' files name it, in tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from c2o.service.manager import Program


def program(**different: Any) -> Program:
    usual: dict[str, Any] = {
        "command": ("/usr/lib/c2o/bin/python", "-P", "-m", "c2o.proxy"),
        "variables": {"C2O_MANAGER": "systemd"},
        "host": "127.0.0.1",
        "port": 8226,
        "log": Path("/home/you/.local/state/c2o/log/c2o.log"),
        "writes": (Path("/home/you/.local/state/c2o"), Path("/home/you/.local/state/c2o/log")),
    }
    return Program(**usual | different)
