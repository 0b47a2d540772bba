from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.smtp import early
from eximkit.smtp.commands import Auth, Data, Mail, Rcpt
from eximkit.smtp.early import (
    WEEK,
    Cached,
    Decision,
    Memory,
    Reason,
    Record,
    Tls,
    Wish,
    borrowed,
    decide,
)
from eximkit.smtp.ehlo import EARLY_KEYWORDS, KNOWN, Offer
from eximkit.smtp.states import Step
from tests.smtp.wire import NOW, offer

PLAIN = offer("PIPELINING", "SIZE 9", "STARTTLS")
BARE = offer("PIPELINING", "PIPECONNECT")
FULL = offer("PIPELINING", "PIPECONNECT", "SIZE 9", "STARTTLS", "CHUNKING")
INSIDE = offer("PIPELINING", "PIPECONNECT", "AUTH PLAIN", "CHUNKING")
SEEN = Record(NOW - 60, FULL, INSIDE)


@pytest.mark.parametrize(
    ("wish", "record", "reason"),
    [
        (Wish(), SEEN, Reason.EARLY),
        (Wish(early=False), SEEN, Reason.NOT_ASKED),
        (Wish(pipelining=False), SEEN, Reason.NO_PIPELINING),
        (Wish(helo=False), SEEN, Reason.HELO),
        (Wish(), None, Reason.UNKNOWN),
        (Wish(), dataclasses.replace(SEEN, stamp=NOW + 1), Reason.FUTURE),
        (Wish(), dataclasses.replace(SEEN, stamp=NOW - WEEK - 1), Reason.EXPIRED),
        (Wish(), dataclasses.replace(SEEN, stamp=NOW - WEEK), Reason.EARLY),
        (Wish(expire=59), SEEN, Reason.EXPIRED),
        (Wish(), Record(NOW, PLAIN, INSIDE), Reason.NOT_OFFERED),
        (Wish(), Record(NOW, None, INSIDE), Reason.NOT_OFFERED),
        (Wish(tls=Tls.ON_CONNECT), Record(NOW, None, INSIDE), Reason.EARLY),
        (Wish(tls=Tls.ON_CONNECT), Record(NOW, FULL, None), Reason.NOT_OFFERED),
        (Wish(tls=Tls.STARTTLS), Record(NOW, BARE, None), Reason.EARLY),
        (Wish(tls=Tls.STARTTLS, tls_required=True), Record(NOW, BARE), Reason.NO_TLS),
        (Wish(tls=Tls.STARTTLS, tls_required=True), SEEN, Reason.EARLY),
    ],
)
def test_when_to_be_early(wish: Wish, record: Record | None, reason: Reason) -> None:
    decision = decide(wish, record, NOW)
    assert decision.reason is reason
    assert decision.early == (reason is Reason.EARLY)
    if not decision.early:
        assert decision == Decision(reason)


def test_clear_and_crypted_are_never_one_for_the_other() -> None:
    assert decide(Wish(tls=Tls.STARTTLS), SEEN, NOW).crypted == INSIDE
    assert decide(Wish(tls=Tls.STARTTLS), Record(NOW, FULL), NOW).crypted is None
    later = decide(Wish(tls=Tls.STARTTLS), Record(NOW, FULL, PLAIN), NOW)
    assert (later.clear, later.crypted) == (FULL, None)
    on_connect = decide(Wish(tls=Tls.ON_CONNECT), SEEN, NOW)
    assert (on_connect.clear, on_connect.crypted) == (None, INSIDE)


@pytest.mark.parametrize("keyword", EARLY_KEYWORDS)
def test_each_keyword_counts(keyword: str) -> None:
    record = Record(NOW, offer("PIPELINING", keyword))
    assert decide(Wish(), record, NOW).early


def remembered(
    record: Record | None, *seen: tuple[Offer, bool], tls: Tls = Tls.NONE
) -> Memory:
    memory = Memory(Wish(tls=tls), record, NOW)
    for found, secure in seen:
        memory.hello(found, secure)
    return memory


@pytest.mark.parametrize(
    ("record", "found", "stored", "cached"),
    [
        (None, FULL, Record(NOW, FULL), Cached.MISS),
        (None, PLAIN, None, Cached.MISS),
        (None, offer("PIPECONNECT"), None, Cached.MISS),
        (Record(5 + NOW - 60, FULL), FULL, Record(NOW - 55, FULL), Cached.HIT),
        (Record(NOW - 60, FULL), BARE, Record(NOW, BARE), Cached.REWRITTEN),
        (SEEN, BARE, Record(NOW, BARE, INSIDE), Cached.REWRITTEN),
        (SEEN, PLAIN, None, Cached.CLEARED),
        (SEEN, Offer(), None, Cached.CLEARED),
        (
            Record(NOW - 60, FULL),
            offer("PIPECONNECT"),
            Record(NOW, offer("PIPECONNECT")),
            Cached.REWRITTEN,
        ),
        (Record(1, FULL), FULL, Record(NOW, FULL), Cached.EXPIRED),
        (Record(1, FULL), PLAIN, None, Cached.EXPIRED),
        (Record(NOW + 9, FULL), FULL, Record(NOW, FULL), Cached.EXPIRED),
    ],
)
def test_what_is_remembered(
    record: Record | None, found: Offer, stored: Record | None, cached: Cached
) -> None:
    memory = remembered(record, (found, False))
    kept = stored and dataclasses.replace(
        stored, clear=stored.clear.kept() if stored.clear else None
    )
    assert memory.record == kept
    assert memory.cached is cached
    assert memory.dirty == (memory.record != record)


