"""Does Exim itself load what the builder accepts, and refuse what it refuses?"""

from __future__ import annotations

import random
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tests.config.building import cases, read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# What the machine or the build decides: users, groups, libraries, optional drivers.
NOT_OURS = re.compile(
    r"was not found|initgroups|look up uid|cannot find \w+ driver|SIGSEGV|Cyrus|"
    r"openssl_options|failed to open included"
)
JUNK = (
    '"', "=", "\\", "!", "#", ":", ";", ",", ".", "{", "}", "$", "<", "+", "-", "*",
    "/", "_", "0", "9", "a", "A", " ", "\t",
)  # fmt: skip
VALUES = (
    "", '"a', '"a" b', "yes", "5", "5s", "$x", "${if", "a b", "-1", "10K", "*", ":",
    "<; a", "no", "x # y", "3G", "08",
)  # fmt: skip
PREFIXES = ("no_", "not_", "hide ", "!", "begin ", "accept ", "deny ", "set ", '"', ".")


def verdicts(exim: Path, folder: Path, texts: Sequence[str]) -> list[str | None]:
    """Why Exim refuses each configuration; None where it loads it."""

    def ask(number: int, text: str) -> str | None:
        path = folder / f"{number}.conf"
        path.write_bytes(text.encode("latin-1"))
        done = subprocess.run(
            [exim, "-C", path, "-bV"], capture_output=True, check=False, timeout=60
        )
        if done.returncode == 0:
            return None
        return done.stderr.decode("latin-1") or f"exit code {done.returncode}"

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(ask, range(len(texts)), texts))


def changed(text: str, pool: Sequence[str], chance: random.Random) -> str:
    """A configuration with one line changed as a slip of the hand would."""
    lines = text.split("\n")
    at = chance.randrange(1, max(2, len(lines) - 1))
    line = lines[at] if at < len(lines) else ""
    spot = chance.randrange(len(line) + 1)
    name, equals, _ = line.partition("=")
    words = list(re.finditer(r"\w+", line, re.ASCII))
    word = chance.choice(words) if words else None
    other = chance.choice(pool)
    lines[at : at + 1] = chance.choice(
        [
            [],
            [line, line],
            [line[:spot] + line[spot + 1 :]],
            [line[:spot] + chance.choice(JUNK) + line[spot:]],
            [other],
            [line, other],
            [f"{name}= {chance.choice(VALUES)}" if equals else line + " ="],
            [line.replace("=", "", 1)],
            [chance.choice(PREFIXES) + line.strip()],
            [line[: word.start()] + other.split(" ")[0] + line[word.end() :]]
            if word else [other],
        ]
    )  # fmt: skip
    return "\n".join(lines)


def disagreements(
    exim: Path, folder: Path, texts: Sequence[str]
) -> list[tuple[str, str, list[str]]]:
    """Configurations, Exim's message and our findings, where the verdicts differ."""
    wrong = []
    for text, message in zip(texts, verdicts(exim, folder, texts), strict=True):
        if message is not None and NOT_OURS.search(message):
            continue
        config = read(text)
        if config.refused != (message is not None):
            wrong.append((text, message or "", [p.message for p in config.problems]))
    return wrong


def test_the_table_of_cases(exim: Path, tmp_path: Path) -> None:
    """A third of it, chosen at random: all of it takes half a minute."""
    chance = random.Random(4)
    texts = [case.text for case in cases() if chance.random() < 1 / 3]
    assert disagreements(exim, tmp_path, texts) == []


def test_configurations_with_slips(exim: Path, tmp_path: Path) -> None:
    chance = random.Random(496)
    whole = [case.text for case in cases()]
    pool = sorted({line for text in whole for line in text.split("\n")[1:] if line})
    texts = [changed(chance.choice(whole), pool, chance) for _ in range(400)]
    assert disagreements(exim, tmp_path, texts) == []
