from __future__ import annotations

import multiprocessing
import os
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eximkit.errors import RemoteProtocolError
from eximkit.interop.log_fields import (
    SELECTORS,
    duration,
    inbound_form,
    outbound_form,
    printing,
    protocol,
    readable,
    selectors_of,
)
from eximkit.interop.log_file import LONGEST
from eximkit.interop.mainlog import DEFAULT, MainLog, Peer, Tls
from eximkit.interop.message_ids import DIGITS, MessageIds, message_id
from eximkit.logs.line import parse_line
from eximkit.logs.pipelining import INBOUND, OUTBOUND
from eximkit.logs.record import Kind, LogRecord
from eximkit.logs.values import unescaped
from eximkit.smtp.addresses import is_name
from eximkit.smtp.addresses import path as smtp_path
from eximkit.smtp.session import Use

if TYPE_CHECKING:
    from pathlib import Path

ID = "1xXPNO-0002hQ-0y"
CLIENT = Peer("192.0.2.1", 4000, "", "a.example", "192.0.2.9", 25)
SERVER = Peer("2001:db8::1", 25, "mx.example", "", "2001:db8::2", 5000)
TLS = Tls("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256)


def log(tmp_path: Path, selectors: frozenset[str] = SELECTORS) -> MainLog:
    where = tmp_path / "mainlog"
    where.unlink(missing_ok=True)
    return MainLog(where, selectors, lambda: 1_800_000_000.25)


def records(written: MainLog) -> list[LogRecord]:
    written.close()
    lines = written.file.path.read_bytes().split(b"\n")
    assert lines.pop() == b""
    assert all(len(line) < LONGEST for line in lines)
    return [parse_line(line) for line in lines]


def only(written: MainLog) -> LogRecord:
    (record,) = records(written)
    return record


# -- what goes in comes out ------------------------------------------------------------


def octet_text(most: int) -> st.SearchStrategy[str]:
    """Any octets of a peer, as text with surrogates."""
    return st.binary(max_size=most).map(lambda b: b.decode("utf-8", "surrogateescape"))


def _mailbox(text: str) -> bool:
    try:
        return smtp_path(f"<{text}>") == (text, "")
    except RemoteProtocolError:
        return False


atom = st.from_regex(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,12}", fullmatch=True)
quoted = st.from_regex(r'"([ !#-\[\]-~]|\\[ -~]){0,12}"', fullmatch=True)
domain = st.from_regex(r"[a-z0-9][a-z0-9-]{0,10}(\.[a-z0-9]{1,5}){0,2}", fullmatch=True)
mailbox = st.builds("{}@{}".format, atom | quoted | st.just("jörg"),
                    domain | st.just("[192.0.2.1]")).filter(_mailbox)  # fmt: skip
helo = st.one_of(domain, st.just("[192.0.2.1]"), st.just("[IPv6:2001:db8::1]")).filter(
    is_name
)
# A host without a name is logged by its address, of which no log line shows the end.
address = st.ip_addresses().map(str).filter(lambda text: not text.endswith(":"))
client = st.builds(
    Peer, address, st.integers(1, 65535), st.one_of(st.just(""), domain),
    st.one_of(st.just(""), helo), address, st.integers(1, 65535),
)  # fmt: skip
server = st.builds(
    Peer, address, st.integers(1, 65535), st.one_of(st.just(""), domain), st.just(""),
    address, st.integers(1, 65535),
)  # fmt: skip
tls = st.none() | st.builds(
    Tls, st.sampled_from(["TLSv1.2", "TLSv1.3"]),
    st.sampled_from(["TLS_AES_256_GCM_SHA384", "ECDHE-RSA-AES128-GCM-SHA256"]),
    st.sampled_from([128, 256]), st.booleans(), st.sampled_from(["yes", "no"]),
    st.just(""), st.one_of(st.just(""), octet_text(20)),
)  # fmt: skip
tfo = st.sampled_from(["", "TFO", "TFO*"])
ids = st.booleans().map(message_id)
names = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)
pathlike = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def same_tls(record: LogRecord, given_: Tls | None) -> None:
    if given_ is None:
        assert (record.tls, record.verified) == ("", "")
        return
    assert record.tls_version == given_.version.replace("v", "")
    assert given_.cipher in record.tls
    assert record.tls_resumed is given_.resumed
    assert record.verified == given_.verified


