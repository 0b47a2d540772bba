"""The text report of eximstats, read; and its names for what has others here."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from eximkit.logs.traffic import League, Relay

Row = tuple[int, ...]
"""Of a league: messages, addresses where they are counted, octets; -1 for a number that
is rounded."""

_TABLE = re.compile(r"Top \d+ (.*) by (message count|volume)")
_UNITS = ("", "KB", "MB", "GB")


@dataclass
class Report:
    """totals: by line and column. leagues: the rows by count, of all who are shown.

    by_volume: the keys of the same leagues in the other order. times: by title and
    upper boundary ("" for what is over the last). errors: texts without white space.
    """

    totals: dict[str, dict[str, str]] = field(default_factory=dict)
    transports: dict[str, Row] = field(default_factory=dict)
    histograms: dict[str, list[int]] = field(default_factory=dict)
    times: dict[str, dict[str, int]] = field(default_factory=dict)
    leagues: dict[str, dict[str, Row]] = field(default_factory=dict)
    by_volume: dict[str, dict[str, Row]] = field(default_factory=dict)
    relayed: Counter[tuple[str, ...]] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    patterns: dict[str, int] = field(default_factory=dict)


def report(eximstats: str, path: Path, *options: str) -> Report:
    """What eximstats says of a log."""
    run = subprocess.run(
        [eximstats, *options, path], capture_output=True, check=True, timeout=300
    )
    return parsed(run.stdout.decode("utf-8", "backslashreplace"))


def parsed(text: str) -> Report:
    found = Report()
    for title, lines in _sections(text):
        if title == "Grand total summary":
            _totals(lines, found)
        elif title == "Deliveries by transport":
            for line in lines[1:]:
                name, octets, messages = line.split()
                if octets.isdigit():
                    found.transports[name] = int(messages), int(octets)
        elif title == "User Specified Patterns":
            for line in lines[1:]:
                name, _, count = line.strip().rpartition(" ")
                found.patterns[name.strip()] = int(count)
        elif title.startswith(("Messages received per", "Deliveries per")):
            found.histograms[title.split()[0]] = [int(ln.split()[1]) for ln in lines]
        elif ": all messages" in title or "one remote delivery" in title:
            found.times[title] = _times(lines)
        elif title == "Relayed messages":
            _relayed(lines, found)
        elif title == "List of errors":
            _errors(lines, found)
        elif table := _TABLE.match(title):
            side = found.leagues if table[2] == "message count" else found.by_volume
            side[table[1]] = _league(lines)
    return found


def _sections(text: str) -> Iterable[tuple[str, list[str]]]:
    lines = text.split("\n")
    starts = [
        at - 1 for at, line in enumerate(lines) if at and line and set(line) == {"-"}
    ]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield (
            lines[start].partition(" (each")[0],
            [x for x in lines[start + 2 : end] if x],
        )


_ROWS = re.compile(r"  (Received|Delivered|Rejects|Temp Rejects)(?= )")
_SHARE = re.compile(r"(\d+) +([\d.]+)%")


def _totals(lines: list[str], found: Report) -> None:
    heads = [m for m in re.finditer(r"\w+", lines[1]) if m[0] not in _BY_SHARE]
    for line in lines[2:]:
        name = _ROWS.match(line)
        assert name is not None, line
        row, before = {}, name.end()
        for head in heads[1:]:
            row[head[0]] = line[before : head.end()].strip()
            before = max(before, head.end())
        for column, share in zip(_BY_SHARE, _SHARE.findall(line), strict=False):
            row[column] = " ".join(share)
        found.totals[name[1]] = row


_BY_SHARE = ("Delayed", "Failed")


def _times(lines: list[str]) -> dict[str, int]:
    times = {}
    for line in lines:
        words = line.replace("Under", "").split()
        name = "" if words[0] == "Over" else words[0]
        times[name] = int(words[2 if words[0] == "Over" else 1])
    return times


def _relayed(lines: list[str], found: Report) -> None:
    first = ""
    for line in lines:
        if line.lstrip().startswith("=>"):
            count, host, sender = first.split(None, 2)
            to_host, recipient = line.split(None, 2)[1:]
            found.relayed[host, sender.strip(), to_host, recipient.strip()] += int(
                count
            )
        first = line


def _errors(lines: list[str], found: Report) -> None:
    for line in lines:
        if re.match(r" *\d+ \S", line) and not line.startswith("\t"):
            count, text = line.split(None, 1)
            key, times = squeezed(text), int(count)
            found.errors[key] += times
        elif line.startswith("\t"):
            found.errors[key] -= times
            key += squeezed(line)
            found.errors[key] += times
    found.errors = +found.errors


def _league(lines: list[str]) -> dict[str, Row]:
    numbers = len(re.findall(r"Messages|Addresses|Bytes|Average", lines[0]))
    rows: dict[str, Row] = {}
    for line in lines[1:]:
        words = re.match(rf"((?: +\S+){{{numbers}}})(?:   (.*))?$", line)
        assert words is not None, line
        each = [int(word) if word.isdigit() else -1 for word in words[1].split()]
        rows[(words[2] or "").rstrip()] = tuple(each[:-1] if numbers > 1 else each)
    return rows


def squeezed(text: str) -> str:
    return "".join(text.split())


def volume(octets: int) -> str:
    """Octets as it prints them, rounded."""
    value, unit = float(octets), 0
    while value >= 10000:
        value, unit = value / 1024, unit + 1
    return f"{int(value + 0.5)}{_UNITS[unit]}"


# What it calls things. All are functions of what eximkit calls them.


def host(label: str) -> str:
    """It cuts a name at the first blank, as a HELO may have one."""
    return label.partition(" ")[0]


def host_domain(label: str) -> str:
    """It keeps the bracket of a HELO but not its first label, and calls local what has
    a dot or none.
    """
    name = host(label)
    if name.startswith("["):
        return name
    if name.count(".") < 2:
        return "localdomain"
    first, _, rest = name.partition(".")
    return f"(.{rest}" if first.startswith("(") else rest


def address(label: str) -> str:
    """It cuts an address at the first blank, as a quoted local part may have one."""
    return label.partition(" ")[0].lower()


def address_domain(label: str) -> str:
    cut = address(label)
    return cut if cut == "<>" else cut.partition("@")[2]


def rejection(label: str, kind: str) -> str:
    """It knows some by their words."""
    if label.startswith("synchronization error"):
        return "SMTP protocol synchronization error"
    if " is listed at " in label:
        return f"Listed at {label.split()[5]}"
    return f"{kind} {label}"


def their_rejection(label: str) -> str:
    """It has two names for a syntax error in EHLO, after how the line is written."""
    return label.replace("HELO/EHLO: ", "EHLO: ").removesuffix("(s)")


def portless(label: str) -> str:
    """A host without a name is another one with each port, to it."""
    return re.sub(r"(?<=\]):\d+", "", label).lower()


def relay(row: Relay) -> tuple[str, ...]:
    """It writes a host and its address without a blank, and no name twice."""
    from_name, _, from_ip = row.from_host.rpartition(" ")
    to_name, _, to_ip = row.to_host.rpartition(" ")
    return (
        f"{host(from_name) or from_ip}{from_ip}", address(row.sender),
        f"{to_name}{to_ip}", address(row.recipient),
    )  # fmt: skip


def merged(
    rows: Iterable[tuple[str, Row]], key: Callable[[str], str]
) -> dict[str, Row]:
    """Rows by other keys."""
    found: dict[str, Row] = {}
    for label, numbers in rows:
        name = key(label)
        before = found.get(name, (0,) * len(numbers))
        found[name] = tuple(a + b for a, b in zip(before, numbers, strict=True))
    # It leaves out those of further addresses of a transaction alone.
    return {label: numbers for label, numbers in found.items() if numbers[0]}


def ours(league: League, *, addresses: bool) -> list[tuple[str, Row]]:
    """All rows of a league that leaves out none."""
    assert len(league.by_messages) == league.seen
    assert not league.left_out
    return [
        (row.key, (row.messages, row.addresses, row.octets) if addresses
         else (row.messages, row.octets))
        for row in league.by_messages
    ]  # fmt: skip
