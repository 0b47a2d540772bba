"""Transcripts: what they hold, what they hide, and the round trips counted in them."""

from __future__ import annotations

import json
from itertools import count

import pytest

from eximkit.errors import InputError
from eximkit.interop import transcript as transcripts
from eximkit.interop.transcript import TO_CLIENT, TO_SERVER, Recorder, Transcript

Story = list[str]


def tell(recorder: Recorder, story: Story) -> None:
    """A dialogue: > commands, < replies, # content, + connected, ~ TLS octets."""
    recorder.tcp("connect")
    for word in story:
        if word == "+":
            recorder.tcp("connected")
        elif word == "+tfo":
            recorder.tcp("connected", "data in SYN")
        elif word == ">~":
            recorder.wire(TO_SERVER, 10)
        elif word == "<~":
            recorder.wire(TO_CLIENT, 10)
        elif word.startswith(">"):
            recorder.wire(TO_SERVER, len(word))
            recorder.commands(word[1:].encode() + b"\r\n")
        elif word.startswith("<"):
            recorder.wire(TO_CLIENT, len(word))
            recorder.replies(word[1:].encode() + b"\r\n")
        else:
            recorder.content(100)


def told(*story: str) -> Transcript:
    ticks = count()
    transcript = Transcript("client", clock=lambda: next(ticks) / 8)
    tell(transcript.recorder(), list(story))
    return transcript


EHLO = (">EHLO c", "<250 PIPECONNECT")
GROUP = (">MAIL", "<354")
# The theory of the reference: waits for the server, and trips of the dialogue.
SEQUENCES = {
    "clear-data": (("+", "<220", *EHLO, *GROUP, "#"), 4, 5),
    "clear-data-early": (("+", ">EHLO", "<220", "#"), 2, 2),
    "clear-data-early-tfo": ((">EHLO", "+tfo", "<220", "#"), 1, 2),
    "clear-data-tfo-without-a-cookie": ((">EHLO", "+", "<220", "#"), 2, 2),
    "clear-bdat": (("+", "<220", *EHLO, ">MAIL", "#"), 3, 3),
    "clear-bdat-early": (("+", ">EHLO", "#"), 1, 0),
    "clear-bdat-early-tfo": ((">EHLO", "#"), 0, 0),
    "starttls": (
        ("+", "<220", *EHLO, ">STARTTLS", "<220", ">~", "<~", ">~", *EHLO, *GROUP, "#"),
        7, 9,
    ),
    "starttls-early": (
        ("+", ">EHLO", "<220", ">~", "<~", ">~", ">EHLO", "<250", "#"), 4, 4,
    ),
    "on-connect": (("+", ">~", "<~", ">~", "<220", *EHLO, *GROUP, "#"), 5, 5),
    "on-connect-early": (("+", ">~", "<~", ">~", ">EHLO", "<220", "#"), 3, 2),
}  # fmt: skip


@pytest.mark.parametrize("name", SEQUENCES)
def test_round_trips_are_those_of_the_theory(name: str) -> None:
    story, waits, trips = SEQUENCES[name]
    events = told(*story).events
    assert transcripts.round_trips(events) == waits
    assert transcripts.one_way_trips(events) == trips


def test_the_stopwatch_runs_from_the_syn_to_the_first_content() -> None:
    events = told("+", "<220", "#", "<250").events
    assert transcripts.stopwatch(events) == 4 / 8
    assert transcripts.stopwatch(told("+", "<220").events) is None


def test_lines_are_read_back_as_they_were() -> None:
    whole = told("+", "<220 \u00e9", ">EHLO c", "#")
    lines = list(whole.lines())
    header, events = transcripts.read(lines, "t")
    assert (header.side, events) == ("client", whole.events)
    assert json.loads(lines[0])["schema"] == "eximkit.transcript/1"


def test_a_stream_gets_each_line_as_it_comes() -> None:
    lines: list[bytes] = []
    transcript = Transcript("server", local="127.0.0.1:25", write=lines.append)
    transcript.recorder().tcp("accepted", "127.0.0.1:5")
    transcript.recorder().tcp("accepted", "127.0.0.1:6")
    assert transcript.events == []
    header, events = transcripts.read(lines, "t")
    assert header.local == "127.0.0.1:25"
    assert [event.connection for event in events] == [1, 2]


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"EHLO a\r\nAUTH PLAIN AGFubgBz\r\n", "EHLO a\r\nAUTH PLAIN ***\r\n"),
        (b"auth\tLOGIN  YW5u\r\nMAIL FROM:<>", "auth\tLOGIN  ***\r\nMAIL FROM:<>"),
        (b"AUTH CRAM-MD5\r\n", "AUTH CRAM-MD5\r\n"),
        (b"MAIL FROM:<a@b> AUTH=<>\r\n", "MAIL FROM:<a@b> AUTH=<>\r\n"),
        (b"\xff\xfe\r\n", "\\xff\\xfe\r\n"),
    ],
)  # fmt: skip
def test_commands_are_shown_without_what_is_secret(octets: bytes, text: str) -> None:
    transcript = Transcript("client")
    transcript.recorder().commands(octets)
    assert transcript.events[0].text == text
    assert transcript.events[0].octets == len(octets)


def test_an_answer_to_a_challenge_is_not_shown() -> None:
    transcript = Transcript("client")
    transcript.recorder().commands(b"c2VjcmV0\r\n", exchange=True)
    assert transcript.events[0].text == "***\r\n"


def test_what_a_server_offers_is_no_secret() -> None:
    transcript = Transcript("client")
    transcript.recorder().replies(b"250-x\r\n250 AUTH PLAIN LOGIN\r\n")
    assert transcript.events[0].text.endswith("AUTH PLAIN LOGIN\r\n")


def test_a_long_text_is_cut_and_its_size_is_not() -> None:
    transcript = Transcript("client")
    transcript.recorder().replies(b"x" * 100_000)
    event = transcript.events[0]
    assert (len(event.text), event.octets) == (transcripts.LONGEST_TEXT + 1, 100_000)


HEAD = next(iter(Transcript("client").lines()))


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [b"\n"],
        [b"{}\n"],
        [b'{"schema": "other/1"}\n'],
        [HEAD, b"[]\n"],
        [HEAD, b"{}\n"],
        [HEAD, b"[" * 100_000 + b"\n"],
        [HEAD, b'{"connection": "1"}\n'],
        [HEAD, b"{", HEAD],
        [HEAD, b"\xff\n"],
    ],
)
def test_what_is_no_transcript_is_an_error(lines: list[bytes]) -> None:
    with pytest.raises(InputError, match="t: "):
        transcripts.read(lines, "t")


def test_a_last_line_cut_short_is_left_out() -> None:
    lines = list(told("+", "<220").lines())
    lines[-1] = lines[-1][:-5]
    _, events = transcripts.read(lines, "t")
    assert len(events) == len(lines) - 2
