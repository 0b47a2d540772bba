"""Round trips of conversations that were made up: what is measured, what is off."""

from __future__ import annotations

import pytest

from eximkit.cli.output import style
from eximkit.interop import flights, timing
from eximkit.interop.conversation import Conversation, Piece
from eximkit.interop.peer import SUBJECT
from eximkit.interop.result import Pairing, ScenarioResult, Verdict
from eximkit.report import interop_json, interop_table

RTT = 0.1
CONTENT = f"Subject: {SUBJECT}\r\n\r\nx\r\n".encode()
GROUP = b"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<r>\r\nDATA\r\n"
OPENING = b"220 s\r\n250-s\r\n250 PIPELINING\r\n250 OK\r\n250 OK\r\n354 go\r\n"
TABLE = {"stopwatch": [2, 2], "accepted": [3, 3], "dialogue": [1.0, 1.0]}


def talk(late: float = 0.0, last: bytes = b"250 OK id\r\n221 bye\r\n") -> Conversation:
    """An early message in clear. late: round trips that its last reply is late."""
    pieces = [
        Piece(100.0, True, b"", ("SYN",)),
        Piece(100.1, False, b"", ("SYN",)),
        Piece(100.1, True, GROUP),
        Piece(100.2, False, OPENING),
        Piece(100.201, True, CONTENT + b".\r\nQUIT\r\n", ("FIN",)),
        Piece(100.3 + late * RTT, False, last, ("FIN",)),
    ]
    return Conversation(100.0, 4000, pieces)


def tls(octets: bytes) -> bytes:
    """A record of TLS as nobody but its ends can read it."""
    return b"\x17\x03\x03" + len(octets).to_bytes(2, "big") + octets


def result(link: str = "packet") -> ScenarioResult:
    return ScenarioResult("clear-data", Pairing("eximkit", "eximkit", link, RTT))


def test_a_message_is_accepted_when_the_end_of_the_reply_is_there() -> None:
    whole = talk()
    assert flights.accepted_at(whole) == pytest.approx(100.3)
    in_two = talk(last=b"250-first\r\n25")
    in_two.pieces.append(Piece(100.5, False, b"0 OK\r\n"))
    in_two.pieces.append(Piece(100.6, False, b"221 bye\r\n"))
    assert flights.accepted_at(in_two) == pytest.approx(100.5)


def test_what_tls_hides_has_no_time() -> None:
    hidden = talk(last=b"")
    hidden.pieces.append(
        Piece(100.3, False, b"\x16\x03\x03\0\x01\x02" + tls(b"x" * 40))
    )
    assert flights.accepted_at(hidden) is None


def test_a_message_that_nobody_accepts_has_no_time() -> None:
    nothing = Conversation(100.0, 1, [Piece(100.2, False, b"554 no\r\n")])
    assert flights.accepted_at(nothing) is None


def test_what_is_measured() -> None:
    found = result()
    assert timing.measure([talk()], [talk(), talk(3), talk()], TABLE, found) == []
    assert found.accepted is not None
    # The median: one that was disturbed does not count.
    assert found.accepted.early == pytest.approx(3.0)
    assert [t.counted for t in found.trips] == ["stopwatch", "dialogue"]
    assert found.trips[0].early == pytest.approx(2.01)


@pytest.mark.parametrize("late", [0.5, -0.2])
def test_a_reply_at_the_wrong_time_is_told(late: float) -> None:
    found = result()
    off = timing.measure([talk()], [talk(late)], TABLE, found)
    assert (
        off[0] == f"early: {3 + late:.2f} round trips until it is accepted instead of 3"
    )
    assert all("until it is accepted" in fault for fault in off)


def test_only_packets_have_a_stopwatch() -> None:
    found = result("proxy")
    assert timing.measure([talk()], [talk(2)], TABLE, found) == []
    assert found.accepted is None
    assert [t.counted for t in found.trips] == ["dialogue"]


def test_no_content_is_no_time() -> None:
    silent = talk()
    silent.pieces = silent.pieces[:4]
    assert timing.untimed([talk()], [talk()]) == ""
    assert "no content" in timing.untimed([talk()], [talk(), silent])


@pytest.mark.parametrize("value", [3, [1], [1, 2, 3], "ab", None])
def test_theory_is_two_numbers(value: object) -> None:
    with pytest.raises(TypeError, match="two numbers"):
        timing.pair(value)


def test_reports_tell_when_it_was_accepted() -> None:
    found = result()
    timing.measure([talk()], [talk()], TABLE, found)
    without = result("proxy")
    timing.measure([talk()], [talk()], TABLE, without)
    rows = interop_json.document([found, without])["results"]
    assert rows[0]["accepted"] == {
        "pipelining": 3.0, "early": 3.0, "saved": 0.0, "counted": "stopwatch",
        "expected": {"pipelining": 3.0, "early": 3.0},
    }  # fmt: skip
    assert rows[1]["accepted"] is None
    assert {"round_trips", "log", "outcome", "reason"} <= rows[1].keys()


def test_the_table_has_80_columns_at_its_widest() -> None:
    found = result()
    timing.measure([talk()], [talk()], TABLE, found)
    found.scenario = "on-connect-data-tls12-resumed"
    found.client_forms, found.server_forms = ["L*"], ["L*", "L."]
    found.attempts, found.outcome = 3, Verdict.FAILED
    found.reason = "early: 4.20 round trips until it is accepted instead of 3; " * 3
    text = "".join(interop_table.report([found], style(None)))
    assert "taken" in text
    assert max(map(len, text.split("\n"))) <= 80
