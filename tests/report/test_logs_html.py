"""`eximkit logs --format html`: what the page says, and that it is only text."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from eximkit import __version__
from eximkit.cli import main
from eximkit.logs.analysis import analyse, wanted
from eximkit.logs.scan import FEW_HOURS, scan
from eximkit.logs.summary import Arrival, Delivery, Summary
from eximkit.report import logs_html, logs_page_traffic, logs_periods
from eximkit.report.logs_view import View
from eximkit.source import display, octets
from tests.logs.generator import Log, Options
from tests.logs.scenes import busy
from tests.report.hostile import HOSTILE, with_traffic
from tests.report.pages import Element, parsed, tables

if TYPE_CHECKING:
    from eximkit.logs.result import LogReport

CHECKOUT = Path(__file__).resolve().parents[2]
GOLDEN = CHECKOUT / "tests" / "golden-html"
SAMPLES = CHECKOUT / "samples" / "logs"
START = datetime(2026, 3, 1, 8)  # noqa: DTZ001 - as the log has it
GROUPS = ("tls",)


def report(text: bytes, top: int = 50) -> LogReport:
    counts = scan(text, wanted=wanted(GROUPS) | {FEW_HOURS})
    return analyse(Summary() + counts, by=GROUPS, top=top, sources=["mainlog"])


def log(days: int = 2, messages: int = 30, **options: Any) -> bytes:
    made = Log(Options(**options), START)
    busy(made, days, messages)
    return made.text


def html(found: LogReport, view: View | None = None) -> str:
    return "".join(logs_html.report(found, view or View(top=20)))


def command(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["logs", "--format", "html", *arguments])


def without_charts(page: str) -> str:
    """The page with neither drawings nor style: these are looked at, not compared."""
    page = re.sub(r"<svg.*?</svg>", "<svg></svg>", page, flags=re.DOTALL)
    page = re.sub(r"<style>.*?</style>", "<style></style>", page, flags=re.DOTALL)
    return page.replace(f"eximkit {__version__}", "eximkit VERSION")


@pytest.mark.parametrize("name", ["mainlog", "selector-off", "switched-on"])
def test_the_page_of_a_sample(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """EXIMKIT_GOLDEN=write writes it anew."""
    monkeypatch.chdir(SAMPLES)
    run = command(name)
    assert run.exit_code == 0, run.output
    written = without_charts(run.stdout)
    golden = GOLDEN / f"{name}.html"
    if os.environ.get("EXIMKIT_GOLDEN") == "write":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(written, "utf-8")
    assert written == golden.read_text("utf-8")


def test_the_same_log_gives_the_same_octets(tmp_path: Path) -> None:
    pages = []
    for seed in ("1", "2"):
        output = tmp_path / f"{seed}.html"
        subprocess.run(
            [sys.executable, "-m", "eximkit", "logs", "--format", "html",
             "--output", output, "mainlog"],
            cwd=SAMPLES, check=True, timeout=120, capture_output=True,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONHASHSEED": seed,
                 "HOME": str(tmp_path / seed), "TZ": f"UTC{seed}"},
        )  # fmt: skip
        pages.append(output.read_bytes())
    assert pages[0] == pages[1]


def test_the_page_says_what_json_says(tmp_path: Path) -> None:
    path = tmp_path / "mainlog"
    path.write_bytes(log(days=8, messages=40, ports=True))
    arguments = ["--by", "hour", "--by", "tls", "--format", "json", str(path)]
    run = CliRunner().invoke(main, ["logs", *arguments])
    data = json.loads(run.stdout)
    page = tables(parsed(command(str(path)).stdout))

    days = dict(data["per_day"])
    assert len(days) == 8
    for row in page["Mail by day"][:-1]:
        day = days.pop(row["day"])
        assert int(row["received"]) == day["arrivals"]
        assert int(row["size"]) == day["bytes_received"]
        assert int(row["delivered"]) == day["deliveries"]
        assert int(row["completed"]) == day["completed"]
    assert not days
    total = page["Mail by day"][-1]
    assert int(total["received"]) == data["messages"]["arrivals"]
    assert int(total["size"]) == data["messages"]["bytes_received"]
    for row in page["Trouble by day"]:
        day = data["per_day"].get(row["day"], data["messages"])
        assert int(row["deferrals"]) == day["deferrals"]
        assert int(row["failures"]) == day["failures"]
        assert int(row["rejections"]) == day["rejects"]
        assert int(row["frozen messages"]) == day["frozen"]
    for way, caption in (("in", "Received over SMTP"), ("out", "Delivered to hosts")):
        for row in page[f"{caption}: L fields by day"]:
            day = data["per_day"].get(row["day"], data["pipelining"])
            forms = {n: int(v) for n, v in row.items() if n != "day" and v != "0"}
            assert forms == {n: v for n, v in day[way].items() if v}
    rates = data["pipelining"]["rates"]
    shares = page["Early pipelining by day"][-1]
    for way, word in (("in", "received"), ("out", "delivered")):
        rate = rates[way]["early"]
        assert int(shares[f"{word} early"]) == rate["count"]
        assert int(shares[f"{word} could be"]) == rate["of"]
        assert float(shares[f"{word} share"]) == rate["share"]
    for row in page["Mail by hour of day"]:
        hour = data["per_hour_of_day"].get(row["hour"], {})
        assert int(row["received"]) == hour.get("arrivals", 0)
        assert int(row["delivered"]) == hour.get("deliveries", 0)
        assert int(row["size"]) == hour.get("bytes_received", 0)
    found = [
        (r["TLS"], int(r["received"]), int(r["size"]), int(r["delivered"]))
        for r in page["Over SMTP, by TLS"]
    ]
    assert found == [
        (g["key"], g["arrivals"], g["bytes_received"], g["deliveries"])
        for g in data["groups"]["tls"]
    ]
    names = {
        "early": "early", "saved": "saved", "at least": "saved_at_least",
        "in dialogue": "saved_in_dialogue", "could be saved": "possible",
    }  # fmt: skip
    trips = {
        f"{word}, {row.get('tls', 'all')}": row
        for way, word in (("in", "received"), ("out", "delivered"))
        for row in (*data["round_trips"][way]["by_tls"], data["round_trips"][way])
    }
    for row in page["Round trips saved by early pipelining"]:
        expected = trips.pop(row[""])
        for head, key in names.items():
            assert float(row[head]) == expected[key]
    assert not trips
    hosts = page["Hosts that could be early"]
    for row, way in zip(hosts, ("in", "out"), strict=True):
        early = data["early_hosts"][way]
        assert int(row["could be"]) == early["possible"]
        assert int(row["early once or more"]) == early["early"]
        assert int(row["never"]) == early["never"]
        assert int(row["lines of these"]) == early["lines_of_never"]
    for way, caption in (("in", "Hosts that sent most"),
                         ("out", "Hosts that received most")):  # fmt: skip
        assert [(r["host"], int(r["lines"])) for r in page[caption]] == [
            (host["ip"], host["total"]) for host in data["top_hosts"][way][:20]
        ]


def test_the_page_says_of_traffic_what_json_says(tmp_path: Path) -> None:
    path = tmp_path / "mainlog"
    path.write_bytes(log(days=2, messages=60))
    run = CliRunner().invoke(main, ["logs", "--full", "--format", "json", str(path)])
    data = json.loads(run.stdout)
    page = tables(parsed(command("--top", "30", str(path)).stdout))

    for row in page["Grand totals"]:
        totals = data["totals"][row[""]]
        for head, key in (
            ("size", "bytes"), ("messages", "messages"), ("hosts", "hosts"),
            ("domains of hosts", "domains"), ("different addresses", "emails"),
            ("domains of addresses", "edomains"),
        ):  # fmt: skip
            assert int(row[head]) == totals[key], (row, key)
        for key in ("addresses", "delayed", "failed"):
            assert int(row[key]) == totals.get(key, 0)
    for way, word in (("sources", "Sending"), ("destinations", "Receiving")):
        kinds = data["leagues"][way]
        assert kinds
        for kind, name in logs_page_traffic.KINDS.items():
            league = kinds.get(kind, {"by_messages": [], "by_bytes": []})
            for order, key in (("messages", "by_messages"), ("volume", "by_bytes")):
                rows = page.get(f"{word} {name} by {order}", [])
                assert [(r[""], int(r["messages"]), int(r["size"])) for r in rows] == [
                    (r["key"], r["messages"], r["bytes"]) for r in league[key][:30]
                ]
    for key, caption in (
        ("errors", "Errors by reason"),
        ("rejections", "Rejections by reason"),
        ("temporary_rejections", "Temporary rejections by reason"),
    ):
        rows = page.get(caption, [])
        assert [(r["reason"], int(r["times"])) for r in rows] == [
            (r["reason"] or "none given", r["count"]) for r in data[key]["rows"][:30]
        ]
    assert [
        (r["transport"], int(r["messages"]), int(r["addresses"]), int(r["size"]))
        for r in page["Deliveries by transport"]
    ] == [(r["key"], r["messages"], r["addresses"], r["bytes"])
          for r in data["transports"]]  # fmt: skip
    for name, caption in (
        ("queue", "Time on the queue"), ("receive", "Time of receiving"),
        ("delivery", "Time of delivering"),
    ):  # fmt: skip
        times = data["times"][name]
        if not sum(times["counts"]):
            assert caption not in page
            continue
        rows = page[caption]
        remote = data["times"].get(f"{name}_remote", {"counts": [0]})
        before = "all " if sum(remote["counts"]) else ""
        assert [int(row[f"{before}messages"]) for row in rows] == times["counts"]
        if before:
            assert [int(r["to hosts messages"]) for r in rows] == remote["counts"]


def check(page: Element) -> None:
    """What holds of every page."""
    ids = [e.attributes["id"] for e in page.all() if "id" in e.attributes]
    assert len(ids) == len(set(ids)), "ids are unique"
    for element in page.all():
        assert element.name not in {"script", "iframe", "object", "img", "form", "base"}
        for name, text in element.attributes.items():
            assert not name.startswith("on"), (element.name, name)
            if name in {"aria-labelledby", "for"}:
                assert set(text.split()) <= set(ids)
            if name in {"href", "src", "xlink:href"}:
                assert text == "data:," or text.removeprefix("#") in ids, text
            assert "url(" not in text or re.fullmatch(r"url\(#[\w-]+\)", text)
            assert "http" not in text or name == "http-equiv", (name, text)
    assert page.one("html").attributes["lang"] == "en"
    style = page.one("style").text
    assert not re.search(r"url\(|@import|https?:", style)
    for table in page.all("table"):
        assert table.one("caption").text.strip()
        for row in table.one("thead").all("tr"):
            assert {c.attributes["scope"] for c in row.all("th")} <= {"col", "colgroup"}
        for row in table.one("tbody").all("tr"):
            (head,) = row.all("th")
            assert head.attributes["scope"] == "row"
    for figure in page.all("figure"):
        assert figure.one("figcaption").text.strip()
        assert list(figure.all("table")), "the numbers are there as a table, too"
    for chart in page.all("svg"):
        assert chart.attributes["role"] == "img"
        assert chart.one("title").text
        assert chart.one("desc").text
        assert chart.parent is not None
        assert chart.parent.name == "figure"
    styles = [element.attributes.get("style", "") for element in page.all()]
    assert [style for style in styles if "#" in style] == [], "colours are the page's"


LOGS = {
    "busy": log(),
    "empty": b"",
    "one day": log(days=1, messages=60),
    "selector off": log(selector=False, messages=60),
    "no date": log().replace(b"2026-03-02", b"2026-99-99"),
    "clock at the epoch": log().replace(b"2026-03-01", b"1970-01-01"),
    "one line": log().split(b"\n")[0] + b"\n",
    "rejections alone": b"2026-03-01 08:00:00 H=[192.0.2.9] F=<a@b.example> rejected "
    b"RCPT <c@d.example>: no\n",
    "damaged": (SAMPLES / "damaged").read_bytes(),
    "local": (SAMPLES / "local-only").read_bytes(),
}


@pytest.mark.parametrize("name", list(LOGS))
def test_pages_are_whole_and_hold_all_they_need(name: str) -> None:
    for view in (View(top=20), View(directions=("in",)), View(directions=("out",))):
        check(parsed(html(report(LOGS[name]), view)))


def test_an_empty_log_says_so() -> None:
    page = parsed(html(report(b"")))
    assert "No message was received" in page.one("header").text
    assert not list(page.all("figure"))


def test_a_log_without_the_selector_says_what_to_do() -> None:
    page = parsed(html(report(LOGS["selector off"])))
    assert "log_selector = +pipelining" in page.one("header").text
    assert "Early" not in page.one("main").text.split("What to know")[0]
    assert "Mail by hour" in tables(page)


def test_a_short_log_is_told_by_the_hour() -> None:
    found = report(LOGS["one day"])
    rows = tables(parsed(html(found)))["Mail by hour"]
    assert rows[0]["hour"] == "2026-03-01 08:00"
    assert sum(int(row["received"]) for row in rows[:-1]) == found.messages.arrivals
    assert int(rows[-1]["received"]) == found.messages.arrivals


def year(days: int) -> Summary:
    """Counts of some years, by the day."""
    summary = Summary(few_hours=False)
    for number in range(days):
        day = f"{START + timedelta(days=number):%Y-%m-%d}"
        arrival = Arrival(day, True, False, "L*", "esmtps", "TLS1.3")
        delivery = Delivery(day, "=>", True, False, "L", "TLS1.3", "r", "t")
        summary.arrivals[arrival] = 7
        summary.deliveries[delivery] = 5
        summary.events[day, "deferral"] = 3
    return summary


@pytest.mark.parametrize(
    ("days", "unit"),
    [(1, "day"), (100, "day"), (101, "week"), (366, "week"), (800, "month"),
     (4000, "year"), (2_000_000, "100 years")],
)  # fmt: skip
def test_time_is_cut_into_as_many_periods_as_can_be_shown(days: int, unit: str) -> None:
    step = max(1, days // 4000)
    summary = Summary()
    for number in range(0, days, step):
        day = date.fromordinal(1 + number).isoformat()
        summary.events[day, "reject"] = 1
        summary.arrivals[Arrival(day, True, False, "L*", "esmtp", "")] = 2
    found = analyse(summary)
    times = logs_periods.timeline(found)
    assert times.unit == unit
    assert len(times.stretches) <= logs_periods.MOST
    total = logs_periods.joined(each.tally for each in times.stretches)
    assert total.arrivals == found.messages.arrivals
    assert total.events["rejects"] == found.messages.rejects
    assert total.usage.inbound == found.pipelining.total.usage.inbound


def test_a_long_gap_is_one_period_and_short_ones_are_drawn() -> None:
    found = report(LOGS["clock at the epoch"])
    labels = [each.label for each in logs_periods.timeline(found).stretches]
    assert labels[0] == "1970-01-01 08:00"
    (gap,) = [label for label in labels if label.startswith("nothing")]
    assert gap == "nothing from 1970-01-02 00:00 to 2026-03-02 00:00"
    assert labels[-1].startswith("2026-03-02")


def test_what_has_no_date_is_counted_apart() -> None:
    found = report(LOGS["no date"])
    rows = tables(parsed(html(found)))["Mail by hour"]
    assert rows[-2]["hour"] == "no date"
    assert int(rows[-2]["received"]) > 0
    assert sum(int(row["received"]) for row in rows[:-1]) == found.messages.arrivals


def test_a_page_stays_small_however_large_the_log() -> None:
    summary = year(4000)
    for number in range(5000):
        address = f"2001:db8::{number:x}".encode()
        summary.hosts["in"].add(address, b"L.", 5000 - number)
        summary.hosts["out"].add(address, b"L", 5000 - number)
    found = with_traffic(
        analyse(summary, by=("transport", "router", "host"), top=1_000_000),
        [f"{number}{'x' * 4000}" for number in range(1000)],
    )
    page = html(found, View(top=1_000_000))
    assert len(page.encode()) < 2_000_000
    check(parsed(page))


def test_hostile_text_stays_text() -> None:
    found = with_traffic(report(log()), HOSTILE)
    found = replace(found, sources=tuple(HOSTILE), problems=tuple(HOSTILE))
    page = parsed(html(found))
    check(page)
    said = {e.text.strip() for e in page.all("bdi")}
    tables(page)
    for text in HOSTILE:
        if len(text) < 240:
            assert display(octets(text)).strip() in said
    assert all(c.isprintable() or c == "\n" for c in page.one("body").text)


@settings(max_examples=25)
@given(st.lists(st.text(min_size=1, max_size=150), min_size=1, max_size=3))
def test_any_text_comes_through_as_itself(texts: list[str]) -> None:
    texts = [text.encode("utf-8", "ignore").decode() for text in texts]
    found = replace(with_traffic(report(b""), texts), sources=tuple(texts))
    page = parsed(html(found))
    check(page)
    said = [e.text for e in page.one("footer").all("bdi")]
    assert said == [display(octets(text)) for text in texts]


@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_a_missing_extra_is_told_before_a_log_is_read(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    run = command("no-such-log")
    assert run.exit_code == 4
    assert "pip install 'eximkit[report]'" in run.stderr
    assert "no-such-log" not in run.output


def test_a_page_is_not_written_to_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eximkit.cli.logs.is_terminal", lambda _stream: True)
    run = command(str(SAMPLES / "mainlog"))
    assert run.exit_code == 2
    assert "--output" in run.stderr
    assert run.stdout == ""


def test_a_page_replaces_a_file_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    output = tmp_path / "report.html"
    output.write_text("old")
    run = command("--output", str(output), str(tmp_path / "missing"))
    assert run.exit_code == 3
    assert output.read_text() == "old"
    run = command("--output", str(output), str(SAMPLES / "mainlog"))
    assert run.exit_code == 0, run.output
    assert output.read_text("utf-8").endswith("</html>\n")
    run = command("--output", "/dev/full", str(SAMPLES / "mainlog"))
    assert run.exit_code == 3
    assert "No space left" in run.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_users_settings_of_matplotlib_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import matplotlib as mpl

    found = report(log())
    before = html(found)
    monkeypatch.setitem(mpl.rcParams, "font.size", 30)
    monkeypatch.setitem(mpl.rcParams, "axes.grid", True)
    monkeypatch.setitem(mpl.rcParams, "svg.fonttype", "path")
    assert html(found) == before
    assert mpl.rcParams["svg.fonttype"] == "path", "and they stay the user's"
