from __future__ import annotations

import pytest

from eximkit.catalog import NEWEST, RELEASES, Release, release
from eximkit.errors import SettingsError


def test_releases_stand_in_order_and_print_as_they_are_called() -> None:
    assert list(RELEASES) == sorted(RELEASES)
    assert len(set(RELEASES)) == len(RELEASES)
    assert str(RELEASES[0]) == "4.92"
    assert RELEASES[-1] is NEWEST
    assert [release(str(known)) for known in RELEASES] == list(RELEASES)


def test_numbers_are_compared_not_letters() -> None:
    assert Release.parse("4.9") < Release.parse("4.96") < Release.parse("4.96.1")
    assert Release.parse("4.99.1") < Release.parse("4.100")


@pytest.mark.parametrize(
    "text", ["4.96.9", "4.91", "5", "", "newest", "4.96\n5", "٤.٩"]
)
def test_an_unknown_release_is_an_error_that_names_the_known(text: str) -> None:
    with pytest.raises(SettingsError, match=r"known are 4\.92, .*4\.100\.1$"):
        release(text)


def test_a_long_unknown_release_is_not_repeated_in_full() -> None:
    with pytest.raises(SettingsError) as caught:
        release("4" * 1_000_000)
    assert len(str(caught.value)) < 400
