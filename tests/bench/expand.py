"""How long expanding takes: `python tests/bench/expand.py`. Measures; asserts nothing.

10,000 strings, those of Exim's own tests (EXIMKIT_CORPUS) or, without them, a mix like
theirs, are parsed and evaluated in one process, and answered over `--jsonl`; there the
memory is measured for few requests and for many. The targets are those of the README.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lint import CHECKOUT, EXIMKIT, surroundings
from tabulate import tabulate

sys.path.insert(0, str(CHECKOUT))

from eximkit.catalog import release
from eximkit.config.environment import environment_of
from eximkit.expansion.expand import expand
from eximkit.expansion.values import Known
from eximkit.machine.clock import offset_of
from eximkit.machine.world import Machine

if TYPE_CHECKING:
    from collections.abc import Iterator

STRINGS = 10_000
TARGET = 3.0
MIX = (
    "${if eq{$domain}{example.org}{yes}{no}}",
    "${lookup{$domain}lsearch{/etc/exim4/table}{$value}{no}}",
    "${if and{{def:host}{match_ip{$sender_host_address}{<; 192.0.2.1}}}{a}{b}}",
    "${if forany{a:b:c}{match{$item}{\\N^user[0-9]+@\\N}}}",
    "${extract{2}{:}{${lc:a:B:c}}{$value}{none}}",
    "${map{<; a;b;c}{${uc:$item}}}",
    "${sg{abc.def}{\\N[^a-z]+\\N}{-}}",
    "${reduce{<, 1,2,3}{0}{${eval:$value+$item}}}",
    "${sha256:abc}${base64:${substr_1_2:abcdef}}",
    "plain text, which most strings are",
)


def corpus() -> list[str]:
    """The strings of Exim's tests that its own answers are recorded for."""
    place = os.environ.get("EXIMKIT_CORPUS") or CHECKOUT.parent / "shared/corpus"
    path = Path(place, "exim-testsuite", "expansions.jsonl")
    if not path.exists():
        return list(MIX)
    rows = map(json.loads, path.read_text("utf-8").splitlines())
    return [row["expr"] for row in rows if not row.get("tag")]


def strings() -> Iterator[str]:
    known = corpus()
    for number in range(STRINGS):
        yield known[number % len(known)]


def in_process(texts: list[str]) -> tuple[float, int]:
    """Median seconds for all of them, and how many have a value."""
    environment = environment_of(
        None, release("4.96"), world=Machine(), variables={}, headers={},
        offset=offset_of,
    )  # fmt: skip
    times = []
    for _ in range(3):
        start = time.perf_counter()
        values = sum(isinstance(expand(text, environment), Known) for text in texts)
        times.append(time.perf_counter() - start)
    return statistics.median(times), values


def as_requests(texts: list[str], folder: str, times: int) -> tuple[float, float]:
    """Seconds of `--jsonl` for the strings `times` over, and its peak memory in MB."""
    path = Path(folder, "requests")
    lines = [
        json.dumps({"expr": text, "set": {"domain": "a.example"}}) for text in texts
    ]
    with path.open("w") as stream:
        for _ in range(times):
            stream.write("\n".join(lines) + "\n")
    start = time.perf_counter()
    with path.open("rb") as requests, Path(folder, "answers").open("wb") as answers:
        child = os.posix_spawn(
            sys.executable,
            [*EXIMKIT, "expand", "--jsonl", "--exim-version", "4.96"],
            surroundings(folder),
            file_actions=[
                (os.POSIX_SPAWN_DUP2, requests.fileno(), 0),
                (os.POSIX_SPAWN_DUP2, answers.fileno(), 1),
            ],
        )
        _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - start
    answered = Path(folder, "answers").read_bytes().count(b"\n")
    if (
        os.waitstatus_to_exitcode(status) not in {0, 1}
        or answered != len(texts) * times
    ):
        sys.exit(f"--jsonl: status {status}, {answered} answers")
    return seconds, usage.ru_maxrss / 1024


def main() -> None:
    texts = list(strings())
    seconds, values = in_process(texts)
    with tempfile.TemporaryDirectory() as folder:
        as_requests(texts[:100], folder, 1)  # compiles
        few, small = as_requests(texts, folder, 1)
        many, large = as_requests(texts, folder, 10)
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs")
    rows = [
        (f"{STRINGS:,} strings, one process", f"{seconds:.2f} s", f"{TARGET:.0f} s"),
        (f"{STRINGS:,} requests of --jsonl", f"{few:.2f} s, {small:.0f} MB", ""),
        (f"{10 * STRINGS:,} requests", f"{many:.2f} s, {large:.0f} MB", "same memory"),
    ]
    print(tabulate(rows, ["measured", "median", "target"]))
    print(f"{values:,} of the strings have a value")


if __name__ == "__main__":
    main()
