"""What a remote party writes into a line is never taken for a field of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eximkit.logs.line import parse_line
from eximkit.logs.record import Kind

HEAD = "2026-01-02 03:04:05 10HmaX-000000005vi-0000"
SESSION = "I=[198.51.100.1]:25 P=esmtpsa L. X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=no"
ROUTE = "R=dnslookup T=remote_smtp H=mx.e.example [192.0.2.9]"
FAKES = (
    "L*", " ", "S=5", "P=esmtp", "H=x", "[203.0.113.6]", "H=x [203.0.113.6]:5",
    ") [203.0.113.6] ", "(", ")", "<a@b>", "<>", "R=r", "T=t", 'T="', ":", " : ", ": ",
    'C="1"', 'C="', "QT=1s", "DT=1s", "=>", "<=", "**", "Completed", "\\", '"', '" ',
    ' "', "X=TLS1.2:x:128", "A=plain:x", "A=", " for a@b", " from <a@b>", "defer (1)",
    " rejected RCPT ", "rejected", "K", ' DN="', "CV=yes", "F=<a@b>", "id=a@b", "U=u",
    "2026-01-02 03:04:05", HEAD, "\n", "é", "\udcff", "x", "@", ".", "*", "routing",
    " S=5 ", " L* ", " P=smtp ", "PRX=1", "Ci=1", "\r", "\t", " (c@d)", "SNI=x",
)  # fmt: skip
hostile = st.lists(st.sampled_from(FAKES), max_size=12).map("".join)
one_line = hostile.map(lambda text: text.replace("\n", " ").replace("\r", " "))


def said(line: str, *remote: str) -> dict[str, Any]:
    """What a line says, but for those attributes that the remote party's text is in."""
    record = parse_line(line.encode("utf-8", "surrogateescape"))
    return {
        name: value
        for name, value in record._asdict().items()
        if name != "raw" and name not in remote
    }


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def logged(text: str) -> str:
    """As Exim prints what it does not know to be printable."""
    return text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")


def arrival(
    *,
    sender: str = "a@sender.example",
    helo: str = "helo.example",
    dn: str = "/CN=x",
    login: str = "joe",
    header_id: str = "m@sender.example",
    subject: str = "hello",
    recipient: str = "b@local.example",
) -> str:
    return (
        f"{HEAD} <= {sender} H=mx.example ({helo}) [192.0.2.7]:40123 {SESSION} "
        f'DN="{dn}" A=plain:{login} PRDR PRX=203.0.113.9 K S=1234 M8S=0 '
        f"DKIM=sender.example RT=0s id={header_id} "
        f'T="{subject}" from <{sender}> for {recipient} c@local.example'
    )


HARMLESS = arrival()


@given(hostile)
@example('\\" L* S=12 P=esmtp')
def test_a_subject(text: str) -> None:
    line = arrival(subject=logged(escaped(text)))
    assert said(line, "subject_raw") == said(HARMLESS, "subject_raw")


@given(one_line)
@example('x) [203.0.113.6] P=esmtp L* S=99 T="y')
@example("x) [203.0.113.6] P=esmtpa L* A=plain:y")
@example("x) [203.0.113.6] U=y")
def test_a_helo(text: str) -> None:
    assert said(arrival(helo=text), "helo") == said(HARMLESS, "helo")


@given(one_line)
@example('/CN=x" A=plain:root')
def test_a_certificate(text: str) -> None:
    def unauthenticated(dn: str) -> str:
        return (
            arrival(dn="%").replace("esmtpsa", "esmtps").replace(" A=plain:joe", "")
        ).replace("%", dn)

    assert said(unauthenticated(text), "dn") == said(unauthenticated("/CN=x"), "dn")


@given(one_line)
def test_a_certificate_beside_an_authentication(text: str) -> None:
    """(Either of them may hold all of the other. Neither gives another a whole id.)"""
    found, wanted = said(arrival(dn=text), "dn"), said(HARMLESS, "dn")
    if '" A=' in text:
        parts = "authenticator", "authenticated_id", "auth_sender"
        whole = ":".join(part for name in parts if (part := found[name]))
        assert whole.endswith('" A=plain:joe')
        for name in parts:
            del found[name], wanted[name]
    assert found == wanted


