"""`interop serve --config` and `send --config --transport`, as a user runs them."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from eximkit.cli import main
from eximkit.logs.line import parse_line
from eximkit.logs.record import Kind
from tests.interop.serving import EXIMKIT, served

if TYPE_CHECKING:
    from pathlib import Path

    from eximkit.logs.record import LogRecord


def ran(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*EXIMKIT, *map(str, arguments)], capture_output=True, text=True, check=False,
        timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def log(path: Path) -> list[LogRecord]:
    return [parse_line(line) for line in path.read_bytes().splitlines()]


@pytest.fixture(scope="module")
def sample(request: pytest.FixtureRequest) -> Path:
    path: Path = request.config.rootpath / "samples/configs/good/interop.conf"
    return path


def test_both_halves_of_one_configuration(sample: Path, tmp_path: Path) -> None:
    theirs, ours = tmp_path / "server", tmp_path / "client"
    cache = tmp_path / "cache"

    def send(transport: str, *more: str) -> dict[str, Any]:
        done = ran(
            "send", "--to", f"127.0.0.1:{port}", "--config", sample, "--transport",
            transport, "--cache", cache, "--mainlog", ours, "--format", "json",
            "--mail-from", "a@b.example", *more,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    with served("--config", sample, "--mainlog", theirs) as told:
        port = told["port"]
        to = ("--rcpt", "ann@example.org")
        greetings = []
        for transport in ("remote_smtp", "by_address"):
            first, second = send(transport, *to), send(transport, *to)
            assert (first["outcome"], second["outcome"]) == ("delivered", "delivered")
            assert (first["early"], second["early"]) == (False, True)
            assert (first["cache"], second["cache"]) == ("miss", "hit")
            assert first["tls"]["version"] == second["tls"]["version"] == "TLSv1.3"
            greetings += [first["greeting"], second["greeting"]]
        refused = send("remote_smtp", "--rcpt", "ann@elsewhere.example", *to)
    assert greetings == [
        "EHLO out.example.org", "EHLO out.example.org", "EHLO [127.0.0.1]",
        "EHLO mx.example.org",
    ]  # fmt: skip
    # The ACL of the configuration has decided; early or not.
    assert [each["code"] for each in refused["recipients"]] == [550, 250]
    assert refused["recipients"][0]["text"] == "relay not permitted"
    assert refused["early"]
    assert "no ACL" not in told["errors"]
    arrivals = [r for r in log(theirs) if r.kind is Kind.ARRIVAL]
    forms = [record.form for record in arrivals]
    # Whether a server sees early input as early is a race, of which it may lose some.
    assert [form in ("L.", "L*") for form in forms] == [True] * 5
    assert forms[0] == forms[2] == "L."
    assert {record.protocol for record in arrivals} == {"esmtps"}
    assert all(record.port for record in arrivals)
    (rejection,) = [r for r in log(theirs) if r.kind is Kind.REJECTION]
    assert (rejection.command, rejection.address) == ("RCPT", "ann@elsewhere.example")
    assert rejection.text == "relay not permitted"
    sent = [r for r in log(ours) if r.kind is Kind.DELIVERY]
    assert [record.form for record in sent] == ["L", "L*", "L", "L*", "L*"]
    assert [record.transport for record in sent] == [
        "remote_smtp", "remote_smtp", "by_address", "by_address", "remote_smtp",
    ]  # fmt: skip
    assert all(r.kind is not Kind.UNPARSED for r in (*log(theirs), *log(ours)))


def test_an_account_of_the_configuration(sample: Path, tmp_path: Path) -> None:
    account = tmp_path / "account"
    theirs = tmp_path / "server"
    with served("--config", sample, "--mainlog", theirs) as told:
        found = []
        for password in ("an example", "wrong"):
            account.write_text(f"ann:{password}\n")
            done = ran(
                "send", "--to", f"127.0.0.1:{told['port']}", "--tls", "starttls",
                "--account-file", account, "--auth-required", "--rcpt",
                "x@elsewhere.example", "--cache", tmp_path / "cache", "--format",
                "json",
            )  # fmt: skip
            found.append(json.loads(done.stdout)["outcome"])
    assert found == ["delivered", "deferred"]
    arrival, failed = (
        next(r for r in log(theirs) if r.kind is kind)
        for kind in (Kind.ARRIVAL, Kind.AUTH_FAILED)
    )
    assert (arrival.protocol, arrival.authenticator) == ("esmtpsa", "plain")
    assert arrival.authenticated_id == failed.authenticated_id == "ann"
    assert failed.authenticator == "plain"


BRACES = """\
begin transports
t:
  driver = smtp
  hosts_avoid_tls = *
  hosts_pipe_connect = *
  helo_data = [${sending_ip_address}]
  socks_proxy = 127.0.0.1
