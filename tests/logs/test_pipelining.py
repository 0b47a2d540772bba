"""The forms of the L field and what they mean; the values of other fields."""

from __future__ import annotations

import re

import pytest

from eximkit.logs.pipelining import ABSENT, INBOUND, OUTBOUND, Form, meaning
from eximkit.logs.values import seconds


def test_the_inbound_forms_are_all_that_exim_can_write() -> None:
    every = {f"L{early}{used}" for early in ("", ".", "*") for used in ("", "-")}
    assert set(INBOUND) == every
    assert all(re.fullmatch(r"L[.*]?-?", text) for text in INBOUND)


@pytest.mark.parametrize("form", INBOUND.values(), ids=INBOUND)
def test_each_sign_of_an_inbound_form_means_one_thing(form: Form) -> None:
    found = meaning(form.text, "in")
    assert found.offered
    assert found.used is not found.text.endswith("-")
    assert found.early_used is ("*" in found.text)
    assert found.early_offered is ("*" in found.text or "." in found.text)


def test_outbound_forms() -> None:
    assert set(OUTBOUND) == {"L", "L*"}
    assert meaning("L*", "out").early_used
    assert meaning("L", "out").early_offered is None
    with pytest.raises(KeyError):
        meaning("L-", "out")


def test_no_form_is_no_offer_that_is_known_of() -> None:
    assert meaning("", "in") is meaning("", "out") is ABSENT
    assert not ABSENT.offered
    assert ABSENT.early_offered is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0s", 0), ("3s", 3), ("0.304s", 0.304), ("2m15s", 135), ("1h", 3600),
        ("1w2d3h4m5s", 788645), ("-2s", -2), ("-1m1s", -61),
    ],
)  # fmt: skip
def test_times(text: str, expected: float) -> None:
    assert seconds(text) == expected
