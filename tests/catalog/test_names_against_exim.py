"""The names of the expansion language and the lookup types against a real Exim.

Both ways: each name of the tables is asked for, and so is each word that stands in the
binary, where all names that it knows must stand.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from eximkit import catalog
from tests.oracle.asking import ask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from eximkit.catalog import Entry, Release

# What the tables have for 4.96 and Debian's build has not, by the reason.
LEFT_OUT = {
    "ARC is not built in": {
        "arc_domains", "arc_oldest_pass", "arc_state", "arc_state_reason",
    },
    "Brightmail is not built in": {
        "bmi_alt_location", "bmi_base64_tracker_verdict", "bmi_base64_verdict",
        "bmi_deliver",
    },
    "DCC is not built in": {"dcc_header", "dcc_result"},
    "DMARC is not built in": {
        "dmarc_domain_policy", "dmarc_status", "dmarc_status_text", "dmarc_used_domain",
        "dmarc_used_domains",
    },
    "for the command of a pipe transport only": {"pipe_addresses"},
}  # fmt: skip
LOOKUPS_LEFT_OUT = {
    "ibase", "json", "lmdb", "nisplus", "oracle", "redis", "testdb", "whoson",
}  # fmt: skip
# `reply_address` without a message brings Exim 4.96 down.
CRASHES = {"reply_address"}
HEADER = re.compile(r"[blr]?h(?:eader)?_.*")

TEMPLATES = {
    "variable": ("${{if def:{0}{{}}{{}}}}", "unknown variable"),
    "operator": ("${{if bool{{false}}{{${{{0}:1}}}}}}", "unknown expansion operator"),
    "condition": ("${{if bool{{false}}{{${{if {0} {{}}}}}}}}", "unknown condition"),
    "item": ("${{if bool{{false}}{{${{{0} {{}}}}}}}}", "is not a known operator"),
    "lookup": (
        "${{if bool{{false}}{{${{lookup{{x}}{0}{{y}}}}}}}}", "unknown lookup type",
    ),
}  # fmt: skip
KINDS: dict[
    str, tuple[Callable[[Release], tuple[str, ...]], Callable[[str], Entry | None]]
] = {
    "variable": (catalog.variable_names, catalog.variable),
    "operator": (catalog.operator_names, catalog.operator),
    "condition": (catalog.condition_names, catalog.condition),
    "item": (catalog.item_names, catalog.item),
    "lookup": (catalog.lookup_type_names, catalog.lookup_type),
}


def known(exim: Path, folder: Path, kind: str, names: Iterable[str]) -> set[str]:
    """Those of the names that Exim does not call unknown."""
    template, complaint = TEMPLATES[kind]
    asked = sorted(set(names) - CRASHES)
    answers = ask(exim, folder, [template.format(name) for name in asked])
    return {
        name
        for name, answer in zip(asked, answers, strict=True)
        if complaint not in answer.text
    }


def words_of(exim: Path) -> set[str]:
    """All that looks like a name and ends where a text of the binary ends.

    A name may be the end of a longer text, so each end of each word is one, too.
    """
    texts = exim.read_bytes().decode("latin-1")
    return {
        word[at:]
        for word in re.findall(r"[a-z][a-z0-9_]*(?=\0)", texts)
        if len(word) < 80
        for at in range(len(word))
        if word[at].isalpha()
    }


def taken_otherwise(kind: str, release: Release) -> set[str]:
    """What Exim takes for something else: it does not call such a name unknown."""
    if kind == "operator":
        return {
            name for name in catalog.item_names(release) if not catalog.operator(name)
        }
    return {"partial"} if kind == "lookup" else set()


@pytest.fixture(scope="module")
def words(judge: Path) -> set[str]:
    found = words_of(judge)
    assert {"sending_ip_address", "lc", "s", "forany_jsons", "lsearch"} <= found
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_table_has_exim_has(
    judge: Path, tmp_path: Path, release: Release, kind: str
) -> None:
    names = set(KINDS[kind][0](release))
    missing = names - known(judge, tmp_path, kind, names) - CRASHES
    if kind == "variable":
        assert missing == set().union(*LEFT_OUT.values())
    else:
        assert missing == (LOOKUPS_LEFT_OUT if kind == "lookup" else set())


@pytest.mark.parametrize("kind", KINDS)
def test_what_exim_has_the_table_has(
    judge: Path, tmp_path: Path, words: set[str], release: Release, kind: str
) -> None:
    find = KINDS[kind][1]
    asked = {word for word in words if not HEADER.fullmatch(word)}
    strange = {
        name
        for name in known(judge, tmp_path, kind, asked)
        if not ((info := find(name)) and info.in_release(release))
    }
    assert strange == taken_otherwise(kind, release)


@pytest.mark.parametrize("kind", KINDS)
def test_what_other_releases_have_it_does_not_know(
    judge: Path, tmp_path: Path, release: Release, kind: str
) -> None:
    names, find = KINDS[kind]
    others = {
        name
        for other in catalog.RELEASES
        for name in names(other)
        if (info := find(name)) and not info.in_release(release)
    }
    assert known(judge, tmp_path, kind, others) == set()


def test_lookup_types_are_of_the_style_that_exim_says(
    judge: Path, tmp_path: Path, release: Release
) -> None:
    names = sorted(set(catalog.lookup_type_names(release)) - LOOKUPS_LEFT_OUT)
    template, _ = TEMPLATES["lookup"]
    answers = ask(judge, tmp_path, [template.format(name) for name in names])
    for name, answer in zip(names, answers, strict=True):
        info = catalog.lookup_type(name)
        assert info is not None
        assert ("not a single-key lookup" not in answer.text) is info.single_key, name


def test_argument_counts_of_items(
    judge: Path, tmp_path: Path, release: Release
) -> None:
    # One argument too few is refused; the least is not refused for its number.
    few = ("not enough arguments", "Not enough arguments", "missing or misplaced")
    for name in catalog.item_names(release):
        info = catalog.item(name)
        assert info is not None
        if info.tail or name in {"acl", "perl", "dlfunc", "prvscheck"}:
            continue
        texts = [
            f"${{if bool{{false}}{{${{{name}{'{1}' * count}}}}}}}"
            for count in (info.minimum - 1, info.minimum)
        ]
        less, enough = ask(judge, tmp_path, texts)
        assert not less.ok, name
        assert not any(text in enough.text for text in few), (name, enough)
