"""eximkit expand against `exim -be`: recorded strings, and strings made at random.

Both answer under the same configuration. The same value, or the same message; of what
makes no sense eximkit may say so in words of its own.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.expansion.corpus_answers import Answer, agrees, answer, console, rows
from tests.expansion.corpus_world import TOP
from tests.expansion.test_corpus_agreement import SUITE_DIFFERS
from tests.oracle.asking import CONFIG, ask_all
from tests.oracle.random_calls import random_call

MANY = 1500
LONGEST = 900


OWN_ENDS = ("regular expression error", "unable to complete match")
"""Messages whose ends are worded by the release of PCRE2, or by what went before."""


def same(theirs: Answer, ours: Answer) -> bool:
    """Whether they agree. Exim may find another fault before it comes to what makes no
    sense.
    """
    if agrees(theirs, ours) or not (theirs.ok or ours.ok or ours.kind != "syntax"):
        return True
    starts = [text.partition('": ')[0] for text in (theirs.text, ours.text)]
    return starts[0] == starts[1] and starts[0].startswith(OWN_ENDS)


def complaint(text: str, theirs: Answer, ours: Answer) -> str:
    return f"{text!r}\n  Exim: {theirs}\n  here: {ours}"


@pytest.mark.parametrize("seed", range(4))
def test_random_calls(exim: Path, corpus: Path, tmp_path: Path, seed: int) -> None:
    """Calls of everything in the catalogue that asks nothing of the machine."""
    config = tmp_path / "same.conf"
    config.write_text(CONFIG)
    known = console(config, corpus / "exim-testsuite", at=time.time())
    at = random.Random(seed)
    ours = {
        text: answer(text, known) for text in (random_call(at) for _ in range(MANY))
    }
    asked = [t for t, o in ours.items() if not o.text.startswith("Exim stops")]
    wrong: list[str] = []
    unknown = failed = 0
    for text, said in ask_all(exim, tmp_path, asked):
        if said is None:
            continue
        theirs = Answer(said.ok, said.text)
        failed += not said.ok
        if ours[text].kind == "unsupported":
            unknown += 1
        elif not same(theirs, ours[text]):
            wrong.append(complaint(text, theirs, ours[text]))
    assert not wrong, f"{len(wrong)} of {len(asked)}\n" + "\n".join(wrong[:20])
    assert len(asked) > 0.95 * len(ours)
    assert unknown < MANY / 50
    assert MANY / 20 < failed < MANY * 3 / 4


def _copied(source: Path, target: Path, here: str) -> None:
    """A folder of lookup files, with the names in them changed as well."""
    target.mkdir(parents=True)
    for entry in source.iterdir():
        if entry.is_dir():
            _copied(entry, target / entry.name, here)
        elif entry.is_file():
            octets = entry.read_bytes()
            if entry.suffix != ".cdb":
                octets = octets.replace(TOP.encode(), here.encode())
            (target / entry.name).write_bytes(octets)


def test_recorded_strings(exim: Path, corpus: Path, tmp_path: Path) -> None:
    """What was recorded elsewhere, asked here: files, configurations and all."""
    folder = corpus / "exim-testsuite"
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for row in rows(folder / "expansions.jsonl"):
        text = row["expr"]
        if len(text) <= LONGEST and text not in SUITE_DIFFERS and "\n" not in text:
            groups.setdefault((row["config"], tuple(row["argv"])), []).append(text)
    here = str(tmp_path / "suite")
    for part in ("aux-fixed", "aux-var"):
        _copied(folder / part, Path(here) / part, here)
    wrong: list[str] = []
    for (name, arguments), texts in groups.items():
        config = folder / "confs" / name
        if not config.exists():
            continue
        known = console(config, folder, arguments, at=time.time())
        written = config.read_text("latin-1").replace(TOP, here)
        asked = [text.replace(TOP, here) for text in texts]
        said = ask_all(exim, tmp_path, asked, written, arguments)
        for text, (_, theirs) in zip(texts, said, strict=True):
            if theirs is None:
                continue
            ours = answer(text, known)
            plain = Answer(theirs.ok, theirs.text.replace(here, TOP))
            if not agrees(plain, ours):
                wrong.append(complaint(text, plain, ours))
    assert not wrong, f"{len(wrong)}\n" + "\n".join(wrong)
    assert sum(map(len, groups.values())) > 550
