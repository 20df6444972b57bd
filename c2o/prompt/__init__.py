"""``run``, ``env`` and ``status`` in the time of a blink: what ``c2o.quick`` answers with.

Each command is prepared first, which changes nothing, and done then.  Whatever is in doubt while it is prepared raises
Unsure (or anything else), and the Typer command has it.

- ``home``      where c2o's files are, and reading those that are ours alone
- ``digest``    SHA-256, and the proof that the service gives
- ``memory``    what a Typer command has worked out and written down, while all that it depends on is the same
- ``service``   the running service: is it ours, and how is it
- ``settings``  what Claude's settings say
- ``sessions``  how many clients are at work
- ``status``, ``client``  the commands

Nothing here loads more than json, os, socket, time and C modules of Python's own.
"""
