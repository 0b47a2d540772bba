from __future__ import annotations

import pytest

from eximkit.smtp.states import (
    TRANSITIONS,
    Kind,
    State,
    Step,
    after,
    hoped,
    in_order,
    kind,
)

CODES = {Kind.DONE: (200, 250, 299), Kind.MORE: (334, 354), Kind.REFUSED: (450, 554)}
EDGES = [
    (state, step, answer, to)
    for state, steps in TRANSITIONS.items()
    for step, row in steps.items()
    for answer, to in row.items()
]


@pytest.mark.parametrize(("state", "step", "answer", "to"), EDGES)
def test_every_edge_is_walked(
    state: State, step: Step, answer: Kind, to: State
) -> None:
    assert in_order(state, step)
    assert {after(state, step, code) for code in CODES[answer]} == {to}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("step", Step)
def test_421_ends_everything(state: State, step: Step) -> None:
    assert after(state, step, 421) is State.CLOSED


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("step", Step)
def test_what_is_out_of_order_can_only_be_refused(state: State, step: Step) -> None:
    row = TRANSITIONS[state].get(step)
    for answer, codes in CODES.items():
        possible = (answer is Kind.REFUSED) if row is None else (answer in row)
        for code in codes:
            assert (after(state, step, code) is not None) is possible
    if row is None:
        assert after(state, step, 503) is state


def test_every_state_is_reached_and_left() -> None:
    assert {to for *_, to in EDGES} | {State.CONNECTED} == set(State)
    assert {state for state, steps in TRANSITIONS.items() if not steps} == {
        State.CLOSED
    }


@pytest.mark.parametrize("state", [s for s in State if s is not State.CLOSED])
def test_every_state_leads_to_the_end(state: State) -> None:
    seen, todo = set(), [state]
    while todo:
        here = todo.pop()
        if here not in seen:
            seen.add(here)
            todo += [to for row in TRANSITIONS[here].values() for to in row.values()]
    assert State.CLOSED in seen


def test_hope_is_an_edge_for_every_step() -> None:
    for state, steps in TRANSITIONS.items():
        for step, row in steps.items():
            assert hoped(state, step) in row.values()


@pytest.mark.parametrize("code", [200, 250, 354, 400, 421, 499, 500, 599])
def test_kinds(code: int) -> None:
    assert kind(code).value == min(code // 100, 4)


MAIL_STATES = {State.MAIL, State.RCPT, State.CHUNKS, State.BROKEN}


@pytest.mark.parametrize("state", [s for s in State if s in MAIL_STATES])
def test_a_transaction_holds_off_what_would_cut_into_it(state: State) -> None:
    for step in (Step.MAIL, Step.AUTH, Step.STARTTLS):
        assert not in_order(state, step)
    assert after(state, Step.RSET, 250) is State.READY
    assert after(state, Step.EHLO, 250) is State.READY
    assert after(state, Step.EHLO, 501) is state


def test_a_refused_chunk_is_mended_by_rset_alone() -> None:
    assert after(State.CHUNKS, Step.BDAT, 552) is State.BROKEN
    for step in (Step.RCPT, Step.DATA, Step.BDAT, Step.BDAT_LAST, Step.MAIL):
        assert not in_order(State.BROKEN, step)


def test_chunks_and_data_do_not_mix() -> None:
    assert not in_order(State.CHUNKS, Step.DATA)
    assert not in_order(State.CHUNKS, Step.RCPT)
