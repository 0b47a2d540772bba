from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.errors import LocalProtocolError, RemoteProtocolError
from eximkit.smtp import auth
from eximkit.smtp.auth import Account, ClientSide, Proof, ServerSide

ANN = Account("ann", "s3cret")


def run(mechanism: str, account: Account, shy: bool = False) -> Proof:
    """One exchange. shy: without an initial response."""
    ours, theirs = ClientSide(mechanism, account), ServerSide(mechanism, b"<1@mx>")
    said = theirs.begin("" if shy else ours.initial)
    if shy and ours.initial:
        said = theirs.answer(ours.initial)
    for _ in range(5):
        if isinstance(said, Proof):
            return said
        said = theirs.answer(ours.answer(auth.encode(said)))
    raise AssertionError("no end")


@pytest.mark.parametrize("mechanism", auth.MECHANISMS)
def test_exchanges(mechanism: str) -> None:
    proof = run(mechanism, ANN)
    assert (proof.name, proof.mechanism) == ("ann", mechanism)
    assert proof.shows("s3cret")
    assert not proof.shows("other")
    assert not proof.shows("")
    assert "s3cret" not in repr(proof) + repr(ANN)


def test_without_an_initial_response() -> None:
    assert run("PLAIN", ANN, shy=True).shows("s3cret")


def test_plain_on_the_wire() -> None:
    account = Account("tim", "tanstaaftanstaaf", "")
    assert ClientSide("PLAIN", account).initial == "AHRpbQB0YW5zdGFhZnRhbnN0YWFm"


def test_cram_md5_as_in_rfc_2195() -> None:
    side = ClientSide("CRAM-MD5", Account("tim", "tanstaaftanstaaf"))
    challenge = auth.encode(b"<1896.697170952@postoffice.reston.mci.net>")
    answer = auth.decode(side.answer(challenge))
    assert side.initial == ""
    assert answer == b"tim b913a602c7eda7a495b4e6e7334d3890"


def test_login_with_the_name_at_once() -> None:
    theirs = ServerSide("LOGIN")
    assert theirs.begin(auth.encode(b"ann")) == b"Password:"
    proof = theirs.answer(auth.encode(b"s3cret"))
    assert isinstance(proof, Proof)
    assert proof.shows("s3cret")


@pytest.mark.parametrize("mechanism", auth.MECHANISMS)
@pytest.mark.parametrize("line", ["*", "???", "a", "MAIL FROM:<a@b.example>"])
def test_a_wrong_response_ends_it(mechanism: str, line: str) -> None:
    theirs = ServerSide(mechanism, b"<1@mx>")
    assert isinstance(theirs.begin(""), bytes)
    with pytest.raises(RemoteProtocolError) as caught:
        theirs.answer(line)
    assert caught.value.code == 501


def test_a_mechanism_that_the_server_begins() -> None:
    with pytest.raises(RemoteProtocolError):
        ServerSide("CRAM-MD5", b"<1@mx>").begin("YQ==")


@pytest.mark.parametrize("mechanism", auth.MECHANISMS)
def test_a_client_gives_up_where_there_is_no_more_to_say(mechanism: str) -> None:
    ours = ClientSide(mechanism, ANN)
    answers = [ours.answer("") for _ in range(4)]
    assert answers[-1] == auth.CANCEL
    assert ClientSide("LOGIN", ANN).answer("???") == auth.CANCEL


def test_no_nul_gets_into_plain() -> None:
    with pytest.raises(LocalProtocolError):
        ClientSide("PLAIN", Account("a\0b", "c"))


@given(st.sampled_from(auth.MECHANISMS), st.binary(max_size=60))
def test_any_response_is_a_step_or_a_fault(mechanism: str, response: bytes) -> None:
    theirs = ServerSide(mechanism, b"<1@mx>")
    try:
        said = theirs.answer(auth.encode(response))
        while isinstance(said, bytes):
            said = theirs.answer(auth.encode(response))
    except RemoteProtocolError:
        return
    said.shows("x")