@given(one_line)
@example('joe S=9 T="x')
@example("joe S=9 for a S=5")
def test_an_authentication_id(text: str) -> None:
    """(Where it seems to end a HELO it is taken for one: anybody may say that. And a
    PRDR, PRX= or K at its end is Exim's where the line has none: nobody could tell.)
    """
    login = text.replace(") [", "")
    own = ("authenticated_id", "auth_sender")
    assert said(arrival(login=f"j{login}"), *own) == said(HARMLESS, *own)


@given(one_line)
def test_the_local_part_of_a_sender(text: str) -> None:
    own = ("sender", "received_sender")
    line = arrival(sender=f'"{escaped(text)}"@sender.example')
    assert said(line, *own) == said(HARMLESS, *own)


@given(one_line)
def test_the_local_part_of_a_recipient(text: str) -> None:
    recipient = f'"{escaped(text)}"@local.example'
    line = arrival(recipient=recipient)
    assert said(line, "recipients") == said(HARMLESS, "recipients")
    record = parse_line(line.encode("utf-8", "surrogateescape"))
    assert record.recipients == (recipient, "c@local.example")


@given(one_line)
def test_a_message_id(text: str) -> None:
    line = arrival(header_id=f'"{escaped(text)}"@x')
    assert said(line, "header_id") == said(HARMLESS, "header_id")


def delivery(
    flag: str = "=>",
    *,
    address: str = "b@e.example",
    dn: str = "/CN=mx",
    confirmation: str = "250 OK",
    sender: str = "a@sender.example",
) -> str:
    return (
        f"{HEAD} {flag} {address} F=<{sender}> P=<{sender}> {ROUTE}:25* "
        f'X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=yes DN="{dn}" L K C="{confirmation}" '
        "QT=3s DT=1s"
    )


@given(hostile)
def test_a_confirmation(text: str) -> None:
    line = delivery(confirmation=logged(escaped(text)))
    assert said(line, "confirmation") == said(delivery(), "confirmation")


@given(one_line)
@example('/CN=x" L* C="1')
@example('/CN=x" C="1" QT=1s DT=1s')
def test_the_certificate_of_a_server(text: str) -> None:
    assert said(delivery(dn=text), "dn") == said(delivery(), "dn")


@given(one_line, st.sampled_from(("=>", "->", ">>", "*>")), st.booleans())
@example('x <a@b> R=r T=t H=h [203.0.113.6] L* C="250" DT=1s', "=>", False)
@example('x <"x"@b> R=r T=t H=h [203.0.113.6] L* C="250 ', "=>", True)
def test_an_address_without_its_quotes(text: str, flag: str, whole: bool) -> None:
    own = ("address", "original")
    address = f"{text}@e.example" if whole else text
    line = delivery(flag, address=f'{address} <"{escaped(text)}"@e.example>')
    assert said(line, *own) == said(delivery(flag), *own)


@given(one_line)
def test_the_local_part_of_a_return_path(text: str) -> None:
    own = ("sender", "return_path")
    line = delivery(sender=f'"{escaped(text)}"@x')
    assert said(line, *own) == said(delivery(), *own)


@given(one_line, st.sampled_from((": ", " : ")))
@example("550 no <a@b> R=r T=t H=h [203.0.113.6] : x", ": ")
@example(f"550 no {HEAD} <= a@b", ": ")
def test_the_error_of_a_failure(text: str, colon: str) -> None:
    """(A DT= at its very end is the exception: it may be Exim's own.)"""
    own = ("text", "delivery_time")
    start = f"{HEAD} ** b@e.example F=<a@x> {ROUTE} X=TLS1.3:x:256 CV=yes{colon}550 "
    assert said(start + text, *own) == said(f"{start}no", *own)


@given(one_line, st.booleans())
@example("x <y@z> R=bad: text", True)
def test_the_address_of_a_failure(text: str, whole: bool) -> None:
    own = ("address", "original")
    address = f"{text}@e.example" if whole else text
    line = f'{HEAD} ** {address} <"{escaped(text)}"@e.example> {ROUTE}: 550 no'
    assert said(line, *own) == said(f"{HEAD} ** b@e.example {ROUTE}: 550 no", *own)


