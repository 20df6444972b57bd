"""Lingering: whether a user's services run while nobody is logged in (``man loginctl``)."""

from __future__ import annotations

import os
from pathlib import Path

from c2o.errors import C2oError
from c2o.service import tools

_LINGERING = Path("/var/lib/systemd/linger")
"""Has a file for each user who lingers; loginctl can't tell of one who isn't logged in."""


def on() -> bool:
    return (_LINGERING / user()).exists()


def switch(*, enable: bool) -> None:
    """Raises C2oError if the system doesn't let us."""
    done = tools.run("loginctl", "--no-ask-password", _VERBS[enable], user())
    if done.returncode:
        raise C2oError(f"{done.stderr.strip()} Ask the machine's administrator for: {advice(enable=enable)}")


_VERBS = {True: "enable-linger", False: "disable-linger"}


def advice(*, enable: bool) -> str:
    """The command of whoever may do it for any user."""
    sudo = "" if os.getuid() == 0 else "sudo "
    return f"{sudo}loginctl {_VERBS[enable]} {user()}"


def user() -> str:
    """Our name."""
    import pwd  # noqa: PLC0415 - not on Windows

    return pwd.getpwuid(os.getuid()).pw_name
