"""Every number of the JSON is the truth, for logs of every form."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest
from click.testing import CliRunner

from eximkit.cli import main
from eximkit.logs import parallel
from tests.conftest import without
from tests.logs.scenes import samples
from tests.logs.truth import expected, found

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHOICES: dict[str, tuple[str | None, ...]] = {
    "--ids": ("new", "old", "mixed"),
    "--pipelining": ("pipeconnect", "classic", "off"),
    "--syslog": (None, "stamp", "nostamp"),
    "--millisec": (None, ""),
    "--pid": (None, ""),
    "--timezone": (None, "+0100"),
    "--ports": (None, ""),
    "--tls": ("0.75", "0", "1"),
    "--tls-resumption": (None, ""),
    "--dn": ("0.05", "1"),
    "--subject": ("0.6", "0", "1"),
    "--garbage": ("0", "0.01"),
    "--orphans": ("0", "0.2"),
    "--split": ("1", "3"),
    "--m8s": ("0", "0.5"),
    "--sender": (None, ""),
    "--no-times": (None, ""),
    "--no-recipients": (None, ""),
}
"""Of each option of the generator, what it may be; None leaves it out."""


def covering(strength: int) -> Iterator[tuple[str | None, ...]]:
    """Choices of all options, so that any `strength` of them occur in all combinations.

    Greedy: each row is made around a combination that is still missing.
    """
    columns = list(CHOICES.values())
    missing = dict.fromkeys(
        (where, values)
        for where in itertools.combinations(range(len(columns)), strength)
        for values in itertools.product(*(columns[n] for n in where))
    )
    while missing:
        where, values = next(iter(missing))
        row = dict(zip(where, values, strict=True))
        for column in range(len(columns)):
            if column not in row:
                row[column] = max(
                    columns[column],
                    key=lambda value, column=column: _gain(  # type: ignore[misc]
                        {**row, column: value}, column, missing, strength
                    ),
                )
        whole = tuple(row[n] for n in range(len(columns)))
        for chosen in itertools.combinations(range(len(columns)), strength):
            missing.pop((chosen, tuple(whole[n] for n in chosen)), None)
        yield whole


def _gain(
    row: dict[int, str | None], column: int, missing: dict[Any, Any], strength: int
) -> int:
    others = sorted(n for n in row if n != column)
    return sum(
        (where, tuple(row[n] for n in where)) in missing
        for rest in itertools.combinations(others, strength - 1)
        for where in (tuple(sorted((*rest, column))),)
    )


PAIRS = list(covering(2))


@pytest.fixture(scope="module")
def generator(corpus: Path) -> Path:
    """The reference's generator of logs."""
    place = corpus.parent / "tools" / "gen_mainlog.py"
    if not place.is_file():
        without(f"no generator of logs at {place}: it belongs beside the corpus")
    return place


def generated(
    generator: Path, folder: Path, row: tuple[str | None, ...], megabytes: float
) -> tuple[list[str], dict[str, Any]]:
    """The paths of a log, and its truth."""
    options = dict(zip(CHOICES, row, strict=True))
    words = [
        word
        for name, value in options.items()
        if value is not None
        for word in ((name, value) if value else (name,))
    ]
    path = folder / "mainlog"
    seed = str(crc32(repr(row).encode()) % 1000)
    subprocess.run(
        [
            sys.executable, generator, "-o", path, "--mb", str(megabytes),
            "--hosts", "300", "--shapes", "700", "--days", "12", "--seed", seed, *words,
        ],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    parts = int(options["--split"] or 1)
    paths = [f"{path}.{n}" for n in range(parts)] if parts > 1 else [str(path)]
    return paths, json.loads((folder / "mainlog.truth.json").read_text())


def document(*arguments: str) -> dict[str, Any]:
    run = CliRunner().invoke(main, ["logs", "--format", "json", *arguments])
    assert run.exit_code == 0, run.output
    data: dict[str, Any] = json.loads(run.stdout)
    return data


@pytest.mark.parametrize("row", PAIRS, ids=map(str, range(len(PAIRS))))
def test_generated_logs(
    row: tuple[str | None, ...],
    generator: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paths, truth = generated(generator, tmp_path, row, 1.0)
    wanted = expected(truth)
    alone = document("--year", "2026", "--jobs", "1", *paths)
    assert found(alone) == wanted
    assert alone["log"]["files"] == len(paths)
    # Small as they are, logs are counted by two processes, in several parts.
    monkeypatch.setattr(parallel, "WORTH_IT", 0)
    monkeypatch.setattr(parallel, "_LEAST_RANGE", 1 << 17)
    together = document("--year", "2026", "--jobs", "2", *paths)
    assert together == alone


def test_the_pairs_are_all_there() -> None:
    columns = list(CHOICES.values())
    for a, b in itertools.combinations(range(len(columns)), 2):
        seen = {(row[a], row[b]) for row in PAIRS}
        assert seen == set(itertools.product(columns[a], columns[b]))


@pytest.mark.parametrize("way", ["day", "hour", "host", "tls", "proto"])
def test_groups_add_up(way: str, generator: Path, tmp_path: Path) -> None:
    paths, truth = generated(generator, tmp_path, PAIRS[0], 1.0)
    data = document("--by", way, *paths)
    assert found(data) == expected(truth), "however it is grouped"
    groups = data["groups"][way]
    messages, forms = data["messages"], data["pipelining"]
    for form, count in forms["in"].items():
        assert sum(group["in"].get(form, 0) for group in groups) == count
    arrivals = sum(group["arrivals"] for group in groups)
    octets = sum(group["bytes_received"] for group in groups)
    if way in {"host", "tls"}:
        assert arrivals == messages["arrivals_smtp"]
    else:
        assert arrivals == messages["arrivals"]
        assert octets == messages["bytes_received"]
    if way != "proto":
        for form, count in forms["out"].items():
            assert sum(group["out"].get(form, 0) for group in groups) == count


@pytest.mark.parametrize("name", list(samples()))
def test_logs_of_our_own(name: str, tmp_path: Path) -> None:
    log = samples()[name]
    path = tmp_path / name
    path.write_bytes(log.text)
    assert found(document("--year", "2026", str(path))) == log.truth()


@pytest.mark.parametrize("name", list(samples()))
def test_the_samples_are_what_is_generated(name: str, checkout: Path) -> None:
    stored = (checkout / "samples" / "logs" / name).read_bytes()
    assert stored == samples()[name].text, "python -m tests.logs.scenes samples/logs"
