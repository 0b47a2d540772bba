"""Both sides along every edge of the table, each in the state that it starts from."""

from __future__ import annotations

import pytest

from eximkit.errors import LocalProtocolError, RemoteProtocolError
from eximkit.smtp import Client, Server, Service, auth
from eximkit.smtp.commands import (
    Auth,
    Command,
    Data,
    Ehlo,
    Helo,
    Help,
    Mail,
    Noop,
    Quit,
    Rcpt,
    Rset,
    StartTls,
    Vrfy,
)
from eximkit.smtp.events import Authenticating, Content, ContentEnded, Refused
from eximkit.smtp.replies import reply
from eximkit.smtp.states import TRANSITIONS, Kind, State, Step
from tests.smtp.wire import challenge

Code = int
CODES = {Kind.DONE: 250, Kind.MORE: 354, Kind.REFUSED: 450}
EDGES = [
    (state, step, kind, to)
    for state, steps in TRANSITIONS.items()
    for step, row in steps.items()
    for kind, to in row.items()
]
COMMANDS: dict[Step, Command] = {
    Step.EHLO: Ehlo("c.example"), Step.HELO: Helo("c.example"),
    Step.STARTTLS: StartTls(), Step.AUTH: Auth("PLAIN", "AGEAYg=="),
    Step.MAIL: Mail("s@a.example", {"PRDR": None}), Step.RCPT: Rcpt("r@b.example"),
    Step.DATA: Data(), Step.RSET: Rset(), Step.NOOP: Noop(), Step.VRFY: Vrfy("x"),
    Step.HELP: Help(), Step.QUIT: Quit(),
}  # fmt: skip
LINES = {
    **{step: b"%b\r\n" % step.value.encode() for step in COMMANDS},
    Step.EHLO: b"EHLO c.example\r\n", Step.HELO: b"HELO c.example\r\n",
    Step.MAIL: b"MAIL FROM:<s@a.example> PRDR\r\n", Step.VRFY: b"VRFY x\r\n",
    Step.RCPT: b"RCPT TO:<r@b.example>\r\n", Step.AUTH: b"AUTH PLAIN AGEAYg==\r\n",
    Step.BDAT: b"BDAT 1\r\nx", Step.BDAT_LAST: b"BDAT 1 LAST\r\nx",
    Step.CONTENT: b".\r\n", Step.RESPONSE: b"AGEAYg==\r\n", Step.BANNER: b"",
}  # fmt: skip

Way = list[tuple[Step, Code]]
READY: Way = [(Step.BANNER, 220), (Step.EHLO, 250)]
RCPT: Way = [*READY, (Step.MAIL, 250), (Step.RCPT, 250), (Step.RCPT, 250)]
WAYS: dict[State, Way] = {
    State.CONNECTED: [],
    State.TURNED_AWAY: [(Step.BANNER, 554)],
    State.GREETED: READY[:1],
    State.READY: READY,
    State.MAIL: RCPT[:3],
    State.RCPT: RCPT,
    State.CONTENT: [*RCPT, (Step.DATA, 354)],
    State.CHUNKS: [*RCPT, (Step.BDAT, 250)],
    State.BROKEN: [*RCPT, (Step.BDAT, 552)],
    State.VERDICTS: [*RCPT, (Step.DATA, 354), (Step.CONTENT, 353)],
    State.AUTHENTICATING: [*READY, (Step.AUTH, 334)],
    State.SECURING: [*READY, (Step.STARTTLS, 220)],
    State.CLOSED: [*READY, (Step.QUIT, 221)],
}
SERVICE = Service(starttls=True, mechanisms=auth.MECHANISMS, clear_passwords=True)


def serve(server: Server, step: Step, code: Code) -> bool:
    """One step, answered like that; whether the server let it be so answered."""
    line = LINES[step]
    if (step, code) == (Step.AUTH, 334):
        line = b"AUTH PLAIN\r\n"
    elif (step, code) == (Step.RESPONSE, 334):
        # Of the exchanges only LOGIN has a second challenge.
        assert server._exchange is not None
        server._exchange = auth.ServerSide("LOGIN")
    (event,) = (e for e in server.feed(line) if not isinstance(e, Content))
    if isinstance(event, Refused):
        assert event.reply.code == 503
        server.send(event.reply)
        return False
    if isinstance(event, ContentEnded) and code == 353:
        verdicts = [reply(250)] * len(event.recipients)
        assert server.send_verdicts(verdicts, reply(250)).startswith(b"353 ")
    else:
        assert isinstance(event, Authenticating) or event.reply.code // 100 in (2, 3)
        server.send(reply(code))
    return True


