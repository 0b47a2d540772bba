"""Recorded answers of Exim 4.96 are eximkit's answers; what is not is listed here.

A listed string that begins to agree fails the test, as a new difference does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.expansion.corpus_answers import agrees, answer, console, recorded, rows

if TYPE_CHECKING:
    from pathlib import Path

    from eximkit.config.console import Console
    from tests.expansion.corpus_answers import Answer

EXIM_HAD_ENDED = frozenset((
    "DN is: $ldap_dn", 'Expect  "manager" followed by "Hazel"', 'Expect "manager"',
    "P Hazel, Phil Hazel", 'Expect "no"', "Expect failure to contact server",
    'Expect "no" because of empty password', 'Expect "P\\,Hazel"',
    'Expect 2 x "Hazel"', 'Expect 3 x "Hazel"',
))  # fmt: skip
"""Lines after one for an LDAP server: they were not answered, and have "" on record."""

HERE = "host-dependent"
"""Tag of lines that are not compared, but that those after them may depend on."""

LONG = re.compile(r"headerwrap:\$\{headerwrap:.{1000}")
"""exim -be reads a line in pieces of a thousand octets: this one was two strings."""

# What is not answered as it was recorded, and why not.

SUITE_DIFFERS = {
    # Of the lines that it depends on, some are not in this half of the corpus.
    "result=$prvscheck_result": "set by another line",
    # Debian's 4.96 is built without it; the release has it.
    "${lookup {policy-aliases:google:mode} json {/tmp/eximtest/aux-fixed/policy.json}}":
        "another build",
}  # fmt: skip

PROBES_DIFFER = {
    # Recorded without the line end that the output ends with.
    "${readfile {/tmp/eximtest/probe.data}}": "recorded without its end",
    "${run {/bin/echo hi}{$value}{fail}}": "recorded without its end",
    # Daemons, sockets, code and commands: said to be unsupported, which is no guess.
    "${if saslauthd{{a}{b}}{y}{n}}": "unsupported",
    "${if ldapauth{x}{y}{n}}": "unsupported",
    "${perl{foo}}": "unsupported",
    "${readsocket{/nonexistent}{x}}": "unsupported",
    "${readsocket{/nonexistent}{x}{1s}{\\n}{failed}}": "unsupported",
    "${readsocket{inet:127.0.0.1:1}{x}{1s:shutdown=no}{}{failed}}": "unsupported",
    "${dlfunc{/x}{f}{a}}": "unsupported",
}

Compared = list[tuple[dict[str, Any], "Answer", "Answer"]]


def differing(compared: Compared, listed: dict[str, str]) -> list[str]:
    """Differences that are not listed, and listed ones that are none."""
    unlike = [each for each in compared if not agrees(each[1], each[2])]
    wrong = [
        f"{row.get('config', '')} {row['expr']!r}\n  Exim: {theirs}\n  here: {ours}"
        for row, theirs, ours in unlike
        if row["expr"] not in listed
    ]
    agreeing = listed.keys() - {row["expr"] for row, _, _ in unlike}
    return wrong + [f"agrees, but is listed: {text!r}" for text in sorted(agreeing)]


def evaluated(row: dict[str, Any]) -> bool:
    """Whether it is on record what Exim made of the string."""
    if row.get("tag"):
        return False
    lost = row["output"] == "" and row["expr"] in EXIM_HAD_ENDED
    return not lost and not LONG.match(row["expr"])


def test_the_strings_of_exims_own_tests(corpus: Path) -> None:
    folder = corpus / "exim-testsuite"
    compared: Compared = []
    dialogues: dict[tuple[str, ...], Console] = {}
    for row in rows(folder / "expansions.jsonl", HERE):
        config = folder / "confs" / row["config"]
        arguments = tuple(row["argv"])
        known = dialogues.setdefault(
            (row["script"], *arguments),
            console(config if config.exists() else None, folder, arguments),
        )
        ours = answer(row["expr"], known)
        if evaluated(row):
            compared.append((row, recorded(row), ours))
    wrong = differing(compared, SUITE_DIFFERS)
    assert not wrong, f"{len(wrong)} of {len(compared)}\n" + "\n".join(wrong)
    agreeing = sum(agrees(theirs, ours) for _, theirs, ours in compared)
    assert agreeing >= 0.99 * len(compared)
    assert len(compared) > 600


def test_the_probes(corpus: Path, reference: Path) -> None:
    folder = corpus / "exim-testsuite"
    config = reference / "expansion-probes.conf"
    compared: Compared = [
        (row, recorded(row), answer(row["expr"], console(config, folder)))
        for row in rows(reference / "expansion-probes.jsonl")
    ]
    wrong = differing(compared, PROBES_DIFFER)
    assert not wrong, f"{len(wrong)} of {len(compared)}\n" + "\n".join(wrong)
    assert len(compared) == 485


def test_strings_of_configurations(corpus: Path) -> None:
    """Exim answered these in a minimal configuration: only syntax is compared."""
    folder = corpus / "exim-testsuite"
    compared = [
        (row["expr"], row.get("kind"), answer(row["expr"], console(None, folder)))
        for row in rows(folder / "conf_expansions.jsonl")
    ]
    wrong = [
        f"{text!r}\n  Exim: {theirs}\n  here: {ours}"
        for text, theirs, ours in compared
        if (theirs == "syntax") != (ours.kind == "syntax")
    ]
    assert not wrong, f"{len(wrong)} of {len(compared)}\n" + "\n".join(wrong)
    assert compared
