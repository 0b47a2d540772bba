"""Any text makes a configuration: nothing raises, and statements stay in their line."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.config.sections import FRAGMENTS
from eximkit.config.statements import Part, parse
from eximkit.source import BLANK, SourceFile, Text
from tests.config.building import CASES, cases, read

if TYPE_CHECKING:
    from collections.abc import Iterator

STARTS = ("main_line", "acl_line", "driver_line", "retry_line", "rewrite_line")
WORDS = (
    "begin", "acl", "routers", "transports", "retry", "rewrite", "hide", "no_",
    "domainlist", "accept", "deny", "set", "acl_m0", "endpass", "driver", "smtp",
    "hosts", "headers_rewrite", "log_selector", "senders", "F,1h,1m", "=", ":", "!",
    '"', "\\", "#", "$", "${if", "{", "}", " ", "\t", "\n", "x", "Xy", "0", "\x85",
    "\xa0", "\xff", "spool_directory", "trusted_users", "uucp_from_pattern", "(",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(WORDS), max_size=40).map("".join)


def parts(value: object) -> Iterator[Part]:
    if isinstance(value, Part):
        yield value
    elif is_dataclass(value) and not isinstance(value, type | Text):
        for field in fields(value):
            yield from parts(getattr(value, field.name))


@given(text=TEXTS, start=st.sampled_from(STARTS))
def test_every_line_is_a_statement(text: str, start: str) -> None:
    line = text.replace("\n", " ").strip(BLANK)
    if not line:
        return
    statement = parse(Text.of(SourceFile("f", line)), start)
    for part in parts(statement):
        assert 0 <= part.start <= part.end <= len(line)
        assert part.text == line[part.start : part.end]


@given(text=TEXTS, fragment=st.sampled_from([None, *FRAGMENTS]))
def test_every_text_is_a_configuration(text: str, fragment: str | None) -> None:
    config = read(text, fragment=fragment)
    for problem in config.problems:
        assert problem.message
        assert 0 <= problem.place.start <= problem.place.end
        assert problem.place.end <= len(problem.place.file.data)


@pytest.mark.skipif(not CASES.exists(), reason="the table of cases is missing")
@given(st.data())
def test_a_cut_configuration_is_one(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([case.text for case in cases()]))
    end = data.draw(st.integers(0, len(text)))
    read(text[:end] + data.draw(st.sampled_from(["", "\\", '"', "=", "\n"])))
