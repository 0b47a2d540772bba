"""Drawings of conversations that were made up: what each row names, in what order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from eximkit.cli.output import style
from eximkit.interop.conversation import Conversation, Piece
from eximkit.interop.result import Pairing, ScenarioResult
from eximkit.interop.sketch import Drawing, draw
from eximkit.interop.transcript import TO_CLIENT, TO_SERVER, Recorder, Transcript
from eximkit.report import interop_diagram, interop_table

if TYPE_CHECKING:
    from collections.abc import Sequence

RTT = 0.1
HANDSHAKE, CHANGE, ALERT, DATA = 22, 20, 21, 23


def record(kind: int, size: int, first: int = 0) -> bytes:
    """A TLS record. first: the first octet of what is in it."""
    return bytes([kind, 3, 3]) + size.to_bytes(2, "big") + bytes([first]) * size


CLIENT_HELLO = record(HANDSHAKE, 200, 1)
SERVER_HELLO = record(HANDSHAKE, 90, 2) + record(CHANGE, 1, 1)
CERTIFICATE = record(DATA, 900)
FINISHED = record(DATA, 53)
ENVELOPE, REPLIES = record(DATA, 120), record(DATA, 238)
CONTENT, LAST, CLOSING = record(DATA, 4020), record(DATA, 90), record(DATA, 19)
CLEAR = b"EHLO c\r\nSTARTTLS\r\n"
ANSWERS = b"220 s\r\n250-s\r\n250 PIPELINING\r\n220 go\r\n"

Flights = list[tuple[bool, bytes]]
EARLY: Flights = [
    (True, CLEAR),
    (False, ANSWERS),
    (True, CLIENT_HELLO),
    (False, SERVER_HELLO + CERTIFICATE + FINISHED),
    (True, record(CHANGE, 1, 1) + FINISHED + ENVELOPE),
    (False, REPLIES),
    (True, CONTENT),
    (False, LAST + CLOSING),
    (True, CLOSING),
]


def talk(flights: Sequence[tuple[bool, bytes]]) -> Conversation:
    """Half a round trip for each flight, behind a handshake."""
    pieces = [Piece(0.0, True, b"", ("SYN",)), Piece(0.1, False, b"", ("SYN",))]
    at = 0.1
    for up, octets in flights:
        at += 0.001 if up else RTT
        pieces.append(Piece(at, up, octets))
    return Conversation(0.0, 4000, pieces)


def told(side: str, hurry: int = 1) -> Transcript:
    """What either side of it notes. Its clock is of no use: it stands still.

    hurry: in how many parts what is said reaches the socket.
    """
    transcript = Transcript(side, clock=lambda: 7.0)
    note = transcript.recorder()
    ours = TO_SERVER if side == "client" else TO_CLIENT
    group, replies = (
        b"EHLO c\r\nMAIL FROM:<>\r\nDATA\r\n",
        b"250 s\r\n250 OK\r\n354 go\r\n",
    )
    last = b"250 OK\r\n221 bye\r\n"
    said = iter([CLEAR, ANSWERS, b"", b"", group, replies, b"x", last, b""])
    for up, octets in EARLY:
        direction = TO_SERVER if up else TO_CLIENT
        words = next(said)
        # A client notes what it has sent, a server what it is about to send.
        if side == "server" and direction == ours:
            _note(note, up, words)
        part = -(-len(octets) // hurry)
        for begin in range(0, len(octets), part):
            note.wire(direction, len(octets[begin : begin + part]))
        if side == "client" or direction != ours:
            _note(note, up, words)
    return transcript


def _note(note: Recorder, up: bool, words: bytes) -> None:
    if words == b"x":
        note.content(4000)
        note.commands(b"QUIT\r\n")
    elif words and up:
        note.commands(words)
    elif words:
        note.replies(words)


def texts(drawing: Drawing) -> list[str]:
    return [row.text for row in drawing.rows]


AS_IT_IS = [
    "SYN",
    "SYN-ACK",
    "EHLO, STARTTLS",
    "220, 250-, 250, 220",
    "ClientHello",
    "ServerHello, Certificate, Finished",
    "Finished, [EHLO, MAIL, DATA]",
    "[2 x 250, 354]",
    "[content (4000 octets), QUIT]",
    "[250, 221], alert",
    "alert",
]


@pytest.mark.parametrize("hurry", [1, 3])
@pytest.mark.parametrize("side", ["client", "server"])
def test_what_was_said_in_clear_is_not_said_again_under_tls(
    side: str, hurry: int
) -> None:
    inside = told(side, hurry if side == "client" else 1).events
    assert texts(draw("early", talk(EARLY), RTT, inside, side)) == AS_IT_IS


def test_without_a_transcript_there_are_octets() -> None:
    drawn = texts(draw("early", talk(EARLY), RTT))
    assert drawn[6:10] == [
        "Finished, [120 octets]", "[238 octets]", "[content]", "[90 octets], alert",
    ]  # fmt: skip


def test_a_session_that_is_resumed_has_no_certificate() -> None:
    resumed = [*EARLY]
    resumed[3] = (False, SERVER_HELLO + record(DATA, 27) + FINISHED)
    assert texts(draw("early", talk(resumed), RTT))[5] == "ServerHello, Finished"


def test_alerts_of_tls_1_2_come_last() -> None:
    old: Flights = [
        (True, CLIENT_HELLO),
        (False, b"".join(record(HANDSHAKE, 90, kind) for kind in (2, 11, 12, 14))),
        (
            True,
            record(HANDSHAKE, 70, 16) + record(CHANGE, 1, 1) + record(HANDSHAKE, 40),
        ),
        (False, record(CHANGE, 1, 1) + record(HANDSHAKE, 40)),
        (True, ENVELOPE),
        (False, LAST + record(ALERT, 26)),
    ]
    assert texts(draw("early", talk(old), RTT))[2:] == [
        "ClientHello",
        "ServerHello, Certificate, ServerKeyExchange, ServerHelloDone",
        "ClientKeyExchange, Finished",
        "Finished",
        "[120 octets]",
        "[90 octets], alert",
    ]


def test_a_diagram_has_80_columns_and_half_round_trips() -> None:
    result = ScenarioResult(
        "starttls-data", Pairing("eximkit", "exim 4.96", "packet", RTT)
    )
    result.drawings = [draw("early", talk(EARLY), RTT, told("client").events)]
    text = "".join(interop_diagram.diagram(result, style(None)))
    lines = text.splitlines()
    assert lines[0] == "starttls-data, eximkit to exim 4.96: early"
    assert lines[2] == "    0.00 >   0.50  SYN"
    assert lines[5] == "    1.51 <   2.01  220, 250-, 250, 220"
    assert lines[8] == "    3.03 >   3.53  Finished, [EHLO, MAIL, DATA]"
    assert max(map(len, lines)) <= 80
    report = "".join(interop_table.report([result], style(None), diagrams=True))
    assert text in report
    assert "= […]: data under TLS" in report
    assert "[…]" not in "".join(interop_table.report([result], style(None)))


def test_what_crosses_on_the_way_is_in_the_order_in_which_it_left() -> None:
    pieces = [
        Piece(0.0, True, b"EHLO c\r\nMAIL FROM:<>\r\n", ("SYN",)),
        Piece(RTT, False, b"", ("SYN",)),
        Piece(1.01 * RTT, True, b"BDAT 2 LAST\r\nxx"),
        Piece(1.03 * RTT, False, b"220 s\r\n250-s\r\n250 PIPELINING\r\n250 OK\r\n"),
        # Nothing has come in between, but this waited for the content.
        Piece(2.02 * RTT, False, b"250 OK\r\n"),
    ]
    rows = draw("crossing", Conversation(0.0, 4000, pieces), RTT).rows
    assert [row.text for row in rows] == [
        "SYN, EHLO, MAIL",
        "SYN-ACK",
        "220, 250-, 2 x 250",
        "BDAT 2 LAST, content (2 octets)",
        "250",
    ]
    assert [row.leaves for row in rows] == sorted(row.leaves for row in rows)
