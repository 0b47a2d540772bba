"""Every number of eximstats' report equals ours, on logs of ids that it knows.

It counts some things otherwise, by what it takes them for. These differ, and why:

* It passes over cutthrough deliveries (`>>`); here they are deliveries. Both are given
  the log without these lines.
* A HELO name or a quoted local part ends, to it, at the first blank. What is then one
  to it is added up here.
* The domain of a host with two labels or less is `localdomain` to it, and that of a
  HELO has a bracket; names that differ in case alone are two.
* Rejections have other words, and three kinds have one; an address of the client within
  a HELO is the client's own to it.
* The recipient of a pipe or a file with blanks in it is its first word.
* `(=` (accepted, with a fake reject) is a rejection to it, an arrival here; a delivery
  whose arrival comes later in the log has no octets to it.
* Its receipt times are the time until `Completed` less QT=; here they are RT=.
* A time with a fraction of a second is no time to it, but 0 s.
* A message whose arrival is not in the log has, to it, been on the queue since the time
  that its id tells; here nothing is said of how long. Both are given the log without
  the `Completed` of these.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from eximkit.logs.analysis import analyse_logs
from eximkit.logs.traffic import League, Traffic, TrafficTerms
from tests.conftest import without
from tests.oracle import eximstats_text as theirs
from tests.oracle.test_eximstats import eximstats

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from eximkit.logs.traffic import League

__all__ = ["eximstats"]
ALL = 10**6
EVERY = (
    "-t20000", "-nvr", "-byhost", "-bydomain", "-byemail", "-byedomain",
    "-show_dt1,2,4,8,60",
)  # fmt: skip
_BOUNDARIES = {
    "1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "3h": 10800,
    "6h": 21600, "12h": 43200, "1d": 86400, "1s": 1, "2s": 2, "4s": 4, "8s": 8, "": 0,
}  # fmt: skip
TERMS = TrafficTerms(delivery_times=(1, 2, 4, 8, 60))
VARIANTS = {
    "plain": ("--mb", "2"),
    "many-delays": ("--seed", "3", "--deferrals", "0.5", "--bounces", "0.3"),
    "millisec": ("--millisec", "--seed", "5"),
    "no-times": ("--no-times", "--sender", "--dn", "0.5"),
    "orphans": ("--orphans", "0.05", "--seed", "11"),
    "ports": ("--ports", "--pid", "--timezone", "+0100", "--seed", "13"),
    "syslog": ("--syslog", "stamp", "--seed", "17"),
    "years": ("--years", "2025-2026", "--days", "200"),
}


_LINE = re.compile(rb"\S+ \S+ .*?(\w{6}-\w{6}-\w\w) (Completed|<= |\(= |.)")


@pytest.fixture(scope="module", params=VARIANTS)
def log(
    request: pytest.FixtureRequest,
    corpus: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A generated log without what differs by definition."""
    return generated(request.param, corpus, tmp_path_factory.mktemp("log"))


