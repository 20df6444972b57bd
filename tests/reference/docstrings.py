"""What the sources say of the fields of their structs."""

from __future__ import annotations

import ast
import inspect
from functools import cache
from itertools import pairwise

from msgspec import Struct


def of(struct: type[Struct]) -> dict[str, str]:
    """The text behind each field; those of the classes it is made from too."""
    return {name: text for base in reversed(struct.__mro__) for name, text in _own(base).items()}


@cache
def _own(cls: type) -> dict[str, str]:
    if cls.__module__.partition(".")[0] != "c2o":
        return {}
    [body] = [
        each.body
        for each in ast.walk(ast.parse(inspect.getsource(inspect.getmodule(cls))))
        if isinstance(each, ast.ClassDef) and each.name == cls.__name__
    ]
    return {
        field.target.id: cell(str(said.value.value))
        for field, said in pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(said, ast.Expr) and isinstance(said.value, ast.Constant)
    }


def cell(text: str) -> str:
    """A text in a table of Markdown, on one line."""
    return " ".join(text.replace("``", "`").replace("|", "\\|").split())
