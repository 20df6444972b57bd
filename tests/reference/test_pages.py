"""The pages that are made from the code say what it is now."""

from __future__ import annotations

import pytest

from tests.reference.json_output import printed
from tests.reference.pages import PAGES


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_is_current(path):
    assert path.read_text(encoding="utf-8") == PAGES[path](), "run: python -m tests.reference"


def test_a_schema_is_of_one_form_and_the_first_thing_that_is_said():
    """A program looks at it before it looks at anything else."""
    for struct in printed():
        assert struct.__struct_fields__[0] == "schema", struct