@pathlike
@given(
    st.data(), client, mailbox | st.just(""), tls, tfo, octet_text(40),
    st.none() | octet_text(200), st.lists(mailbox, max_size=4),
)  # fmt: skip
def test_arrivals_are_read_as_they_were_written(
    tmp_path: Path, data: st.DataObject, peer: Peer, sender: str, secured: Tls | None,
    fast: str, who: str, subject: str | None, recipients: list[str],
) -> None:  # fmt: skip
    written = log(tmp_path)
    form = data.draw(st.sampled_from(["", *INBOUND]))
    login = data.draw(st.sampled_from(["", "plain", "cram_md5"]))
    prdr, chunked = data.draw(st.booleans()), data.draw(st.booleans())
    size, number = data.draw(st.integers(0, 10**12)), data.draw(ids)
    spoken = protocol(form != "", secured is not None, login != "")
    written.arrival(
        number, sender, peer, size=size, protocol=spoken, form=form, tls=secured,
        tfo=fast, authenticated=(login, who), prdr=prdr, chunked=chunked,
        header_id="x=y@z", subject=subject, recipients=recipients,
    )  # fmt: skip
    found = only(written)
    assert found.kind is Kind.ARRIVAL
    assert (found.message_id, found.sender) == (number, sender)
    assert (found.ip, found.port) == (peer.address, peer.port)
    assert (found.interface, found.interface_port) == (peer.local, peer.local_port)
    literals = {f"[{peer.address}]", f"[IPv6:{peer.address}]"}
    shown = peer.helo
    if peer.name and (peer.helo.lower() == peer.name.lower() or peer.helo in literals):
        shown = ""
    assert (found.host_name, found.helo) == (peer.name, shown)
    assert (found.form, found.tfo) == (form, fast)
    assert (found.protocol, found.size) == (spoken, size)
    assert (found.prdr, found.chunking) == (prdr, chunked)
    same_tls(found, secured)
    assert found.authenticator == login
    # Exim doubles no backslash there, so that one may be either.
    if secured is not None and "\\" not in secured.sni:
        assert unescaped(found.sni) == secured.sni
    assert found.header_id == "x=y@z"
    assert found.received_sender == sender
    assert found.recipients == tuple(recipients)
    if subject is None:
        assert found.subject is None
    else:
        assert found.subject is not None
        assert found.subject.encode("utf-8", "surrogateescape") == subject[:100].encode(
            "utf-8", "surrogateescape"
        )


@pathlike
@given(st.data(), server, mailbox, tls, tfo, octet_text(1200))
def test_deliveries_are_read_as_they_were_written(
    tmp_path: Path, data: st.DataObject, peer: Peer, to: str, secured: Tls | None,
    fast: str, confirmation: str,
) -> None:  # fmt: skip
    written = log(tmp_path)
    form = data.draw(st.sampled_from(["", *OUTBOUND]))
    further, continued = data.draw(st.booleans()), data.draw(st.booleans())
    router, transport = data.draw(names), data.draw(names)
    login = data.draw(st.sampled_from(["", "plain"]))
    written.delivery(
        ID, to, peer, router=router, transport=transport, sender="a@b.example",
        further=further, continued=continued, form=form, tls=secured, tfo=fast,
        authenticated=login, chunked=True, confirmation=confirmation, queue_time=3.25,
        delivery_time=0.5,
    )  # fmt: skip
    found = only(written)
    assert found.kind is (Kind.FURTHER if further else Kind.DELIVERY)
    plain = re.sub(r'^"(.+)"(@[^@]*)$', r"\1\2", to)
    assert found.address == re.sub(r"\\(.)", r"\1", plain) if plain != to else to
    assert found.original == (to if plain != to else "")
    assert (found.router, found.transport) == (router, transport)
    assert found.host_name == (peer.name or peer.address)
    assert (found.ip, found.port, found.remote) == (peer.address, peer.port, True)
    assert (found.form, found.tfo, found.chunking) == (form, fast, True)
    assert (found.continued, found.authenticator) == (continued, login)
    same_tls(found, secured)
    assert (found.queue_time, found.delivery_time) == (3.25, 0.5)
    assert found.return_path == found.sender == "a@b.example"
    assert re.sub(r"\\(.)", r"\1", found.confirmation) == printing(confirmation, 1024)


@pathlike
@given(server, mailbox, octet_text(300), st.sampled_from([111, 110, 0, -18, -44]), tls)
def test_what_did_not_arrive_is_read_as_it_was_written(
    tmp_path: Path, peer: Peer, to: str, reason: str, number: int, secured: Tls | None
) -> None:
    written = log(tmp_path)
    written.deferral(
        ID, to, reason, router="r", transport="t", peer=peer, number=number
    )
    written.failure(ID, to, reason, router="r", transport="t", peer=peer, tls=secured)
    written.host_error(ID, peer, f"SMTP error: {reason}")
    deferred, failed, complained = records(written)
    assert (deferred.kind, failed.kind) == (Kind.DEFERRAL, Kind.FAILURE)
    assert complained.kind is Kind.HOST_ERROR
    assert deferred.error_number == number
    for found in (deferred, failed, complained):
        assert (found.ip, found.port) == (peer.address, peer.port)
        assert readable(reason).encode("utf-8", "surrogateescape") in found.raw


