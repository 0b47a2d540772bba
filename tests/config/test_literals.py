"""Numbers, times and booleans: what Exim accepts, what it makes of it, what not."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.config import literals
from eximkit.config.literals import Reason

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Reader = Callable[[str], object]

# Per reader: an option of that type, and values with their meaning (None: refused).
CASES: list[tuple[str, str, list[tuple[str, object]]]] = [
    (
        "boolean",
        "split_spool_directory",
        [
            ("yes", True), ("TRUE", True), ("", True), ("no", False), ("False", False),
            ("on", None), ("1", None), ('"yes"', None), ("yes #", None),
            ("yes x", None), ("y", None), ("yesx", None), ("no;", None), ("$x", None),
        ],
    ),
    (
        "integer",
        "message_body_visible",
        [
            ("100", 100), ("-1", -1), ("+1", 1), ("0x10", 16), ("-0x10", -16),
            ("010", 8), ("10K", 10240), ("10k", 10240), ("1g", 1 << 30), ("0K", 0),
            ("2147483647", 2147483647), ("-2147483648", -2147483648),
            ("2097151K", 2147482624), ("7 ", 7),
            ("2147483648", None), ("-2147483649", None), ("0x80000000", None),
            ("2097152K", None), ("10G", None), ("1T", None), ("1P", None), ("08", None),
            ("10 K", None), ("10KK", None), ("1k1", None), ("0x", None), ("0xg", None),
            ("0b1", None), ("0o17", None), ("5.", None), ("", None), ("-", None),
            ("- 1", None), ("--1", None), ('"5"', None), ("5 # c", None), ("$x", None),
            ("9" * 5000, None),
        ],
    ),
    (
        "kilobytes",
        "check_spool_space",
        [
            ("100", 100), ("5K", 5), ("5M", 5120), ("0x10", 16), ("-1", -1),
            ("2T", 2 << 30), ("1p", 1 << 40), ("1E", 1 << 50),
            ("8388607P", 8388607 << 40),
            ("9223372036854775807", (1 << 63) - 1),
            ("9007199254740991M", 9007199254740991 << 10),
            ("9007199254740992M", None), ("8388608P", None), ("5KM", None),
            ("08", None), ("9223372036854775808", None), ("abc", None), ("$x", None),
        ],
    ),
    (
        "fixed",
        "queue_only_load",
        [
            ("8", 8000), ("8.", 8000), ("8.1", 8100), ("8.123", 8123), ("+1", 1000),
            ("8.12345", 8123), ("-0", 0), ("010", 10000), ("8. ", 8000),
            (".5", None), ("-1", None), ("8x", None), ("8.x", None), ("8,1", None),
            ("0x8", None), ("1e3", None), ("", None), ("8 # c", None), ("5K", None),
            ("4294967295", None), ("9223372036854775808", None),
        ],
    ),
    (
        "time",
        "rfc1413_query_timeout",
        [
            ("5s", 5), ("1w2d3h4m5s", 788645), ("5s4m", 245), ("5m5m", 600), ("0s", 0),
            ("5s ", 5), ("24855d", 2147472000), ("4294967296s", 0),
            ("5", None), ("1S", None), ("5 s", None), ("-5s", None), ("1.5s", None),
            ("", None), ("s", None), ("0", None), ("5s#", None), ("1h30", None),
            ("24856d", None), ("3551w", None), ("9223372036854775807s", None),
        ],
    ),
    (
        "time_list",
        "delay_warning",
        [
            ("4h : 8h", (14400, 28800)), ("4h:8h", (14400, 28800)), ("", ()),
            ("24h: 36h ", (86400, 129600)),
            ("<; 4h;8h", None), ("4h : ", None), (": 4h", None), ("4h::8h", None),
            ("4h,8h", None), ("4h 8h", None), ("4h : 8", None),
        ],
    ),
    (
        "octal",
        "log_file_mode_of_a_transport",
        [
            ("0660", 0o660), ("660", 0o660), ("7K", 7168), ("-1", -1), ("+7", 7),
            ("08", None), ("9", None), ("0x10", None), ("7 7", None), ("", None),
            ("0o7", None), ("7" * 23, None),
        ],
    ),
]  # fmt: skip
ROWS = [
    pytest.param(kind, value, meaning, id=f"{kind}-{value[:20]}")
    for kind, _, values in CASES
    for value, meaning in values
]


def reader(kind: str) -> Reader:
    found: Reader = getattr(literals, kind)
    return found


@pytest.mark.parametrize(("kind", "value", "meaning"), ROWS)
def test_values(kind: str, value: str, meaning: object) -> None:
    got = reader(kind)(value)
    if meaning is None:
        assert isinstance(got, Reason)
        assert got.message
        assert len(got.message) < 200
        assert 0 <= got.start <= got.end <= len(value)
    else:
        assert got == meaning
        assert type(got) is type(meaning)


@pytest.mark.parametrize(("kind", "option", "values"), CASES)
def test_exim_agrees(
    exim: Path, tmp_path: Path, kind: str, option: str, values: list[tuple[str, object]]
) -> None:
    path = tmp_path / "conf"
    for value, meaning in values:
        setting = f"{option} = {value}"
        if kind == "octal":
            setting = (
                "begin transports\nt:\n driver = appendfile\n file = /x\n "
                f"mode = {value}"
            )
        path.write_text(f"keep_environment =\n{setting}\n", "latin-1")
        done = subprocess.run(
            [exim, "-C", path, "-bP", "spool_directory"],
            capture_output=True,
            check=False,
        )
        accepted = done.returncode == 0 and not done.stderr
        assert accepted == (meaning is not None), (value, done.stderr)


KINDS = st.sampled_from([kind for kind, _, _ in CASES])


@given(KINDS, st.text('0123456789+-xXkKMGTPE.wdhms: #yesno\x85\xb2"', max_size=30))
def test_any_value_has_an_answer(kind: str, value: str) -> None:
    got = reader(kind)(value)
    if isinstance(got, Reason):
        assert 0 <= got.start <= got.end <= len(value)


@pytest.mark.parametrize("kind", [kind for kind, _, _ in CASES])
@pytest.mark.parametrize("unit", ["1", "1s", "0", " ", "1h:", "x", "-", "1."])
def test_long_values_take_no_time(kind: str, unit: str) -> None:
    got = reader(kind)(unit * 200_000)
    if isinstance(got, Reason):
        assert len(got.message) < 200
