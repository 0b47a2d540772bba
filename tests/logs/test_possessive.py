"""Possessive groups mean the same to Pythons that get them wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.logs.possessive import atomic, compiled

if TYPE_CHECKING:
    from pathlib import Path

PATTERNS = [
    "(?:ab?c)*+a?",
    "(?:a(?:b c?)?+ )?+b",
    r"(?:[^\\()]++|\\[()])*+\)?",
    r"((a)|b[]+()]?)++c?",
    "a(?:b|bc){1,2}+c?",
    "(?:(?:a?b)?+c)?+a{2}b?+",
]


@pytest.mark.parametrize(
    ("possessive", "expected"),
    [
        ("(?:ab?c)?+d", "(?>(?:ab?c)?)d"),
        (r"((?:a(b)*+)++\)?+)", r"((?>(?:a(?>(b)*))+)\)?+)"),
        ("[)?+]?+(?P<x>a){1,3}+b++", "[)?+]?+(?>(?P<x>a){1,3})b++"),
        (r"[^])?+(\]]*+(\()+", r"[^])?+(\]]*+(\()+"),
        ("(?>a|b)(c)+(d)?", "(?>a|b)(c)+(d)?"),
    ],
)
def test_a_possessive_group_becomes_an_atomic_one(
    possessive: str, expected: str
) -> None:
    assert atomic(possessive) == expected
    assert atomic(possessive.encode()) == expected.encode()


@given(st.sampled_from(PATTERNS), st.text(" abc()\\]+", max_size=12))
def test_what_is_matched_is_what_an_atomic_group_matches(
    pattern: str, text: str
) -> None:
    found = compiled(pattern).match(text)
    same = re.compile(atomic(pattern)).match(text)
    assert (found and found[0]) == (same and same[0])


CHECKED = """
import re, sys
from eximkit.logs import possessive
possessive.AFFECTED = True
compiled = re.compile
def strict(pattern, flags=0):
    if isinstance(pattern, str | bytes) and possessive.atomic(pattern) != pattern:
        sys.exit(f"possessive groups: {pattern!r}")
    return compiled(pattern, flags)
re.compile = strict
from pathlib import Path
import eximkit
paths = sorted(p for p in Path("samples/logs").iterdir() if p.name != "damaged")
report = eximkit.analyse_logs(paths, by=["host", "hour", "tls"])
print(report.messages.arrivals, report.messages.deliveries, report.unparsed)
records = list(eximkit.iter_records(paths))
print(len(records), sum(record.kind.value == "arrival" for record in records))
"""


def test_no_possessive_group_reaches_a_python_that_gets_it_wrong(
    checkout: Path,
) -> None:
    plain = CHECKED.replace("AFFECTED = True", "AFFECTED = possessive.AFFECTED")
    plain = plain.replace("re.compile = strict", "")
    first, second = (
        subprocess.run(
            [sys.executable, "-c", code], cwd=checkout, check=False, text=True,
            capture_output=True,
        )
        for code in (CHECKED, plain)
    )  # fmt: skip
    assert first.stderr == ""
    assert first.stdout == second.stdout != ""