@pathlike
@given(client, octet_text(300), st.binary(max_size=300), mailbox)
def test_lines_about_connections_are_of_their_kind(
    tmp_path: Path, peer: Peer, reason: str, octets: bytes, who: str
) -> None:
    written = log(tmp_path)
    written.connected(peer, 3)
    written.closed(peer, 1.5)
    written.closed(peer, 1.5, by="")
    written.lost(peer, 1.5)
    written.lost(peer, 1.5, in_content=True)
    written.timed_out(peer, 300)
    written.timed_out(peer, 300, in_content=True)
    written.sync_error(peer, octets)
    written.sync_error(peer, octets, command=b"NOOP")
    written.sync_error(peer, octets, command=b"NOOP", advertised=True)
    written.rejected(f"RCPT <{who}>", peer, reason, sender=who)
    written.rejected(f"RCPT <{who}>", peer, reason, sender=who, temporarily=True)
    written.incomplete(peer, who, "QUIT")
    written.no_mail(peer, ["EHLO", "QUIT"], 0.5, tls=TLS, tfo="TFO*")
    written.dropped(peer, "too many unrecognized commands", octets)
    written.refused(peer, reason)
    written.authentication_failed("plain", peer, "535 no", reason)
    written.tls_error(peer, reason)
    found = records(written)
    assert [record.kind for record in found] == [
        Kind.CONNECTION, Kind.CONNECTION_CLOSED, *[Kind.LOST_CONNECTION] * 5,
        Kind.SYNC_GREETING, Kind.SYNC_NOT_ADVERTISED, Kind.SYNC_ADVERTISED,
        Kind.REJECTION, Kind.TEMPORARY_REJECTION, Kind.INCOMPLETE, Kind.NO_MAIL,
        Kind.DROPPED_CONNECTION, Kind.REFUSED_CONNECTION, Kind.AUTH_FAILED,
        Kind.TLS_ERROR,
    ]  # fmt: skip
    assert {record.ip for record in found} == {peer.address}
    assert (found[10].command, found[10].address) == ("RCPT", who)
    assert found[13].commands == ("EHLO", "QUIT")
    assert (
        unescaped(found[7].text)
        .encode("utf-8", "surrogateescape")
        .startswith(re.split(rb'[\\"]', octets)[0][:150])
    )


# -- the six forms ---------------------------------------------------------------------


@pytest.mark.parametrize("form", ["", *INBOUND])
def test_inbound_forms(form: str) -> None:
    said = INBOUND.get(form)
    use = Use()
    if said is not None:
        use = Use(
            pipelining_offered=True, pipelined=said.used,
            early_offered=bool(said.early_offered), early=said.early_used,
        )  # fmt: skip
    assert inbound_form(use) == form


def test_outbound_forms() -> None:
    assert outbound_form(pipelining=True, early=True) == "L*"
    assert outbound_form(pipelining=True, early=False) == "L"
    assert outbound_form(pipelining=False, early=False) == ""
    assert outbound_form(pipelining=False, early=True) == ""


def test_early_input_that_was_not_offered_leaves_no_star() -> None:
    # A connection that was greeted with HELO last shows nothing at all.
    assert inbound_form(Use(early=True, early_offered=True)) == ""


# -- selectors, names, times -----------------------------------------------------------


def test_selectors() -> None:
    assert selectors_of("") | {"pipelining", "tls_resumption"} == DEFAULT
    assert "pipelining" not in selectors_of("")
    assert selectors_of("+all") == SELECTORS
    assert selectors_of("+all -all") == frozenset()
    assert selectors_of("+nonsense -msg_id") == selectors_of("") - {"msg_id"}


def test_a_selector_that_is_off_writes_nothing(tmp_path: Path) -> None:
    written = log(tmp_path, frozenset())
    written.connected(CLIENT, 1)
    written.closed(CLIENT, 1)
    written.lost(CLIENT, 1)
    written.timed_out(CLIENT, 1)
    written.no_mail(CLIENT, [], 1)
    written.incomplete(CLIENT, "a@b", "QUIT")
    written.refused(CLIENT)
    written.no_host_name("192.0.2.1")
    written.bad_command(CLIENT, b"X", "what", syntax=True)
    assert not written.file.path.exists()
    written.arrival(ID, "a@b", CLIENT, size=1, protocol="esmtps", form="L*", tls=TLS)
    line = written.file.path.read_text().split(" ", 2)[2]
    assert line == f"{ID} <= a@b H=(a.example) [192.0.2.1] P=esmtps S=1\n"


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ((False, False), "smtp"), ((True, False), "esmtp"), ((True, True), "esmtps"),
        ((False, True), "smtps"), ((True, True, True), "esmtpsa"),
        ((True, False, True), "esmtpa"), ((True, True, False, True), "utf8esmtps"),
    ],
)  # fmt: skip
def test_protocol(said: tuple[bool, ...], name: str) -> None:
    assert protocol(*said) == name