@pytest.fixture(scope="module")
def plain(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of them, for what does not depend on how lines look."""
    return generated("plain", corpus, tmp_path_factory.mktemp("log"))


def generated(variant: str, corpus: Path, folder: Path) -> Path:
    tool = corpus.parent / "tools" / "gen_mainlog.py"
    if not tool.is_file():
        without(f"no generator of logs at {tool}: it belongs beside the corpus")
    path = folder / "mainlog"
    subprocess.run(
        [sys.executable, tool, "-o", path, "--mb", "1", "--ids", "old",
         "--garbage", "0", *VARIANTS[variant]],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(understood_alike(lines)))
    return path


def understood_alike(lines: list[bytes]) -> list[bytes]:
    """Without cutthrough deliveries and the end of what has no beginning."""
    found = [_LINE.match(line) for line in lines]
    arrived = {m[1] for m in found if m is not None and m[2] in {b"<= ", b"(= "}}
    return [
        line
        for line, m in zip(lines, found, strict=True)
        if b" >> " not in line
        and (m is None or m[2] != b"Completed" or m[1] in arrived)
    ]


@pytest.fixture(scope="module")
def both(log: Path, eximstats: str) -> tuple[theirs.Report, Traffic]:
    found = analyse_logs([log], top=ALL, traffic=TERMS).traffic
    assert found is not None
    return theirs.report(eximstats, log, *EVERY), found


def test_grand_totals(both: tuple[theirs.Report, Traffic]) -> None:
    report, traffic = both
    received, delivered = traffic.received, traffic.delivered
    assert report.totals["Received"] == {
        "Volume": str(received.octets),
        "Messages": str(received.messages),
        "Addresses": "",
        **seen(report, "sending {}s"),
        "Delayed": share(received.delayed, received.messages),
        "Failed": share(received.failed, received.messages),
    }
    assert report.totals["Delivered"] == {
        "Volume": str(delivered.octets),
        "Messages": str(delivered.messages),
        "Addresses": str(delivered.addresses),
        **seen(report, "{} destinations"),
    }
    for name, found in (
        ("Rejects", traffic.rejections), ("Temp Rejects", traffic.temporary_rejections)
    ):  # fmt: skip
        assert report.totals[name]["Messages"] == str(found.reasons.total)


def seen(report: theirs.Report, title: str) -> dict[str, str]:
    """How many it saw, as it counts them; the leagues are compared with ours."""
    return {
        f"{name.capitalize()}s": str(len(report.leagues[title.format(name)]))
        for name in ("host", "domain", "email", "edomain")
    }


def share(count: int, of: int) -> str:
    return f"{count} {count * 100 / of:.1f}"


def test_transports(both: tuple[theirs.Report, Traffic]) -> None:
    report, traffic = both
    assert report.transports == {
        row.key: (row.messages, row.octets) for row in traffic.transports
    }


def test_histograms(both: tuple[theirs.Report, Traffic]) -> None:
    report, traffic = both
    assert report.histograms["Messages"] == list(traffic.histogram.received)
    assert report.histograms["Deliveries"] == list(traffic.histogram.delivered)


@pytest.mark.parametrize("parts", [2, 12, 60])
def test_finer_histograms(parts: int, plain: Path, eximstats: str) -> None:
    terms = TrafficTerms(interval=60 // parts)
    finer = analyse_logs([plain], traffic=terms).traffic
    assert finer is not None
    options = (f"-h{parts}", "-t0", "-q0", "-nr", "-ne")
    other = theirs.report(eximstats, plain, *options)
    assert other.histograms["Messages"] == list(finer.histogram.received)
    assert other.histograms["Deliveries"] == list(finer.histogram.delivered)


def test_times(both: tuple[theirs.Report, Traffic], log: Path) -> None:
    report, traffic = both
    fractions = re.search(rb" DT=\S*\.", log.read_bytes()) is not None
    titles = {
        "Time spent on the queue: all messages": traffic.times.queue,
        "Time spent on the queue: messages with at least one remote delivery":
            traffic.times.queue_remote,
        "Delivery times: all messages": traffic.times.delivery,
        "Delivery times: messages with at least one remote delivery":
            traffic.times.delivery_remote,
    }  # fmt: skip
    for title, found in titles.items():
        expected = dict(zip((*found.boundaries, 0), found.counts, strict=True))
        if fractions and title.startswith("Delivery"):
            expected = {found.boundaries[0]: sum(found.counts)}
        assert {
            _BOUNDARIES[name]: count
            for name, count in report.times.get(title, {}).items()
        } == {boundary: count for boundary, count in expected.items() if count}


def test_leagues(both: tuple[theirs.Report, Traffic]) -> None:
    report, traffic = both
    sources, destinations = traffic.sources, traffic.destinations
    tables: dict[str, tuple[League, Callable[[str], str]]] = {
        "sending hosts": (sources["host"], theirs.host),
        "sending domains": (sources["host"], theirs.host_domain),
        "sending emails": (sources["email"], theirs.address),
        "sending edomains": (sources["email"], theirs.address_domain),
        "local senders": (sources["local"], str),
        "host destinations": (destinations["host"], theirs.host),
        "domain destinations": (destinations["host"], theirs.host_domain),
        "email destinations": (destinations["email"], theirs.address),
        "edomain destinations": (destinations["email"], theirs.address_domain),
        "local destinations": (destinations["local"], str),
    }
    for title, (league, key) in tables.items():
        rows = theirs.merged(theirs.ours(league, addresses="destination" in title), key)
        for of_theirs in (report.leagues, report.by_volume):
            name = str if title.startswith("local") else theirs.portless
            assert theirs.merged(of_theirs[title].items(), name) == rows, title


def test_the_best_come_first(plain: Path, eximstats: str) -> None:
    report = theirs.report(eximstats, plain, "-nvr", "-nr", "-ne", "-q0", "-h0")
    traffic = analyse_logs([plain], traffic=TrafficTerms()).traffic
    assert traffic is not None
    for title, league, place in (
        ("host destinations", traffic.destinations["host"], -1),
        ("local destinations", traffic.destinations["local"], -1),
        ("local senders", traffic.sources["local"], -1),
    ):
        counts = [row[0] for row in report.leagues[title].values()]
        assert counts == [row.messages for row in league.by_messages]
        octets = [row[place] for row in report.by_volume[title].values()]
        assert octets == [row.octets for row in league.by_octets]


def test_volumes_as_it_rounds_them(plain: Path, eximstats: str) -> None:
    report = theirs.report(eximstats, plain, "-t0", "-nr", "-ne", "-q0", "-h0")
    traffic = analyse_logs([plain], traffic=TrafficTerms()).traffic
    assert traffic is not None
    for name, found in (
        ("Received", traffic.received),
        ("Delivered", traffic.delivered),
    ):
        assert report.totals[name]["Volume"] == theirs.volume(found.octets)


def test_original_addresses(plain: Path, eximstats: str) -> None:
    report = theirs.report(
        eximstats, plain, "-nvr", "-t20000", "-nr", "-ne", "-q0", "-h0", "-byemail",
        "-bylocaldomain", "-include_original_destination",
    )  # fmt: skip
    traffic = analyse_logs([plain], top=ALL, traffic=TrafficTerms()).traffic
    assert traffic is not None
    assert theirs.merged(
        report.leagues["local domain destinations"].items(), str
    ) == theirs.merged(
        theirs.ours(traffic.destinations["local_domain"], addresses=True), str
    )
    whole = {
        label: row
        for label, row in theirs.ours(traffic.destinations["original"], addresses=True)
        if row[0] and " <" in label and " " not in label.partition(" <")[0]
    }
    found = report.leagues["email destinations"]
    assert whole
    assert {label: found.get(label) for label in whole} == whole


def test_relays(both: tuple[theirs.Report, Traffic]) -> None:
    report, traffic = both
    ours: Counter[tuple[str, ...]] = Counter()
    for row in traffic.relayed.rows:
        ours[theirs.relay(row)] += row.total
    found: Counter[tuple[str, ...]] = Counter()
    for key, count in report.relayed.items():
        found[tuple(theirs.portless(part) for part in key)] += count
    assert found == ours
    assert sum(found.values()) == traffic.relayed.total > 0


def test_errors(both: tuple[theirs.Report, Traffic]) -> None:
    report, traffic = both
    assert traffic.errors.total
    assert report.errors == {
        theirs.squeezed(row.text): row.total for row in traffic.errors.rows
    }


def test_rejections(both: tuple[theirs.Report, Traffic]) -> None:
    report, traffic = both
    for name, ips, found in (
        ("mail rejection reasons", "rejected ips", traffic.rejections),
        ("mail temporary rejection reasons", "temporarily rejected ips",
         traffic.temporary_rejections),
    ):  # fmt: skip
        kind = "Temporarily rejected" if "temporary" in name else "Rejected"
        ours = [
            (theirs.rejection(row.text, kind), (row.total,))
            for row in found.reasons.rows
        ]
        assert theirs.merged(
            report.leagues[name].items(), theirs.their_rejection
        ) == theirs.merged(ours, theirs.their_rejection)
        assert report.leagues[ips] == {
            row.text: (row.total,) for row in found.hosts.rows
        }


def test_patterns(plain: Path, eximstats: str) -> None:
    patterns = {"Lost": "lost D=", "Any L": " L[.*]?-? ", "Word": r"\bqueued as\b"}
    options = [
        word for name, regex in patterns.items()
        for word in ("-pattern", name, f"/{regex}/")
    ]  # fmt: skip
    report = theirs.report(
        eximstats, plain, "-t0", "-nr", "-ne", "-q0", "-h0", *options
    )
    traffic = analyse_logs(
        [plain], traffic=TrafficTerms(),
        patterns=[f"{name}={regex}" for name, regex in patterns.items()],
    ).traffic  # fmt: skip
    assert traffic is not None
    assert report.patterns == {row.name: row.total for row in traffic.patterns}
    assert all(report.patterns.values())
