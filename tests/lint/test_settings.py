"""`.eximkit.toml`."""

from __future__ import annotations

import pytest

from eximkit.errors import SettingsError
from eximkit.lint.finding import Severity
from eximkit.lint.settings import Settings, parse_settings


def test_every_setting_is_read() -> None:
    text = """
    exim-version = "4.95"
    root = "tests/root"
    define = ["A=b", "C"]
    select = ["EXP"]
    ignore = ["EXP107"]
    fail-on = "info"
    """
    assert parse_settings(text, "/x/.eximkit.toml") == Settings(
        exim_version="4.95",
        root="tests/root",
        define=("A=b", "C"),
        select=("EXP",),
        ignore=("EXP107",),
        fail_on=Severity.INFO,
        directory="/x",
    )


def test_nothing_is_said() -> None:
    assert parse_settings("", ".eximkit.toml") == Settings()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("select = [", "x.toml: "),
        ('selects = ["EXP"]', "x.toml:1:1: no setting 'selects'"),
        ('\nselect = "EXP"', "x.toml:2:1: select must be a list"),
        ("define = [1]", "x.toml:1:1: define must be a list"),
        ('root = "a"\n  fail-on = "never"', "x.toml:2:3: fail-on must be"),
        ("exim-version = 4.96", "x.toml:1:1: exim-version must be a string"),
        ("[lint]\nselect = []", "x.toml:1:2: no setting 'lint'"),
        ('"fail-on" = 3', "x.toml:1:1: fail-on must be"),
    ],
)
def test_errors_have_a_place(text: str, message: str) -> None:
    with pytest.raises(SettingsError) as error:
        parse_settings(text, "x.toml")
    assert str(error.value).startswith(message)
