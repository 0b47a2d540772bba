"""Recorded answers of Exim 4.96 are eximkit's answers; what is not is listed here.

A listed string that begins to agree fails the test, as a new difference does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.expansion.corpus_answers import agrees, answer, console, recorded, rows

if TYPE_CHECKING:
    from pathlib import Path

    from tests.expansion.corpus_answers import Answer

# Expression to the reason why eximkit does not answer as Exim did.
SUITE_DIFFERS: dict[str, str] = {}
PROBES_DIFFER: dict[str, str] = {}

Compared = list[tuple[dict[str, Any], "Answer", "Answer"]]


def differing(compared: Compared, listed: dict[str, str]) -> list[str]:
    """Differences that are not listed, and listed ones that are none."""
    wrong = [
        f"{row.get('config', '')} {row['expr']!r}\n  Exim: {theirs}\n  here: {ours}"
        for row, theirs, ours in compared
        if not agrees(theirs, ours) and row["expr"] not in listed
    ]
    agreeing = {
        row["expr"] for row, theirs, ours in compared if agrees(theirs, ours)
    } & listed.keys()
    return wrong + [f"agrees, but is listed: {text!r}" for text in sorted(agreeing)]


def test_the_strings_of_exims_own_tests(corpus: Path) -> None:
    folder = corpus / "exim-testsuite"
    compared: Compared = []
    for row in rows(folder / "expansions.jsonl"):
        config = folder / "confs" / row["config"]
        known = console(config if config.exists() else None, folder, tuple(row["argv"]))
        compared.append((row, recorded(row), answer(row["expr"], known)))
    wrong = differing(compared, SUITE_DIFFERS)
    assert not wrong, f"{len(wrong)} of {len(compared)}\n" + "\n".join(wrong)
    agreeing = sum(agrees(theirs, ours) for _, theirs, ours in compared)
    assert agreeing >= 0.99 * len(compared)
    assert len(compared) > 600


def test_the_probes(corpus: Path, reference: Path) -> None:
    folder = corpus / "exim-testsuite"
    known = console(reference / "expansion-probes.conf", folder)
    compared: Compared = [
        (row, recorded(row), answer(row["expr"], known))
        for row in rows(reference / "expansion-probes.jsonl")
    ]
    wrong = differing(compared, PROBES_DIFFER)
    assert not wrong, f"{len(wrong)} of {len(compared)}\n" + "\n".join(wrong)
    assert len(compared) == 485


def test_strings_of_configurations(corpus: Path) -> None:
    """Exim answered these in a minimal configuration: only syntax is compared."""
    folder = corpus / "exim-testsuite"
    known = console(None, folder)
    compared = [
        (row["expr"], row.get("kind"), answer(row["expr"], known))
        for row in rows(folder / "conf_expansions.jsonl")
    ]
    wrong = [
        f"{text!r}\n  Exim: {theirs}\n  here: {ours}"
        for text, theirs, ours in compared
        if (theirs == "syntax") != (ours.kind == "syntax")
    ]
    assert not wrong, f"{len(wrong)} of {len(compared)}\n" + "\n".join(wrong)
    assert compared
