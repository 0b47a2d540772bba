from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from eximkit import catalog
from eximkit.catalog import release as named
from eximkit.catalog.tables import load
from tests.catalog.asking_acls import SESSIONS, refused

if TYPE_CHECKING:
    from pathlib import Path

    from eximkit.catalog import Release

WORDS = [
    name
    for name in catalog.acl_condition_names(catalog.release("4.96"))
    if (word := catalog.acl_condition(name)) and not word.optional
]


def test_acls_are_the_options_that_name_one() -> None:
    assert set(catalog.acls(named("4.96"))) == set(SESSIONS)
    new = set(catalog.acls(catalog.NEWEST)) - set(SESSIONS)
    assert new == {"acl_smtp_atrn", "acl_smtp_wellknown"}


def restricted(word: str) -> bool:
    return any(word in table for table in load("places").values())


@pytest.mark.parametrize("word", [word for word in WORDS if restricted(word)])
def test_exim_refuses_a_word_where_the_table_does(
    judge_as_root: Path, release: Release, word: str
) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda acl: refused(judge_as_root, [word], acl), SESSIONS)
    for acl, no in zip(SESSIONS, answers, strict=True):
        assert no is not catalog.allowed_in(word, acl, release), acl


def test_exim_refuses_no_word_of_which_the_table_says_nothing(
    judge_as_root: Path,
) -> None:
    words = [word for word in WORDS if not restricted(word)]
    assert {"condition", "verify", "set", "seen"} <= set(words)
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda acl: refused(judge_as_root, words, acl), SESSIONS)
    assert [acl for acl, no in zip(SESSIONS, answers, strict=True) if no] == []


@pytest.mark.parametrize(
    ("word", "acl", "before", "since"),
    [
        ("dkim_status", "acl_smtp_data", "4.97.1", "4.98"),
        ("encrypted", "acl_smtp_helo", "4.96.2", "4.97"),
        ("remove_header", "acl_smtp_dkim", "4.98.2", "4.99"),
        ("atrn_domains", "acl_smtp_atrn", "4.98.2", "4.99"),
        ("seen", "acl_smtp_rcpt", "4.95", "4.96"),
    ],
)
def test_what_was_allowed_later(word: str, acl: str, before: str, since: str) -> None:
    assert not catalog.allowed_in(word, acl, named(before))
    assert catalog.allowed_in(word, acl, named(since))


def test_what_was_forbidden_later() -> None:
    assert catalog.allowed_in("encrypted", "acl_smtp_connect", named("4.96"))
    assert not catalog.allowed_in("encrypted", "acl_smtp_connect", named("4.97"))


@pytest.mark.parametrize(
    ("word", "acl"),
    [
        ("nonesuch", "acl_smtp_rcpt"),
        ("hosts", "acl_smtp_nonesuch"),
        ("hosts", "rcpt"),
        ("hosts", ""),
        ("", ""),
    ],
)
def test_what_does_not_exist_is_allowed_nowhere(word: str, acl: str) -> None:
    assert not catalog.allowed_in(word, acl, catalog.NEWEST)


def test_the_table_names_words_and_acls_that_there_are() -> None:
    tables = load("places")
    assert not tables["nowhere_but"].keys() & tables["but_not_in"].keys()
    places = {
        acl.removeprefix("acl_").removeprefix("smtp_")
        for acl in catalog.acls(catalog.NEWEST)
    }
    for table in tables.values():
        for word, line in table.items():
            assert catalog.acl_condition(word), word
            named_there = {
                place.partition(">=")[0].partition("<")[0] for place in line.split()
            }
            assert named_there <= places - {"not_smtp_mime"}, word
