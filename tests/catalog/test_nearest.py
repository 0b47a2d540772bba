from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit import catalog
from eximkit.catalog import suggest


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("hosts_pipe_conect", "hosts_pipe_connect"),
        ("helo_dat", "helo_data"),
        ("Helo_Data", "helo_data"),
        ("hleo_data", "helo_data"),
        ("intreface", "interface"),
        ("prot", "port"),
        ("something_else_altogether", None),
        ("x", None),
        ("", None),
    ],
)
def test_did_you_mean(name: str, meant: str | None) -> None:
    names = catalog.option_names("transport", "smtp", catalog.NEWEST)
    assert suggest(name, names) == meant


def test_the_nearest_wins_and_of_equals_the_first() -> None:
    assert suggest("abcdef", ["abcdxx", "abcdex", "abcxef"]) == "abcdex"
    assert suggest("abcdef", ["abcxef", "abcdex"]) == "abcdex"
    assert suggest("abcdef", iter(["abcde"])) == "abcde"


def test_a_name_is_no_suggestion_for_itself() -> None:
    assert suggest("lc", ["lc"]) is None
    assert suggest("LC", ["lc"]) == "lc"


def test_a_megabyte_of_name_costs_nothing() -> None:
    names = catalog.option_names("main", None, catalog.NEWEST)
    start = time.process_time()
    assert suggest("q" * 1_000_000, names) is None
    assert time.process_time() - start < 0.1


@given(st.text(max_size=80), st.lists(st.text(max_size=80), max_size=8))
def test_any_text_has_an_answer(name: str, names: list[str]) -> None:
    found = suggest(name, names)
    assert found is None or found in names


@given(st.sampled_from(catalog.variable_names(catalog.NEWEST)), st.data())
def test_one_slip_in_a_long_name_is_seen(name: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(name) - 1))
    slip = name[:at] + "~" + name[at + 1 :]
    found = suggest(slip, [name, "quite_another_name"])
    assert found == name