@given(one_line)
def test_the_error_of_a_deferral(text: str) -> None:
    start = f"{HEAD} == b@e.example R=r T=t defer (-44) H=mx [192.0.2.9] DT=3s: 451 "
    assert said(start + text, "text") == said(f"{start}later", "text")


@given(one_line, st.booleans())
def test_the_address_of_a_deferral(text: str, whole: bool) -> None:
    own = ("address", "original")
    address = f"{text}@e.example" if whole else text
    rest = "R=r T=t defer (-44) H=mx [192.0.2.9] DT=3s: 451 later"
    line = f'{HEAD} == {address} <"{escaped(text)}"@e.example> {rest}'
    assert said(line, *own) == said(f"{HEAD} == b@e.example {rest}", *own)


@given(one_line)
def test_the_error_of_a_host(text: str) -> None:
    start = f"{HEAD} H=mx [192.0.2.9]:25: SMTP error from remote mail server: 451 "
    assert said(start + text, "text") == said(f"{start}later", "text")


REJECTION = (
    f"{HEAD[:19]} H=(%s) [192.0.2.7] X=TLS1.3:x:256 CV=no F=<%s> rejected RCPT <%s>: %s"
)
SAID = ("helo.example", "a@x", "b@local.example", "no")


@given(one_line, st.sampled_from(range(1, 4)))
def test_a_rejection(text: str, which: int) -> None:
    """(A HELO with a rejection in it is part of a line that is one in any case.)"""
    texts = list(SAID)
    texts[which] = text if which == 3 else f'"{escaped(text)}"@x'
    own = ("helo", "sender", "address", "text")[which]
    assert said(REJECTION % tuple(texts), own) == said(REJECTION % SAID, own)


@given(one_line)
def test_a_helo_never_hides_a_rejection(text: str) -> None:
    line = REJECTION % (text, *SAID[1:])
    if re.search(r"\) \[203\.0\.113\.6\](?::5)? ", text) is None:
        assert said(line, "helo") == said(REJECTION % SAID, "helo")


SYNC = (
    "SMTP protocol synchronization error (next input sent too soon: pipelining was %s"
)
FREE = (
    "SMTP connection from (%s) [192.0.2.7] closed by QUIT",
    "SMTP connection from mx (%s) [192.0.2.7]:40123 (TCP/IP connection count = 3)",
    "no MAIL in SMTP connection from (%s) [192.0.2.7] D=1s C=EHLO,QUIT",
    "unexpected disconnection while reading SMTP command from (%s) [192.0.2.7] D=1s",
    "TLS error on connection from (%s) [192.0.2.7] (recv): x",
    "plain authenticator failed for (%s) [192.0.2.7]: 535 no (set_id=joe)",
    "plain authenticator failed for (x) [192.0.2.7]: 535 no (set_id=%s)",
    "rejected EHLO from H=(%s) [192.0.2.7]: syntactically invalid argument(s): x",
    "rejected EHLO from H=(x) [192.0.2.7]: syntactically invalid argument(s): %s",
    'SMTP syntax error in "%s" H=(x) [192.0.2.7] unrecognized command',
    SYNC % ('advertised): rejected "DATA" H=(x) [192.0.2.7] next input="%s"'),
    SYNC % ('not advertised): rejected "HELO x" H=[192.0.2.7] next input="%s"'),
    "SMTP call from (%s) [192.0.2.7] dropped: too many nonmail commands",
    'SMTP call from [192.0.2.7] dropped: too many errors (last command was "%s")',
)  # fmt: skip


@pytest.mark.parametrize("pattern", FREE)
@given(text=one_line)
def test_other_lines(pattern: str, text: str) -> None:
    own = ("helo", "authenticated_id", "text", "command")
    start = HEAD[:20]
    # What ends a HELO, and makes the rest of such a line fit, is as good as its end.
    if "(%s)" in pattern and ") [203.0.113.6]" in text:
        expected = said(start + pattern % "x")["kind"]
        assert said(start + pattern % text)["kind"] in {expected, Kind.UNPARSED}
    else:
        assert said(start + pattern % text, *own) == said(start + pattern % "x", *own)
