from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from eximkit.interop.service_options import Client
from eximkit.smtp.commands import Ehlo, Mail, Rcpt
from eximkit.smtp.service import Service
from eximkit.smtp.session import Session
from tests.interop.test_service_options import HERE, noted, plan

if TYPE_CHECKING:
    from eximkit.interop.acl_options import Verdict
    from eximkit.smtp.commands import Command

NOBODY = ("", "")


def verdict(
    acl: str, command: Command, stage: str = "rcpt", session: Session | None = None
) -> Verdict | None:
    """What an ACL says of one command."""
    made = plan(f"acl_smtp_{stage} = check", f"begin acl\ncheck:\n{acl}\n")
    judge = made.judge(HERE)
    assert judge is not None, noted(made)
    return judge.command(command, session or Session(Service(), secure=False), NOBODY)


TO = Rcpt("ann@Example.ORG")


@pytest.mark.parametrize(
    ("acl", "code"),
    [
        ("accept", None), ("deny", 550), ("defer", 451), ("drop", 550), ("warn", 550),
        ("accept domains = example.org", None), ("accept domains = example.net", 550),
        ("accept local_parts = ann", None),
        ("accept recipients = ann@example.org", None),
        ("deny recipients = *@example.org", 550),
        ("accept hosts = 127.0.0.0/8", None), ("accept hosts = @[]", None),
        ("deny !hosts = @[] : 192.0.2.1", 550), ("accept encrypted = *", 550),
        ("accept condition = ${if eq{$domain}{example.org}}", None),
        ("deny message = 554 go\n  domains = *", 554),
        ("deny message = 254 go\n  domains = *", 550),
        ("defer message = 455 go", 455),
        ("accept acl = inner\ninner:\n  accept", None),
        ("accept acl = inner\ninner:\n  deny", 550),
        ("accept control = submission/sender_retain\n  add_header = X: y", None),
        ("accept authenticated = *", 550),
        ("accept condition = ${lookup{x}lsearch{/y}}", 451),
        ("require domains = example.net\n  message = no", 550),
    ],
)  # fmt: skip
def test_verdicts(acl: str, code: int | None) -> None:
    found = verdict(f"  {acl}", TO)
    assert (found.reply.code if found is not None else None) == code
    assert found is None or found.close == acl.startswith("drop")


def test_messages() -> None:
    found = verdict("  deny message = 553 one\\n$local_part\\n", TO)
    assert found is not None
    assert (found.reply.code, found.reply.lines) == (553, ("one", "ann"))
    found = verdict("  deny", TO)
    assert found is not None
    assert found.reply.lines == ("Administrative prohibition",)
    assert found.log == ""


def test_variables_go_from_one_acl_to_the_next() -> None:
    made = plan(
        "acl_smtp_helo = h\nacl_smtp_mail = m\nacl_smtp_rcpt = r",
        "begin acl\nh:\n  accept set acl_c_name = $sender_helo_name\n"
        "m:\n  accept set acl_m_from = $acl_m_from$sender_address\n"
        "r:\n  deny message = $acl_c_name $acl_m_from $rcpt_count\n",
    )
    judge = made.judge(HERE)
    assert judge is not None
    session = Session(Service(), secure=False)
    for number in range(2):
        for command in (Ehlo("c.example"), Mail(f"a{number}@b.example")):
            assert judge.command(command, session, NOBODY) is None
            session.accepted(command)
        found = judge.command(TO, session, NOBODY)
        assert found is not None
        # $acl_m_… is of one message, $acl_c_… of the connection.
        assert found.reply.text == f"c.example a{number}@b.example 1"
    other = made.judge(HERE)
    assert other is not None
    found = other.command(TO, Session(Service(), secure=False), NOBODY)
    assert found is not None
    assert found.reply.text.strip() == "1"


def test_connections() -> None:
    made = plan(
        "acl_smtp_connect = c",
        "begin acl\nc:\n  drop hosts = 192.0.2.9\n    message = go away\n  accept\n",
    )
    judge = made.judge(Client("192.0.2.9"))
    assert judge is not None
    found = judge.connection()
    assert found is not None
    assert (found.reply.code, found.reply.text, found.log) == (
        550,
        "go away",
        "go away",
    )
    judge = made.judge(Client("192.0.2.8"))
    assert judge is not None
    assert judge.connection() is None
    assert judge.command(TO, Session(Service(), secure=False), NOBODY) is None


def test_who_has_authenticated() -> None:
    made = plan("acl_smtp_rcpt = r", "begin acl\nr:\n  accept authenticated = plain\n")
    judge = made.judge(HERE)
    assert judge is not None
    session = Session(Service(), secure=True)
    assert judge.command(TO, session, ("plain", "ann")) is None
    assert judge.command(TO, session, ("login", "ann")) is not None


@pytest.mark.parametrize(
    ("acl", "what"),
    [
        ("accept verify = recipient", "verify"),
        ("deny dnslists = x.example\n  accept", "dnslists"),
        ("discard", "discard"),
        ("accept ratelimit = 1/1h", "ratelimit"),
        ("accept control = no_pipelining", "control = no_pipelining"),
        ("accept delay = 5s", "delay"),
        ("accept acl = inner\ninner:\n  accept spf = fail", "spf"),
        ("accept acl = ${if eq{a}{b}{x}{y}}", "acl = "),
        ("accept acl = absent", "the ACL absent"),
        ("accept acl = check", "without end"),
    ],
)
def test_an_acl_that_asks_for_more_is_not_run(acl: str, what: str) -> None:
    made = plan("acl_smtp_rcpt = check", f"begin acl\ncheck:\n  {acl}\n")
    assert made.judge(HERE) is None
    assert "the ACL is not run: it takes" in noted(made)["acl_smtp_rcpt"]
    assert what in noted(made)["acl_smtp_rcpt"]
    assert any(each.weakens for each in made.unhonoured)


def test_recipients_are_not_known_before_they_are_named() -> None:
    made = plan("acl_smtp_mail = m", "begin acl\nm:\n  accept domains = x\n")
    assert made.judge(HERE) is None
    assert "before there is a recipient" in noted(made)["acl_smtp_mail"]


@pytest.mark.parametrize(
    ("value", "run"),
    [("accept", "accept"), ("deny", "deny"), ("${if eq{a}{a}{check}}", "check"),
     ("", None), ("/etc/acl", None), ("accept hosts = *", None)],
)  # fmt: skip
def test_how_an_acl_is_named(value: str, run: str | None) -> None:
    made = plan(f"acl_smtp_rcpt = {value}", "begin acl\ncheck:\n  accept\n")
    assert made.acls.names.get("rcpt") == run
    assert ("acl_smtp_rcpt" in noted(made)) is (run is None and value != "")


def test_a_lookup_that_was_not_allowed_is_no_yes() -> None:
    made = plan(
        "acl_smtp_rcpt = r",
        "begin acl\nr:\n  accept domains = lsearch;/etc/domains\n",
    )
    judge = made.judge(HERE)
    assert judge is not None
    found = judge.command(TO, Session(Service(), secure=False), NOBODY)
    assert found is not None
    assert found.reply.code == 451
    assert "add --allow files" in noted(made)["ACL r"]


def test_what_a_client_says_is_not_expanded() -> None:
    found = verdict(
        "  deny message = $sender_helo_name", Ehlo("${if eq{a}{a}{b}}"), "helo"
    )
    assert found is not None
    assert found.reply.text == "${if eq{a}{a}{b}}"
