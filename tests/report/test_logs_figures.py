"""Numbers, shares, bars and notes of log reports."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.logs.analysis import analyse
from eximkit.logs.bounded import BoundedCounts, BoundedSet
from eximkit.logs.stretches import Evidence, Piece
from eximkit.logs.summary import Arrival, Delivery, Summary
from eximkit.report import logs_csv, logs_table
from eximkit.report.bars import bar, profile
from eximkit.report.logs_figures import number, percent, shown, size, with_bars
from eximkit.report.logs_notes import notes
from eximkit.report.logs_view import View

DAY = "2026-01-02"
ARRIVAL = Arrival(DAY, True, False, "", "esmtp", "")
DELIVERY = Delivery(DAY, "=>", True, False, "", "", "dnslookup", "remote_smtp")


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (0.5, "0.5"), (2.0, "2"), (99.25, "99.2"), (1234.5, "1,234"),
     (10**9, "1,000,000,000")],
)  # fmt: skip
def test_numbers(count: float, text: str) -> None:
    assert number(count) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, "-"), (0.0, "0 %"), (1.0, "100 %"), (0.275, "27.5 %"), (1e-9, "0.1 %"),
     (0.99999, "99.9 %")],
)  # fmt: skip
def test_only_nothing_is_0_and_only_all_is_100(share: float | None, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (33_824_572, "33.8 MB"),
     (999_499, "999 kB"), (999_500, "1.0 MB"), (102_345_678, "102 MB"),
     (3_135_045_260, "3.1 GB"), (10**20, "100000 PB")],
)  # fmt: skip
def test_sizes(count: int, text: str) -> None:
    assert size(count) == text


@given(st.floats(0, 1), st.integers(1, 40), st.booleans())
def test_a_bar_is_as_long_as_its_share(share: float, width: int, unicode: bool) -> None:
    drawn = bar(share, width, unicode=unicode)
    assert len(drawn) <= width
    assert abs(len(drawn) - share * width) <= 1
    assert bool(drawn) is (share > 0)
    assert unicode or drawn.isascii()


def test_bars_of_eighths() -> None:
    drawn = [bar(n / 16, 2, unicode=True) for n in range(17)]
    assert drawn == sorted(drawn, key=lambda text: (len(text), drawn.index(text)))
    assert len(set(drawn)) == 17
    assert bar(None, 9, unicode=True) == ""


@given(st.lists(st.integers(0, 10**9), max_size=30), st.booleans())
def test_profiles(values: list[int], unicode: bool) -> None:
    drawn = profile(values, unicode=unicode)
    assert len(drawn) == len(values)
    assert [c == " " for c in drawn] == [value == 0 for value in values]


def test_names_are_cut_in_the_middle_and_safe() -> None:
    assert shown("a" * 30 + "b" * 30, 11, View()) == "aaaaa…bbbbb"
    assert shown("abcdefghijkl", 9, View(unicode=False)) == "abc...jkl"
    assert shown("x\x1b[31m", 20, View()) == r"x\x1b[31m"


@pytest.mark.parametrize("digits", [1, 9, 15, 30])
def test_bars_give_way_to_numbers(digits: int) -> None:
    rows = [("were early, of those on new connections", "9" * digits, "100 %")]
    (line,) = with_bars(rows, [1.0], "<>>", View())
    assert len(line) <= 80
    assert ("█" in line) is (digits < 25)


def told(summary: Summary) -> str:
    return " ".join(notes(analyse(summary)))


def summary(
    arrivals: dict[Arrival, int] | None = None,
    deliveries: dict[Delivery, int] | None = None,
    marked: int = 1,
) -> Summary:
    found = Summary(arrivals=arrivals or {}, deliveries=deliveries or {})
    evidence = Evidence(DAY, DAY, marked=marked, unmarked=99, hosts=(b"1", b"2", b"3"))
    found.stretches.add(Piece(0, 0, 10, False, evidence))
    return found


STAR, DOT, PLAIN = (ARRIVAL._replace(form=form) for form in ("L*", "L.", "L"))


@pytest.mark.parametrize(
    ("counts", "said", "unsaid"),
    [
        (summary({ARRIVAL: 9}, marked=0), "was off", "lower bound"),
        (summary({STAR: 9}), "lower bound", "was off"),
        (summary({STAR: 9}), "ever having seen an offer", "pipelining_connect"),
        (summary({STAR: 9}), "an upper bound", "guess"),
        (summary({DOT: 9}), "", "lower bound"),
        (summary({PLAIN: 9}), "pipelining_connect_advertise_hosts", "lower bound"),
        (summary({}, {DELIVERY._replace(form="L"): 1}), "hosts_pipe_connect", "never"),
        (summary({}, {DELIVERY._replace(form="L*"): 1}), "is never early", "not tell"),
        (
            summary({}, {DELIVERY._replace(form="L*", tls="TLS1.3"): 1}),
            "does not tell STARTTLS", "upper bound",
        ),
        (Summary(), "", "pipelining"),
        (Summary(unparsed=3), "--unparsed lists them", "whole entries"),
        (Summary(garbage=1), "1 line is not whole (", "--unparsed"),
    ],
)  # fmt: skip
def test_notes(counts: Summary, said: str, unsaid: str) -> None:
    text = told(counts)
    assert said in text
    assert unsaid not in text


def test_too_few_messages_to_tell() -> None:
    counts = Summary(arrivals={ARRIVAL: 2})
    counts.stretches.add(Piece(0, 0, 10, False, Evidence(DAY, DAY, unmarked=2)))
    assert "too few messages" in told(counts)


def test_what_did_not_fit_is_told() -> None:
    counts = summary({STAR: 500})
    counts.hosts["in"] = BoundedCounts(10)
    for n in range(500):
        counts.hosts["in"].add(b"%d" % n, b"L*", 1)
    counts.hosts["in"].cut()
    counts.connections = BoundedSet(10, {b"*%d" % n for n in range(400)})
    counts.connections.cut()
    text = told(counts)
    assert "490 messages received from others" in text
    assert "their number is a guess" in text


def test_a_month_is_shown_where_days_are_many() -> None:
    days = [f"2026-{month:02}-{day:02}" for month in (1, 2, 3) for day in range(1, 21)]
    counts = summary({STAR._replace(hour=day): 1 for day in days})
    text = "".join(logs_table.report(analyse(counts), View()))
    assert "  2026-02 " in text
    assert "  2026-02-01 " not in text


@pytest.mark.parametrize("key", ['a,"b"', "x\ny", "t; drop", "\udcff"])
def test_csv_quotes_what_needs_it(key: str) -> None:
    import csv
    import io

    counts = summary({}, {DELIVERY._replace(transport=key): 1})
    text = "".join(logs_csv.report(analyse(counts, by=["transport"]), View()))
    assert [row[0] for row in csv.reader(io.StringIO(text))] == ["key", key, key]
