"""A choice from a list: what keys do to it, and what it looks like at every size."""

from __future__ import annotations

import pytest

from c2o.cli.output import Line
from c2o.cli.terminal.menu import MOST, Menu, Option

NAMES = ["apple", "banana", "cherry", "elderberry"]


def menu(*names: str, **more: int) -> Menu[str]:
    return Menu([Option(name, name, f"about {name}") for name in names or NAMES], **more)


def long_menu(count: int = 40) -> Menu[str]:
    return menu(*(f"model-{number}" for number in range(count)))


def press(menu: Menu[str], *keys: str) -> str | None:
    """Returns the value that the last key has chosen."""
    chosen = None
    for key in keys:
        chosen = menu.press(key, page=10)
    return chosen.value if chosen else None


def text(line: Line) -> str:
    return "".join(span if isinstance(span, str) else span[0] for span in line)


def shown(menu: Menu[str], width: int = 80, height: int = 24) -> list[str]:
    return [text(line) for line in menu.lines(width, height)]


def test_every_letter_is_looked_for_in_a_long_menu() -> None:
    choice = long_menu()
    press(choice, "j", "k")
    assert (choice.typed, choice.at) == ("jk", 0)


@pytest.mark.parametrize(
    ("keys", "chosen"),
    [
        ("enter", "apple"),
        ("down enter", "banana"),
        ("j j enter", "cherry"),
        ("up enter", "elderberry"),
        ("k k enter", "cherry"),
        ("end enter", "elderberry"),
        ("end home enter", "apple"),
        ("pagedown enter", "elderberry"),
        ("pagedown pageup enter", "apple"),
        ("down down down down enter", "apple"),
        ("3", "cherry"),
        ("9", None),
        ("0", None),
        ("x", None),
    ],
)
def test_keys_of_a_short_menu(keys: str, chosen: str | None) -> None:
    assert press(menu(), *keys.split()) == chosen


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("3", ["model-3", *(f"model-3{n}" for n in range(10)), "model-13", "model-23"]),
        ("MODEL 39", ["model-39"]),
        ("39 model", ["model-39"]),
        ("nothing", []),
        ("/39", ["model-39"]),
    ],
)
def test_what_is_typed_is_looked_for_in_a_long_one(typed: str, found: list[str]) -> None:
    there = long_menu()
    press(there, *typed)
    assert {each.value for each in there.found} == set(found)


def test_what_was_typed_can_be_taken_back() -> None:
    there = long_menu()
    press(there, *"zz", "backspace")
    assert there.typed == "z"
    assert press(there, "escape") is None
    assert (there.typed, len(there.found)) == ("", 40)
    press(there, *"zz", "clear")
    assert there.typed == ""


def test_nothing_is_chosen_where_nothing_is_found() -> None:
    there = long_menu()
    assert press(there, *"zzz", "enter") is None
    assert any("nothing has that in its name" in line for line in shown(there))
    press(there, "up", "down", "pageup", "pagedown", "home", "end")


def test_what_is_typed_can_be_an_answer_by_itself() -> None:
    def written(typed: str) -> Option[str] | None:
        return Option(typed, typed, "as typed") if "/" in typed else None

    there = Menu([Option(name, name) for name in NAMES], written=written)
    assert press(there, *"my/model", "enter") == "my/model"
    there.typed = "banana"
    assert [each.value for each in there.found] == ["banana"]


def test_one_begins_where_it_is_suggested() -> None:
    assert press(menu(at=2), "enter") == "cherry"
    assert press(menu(at=99), "enter") == "apple"


def test_letters_move_only_until_something_is_typed() -> None:
    there = menu(*(f"kiwi-{number}" for number in range(20)), "jackfruit")
    press(there, *"iwi-1k")
    assert there.typed == "iwi-1k"


# ---- what it looks like


def test_a_short_menu() -> None:
    assert shown(menu()) == [
        " › 1 apple       about apple",
        "   2 banana      about banana",
        "   3 cherry      about cherry",
        "   4 elderberry  about elderberry",
        "   ↑↓ move · Enter choose · Esc back",
    ]


def test_a_long_one_scrolls_and_keeps_its_height() -> None:
    there = long_menu()
    first = shown(there)
    assert first[0].startswith(" › model-0")
    assert first[-2] == f"   ↓ {40 - (MOST - 1)} more"
    heights = {len(first)}
    for key in ("down",) * 20:
        press(there, key)
        lines = shown(there)
        heights.add(len(lines))
        assert sum(line.startswith(" › ") for line in lines) == 1
    assert "↑ " in lines[-2]
    assert "↓ " in lines[-2]
    press(there, "end")
    assert shown(there)[-2] == f"   ↑ {40 - (MOST - 1)} more"
    press(there, *"7")
    heights.add(len(shown(there)))
    assert len(heights) == 1, "nothing jumps"


@pytest.mark.parametrize("width", [20, 30, 60, 80, 120])
@pytest.mark.parametrize("height", [5, 10, 20, 24, 60])
def test_it_fits_every_screen(width: int, height: int) -> None:
    names = ["a-very-long-name/of-some-model-that-nobody-can-remember", *NAMES, *(f"m{n}" for n in range(30))]
    for there in (menu(), menu(*names), long_menu(5)):
        for key in ("", "end", "pageup", "down"):
            press(there, key)
            lines = shown(there, width, height)
            assert len(lines) + 1 <= max(height, 6), "with the question above it"
            assert max(map(len, lines)) < max(width, 36)


def test_names_from_elsewhere_cannot_write_on_the_screen() -> None:
    assert "\x1b" not in "".join(shown(menu("a\x1b[2Jb", "c\rd")))