def served(state: State) -> Server:
    server = Server(SERVICE, challenge=challenge)
    for step, code in WAYS[state]:
        assert serve(server, step, code)
    assert server.state is state
    return server


def codes(step: Step, kind: Kind) -> Code:
    if kind is not Kind.MORE:
        return CODES[kind]
    return {Step.AUTH: 334, Step.RESPONSE: 334, Step.DATA: 354}.get(step, 353)


@pytest.mark.parametrize(
    ("state", "step", "kind", "to"),
    [edge for edge in EDGES if edge[0] is not State.VERDICTS],
)
def test_a_server_goes_every_way(
    state: State, step: Step, kind: Kind, to: State
) -> None:
    server = served(state)
    if step is Step.SECURED:
        assert server.handshaking
        if kind is Kind.DONE:
            server.secured()
            assert server.state is to
        return
    if step is Step.RESPONSE and kind is Kind.MORE:
        assert serve(server, step, 334)
    else:
        assert serve(server, step, codes(step, kind))
    # The verdicts of PRDR and the last word follow 353 at once.
    assert server.state is (State.READY if to is State.VERDICTS else to)


OUT_OF_ORDER = [
    (state, step)
    for state, steps in TRANSITIONS.items()
    for step in (*COMMANDS, Step.BDAT, Step.BDAT_LAST)
    if step not in steps
]
NO_COMMANDS = {
    State.CONNECTED, State.CONTENT, State.VERDICTS, State.AUTHENTICATING,
    State.SECURING, State.CLOSED,
}  # fmt: skip


@pytest.mark.parametrize(
    ("state", "step"), [pair for pair in OUT_OF_ORDER if pair[0] not in NO_COMMANDS]
)
def test_a_server_refuses_what_is_out_of_order(state: State, step: Step) -> None:
    server = served(state)
    assert not serve(server, step, 503)
    assert server.state is state
    assert server.buffered == 0


def say(client: Client, step: Step) -> None:
    match step:
        case Step.BDAT | Step.BDAT_LAST:
            client.chunk(b"x", last=step is Step.BDAT_LAST)
        case Step.CONTENT:
            client.content(b"")
        case Step.RESPONSE:
            client.respond("AA==")
        case Step.BANNER | Step.VERDICT | Step.FINAL:
            pass
        case _:
            client.send(COMMANDS[step])


def sent(state: State) -> Client:
    client = Client()
    for step, code in WAYS[state]:
        say(client, step)
        assert [e.step for e in client.feed(b"%d x\r\n" % code)] == [step]
    assert client.state is state
    return client


@pytest.mark.parametrize(("state", "step", "kind", "to"), EDGES)
def test_a_client_goes_every_way(
    state: State, step: Step, kind: Kind, to: State
) -> None:
    client = sent(state)
    if step is Step.SECURED:
        if kind is Kind.DONE:
            client.secured()
            assert client.state is to
        return
    if step is Step.FINAL:
        assert len(list(client.feed(b"250 x\r\n550 y\r\n"))) == 2
    say(client, step)
    (event,) = client.feed(b"%d x\r\n" % codes(step, kind))
    assert event.step is step
    assert client.state is to


@pytest.mark.parametrize(("state", "step"), OUT_OF_ORDER)
def test_a_client_sends_nothing_out_of_order(state: State, step: Step) -> None:
    client = sent(state)
    assert not client.may_send(step)
    with pytest.raises(LocalProtocolError):
        say(client, step)


@pytest.mark.parametrize(
    ("state", "step", "kind"),
    [
        (state, step, kind)
        for state, steps in TRANSITIONS.items()
        for step, row in steps.items()
        for kind in Kind
        if kind not in row and step is not Step.SECURED
    ],
)
def test_a_client_takes_no_reply_that_cannot_be(
    state: State, step: Step, kind: Kind
) -> None:
    client = sent(state)
    if step is Step.FINAL:
        assert len(list(client.feed(b"250 x\r\n550 y\r\n"))) == 2
    say(client, step)
    with pytest.raises(RemoteProtocolError):
        list(client.feed(b"%d x\r\n" % CODES[kind]))
