"""What counts mean: the selector, shares of what was possible, hosts, round trips."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from eximkit.errors import SettingsError
from eximkit.logs import roundtrips
from eximkit.logs.analysis import analyse, analyse_logs, overall
from eximkit.logs.bounded import BoundedCounts, BoundedSet, add_counts
from eximkit.logs.grouping import NAMES
from eximkit.logs.result import Period
from eximkit.logs.stretches import Evidence, Piece, Selector
from eximkit.logs.summary import Arrival, Delivery, Received, Summary
from eximkit.logs.usage import Recorded, Share

if TYPE_CHECKING:
    from pathlib import Path

DAY = "2026-01-02"
ON = Evidence(DAY, DAY, marked=5)
OFF = Evidence(DAY, DAY, unmarked=40, hosts=(b"1", b"2", b"3"))
FEW = Evidence(DAY, DAY, unmarked=4, hosts=(b"1",))
ARRIVAL = Arrival(DAY, True, False, "", "esmtp", "")
DELIVERY = Delivery(DAY, "=>", True, False, "", "", "dnslookup", "remote_smtp")


def summary(
    arrivals: dict[Arrival, int] | None = None,
    deliveries: dict[Delivery, int] | None = None,
    *evidence: Evidence,
) -> Summary:
    """The counts, in a log of these stretches."""
    counts = Summary()
    for key, count in (arrivals or {}).items():
        counts.arrivals[key] = count
        received = Received(key.hour, key.over_smtp, key.protocol, key.tls)
        add_counts(counts.received, {received: 100 * count})
    counts.deliveries.update(deliveries or {})
    for number, seen in enumerate(evidence or (ON,)):
        start = 1000 * number
        counts.stretches.add(Piece(0, start, start + 1000, number > 0, seen))
    return counts


def forms(**counts: int) -> dict[Arrival, int]:
    """Arrivals by form; `o` stands for the dot, `x` for the star, `_` for the dash."""
    signs = str.maketrans({"o": ".", "x": "*", "_": "-"})
    return {
        ARRIVAL._replace(form=word.translate(signs)): n for word, n in counts.items()
    }


def test_an_empty_log_says_nothing() -> None:
    report = analyse(Summary())
    assert report.pipelining.selector is Selector.UNKNOWN
    assert report.span == Period()
    assert report.messages.arrivals == report.messages.deliveries_local == 0
    assert report.connections is None
    usage = report.pipelining.total.usage
    shares = (*usage.inbound.shares().values(), *usage.outbound.shares().values())
    assert {share.value for share in shares} == {None}


@pytest.mark.parametrize(
    ("stretches", "selector"),
    [
        ([ON], "on"),
        ([OFF], "off"),
        ([FEW], "unknown"),
        ([], "unknown"),
        ([FEW, ON, FEW], "on"),
        ([FEW, OFF], "off"),
        ([OFF, ON], "on"),
        # Each restart leaves too little to judge; together it is enough.
        ([replace(FEW, unmarked=9, hosts=(h,)) for h in (b"1", b"2", b"3")], "off"),
    ],
)
def test_the_selector_of_a_log(stretches: list[Evidence], selector: str) -> None:
    assert overall(stretches) == selector


def test_a_log_with_the_selector_off_has_no_shares() -> None:
    report = analyse(summary({ARRIVAL: 40}, {DELIVERY: 30}, OFF))
    assert report.pipelining.selector is Selector.OFF
    assert report.pipelining.inbound["none"] == 40
    usage = report.pipelining.total.usage
    assert usage.inbound.shares()["offered"] == Share(0, 0)
    assert usage.outbound.shares()["used"] == Share(0, 0)


def test_shares_are_of_what_could_be() -> None:
    arrivals = forms(L=1, L_=2, Lo=4, Lo_=8, Lx=16, Lx_=32) | {
        ARRIVAL: 64,
        ARRIVAL._replace(protocol="smtp"): 500,
        ARRIVAL._replace(protocol="spam-scanned"): 500,
        ARRIVAL._replace(over_smtp=False, protocol="local-esmtp"): 500,
        ARRIVAL._replace(protocol="utf8esmtps"): 128,
    }
    shares = analyse(summary(arrivals)).pipelining.total.usage.inbound.shares()
    assert shares == {
        "offered": Share(63, 63 + 64 + 128),
        "used": Share(1 + 4 + 16, 63),
        "early_offered": Share(4 + 8 + 16 + 32, 63),
        "early": Share(48, 60),
    }


def test_deliveries_that_cannot_be_early_are_left_out() -> None:
    early = DELIVERY._replace(form="L*")
    plain = DELIVERY._replace(form="L")
    deliveries = {
        early: 1,
        plain: 2,
        DELIVERY: 4,
        early._replace(flag="->"): 100,
        plain._replace(flag="->"): 100,
        plain._replace(continued=True): 8,
        early._replace(flag=">>"): 16,
        DELIVERY._replace(remote=False): 100,
    }
    report = analyse(summary({}, deliveries))
    outbound = report.pipelining.total.usage.outbound
    assert outbound.shares() == {"used": Share(27, 31), "early": Share(17, 19)}
    assert outbound.continued == 8
    # The plain counts are of lines, whatever they are of.
    assert report.pipelining.outbound == {"none": 4, "L": 110, "L*": 117}


def test_shares_leave_out_the_time_without_the_selector() -> None:
    before = "2026-01-01"
    off = replace(OFF, first=before, last=before)
    arrivals = forms(L=3, Lx=1) | {ARRIVAL: 1, ARRIVAL._replace(hour=before): 40}
    report = analyse(summary(arrivals, {}, off, ON))
    assert report.pipelining.mixed
    assert report.pipelining.selector is Selector.ON
    assert report.pipelining.inbound["none"] == 41
    shares = report.pipelining.total.usage.inbound.shares()
    assert shares["offered"] == Share(4, 5)
    assert report.days[before].usage.inbound.shares()["offered"].value is None


def test_a_day_that_is_partly_without_is_left_out() -> None:
    recorded = Recorded(
        [replace(OFF, first="2026-01-01"), replace(ON, last="2026-01-04")]
    )
    days = [f"2026-01-0{n}" for n in range(1, 6)]
    assert [day in recorded for day in days] == [False, False, True, True, False]


def test_stretches_that_agree_are_one() -> None:
    stretches = [replace(ON, version="4.96"), replace(ON, version="4.96"), FEW]
    found = analyse(summary({}, {}, *stretches)).pipelining.stretches
    assert [(s.selector, s.version, s.marked) for s in found] == [
        ("on", "4.96", 10), ("unknown", "", 0),
    ]  # fmt: skip


def test_when_early_pipelining_was_seen() -> None:
    days = ["2026-01-01", "2026-01-03", "2026-01-05"]
    arrivals = {ARRIVAL._replace(hour=day, form="L."): 1 for day in days}
    arrivals[ARRIVAL._replace(hour=days[1], form="L*-")] = 1
    deliveries = {DELIVERY._replace(hour=day, form="L*"): 1 for day in days[1:]}
    counts = analyse(summary(arrivals, deliveries)).pipelining
    assert counts.early_in == Period(days[1], days[1])
    assert counts.early_out == Period(days[1], days[2])


def hosts(**rows: dict[str, int]) -> BoundedCounts:
    table = BoundedCounts(1000)
    for name, kinds in rows.items():
        for form, count in kinds.items():
            table.add(name.encode(), form.encode(), count)
    return table


def test_hosts_are_ranked_and_ties_go_by_address() -> None:
    counts = Summary()
    counts.hosts["in"] = hosts(c={"": 2}, b={"L.": 1, "L*": 1}, a={"": 1}, d={"L": 9})
    found = analyse(counts, top=3).hosts["in"]
    assert [(row.address, row.total, dict(row.forms)) for row in found.top] == [
        ("d", 9, {"L": 9}), ("b", 2, {"L*": 1, "L.": 1}), ("c", 2, {"none": 2}),
    ]  # fmt: skip
    assert found.seen == 4


def test_who_could_be_early_and_is_not() -> None:
    counts = Summary()
    counts.hosts["in"] = hosts(
        never={"L.": 5, "": 1}, dash={"L.-": 1}, once={"L*-": 1, "L.": 90},
        unasked={"L": 50}, without={"": 50},
    )  # fmt: skip
    counts.hosts["out"] = hosts(
        never={"L": 7}, early={"L*": 1, "L": 1}, without={"": 3}
    )
    inbound, outbound = (analyse(counts).hosts[way] for way in ("in", "out"))
    assert (inbound.offered, inbound.early, inbound.refused) == (3, 1, 7)
    assert [row.address for row in inbound.refusing] == ["never", "dash"]
    assert (outbound.offered, outbound.early, outbound.refused) == (2, 1, 7)
    assert [row.address for row in outbound.refusing] == ["never"]


def test_connections_beside_messages() -> None:
    counts = summary(forms(Lx=6, Lo=4))
    counts.connections = BoundedSet(1000)
    counts.connections.update([b"*a", b"*b", b"-c"])
    report = analyse(counts)
    assert report.connections is not None
    assert (report.connections.total, report.connections.early) == (3, 2)
    assert report.connections.exact
    saved = report.round_trips["in"]
    assert saved.counted == "connections"
    assert saved.total.connections == pytest.approx(2)
    # One other connection brought four messages.
    assert saved.total.possible == pytest.approx(2)
    assert saved.total.saved == pytest.approx(4)


def test_the_number_of_too_many_connections_is_estimated() -> None:
    counts = summary(forms(Lx=6000))
    counts.connections = BoundedSet(100)
    counts.connections.update(b"*%d" % n for n in range(5000))
    counts.connections.cut()
    found = analyse(counts).connections
    assert found is not None
    assert not found.exact
    assert 3500 < found.total < 6500


def test_round_trips_by_tls() -> None:
    deliveries = {
        DELIVERY._replace(form="L*"): 1,
        DELIVERY._replace(form="L*", tls="TLS1.2"): 10,
        DELIVERY._replace(form="L*", tls="TLS1.3"): 100,
        DELIVERY._replace(form="L", tls="TLS1.3"): 1000,
        DELIVERY._replace(form="L", tls="TLS1.3", continued=True): 5000,
        DELIVERY._replace(form="L*", tls="TLS1.3", flag="->"): 5000,
    }
    saved = analyse(summary({}, deliveries)).round_trips["out"]
    rows = {row.tls: row for row in saved.rows}
    assert rows[""].saved == rows[""].at_least == 2
    assert rows[""].dialogue == 1.5
    assert (rows["TLS1.2"].saved, rows["TLS1.2"].at_least) == (30, 10)
    assert rows["TLS1.2"].dialogue == 25
    assert (rows["TLS1.3"].saved, rows["TLS1.3"].at_least) == (300, 200)
    assert rows["TLS1.3"].possible == 3000
    assert saved.total.saved == 332
    assert saved.total.connections == 111


def test_a_client_that_waits_after_its_early_greeting_saves_the_greeting() -> None:
    report = analyse(summary(forms(Lx_=4)))
    assert report.round_trips["in"].total.saved == 4


@pytest.mark.parametrize("tls", ["TLS1.0", "TLS1.1", "SSL3"])
def test_old_versions_are_like_tls_1_2(tls: str) -> None:
    assert roundtrips.trips(tls, early=1, greeted=0, late=0).saved == 3


@pytest.mark.parametrize("link", roundtrips.LINKS)
def test_the_rows_are_consistent(link: roundtrips.Link) -> None:
    # PIPELINING saves two round trips of its own, however the connection begins.
    assert link.plain - link.pipelined == 2
    assert 1 <= link.saved <= 3
    data = next(
        other for other in roundtrips.LINKS
        if (other.tls, other.start, other.content) == (link.tls, link.start, "DATA")
    )  # fmt: skip
    assert link.saved == data.saved, "BDAT saves what DATA saves"


def test_groups() -> None:
    arrivals = {
        ARRIVAL: 1,
        ARRIVAL._replace(hour="2026-01-01", form="L*", tls="TLS1.3", protocol=""): 2,
        ARRIVAL._replace(over_smtp=False, protocol="local"): 4,
    }
    deliveries = {DELIVERY: 8, DELIVERY._replace(remote=False, transport=""): 16}
    report = analyse(summary(arrivals, deliveries), by=[*NAMES, "day"])
    assert list(report.groups) == list(NAMES)
    seen = {
        name: {key: (tally.arrivals, tally.deliveries) for key, tally in table.items()}
        for name, table in report.groups.items()
    }
    assert seen["day"] == {"2026-01-01": (2, 0), DAY: (5, 24)}
    assert seen["transport"] == {"-": (0, 16), "remote_smtp": (0, 8)}
    assert seen["router"] == {"dnslookup": (0, 24)}
    assert seen["proto"] == {"local": (4, 0), "-": (2, 0), "esmtp": (1, 0)}
    assert seen["tls"] == {"clear": (1, 8), "TLS1.3": (2, 0)}
    assert list(report.groups["day"]) == sorted(report.groups["day"])
    octets = {key: tally.octets for key, tally in report.groups["proto"].items()}
    assert octets == {"local": 400, "-": 200, "esmtp": 100}
    assert report.messages.octets == 700


def test_groups_of_no_name_are_refused() -> None:
    with pytest.raises(SettingsError, match="only by day, hour, host"):
        analyse_logs(["x"], by=["week"])


def test_one_log_needs_no_list(tmp_path: Path) -> None:
    log = tmp_path / "mainlog"
    log.write_bytes(b"2026-01-02 03:04:05 10HmaX-000000005vi-0000 Completed\n")
    for paths in (log, str(log), [log]):
        assert analyse_logs(paths).lines == 1
