"""A real eximstats counts what eximkit counts, where it knows the ids."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from eximkit.logs.analysis import analyse_logs
from tests.conftest import without
from tests.logs.generator import Log, Options
from tests.logs.scenes import busy, quiet

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 3, 1, 8)  # noqa: DTZ001 - as the log has it
TOTALS_ALONE = ["-h0", "-q0", "-t0", "-tnl", "-nr", "-nt0", "-ne", "-nvr"]


@pytest.fixture(scope="module")
def eximstats() -> str:
    found = shutil.which("eximstats", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        without("no eximstats: install Debian's exim4-base")
    return found


def totals(eximstats: str, path: Path) -> dict[str, list[str]]:
    """The columns of the grand total: volume, messages, addresses, …"""
    run = subprocess.run(
        [eximstats, *TOTALS_ALONE, path], capture_output=True, text=True, check=True,
        timeout=120,
    )  # fmt: skip
    lines = re.findall(r"^  (Received|Delivered) +(.*)$", run.stdout, re.MULTILINE)
    return {name: rest.split() for name, rest in lines}


def agree(eximstats: str, path: Path) -> None:
    counts = analyse_logs([path]).messages
    theirs = totals(eximstats, path)
    assert theirs["Received"][:2] == [str(counts.octets), str(counts.arrivals)]
    # It passes over cutthrough deliveries.
    cutthrough = path.read_bytes().count(b" >> ")
    assert int(theirs["Delivered"][2]) == counts.deliveries - cutthrough


@pytest.mark.parametrize("seed", range(5))
def test_logs_of_our_own(seed: int, eximstats: str, tmp_path: Path) -> None:
    log = Log(Options(ids="old", millisec=seed == 1, pid=seed == 2, seed=seed), START)
    busy(log, 4, 30)
    quiet(log, 9, "L.-")
    path = tmp_path / "mainlog"
    path.write_bytes(log.text)
    agree(eximstats, path)


@pytest.mark.parametrize("options", [[], ["--millisec"], ["--ports", "--sender"]])
def test_logs_of_the_reference(
    options: list[str], eximstats: str, corpus: Path, tmp_path: Path
) -> None:
    generator = corpus.parent / "tools" / "gen_mainlog.py"
    if not generator.is_file():
        without(f"no generator of logs at {generator}: it belongs beside the corpus")
    path = tmp_path / "mainlog"
    subprocess.run(
        ["python3", generator, "-o", path, "--mb", "2", "--ids", "old", *options],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    agree(eximstats, path)


def test_new_ids_are_nothing_to_eximstats(eximstats: str, tmp_path: Path) -> None:
    log = Log(Options(ids="new"), START)
    busy(log, 1, 10)
    path = tmp_path / "mainlog"
    path.write_bytes(log.text)
    theirs = totals(eximstats, path)
    ours = analyse_logs([path]).messages
    if theirs["Received"][1] == "0":
        assert ours.arrivals == log.truth()["messages"]["arrivals"]
    else:
        agree(eximstats, path)  # a newer one, which knows them
