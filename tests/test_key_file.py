"""Keys beside the configuration, for a service that sees no shell."""

from __future__ import annotations

import os
import stat

import pytest

from c2o import key_file, paths
from c2o.errors import C2oError


def test_what_is_saved_is_read_and_what_was_there_stays() -> None:
    before = os.umask(0)
    try:
        key_file.save({"ONE": "sk-1"})
        path = key_file.save({"TWO": "sk=2"})
    finally:
        os.umask(before)
    assert key_file.read() == {"ONE": "sk-1", "TWO": "sk=2"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path == paths.config_file().parent / "keys.env"


def test_it_may_be_written_by_hand() -> None:
    path = paths.key_file()
    path.parent.mkdir(parents=True)
    path.write_text("# mine\n\nexport ONE='sk 1'\n TWO = \"sk-2\" \n#THREE=3\nnonsense\n")
    assert key_file.read() == {"ONE": "sk 1", "TWO": "sk-2"}


def test_the_services_own_environment_is_first() -> None:
    key_file.save({"ONE": "file", "TWO": "file", "THREE": "file"})
    environ = {"ONE": "own", "TWO": ""}
    key_file.into(environ)
    assert environ == {"ONE": "own", "TWO": "file", "THREE": "file"}
    assert key_file.beside({"ONE": "own"})["ONE"] == "own"
    assert key_file.beside({})["ONE"] == "file"


def test_without_a_file_there_is_nothing() -> None:
    assert key_file.read() == {}


def test_one_that_is_no_text_is_told() -> None:
    paths.key_file().parent.mkdir(parents=True)
    paths.key_file().write_bytes(b"\xff\xfe")
    with pytest.raises(C2oError, match=r"keys\.env can't be read: it isn't UTF-8 text\. Correct it"):
        key_file.read()


def test_a_folder_in_its_place_is_told() -> None:
    (paths.key_file().with_name(".keys.env.new")).mkdir(parents=True)
    with pytest.raises(C2oError, match=r"keys\.env can't be written: .+ Make its folder writable"):
        key_file.save({"ONE": "1"})