@pytest.mark.parametrize(
    ("seconds", "plain", "fine"),
    [
        (0, "0s", "0.000s"), (0.304, "0s", "0.304s"), (5, "5s", "5s"),
        (135, "2m15s", "2m15s"), (3600, "1h", "1h"),
        (788645, "1w2d3h4m5s", "1w2d3h4m5s"),
        (-2, "-2s", "-2.000s"),
    ],
)  # fmt: skip
def test_durations(seconds: float, plain: str, fine: str) -> None:
    assert (duration(seconds, fine=False), duration(seconds, fine=True)) == (
        plain,
        fine,
    )


# -- bounds, and the file --------------------------------------------------------------


def test_no_line_is_too_long(tmp_path: Path) -> None:
    written = log(tmp_path)
    many = [f"recipient{n}@example.org" for n in range(1000)]
    written.arrival(
        ID, "a@b", CLIENT, size=1, protocol="esmtp", form="L*", recipients=many,
        subject="s" * 9999, header_id="i" * 9999, authenticated=("plain", "w" * 9999),
    )  # fmt: skip
    written.failure(ID, "a@b", "\0" * 9999, router="r", transport="t")
    written.note("\x01" * 9999, ID)
    arrival, failure, note = records(written)
    assert arrival.kind is Kind.ARRIVAL
    assert arrival.form == "L*"
    assert set(arrival.recipients) < set(many)
    assert len(arrival.recipients) > 100
    assert arrival.raw.endswith(b" <trunc>")
    assert failure.kind is Kind.FAILURE
    assert note.kind is Kind.NOTE


def test_a_file_that_is_moved_away_is_made_anew(tmp_path: Path) -> None:
    written = log(tmp_path)
    written.completed(ID)
    written.file.path.rename(tmp_path / "mainlog.1")
    written.completed(ID)
    written.file.path.unlink()
    written.completed(ID)
    assert written.fault == ""
    assert len(records(written)) == 1
    assert (tmp_path / "mainlog.1").read_bytes().count(b"\n") == 1


def test_a_file_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    written = MainLog(tmp_path / "absent" / "mainlog")
    written.completed(ID)
    assert "No such file" in written.fault
    (tmp_path / "absent").mkdir()
    written.completed(ID)
    assert written.fault == ""
    assert len(records(written)) == 1


def test_a_line_that_was_cut_short_is_ended(tmp_path: Path) -> None:
    written = log(tmp_path)
    written.completed(ID)
    whole, os_write = os.write, []

    def full(file: int, octets: bytes) -> int:
        os_write.append(octets)
        return whole(file, octets[:10])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.write", full)
        written.completed(ID)
    assert "cut short" in written.fault
    written.completed(ID)
    kinds = [record.kind for record in records(written)]
    assert kinds == [Kind.COMPLETED, Kind.GARBAGE, Kind.COMPLETED]


def _write(path: Path, start: int) -> None:
    written = MainLog(path)
    for number in range(start, start + 300):
        written.arrival(
            message_id(), f"{number}@b", CLIENT, size=number, protocol="esmtp",
            subject="x" * 90, recipients=["y@z"] * 50,
        )  # fmt: skip


def test_several_processes_write_to_one_file(tmp_path: Path) -> None:
    path = tmp_path / "mainlog"
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_write, args=(path, n * 300)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0
    found = [parse_line(line) for line in path.read_bytes().splitlines()]
    assert {record.kind for record in found} == {Kind.ARRIVAL}
    assert sorted(record.size or 0 for record in found) == list(range(1200))
    assert len({record.message_id for record in found}) == 1200


# -- ids -------------------------------------------------------------------------------


@pytest.mark.parametrize("long", [False, True])
def test_ids(long: bool) -> None:
    ids = MessageIds(long)
    made = [ids.next() for _ in range(5000)]
    assert len(set(made)) == 5000
    form = "{11}-[0-9A-Za-z]{4}" if long else "{6}-[0-9A-Za-z]{2}"
    assert all(re.fullmatch(rf"[0-9A-Za-z]{{6}}-[0-9A-Za-z]{form}", m) for m in made)
    # They are in order, by the value of their digits.
    values = [[DIGITS.index(c) for c in m.replace("-", "")] for m in made]
    assert values == sorted(values)