"""


def test_a_name_that_nobody_may_greet_with(tmp_path: Path) -> None:
    config = tmp_path / "exim.conf"
    config.write_text(BRACES)
    cache = tmp_path / "cache"
    with served() as told:

        def send(*more: str) -> subprocess.CompletedProcess[str]:
            return ran(
                "send", "--to", f"127.0.0.1:{told['port']}", "--config", config,
                "--transport", "t", "--cache", cache, "--format", "json", *more,
            )  # fmt: skip

        first = send()
        assert json.loads(first.stdout)["greeting"] == "EHLO [127.0.0.1]"
        assert "not followed: socks_proxy" in first.stderr
        assert "less safe" in first.stderr
        second = send()
        assert second.returncode == 2
        assert second.stdout == ""
        assert f"{config}:6: EXP101" in second.stderr
        assert f"{config}:6: EXP106" in second.stderr
        assert "--as-exim" in second.stderr
        as_exim = json.loads(send("--as-exim").stdout)
        assert (as_exim["outcome"], as_exim["redialled"]) == ("delivered", True)
        never = json.loads(send("--early", "never").stdout)
        assert (never["outcome"], never["early"]) == ("delivered", False)


@pytest.mark.parametrize(
    ("arguments", "code", "what"),
    [
        (["serve", "--config", "{sample}", "--name", "x"], 2, "--name"),
        (["serve", "--config", "{sample}", "--no-prdr"], 2, "--config says what"),
        (["serve", "--allow", "dns"], 2, "no use without --config"),
        (["serve", "-D", "X"], 2, "no use without --config"),
        (["serve", "--config", "{tmp}/absent"], 3, "No such file"),
        (["serve", "--config", "{tmp}/none"], 3, "does not load"),
        (["serve", "--config", "{sample}", "--exim-version", "9"], 2, "unknown Exim"),
        (["serve", "--config", "{sample}", "--root", "{tmp}/absent"], 3, "directory"),
        (["serve", "--config", "{sample}", "--allow", "all"], 2, "cannot be allowed"),
        (["serve", "--config", "{tmp}/list"], 2, "pipelining_advertise_hosts: "),
        (["serve", "--config", "{tmp}/cert"], 3, "/absent.pem"),
        (["send", "--to", "[::1]:9", "--config", "{sample}"], 2, "--transport"),
        (["send", "--to", "[::1]:9", "--transport", "x"], 2, "--config"),
        (["send", "--to", "[::1]:9", "--config", "{sample}", "--transport",
          "remote_smpt"], 2, "did you mean remote_smtp?"),
        (["send", "--to", "[::1]:9", "--config", "{sample}", "--transport", "x",
          "--helo", "y"], 2, "--helo"),
        (["send", "--to", "[::1]:9", "--config", "{tmp}/none", "--transport", "x"],
         3, "does not load"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(
    sample: Path, tmp_path: Path, arguments: list[str], code: int, what: str
) -> None:
    (tmp_path / "none").write_text("this is none\n")
    (tmp_path / "list").write_text("pipelining_advertise_hosts = +absent\n")
    (tmp_path / "cert").write_text("tls_certificate = /absent.pem\n")
    places = {"sample": sample, "tmp": tmp_path}
    words = [each.format(**places) for each in arguments]
    done = CliRunner().invoke(main, ["interop", *words])
    assert done.exit_code == code, done.stderr
    assert what in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
