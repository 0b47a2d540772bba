"""Metrics: names and labels as Prometheus has them, numbers as in the JSON report."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from eximkit.cli import main
from eximkit.logs.analysis import analyse
from eximkit.logs.scan import scan
from eximkit.logs.summary import Delivery, Summary
from eximkit.report.logs_live import Moment
from eximkit.report.logs_prometheus import exposition
from eximkit.report.logs_registry import FORMATS
from tests.logs.generator import Log, Options
from tests.logs.scenes import busy

CHECKOUT = Path(__file__).resolve().parents[2]
SAMPLES = CHECKOUT / "samples"
LOG = SAMPLES / "logs" / "mainlog"
GROUPS = FORMATS["prometheus"].messages_by
MOMENT = Moment(0.0, unread=7, rotations=3, gaps=1)

Samples = dict[str, dict[tuple[str, ...], float]]


def parsed(text: str) -> Samples:
    """The values by the names of samples and the values of their labels."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation
        assert family.type in {"counter", "gauge", "histogram"}
        for sample in family.samples:
            labels = tuple(sample.labels.values())
            assert sample.timestamp is None
            rows = found.setdefault(sample.name, {})
            assert labels not in rows
            rows[labels] = sample.value
    return found


def run(*arguments: str) -> str:
    done = CliRunner().invoke(main, ["logs", *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_numbers_are_those_of_the_json_report() -> None:
    found = parsed(run("--format", "prometheus", str(LOG)))
    groups = ["--by", "tls", "--by", "proto", "--by", "transport"]
    data = json.loads(run("--format", "json", *groups, str(LOG)))
    said = data["messages"]
    for name, value in {
        "exim_null_sender_messages_received_total": said["arrivals_null_sender"],
        "exim_received_bytes_total": said["bytes_received"],
        "exim_deferrals_total": said["deferrals"],
        "exim_failures_total": said["failures"],
        "exim_messages_completed_total": said["completed"],
        "exim_messages_frozen_total": said["frozen"],
        "exim_rejections_total": said["rejects"],
        "eximkit_log_lines_total": data["log"]["lines"],
        "eximkit_log_read_bytes_total": data["log"]["bytes"],
        "eximkit_log_garbage_lines_total": data["log"]["garbage_lines"],
        "eximkit_log_unparsed_lines_total": data["log"]["unparsed_lines"],
        "exim_early_pipelining_offered_total":
            data["pipelining"]["rates"]["in"]["early"]["of"],
        "exim_early_pipelining_received_total":
            data["pipelining"]["rates"]["in"]["early"]["count"],
        "exim_early_pipelining_possible_deliveries_total":
            data["pipelining"]["rates"]["out"]["early"]["of"],
        "exim_early_pipelining_deliveries_total":
            data["pipelining"]["rates"]["out"]["early"]["count"],
    }.items():  # fmt: skip
        assert found[name] == {(): value}, name
    assert found["exim_messages_received_total"] == {
        ("smtp",): said["arrivals_smtp"], ("local",): said["arrivals_local"],
    }  # fmt: skip
    assert found["exim_deliveries_total"] == {
        ("remote",): said["deliveries_remote"], ("local",): said["deliveries_local"],
    }  # fmt: skip
    for name, way in (("received", "in"), ("deliveries", "out")):
        forms = {(form,): n for form, n in data["pipelining"][way].items()}
        assert found[f"exim_pipelining_{name}_total"] == forms
    assert found["exim_sync_errors_total"] == {
        (name.removeprefix("sync_"),): n for name, n in said["sync_errors"].items()
    }
    rows = data["groups"]
    assert found["exim_tls_messages_received_total"] == {
        (r["key"],): n for r in rows["tls"] if (n := sum(r["in"].values()))
    }
    assert found["exim_tls_deliveries_total"] == {
        (r["key"],): n for r in rows["tls"] if (n := sum(r["out"].values()))
    }
    assert found["exim_protocol_messages_received_total"] == {
        (r["key"],): r["arrivals"] for r in rows["proto"]
    }
    assert found["exim_transport_deliveries_total"] == {
        (r["key"],): r["deliveries"] for r in rows["transport"]
    }
    assert found["exim_hosts_seen"] == {
        (way,): n for way, n in data["hosts_seen"].items()
    }
    for way, (saved,) in (("in", [data["round_trips"]["in"]["saved"]]),
                          ("out", [data["round_trips"]["out"]["saved"]])):  # fmt: skip
        assert round(found["exim_round_trips_saved"][way,], 1) == saved
    assert found["exim_log_selector_pipelining"]["on",] == 1


def test_hosts_have_metrics_only_where_they_are_asked_for() -> None:
    assert "exim_host" not in run("--format", "prometheus", str(LOG)).replace(
        "exim_hosts_seen", ""
    )
    found = parsed(run("--format", "prometheus", "--top", "2", str(LOG)))
    data = json.loads(run("--format", "json", "--top", "2", str(LOG)))
    for name, way in (("messages_received", "in"), ("deliveries", "out")):
        assert found[f"exim_host_{name}_total"] == {
            (row["ip"],): row["total"] for row in data["top_hosts"][way]
        }


def test_times_are_distributions_that_are_counted_together() -> None:
    found = parsed(run("--format", "prometheus", "--full", str(LOG)))
    data = json.loads(run("--format", "json", "--full", str(LOG)))["times"]["queue"]
    buckets = found["exim_queue_time_seconds_bucket"]
    assert list(buckets.values()) == [
        sum(data["counts"][: n + 1]) for n in range(len(data["counts"]))
    ]
    assert found["exim_queue_time_seconds_count"] == {(): sum(data["counts"])}
    assert found["exim_queue_time_seconds_sum"][()] == data["seconds"]


def test_what_a_log_holds_does_not_make_labels_without_end() -> None:
    summary = Summary()
    for n in range(500):
        kind = Delivery("2026-03-01", "=>", True, False, "", f"TLS9.{n}", "r", f"t{n}")
        summary.deliveries[kind] = n + 1
    found = parsed(exposition(analyse(summary, by=GROUPS)).decode())
    assert len(found["exim_transport_deliveries_total"]) == 100
    assert ("t499",) in found["exim_transport_deliveries_total"]
    assert found["exim_tls_deliveries_total"] == {("other",): 500 * 501 / 2}


@pytest.mark.parametrize("name", ['a"b\\c\nd', "\udcff\udc80", "ü{x=1}"])
def test_hostile_names_stay_labels(name: str) -> None:
    summary = Summary()
    summary.deliveries[
        Delivery("2026-03-01", "=>", False, False, "", "", "r", name)
    ] = 3
    found = parsed(exposition(analyse(summary, by=GROUPS)).decode())
    ((label,),) = found["exim_transport_deliveries_total"]
    assert label == name.encode("utf-8", "backslashreplace").decode()


def test_names_are_as_prometheus_wants_them() -> None:
    text = exposition(whole_report(), 5, MOMENT).decode()
    for family in text_string_to_metric_families(text):
        assert re.fullmatch(r"(exim|eximkit)_[a-z_]+", family.name)
        total = all(sample.name.endswith("_total") for sample in family.samples)
        assert total == (family.type == "counter"), family.name
        assert not family.name.endswith(("_ms", "_kb", "_count", "_sum", "_bucket"))


def whole_report() -> Any:
    log = Log(Options(), datetime(2026, 3, 1, 8))  # noqa: DTZ001
    busy(log, 2, 14)
    return analyse(scan(log.text, wanted=frozenset({"traffic"})), by=GROUPS)


def test_samples_ask_only_for_what_there_is() -> None:
    found = parsed(exposition(whole_report(), 5, MOMENT).decode())
    board = json.loads((SAMPLES / "grafana" / "eximkit.json").read_text())
    queries = [
        target["expr"]
        for panel in board["panels"]
        for target in panel.get("targets", [])
    ]
    queries += [row["definition"] for row in board["templating"]["list"][1:]]
    rules = (SAMPLES / "prometheus" / "eximkit-rules.yml").read_text()
    assert len(queries) > 25
    asked = set(re.findall(r"\b(?:exim|eximkit)_\w+", " ".join([*queries, rules])))
    assert asked - set(found) == set()
    for query in queries:
        assert query.count("(") == query.count(")")
        for name, label in re.findall(r'(exim\w+)\{[^}]*?,(\w+)="', query + rules):
            assert name in found, label
    # Labels that series are summed by are labels that they have.
    families = {
        sample.name: set(sample.labels)
        for family in text_string_to_metric_families(
            exposition(whole_report(), 5, MOMENT).decode()
        )
        for sample in family.samples
    }
    for query in queries:
        for labels, name in re.findall(
            r"by \((\w+)\) \((?:\w+\()?((?:exim|eximkit)_\w+)", query
        ):
            assert labels in families[name], query


def test_the_dashboard_shows_each_subject_and_no_panel_lies_on_another() -> None:
    board = json.loads((SAMPLES / "grafana" / "eximkit.json").read_text())
    titles = " ".join(panel["title"] for panel in board["panels"])
    for subject in ("Early pipelining", "TLS", "Flow", "Delays", "Rejections"):
        assert subject in titles
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    cells = [
        (x, y)
        for panel in board["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


def test_the_file_for_the_node_exporter_is_readable_and_replaced(
    tmp_path: Path,
) -> None:
    target = tmp_path / "exim.prom"
    before = os.umask(0o077)
    try:
        for _ in range(2):
            run("--format", "prometheus", "--output", str(target), str(LOG))
            assert target.stat().st_mode & 0o777 == 0o644
            inode = target.stat().st_ino
            target.chmod(0o600)
    finally:
        os.umask(before)
    assert parsed(target.read_text())["eximkit_log_lines_total"]
    run("--format", "prometheus", "--output", str(target), str(LOG))
    assert target.stat().st_ino != inode
    assert [p.name for p in tmp_path.iterdir()] == ["exim.prom"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--format", "prometheus"],
        ["--format", "prometheus", "--state", "state"],
        ["--format", "prometheus", "--follow", "--output", "x.prom"],
        ["metrics", "--listen", "127.0.0.1:0"],
    ],
    ids=["report", "state", "follow", "metrics"],
)
def test_without_the_extra_the_command_that_installs_it_is_told(
    arguments: list[str], tmp_path: Path
) -> None:
    code = (
        "import sys; sys.modules['prometheus_client'] = None\n"
        "from eximkit.cli import main\n"
        "sys.argv[0] = 'eximkit'\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "logs", *arguments, str(LOG)],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )  # fmt: skip
    assert done.returncode == 4
    assert "pip install 'eximkit[metrics]'" in done.stderr
    assert list(tmp_path.iterdir()) == []
