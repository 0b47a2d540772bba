"""Each sample is what its first lines say it is."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

import eximkit
from eximkit import Environment, Failure, Known, Unknown
from eximkit.expansion.environment import Found

CONFIGS = Path(__file__).resolve().parent.parent / "samples" / "configs"
GOOD = sorted((CONFIGS / "good").glob("*.conf"))
BAD = sorted((CONFIGS / "bad").glob("*.conf"))


def lint(path: Path, *options: str) -> tuple[int, list[dict[str, object]]]:
    """The exit code, and the findings of `eximkit lint --format json`."""
    from eximkit.cli import main

    run = CliRunner().invoke(main, ["lint", "--format", "json", *options, str(path)])
    return run.exit_code, json.loads(run.stdout)["findings"]


def announced(path: Path) -> set[str]:
    """The codes that the comment at the top of a sample names."""
    comment = path.read_text().split("\n\n", 1)[0]
    return set(re.findall(r"\bEX[A-Z]\d{3}\b", comment))


def release_of(path: Path) -> list[str]:
    """The release that a sample says it is about, as options."""
    return re.findall(r"--exim-version|(?<=--exim-version )\S+", path.read_text())


@pytest.mark.parametrize("path", GOOD, ids=lambda p: p.stem)
def test_good_samples_lint_without_errors_and_warnings(path: Path) -> None:
    code, findings = lint(path)
    assert {f["code"] for f in findings} == announced(path)
    assert {f["severity"] for f in findings} <= {"info"}
    assert code == 0


@pytest.mark.parametrize("path", GOOD, ids=lambda p: p.stem)
def test_good_samples_load(path: Path, exim: Path) -> None:
    run = subprocess.run([exim, "-C", path, "-bV"], capture_output=True, check=False)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("path", BAD, ids=lambda p: p.stem)
def test_bad_samples_show_what_they_say(path: Path) -> None:
    code, findings = lint(path, *release_of(path))
    assert announced(path), "a bad sample names its codes"
    assert {f["code"] for f in findings} == announced(path)
    assert code == 1


@pytest.mark.parametrize("path", BAD, ids=lambda p: p.stem)
def test_exim_refuses_what_the_linter_says_it_refuses(path: Path, exim: Path) -> None:
    _, findings = lint(path, "--exim-version", "4.96")
    run = subprocess.run([exim, "-C", path, "-bV"], capture_output=True, check=False)
    refused = any(f["exim_refuses"] for f in findings)
    assert refused == (run.returncode != 0)


def test_what_a_release_made_safe_is_found_before_it() -> None:
    path = CONFIGS / "bad" / "old_release.conf"
    assert lint(path, "--exim-version", "4.96") == (0, [])


def avoidance() -> str:
    """The `helo_data` of the avoidance sample, as Exim holds it."""
    config = eximkit.load_config(CONFIGS / "good" / "avoidance.conf")
    transport = next(t for t in config.transports if t.name == "remote_smtp")
    return transport.options.text("helo_data")


def greeting(address: str) -> Known | Unknown | Failure:
    """What the avoidance sample greets with; two PTR names, where it asks for them."""
    tree = eximkit.parse_expansion(avoidance())
    environment = Environment(
        variables={
            "sending_ip_address": Known(address),
            "primary_hostname": Known("mail.example.org"),
        },
        lookup=lambda *_: Found(Known("one.example.org!two.example.org")),
    )
    return eximkit.evaluate(tree, environment)


def test_the_avoidance_sample_says_what_it_promises() -> None:
    assert greeting("192.0.2.1") == Known("one.example.org")
    assert greeting("") == Known("mail.example.org")


def test_exim_agrees_about_the_avoidance_sample(exim: Path) -> None:
    # -be has no connection, so the address is empty, as it is early.
    path = CONFIGS / "good" / "avoidance.conf"
    run = subprocess.run(
        [exim, "-C", path, "-be", avoidance()], capture_output=True, check=True
    )
    assert run.stdout == b"mail.example.org\n"


def test_every_sample_is_in_the_list() -> None:
    text = (CONFIGS.parent / "README.md").read_text()
    assert [p.name for p in (*GOOD, *BAD) if f"`{p.name}`" not in text] == []