CHANGES = [
    offer("PIPELINING", "PIPECONNECT", "AUTH PLAIN"),
    offer("PIPELINING", "PIPECONNECT", "AUTH LOGIN"),
    offer("PIPELINING", "PIPECONNECT", "LIMITS RCPTMAX=5"),
    offer("PIPELINING", "PIPECONNECT", "SIZE 7"),
    offer("PIPELINING", "PIPE_CONNECT"),
]


@pytest.mark.parametrize("changed", CHANGES)
def test_every_change_of_the_offer_is_noticed(changed: Offer) -> None:
    memory = remembered(Record(NOW - 60, BARE), (changed, False))
    assert memory.record == Record(NOW, changed.kept())
    assert memory.cached is Cached.REWRITTEN


def test_the_encrypted_offer_is_added() -> None:
    tls = Tls.STARTTLS
    assert remembered(None, (FULL, False), (INSIDE, True), tls=tls).record == Record(
        NOW, FULL, INSIDE
    )
    assert remembered(None, (PLAIN, False), (INSIDE, True), tls=tls).record == Record(
        NOW, PLAIN, INSIDE
    )
    assert remembered(None, (FULL, False), (PLAIN, True), tls=tls).record == Record(
        NOW, FULL, PLAIN
    )
    assert remembered(None, (PLAIN, False), (PLAIN, True), tls=tls).record is None
    assert remembered(SEEN, (PLAIN, False), (PLAIN, True), tls=tls).record is None
    assert remembered(SEEN, (FULL, False), (INSIDE, True), tls=tls).record is SEEN
    fewer = offer("PIPECONNECT")
    assert remembered(SEEN, (FULL, False), (fewer, True), tls=tls).record == Record(
        NOW, FULL, fewer
    )


def test_on_connect_only_the_encrypted_offer_is_there() -> None:
    memory = remembered(None, (INSIDE, True), tls=Tls.ON_CONNECT)
    assert memory.record == Record(NOW, None, INSIDE)
    memory = remembered(memory.record, (PLAIN, True), tls=Tls.ON_CONNECT)
    assert memory.record is None


def test_a_failed_hello_clears_and_a_stopped_memory_learns_nothing() -> None:
    memory = Memory(Wish(), SEEN, NOW)
    memory.failed()
    memory.stop()
    memory.hello(FULL, False)
    assert (memory.record, memory.cached, memory.dirty) == (None, Cached.CLEARED, True)
    memory = Memory(Wish(early=False), SEEN, NOW)
    memory.hello(PLAIN, False)
    assert not memory.dirty


@pytest.mark.parametrize(
    ("step", "command", "real", "was_borrowed"),
    [
        (Step.MAIL, Mail("a@b.example"), FULL, False),
        (Step.MAIL, Mail("a@b.example"), PLAIN, True),
        (Step.MAIL, Mail("a@b.example"), offer("PIPECONNECT"), True),
        (Step.MAIL, Mail("a@b.example", {"SIZE": "1"}), FULL, False),
        (Step.MAIL, Mail("a@b.example", {"SIZE": "1"}), BARE, True),
        (Step.RCPT, Rcpt("a@b.example"), BARE, False),
        (Step.RCPT, Rcpt("a@b.example", {"NOTIFY": "NEVER"}), BARE, True),
        (Step.BDAT_LAST, None, FULL, False),
        (Step.BDAT_LAST, None, BARE, True),
        (Step.AUTH, Auth("PLAIN"), INSIDE, False),
        (Step.AUTH, Auth("CRAM-MD5"), INSIDE, True),
        (Step.DATA, Data(), BARE, False),
    ],
)
def test_whose_right_a_command_was_sent_by(
    step: Step, command: object, real: Offer, was_borrowed: bool
) -> None:
    assert borrowed(step, command, FULL, real) is was_borrowed


WORDS = st.text(st.characters(codec="ascii", exclude_characters="\r\n"), max_size=70)
OFFERS = st.dictionaries(
    st.sampled_from(sorted(KNOWN)), st.lists(WORDS, max_size=4).map(tuple)
).map(lambda keywords: Offer(keywords).kept())


@given(st.integers(0, 2**40), st.none() | OFFERS, st.none() | OFFERS)
def test_records_there_and_back(
    stamp: int, clear: Offer | None, crypted: Offer | None
) -> None:
    record = Record(stamp, clear, crypted)
    assert early.from_text(early.as_text(record)) == record


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"stamp":-1}',
        '{"stamp":true}',
        '{"stamp":1.5}',
        '{"stamp":1,"clear":[]}',
        '{"stamp":1,"clear":{"SIZE":"9"}}',
        '{"stamp":1,"clear":{"SIZE":[9]}}',
        '{"stamp":1,"clear":{"FROB":[]}}',
        '{"stamp":1,"clear":{"SIZE":["' + "9" * 65 + '"]}}',
        '{"stamp":1,"other":{}}',
        '{"stamp":1',
        "[" * 5000,
        '{"stamp":' + "9" * 5000 + "}",
        " " * 20_000,
    ],
)
def test_what_is_no_record(text: str) -> None:
    assert early.from_text(text) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON, st.sampled_from(["stamp", "clear", "crypted"]))
def test_any_text_is_a_record_or_none(value: object, name: str) -> None:
    for text in (json.dumps(value), json.dumps({"stamp": 1, name: value})):
        record = early.from_text(text)
        assert record is None or isinstance(record.stamp, int)
