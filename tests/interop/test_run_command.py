"""`eximkit interop run` and `eximkit.interop.run`: what they say of what is missing."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import eximkit
from eximkit.errors import InteropError, MissingProgramError, SettingsError
from eximkit.interop import exim_peer, runner
from eximkit.interop.exim_peer import find_exim
from eximkit.interop.link import LinkKind
from eximkit.interop.result import ScenarioResult, Verdict
from eximkit.interop.runner import Plan, run_all
from eximkit.interop.scenario import scenarios
from tests.conftest import without

if TYPE_CHECKING:
    from pathlib import Path

    from eximkit.interop.result import Pairing
    from eximkit.interop.scenario import Scenario

INSTALL = "apt install exim4-daemon-heavy"
ONE = ("mail-first",)
"""A scenario that takes no time and needs nothing."""


def interop(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "eximkit", "interop", "run", *arguments],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.fixture
def no_exim(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without Exim."""
    monkeypatch.setattr(exim_peer, "_NAMES", ("no-such-exim",))


def test_an_exim_that_is_not_there(tmp_path: Path) -> None:
    gone = interop(*ONE, "--exim", str(tmp_path / "exim4"))
    assert (gone.returncode, gone.stdout) == (4, "")
    assert gone.stderr == f"eximkit: no Exim at {tmp_path}/exim4 ({INSTALL})\n"


def test_a_program_that_is_no_exim() -> None:
    if os.geteuid() != 0:
        without("a real Exim as a peer needs root")
    other = interop(*ONE, "--exim", "/bin/true")
    assert (other.returncode, other.stdout) == (3, "")
    assert other.stderr == "eximkit: /bin/true is no Exim\n"


@pytest.mark.usefixtures("no_exim")
@pytest.mark.parametrize(
    "plan",
    [Plan(names=ONE, needs_exim=True), Plan(names=ONE, exim="/no/such/exim4")],
    ids=["asked for", "by its path"],
)
def test_an_exim_that_was_asked_for_is_not_left_out(plan: Plan) -> None:
    with pytest.raises(MissingProgramError, match=INSTALL):
        asyncio.run(run_all(plan, scenarios()))


@pytest.mark.parametrize(
    "options", [("--client", "exim"), ("--server", "exim"), ("--peer", "exim")]
)
def test_options_that_ask_for_an_exim(
    options: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    from eximkit.cli.interop_run import run

    monkeypatch.setattr(exim_peer, "_NAMES", ("no-such-exim",))
    told = CliRunner().invoke(run, [*ONE, *options], standalone_mode=False)
    assert isinstance(told.exception, MissingProgramError)


@pytest.mark.usefixtures("no_exim")
def test_without_exim_its_pairings_are_skipped_with_the_reason() -> None:
    results = asyncio.run(run_all(Plan(names=ONE), scenarios()))
    told = {(r.pairing.server, r.outcome.value, r.reason) for r in results}
    assert told == {
        ("eximkit", "passed", None),
        ("exim", "skipped", f"no Exim is installed ({INSTALL})"),
    }


@pytest.mark.parametrize(("asked", "taken"), [(1, [1, 3, 3]), (5, [5, 5, 5])])
def test_a_late_measurement_is_made_again_with_a_median(
    asked: int, taken: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    repeats = []

    async def late(
        scenario: Scenario, pairing: Pairing, _: object, repeat: int
    ) -> tuple[ScenarioResult, bool]:
        repeats.append(repeat)
        result = ScenarioResult(scenario.name, pairing)
        result.outcome, result.reason = Verdict.FAILED, "late"
        return result, True

    monkeypatch.setattr(runner, "run_sequence", late)
    plan = Plan(("clear-data",), ("eximkit",), ("eximkit",), link=LinkKind.PROXY)
    plan = replace(plan, repeat=asked)
    (result,) = asyncio.run(run_all(plan, scenarios()))
    assert (repeats, result.attempts) == (taken, 3)
    assert (result.outcome, result.reason) == (Verdict.FAILED, "late")


# -- as a library ----------------------------------------------------------------------


def test_a_scenario_from_a_program() -> None:
    result = asyncio.run(
        eximkit.interop.run("clear-data", link="proxy", rtt=0.02, repeat=1)
    )
    assert isinstance(result, eximkit.interop.ScenarioResult)
    assert result.outcome is eximkit.interop.Verdict.PASSED, result.reason
    assert result.client_forms == ["L*"]
    (trips,) = result.trips
    assert (trips.counted, trips.pipelining, trips.early) == ("dialogue", 2.5, 1.0)
    pair = result.pairing
    assert (pair.client, pair.server, pair.link) == ("eximkit", "eximkit", "proxy")


def test_with_a_real_exim_from_a_program() -> None:
    if isinstance(obstacle := find_exim(), str):
        without(obstacle)
    result = asyncio.run(eximkit.interop.run("mail-first", server="exim"))
    assert result.outcome is eximkit.interop.Verdict.PASSED, result.reason
    assert (result.pairing.client, result.pairing.server[:4]) == ("scripted", "exim")


def test_what_cannot_run_here_is_a_result() -> None:
    result = asyncio.run(eximkit.interop.run("clear-data-tfo", link="proxy"))
    assert result.outcome is eximkit.interop.Verdict.SKIPPED
    assert result.reason == "Fast Open needs --link packet"


@pytest.mark.parametrize(
    ("name", "options", "what"),
    [
        ("clear-dta", {}, "did you mean clear-data"),
        ("clear-data", {"client": "postfix"}, "client is 'postfix'"),
        ("clear-data", {"server": "builtin"}, "server is 'builtin'"),
        ("clear-data", {"link": "wire"}, "loopback, proxy, packet"),
        ("clear-data", {"rtt": 0.0}, "rtt"),
        ("clear-data", {"repeat": 0}, "repeat"),
    ],
)
def test_what_a_program_may_not_ask_for(
    name: str, options: dict[str, object], what: str
) -> None:
    with pytest.raises(SettingsError, match=what):
        asyncio.run(eximkit.interop.run(name, **options))  # type: ignore[arg-type]


def test_an_exim_that_a_program_asks_for() -> None:
    with pytest.raises(MissingProgramError, match=INSTALL):
        asyncio.run(eximkit.interop.run("clear-data", exim="/no/such/exim4"))
    if os.geteuid() == 0:
        with pytest.raises(InteropError, match="is no Exim"):
            asyncio.run(eximkit.interop.run("clear-data", exim="/bin/true"))


def test_nothing_is_loaded_before_it_is_used() -> None:
    code = (
        "import sys, eximkit; eximkit.interop; "
        "print([m for m in sys.modules if m.startswith('eximkit.')])"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert json.loads(told.stdout.replace("'", '"')) == ["eximkit.interop"]
    with pytest.raises(AttributeError, match="nonesuch"):
        eximkit.interop.nonesuch  # noqa: B018
