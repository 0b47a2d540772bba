"""Every scenario in every pairing, with a real Exim, over real packets."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from eximkit.cli.output import style
from eximkit.interop.exim_peer import find_exim
from eximkit.interop.link import packet_obstacle
from eximkit.interop.result import ScenarioResult, Verdict
from eximkit.interop.runner import Plan, run_all
from eximkit.interop.scenario import Kind, load, scenarios
from eximkit.interop.workshop import PREFIX
from eximkit.report import interop_diagram
from tests.conftest import without

NAMES = [scenario.name for scenario in scenarios()]
TABLE = {
    "clear-data": (4, 2), "clear-data-tfo": (3, 1),
    "starttls-data-tls12": (8, 5), "starttls-data": (7, 4), "starttls-data-tfo": (6, 3),
    "on-connect-data": (5, 3), "on-connect-data-tfo": (4, 2),
}  # fmt: skip
"""Round trips that are promised: without early mode, and with it."""


@pytest.fixture(scope="module")
def ran() -> list[ScenarioResult]:
    """The whole of `eximkit interop run`."""
    for obstacle in (packet_obstacle(), find_exim()):
        if isinstance(obstacle, str) and obstacle:
            without(obstacle)
    # The sequences of the tables five times; all else less, for the sake of time.
    timed = tuple({**TABLE, **ACCEPTED})
    table = asyncio.run(run_all(Plan(names=timed, repeat=5), scenarios()))
    rest = tuple(name for name in NAMES if name not in timed)
    return table + asyncio.run(run_all(Plan(names=rest, repeat=1), scenarios()))


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_passes_in_every_pairing(
    name: str, ran: list[ScenarioResult]
) -> None:
    results = [result for result in ran if result.scenario == name]
    assert results
    assert [
        f"{r.pairing.client} to {r.pairing.server}: {r.reason}"
        for r in results
        if r.outcome is Verdict.FAILED
    ] == []
    kind = next(s.kind for s in scenarios() if s.name == name)
    pairs = {Kind.SEQUENCE: 4, Kind.CHANGE: 2, Kind.HOSTILE: 2}[kind]
    assert len(results) == pairs


def test_only_what_a_peer_cannot_do_is_skipped(ran: list[ScenarioResult]) -> None:
    reasons = {result.reason for result in ran if not result.ran}
    assert reasons == {
        "Exim's second write waits for the SYN-ACK",
        "Exim's client resumes no session with TLS on connect",
    }


@pytest.mark.parametrize("name", TABLE)
def test_the_table_of_round_trips(name: str, ran: list[ScenarioResult]) -> None:
    for result in (r for r in ran if r.scenario == name):
        assert result.client_forms == ["L*"]
        assert {*result.server_forms} <= {"L*", "L."}
        (trips,) = [t for t in result.trips if t.counted == "stopwatch"]
        assert trips.expected == TABLE[name]
        for value, theory in zip(
            (trips.pipelining, trips.early), TABLE[name], strict=True
        ):
            assert theory - 0.1 <= value <= theory + 0.4
        assert trips.saved == pytest.approx(TABLE[name][0] - TABLE[name][1], abs=0.2)


ACCEPTED = {
    "clear-data": (5, 3), "clear-data-tfo": (4, 2), "clear-bdat": (4, 2),
    "clear-bdat-tfo": (3, 2), "clear-bdat-tfo-content": (3, 1),
}  # fmt: skip
"""Round trips from the SYN to the reply that accepts the message."""


@pytest.mark.parametrize("name", ACCEPTED)
def test_when_a_message_is_accepted(name: str, ran: list[ScenarioResult]) -> None:
    results = [r for r in ran if r.scenario == name and r.ran]
    assert ("eximkit", "eximkit") in {
        (r.pairing.client, r.pairing.server) for r in results
    }
    for result in results:
        assert (result.pairing.link, result.pairing.rtt) == ("packet", 0.1)
        trips = result.accepted
        assert trips is not None
        assert (trips.counted, trips.expected) == ("stopwatch", ACCEPTED[name])
        for value, theory in zip(
            (trips.pipelining, trips.early), ACCEPTED[name], strict=True
        ):
            assert theory - 0.1 <= value <= theory + 0.4


def test_a_message_in_the_syn_is_accepted_one_round_trip_later(
    ran: list[ScenarioResult],
) -> None:
    servers = {}
    for result in (r for r in ran if r.scenario == "clear-bdat-tfo-content" and r.ran):
        assert result.pairing.client == "eximkit"
        assert result.fast_open
        assert result.accepted is not None
        servers[result.pairing.server] = result.accepted.early
        # No other sequence, and no Exim's client, is there before two.
        assert 0.9 <= result.accepted.early <= 1.4
    assert len(servers) == 2
    others = [
        r.accepted.early
        for r in ran
        if r.accepted is not None and r.scenario != "clear-bdat-tfo-content"
    ]
    assert min(others) >= 1.9


DRAWN = {
    "clear-data": ["SYN", "SYN-ACK", "EHLO, MAIL, RCPT, DATA"],
    "clear-bdat-tfo-content": [
        "SYN, EHLO, MAIL, RCPT, BDAT 400 LAST, content (400 octets)"
    ],
    "starttls-data": [
        "SYN", "SYN-ACK", "EHLO, STARTTLS", "220, 7 x 250-, 250, 220", "ClientHello",
        "ServerHello, Certificate, Finished", "Finished, [EHLO, MAIL, RCPT, DATA]",
        "[6 x 250-, 3 x 250, 354]",
    ],
    "starttls-data-resumed": [
        "SYN", "SYN-ACK", "EHLO, STARTTLS", "220, 7 x 250-, 250, 220", "ClientHello",
        "ServerHello, Finished", "Finished, [EHLO, MAIL, RCPT, DATA]",
    ],
    "on-connect-data-tls12": [
        "SYN", "SYN-ACK", "ClientHello",
        "ServerHello, Certificate, ServerKeyExchange, ServerHelloDone",
        "ClientKeyExchange, Finished", "Finished, [220]", "[EHLO, MAIL, RCPT, DATA]",
    ],
}  # fmt: skip
"""How an early message begins, between all that are not both a real Exim."""


@pytest.mark.parametrize("name", DRAWN)
def test_the_sequence_is_drawn(name: str, ran: list[ScenarioResult]) -> None:
    for result in (r for r in ran if r.scenario == name and r.ran):
        first, early = result.drawings
        assert (first.title, early.title) == ("first contact", "early")
        assert first.rows[2].text.startswith(("220", "ClientHello"))
        pair = result.pairing
        if "eximkit" in (pair.client, pair.server):
            rows = [row.text for row in early.rows]
            assert rows[: len(DRAWN[name])] == DRAWN[name]


def test_every_drawing_has_80_columns(ran: list[ScenarioResult]) -> None:
    drawn = [result for result in ran if result.ran]
    assert all(result.drawings for result in drawn)
    lines = [
        line.rstrip("\n")
        for result in drawn
        for line in interop_diagram.diagram(result, style(None))
    ]
    assert [line for line in lines if len(line) > 80 or not line.isprintable()] == []


LOST_BY_EXIM = [
    "withdrawn-strict", "helo-only", "auth-changed", "starttls-stale",
    "early-talker-trap", "early-talker-trap-teaser", "early-talker-trap-tempfail",
    "early-talker-trap-silent", "middlebox", "pool", "hello-long", "option-conflict",
    "auth-clear-changed",
]  # fmt: skip
"""What Exim 4.96 bounces or puts off, and we deliver at once."""


@pytest.mark.parametrize("name", LOST_BY_EXIM)
def test_what_exim_loses_is_delivered(name: str, ran: list[ScenarioResult]) -> None:
    notes = {r.pairing.client[:4]: r.notes[1] for r in ran if r.scenario == name}
    assert notes["exim"] != ""
    by_us = next(r.notes[1] for r in ran if r.scenario == name and (
        r.pairing.client == "eximkit"))  # fmt: skip
    by_exim = next(r.notes[1] for r in ran if r.scenario == name and (
        r.pairing.client != "eximkit"))  # fmt: skip
    assert by_us.startswith("contact 2: delivered")
    assert by_exim.startswith(("contact 2: rejected", "contact 2: deferred"))


def left_behind() -> set[str]:
    """Folders of runs, wherever they may lie."""
    places = (Path("/dev/shm"), Path("/tmp"))  # noqa: S108
    return {str(f) for place in places for f in place.glob(f"{PREFIX}*")}


@pytest.fixture
def clean() -> set[str]:
    return left_behind()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_stays_when_a_run_is_interrupted(
    number: signal.Signals, clean: set[str]
) -> None:
    run = subprocess.Popen(
        [sys.executable, "-m", "eximkit", "interop", "run", "clear-data",
         "--client", "eximkit", "--server", "eximkit", "--repeat", "500"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    mine: list[int] = []
    while not mine and time.monotonic() < deadline:
        mine = [p for p in children_of(run.pid) if "send" in command_of(p)]
        time.sleep(0.05)
    everybody = children_of(run.pid)
    run.send_signal(number)
    _, errors = run.communicate(timeout=60)
    assert run.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number]
    assert b"Traceback" not in errors
    assert mine
    assert [p for p in everybody if "eximkit" in command_of(p)] == []
    folders = left_behind() - clean
    assert [f for f in folders if f"[{run.pid}," in owner_of(f)] == []


def children_of(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        texts = [(task / "children").read_text() for task in tasks]
    except OSError:
        return []
    return [int(child) for text in texts for child in text.split()]


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def owner_of(folder: str) -> str:
    try:
        return (Path(folder) / "owner").read_text()
    except OSError:
        return ""


IMPOSSIBLE = """
kind = "sequence"
[impossible]
shows = "more round trips than there are"
fast_open = true
stopwatch = [9, 9]
"""


@pytest.mark.parametrize("fails", [False, True], ids=["success", "failure"])
def test_nothing_stays_when_a_run_ends(fails: bool, clean: set[str]) -> None:
    for obstacle in (packet_obstacle(), find_exim()):
        if isinstance(obstacle, str) and obstacle:
            without(obstacle)
    every = load(IMPOSSIBLE if fails else IMPOSSIBLE.replace("9, 9", "3, 1"), "t")
    before = running_here(), interfaces()
    plan = Plan(repeat=1, clients=("exim",), servers=("exim",))
    results = asyncio.run(run_all(plan, every))
    wanted = Verdict.FAILED if fails else Verdict.PASSED
    assert [(r.outcome, r.pairing.link) for r in results] == [(wanted, "packet")]
    # Those of another run on this machine come and go.
    deadline = time.monotonic() + 20
    while running_here() - before[0] and time.monotonic() < deadline:
        time.sleep(0.1)
    assert running_here() - before[0] == set()
    assert interfaces() == before[1]
    assert [f for f in left_behind() - clean if f"[{os.getpid()}," in owner_of(f)] == []


def running_here() -> set[int]:
    """Children of this process, and processes that have outlived their parents."""
    orphans = {pid for pid in children_of(1) if PREFIX in command_of(pid)}
    return set(children_of(os.getpid())) | orphans


def interfaces() -> list[str]:
    return sorted(os.listdir("/sys/class/net"))  # noqa: PTH208


def test_a_killed_run_is_swept_by_the_next(clean: set[str]) -> None:
    code = (
        "import os, signal\n"
        "from eximkit.interop.workshop import Workshop\n"
        "with Workshop() as w:\n"
        "    print(w.folder, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        timeout=60, env={**os.environ},
    )  # fmt: skip
    folder = Path(run.stdout.strip())
    assert folder.is_dir()
    from eximkit.interop.workshop import Workshop

    with Workshop():
        assert not folder.exists()
