"""Signed and rewritten addresses, encoded words, punycode, hashed passwords.

What 4.96 answers to the same is asked in tests/oracle/.
"""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.expansion import charsets, passwords, prvs, punycode, rfc2047, srs
from eximkit.expansion.imap import imap_folder
from eximkit.expansion.textsettings import TextSettings
from eximkit.expansion.values import ExpansionFailed, NotPure

TODAY = 20_779
"""2026-11-22, days since the epoch."""

OCTETS = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=200)
NAMES = st.text("abcXYZ019.-+", min_size=1, max_size=20)

# prvs -------------------------------------------------------------------------------


def test_an_address_is_signed() -> None:
    assert prvs.sign(["a@b", "k"], TODAY) == "prvs=0786cae4f7=a@b"
    assert prvs.sign(["a@b", "", "1"], TODAY) == "prvs=1786f695a7=a@b"
    assert prvs.sign(['"a b"@c', "k"], TODAY) == 'prvs=0786bc8f50="a b"@c'


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ab", "k"], "prvs first argument must be a qualified email address"),
        (["@b", "k"], "prvs first argument must be a qualified email address"),
        (["a@", "k"], "prvs first argument must be a qualified email address"),
        (["a@b", "k", "12"], "prvs third argument must be a single digit"),
        (["a@b", "k", ""], "prvs third argument must be a single digit"),
        (["a@b", "k" * 65], "prvs hmac-sha1 conversion failed"),
    ],
)
def test_what_cannot_be_signed(arguments: list[str], message: str) -> None:
    with pytest.raises(ExpansionFailed) as caught:
        prvs.sign(arguments, TODAY)
    assert caught.value.message == message


@given(NAMES, NAMES, st.text("abc", max_size=64), st.integers(0, 100_000))
def test_a_signature_holds_for_a_week(
    local: str, domain: str, secret: str, day: int
) -> None:
    address = f"{local}@{domain}"
    signed = prvs.signed(prvs.sign([address, secret, "3"], day))
    assert signed is not None
    assert (signed.address, signed.key_number) == (address, "3")
    assert all(signed.holds(secret, day + later) for later in range(8))
    # Days have three digits, and the last week before they begin anew reaches over.
    assert not signed.holds(secret, day + 8) or (day + 8) % 1000 < 8
    assert not signed.holds(secret + "x", day)


def test_what_is_not_signed() -> None:
    for text in (
        "a@b",
        "prvs=786cae4f7=a@b",
        "prvs=0786cae4f7=@b",
        " prvs=0786cae4f7=a@b",
    ):
        assert prvs.signed(text) is None
    signed = prvs.signed("PRVS=0786CAE4F7=a@b")
    assert signed is not None
    assert signed.holds("k", TODAY)
    assert not signed.holds("k", TODAY + 8)


# SRS --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a@b", "SRS0=b114=jl=b=a@c"),
        ("A@B", "SRS0=b114=jl=B=A@c"),
        ("a", "SRS0=ddcf=jl==a@c"),
        ("Joe <a@b>", "SRS0=0829=jl=b=a@c"),
        ('"a b"@b', '"SRS0=350b=jl=b=a b"@c'),
        ("", ""),
    ],
)
def test_a_sender_is_rewritten(path: str, text: str) -> None:
    assert srs.encode(["k", path, "c"], TODAY) == text


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("a@", "domain missing or malformed"),
        ("@b", "no local part"),
        ("a b@b", 'missing or malformed local part (expected word or "<")'),
        ("a@b@d", "malformed address: @d may not follow a@b"),
        ("<a@b", "'>' missing at end of address"),
        ("<a b@c>", '"@" or "." expected after "a"'),
        ("<@r,a@b>", "colon expected after route list"),
        ("<@b:a>", "domain missing in source-routed address"),
        ('"a@c', "unmatched doublequote in local part"),
        ("(x)", "empty address"),
        ("a@[1.2", "malformed domain literal"),
        ("<a@[1.2.3.4]>", "domain literals not allowed"),
    ],
)
def test_what_is_no_sender(path: str, message: str) -> None:
    with pytest.raises(ExpansionFailed) as caught:
        srs.encode(["k", path, "c"], TODAY, TextSettings())
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("local_part", "secret", "holds", "recipient"),
    [
        ("SRS0=b114=jl=b=a", "k", True, "a@b"),
        ("srs0=b114=JL=B=A", "k", True, "a@b"),
        ("SRS0=B114=jl=b=a", "k", False, "a@b"),
        ("SRS0=b115=jl=b=a", "k", False, "a@b"),
        ("SRS0=b115=jl=b=a", "", True, "a@b"),
        ("SRS0=b114=jb=b=a", "k", True, "a@b"),
        ("SRS0=b114=ja=b=a", "k", False, "a@b"),
        ("SRS0=b114=jm=b=a", "k", False, "a@b"),
        ("SRS0=350b=jl=b=a b", "k", True, '"a b"@b'),
        ("SRS0=b=jl=b,c=a", "", True, '"a"@b,c'),
        ("SRS0==jl=b=a", "", False, None),
        ("SRS1=b114=jl=b=a", "", False, None),
    ],
)
def test_our_own_are_known(
    local_part: str, secret: str, holds: bool, recipient: str | None
) -> None:
    assert srs.inbound(local_part, secret, TODAY) == srs.Inbound(holds, recipient)


@given(st.text("abc.019-", min_size=1), st.text("abc", min_size=1), st.text("k"))
def test_what_is_rewritten_is_known_again(local: str, domain: str, key: str) -> None:
    address = f"{local}@{domain}"
    made = srs.encode([key, address, "c"], TODAY)
    found = srs.inbound(made.removesuffix("@c"), key, TODAY + 10)
    assert found == srs.Inbound(True, address)


@given(OCTETS, OCTETS)
def test_srs_never_raises_anything_else(text: str, secret: str) -> None:
    srs.inbound(text, secret, TODAY)
    with suppress(ExpansionFailed):
        srs.encode([secret, text, "c"], TODAY, TextSettings())


# Encoded words ----------------------------------------------------------------------


@given(OCTETS, st.sampled_from(["UTF-8", "iso-8859-1", "x-unknown"]))
def test_words_decode_to_what_was_encoded(text: str, charset: str) -> None:
    coded = rfc2047.encode(text, charset)
    assert coded.isascii() or coded == text
    assert rfc2047.decode(coded, charset, check_length=False) == text


@given(OCTETS)
def test_decoding_never_raises_anything_else(text: str) -> None:
    broken = f"=?utf-8?Q?{text}?= =?koi8-r?b?{text}?={text}=?"
    with suppress(NotPure):
        rfc2047.decode(broken, "UTF-8", check_length=False).encode("latin-1")


@given(
    st.binary(max_size=60),
    st.sampled_from(["us-ascii", "KOI8-R", "gb2312", "utf-8", "CP1252", "big5", "l1"]),
    st.sampled_from(["UTF-8", "iso-8859-15", ""]),
)
def test_conversion_keeps_what_it_cannot_convert(
    octets: bytes, source: str, target: str
) -> None:
    made = charsets.convert(octets, source, target)
    try:
        text = octets.decode(charsets.codec(source))
        assert made == text.encode(charsets.codec(target)) or source == target
    except UnicodeError:
        assert made[-1:] == octets[-1:]


@pytest.mark.parametrize(
    "name", ["utf-8", "UTF8", "iso-8859-1", "ISO_8859-1:1987", "latin1", "utf 8", "l1",
             "windows-1252", "cp1252", "utf-8//TRANSLIT", "ibm850", "EUC-KR"],
)  # fmt: skip
def test_names_of_character_sets(name: str) -> None:
    "a".encode(charsets.codec(name))


@pytest.mark.parametrize("name", ["foo", "latin-1", "utf_8", "rot13", "idna", "base64"])
def test_other_names_are_not_followed(name: str) -> None:
    with pytest.raises(NotPure):
        charsets.codec(name)


def test_folder_names_in_a_character_set() -> None:
    unicode, latin = TextSettings(), TextSettings(headers_charset="iso-8859-1")
    assert imap_folder(["caf\xc3\xa9/\xc3\xa9"], unicode) == "caf&AOk-.&AOk-"
    assert imap_folder(["caf\xe9"], latin) == "caf&AOk-"
    assert imap_folder(["\xf0\x9f\x98\x80"], unicode) == "&2D3eAA-"
    for name, reason in (
        ("a\xc3", "Invalid argument"),
        ("a\xff", "Invalid or incomplete multibyte or wide character"),
    ):
        with pytest.raises(ExpansionFailed) as caught:
            imap_folder([name], unicode)
        expected = f"imapfolder: iconv() failed to convert from UTF-8: {reason}"
        assert caught.value.message == expected
    with pytest.raises(NotPure):
        imap_folder(["caf\xe9"])


# Punycode ---------------------------------------------------------------------------

UNICODE = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(UNICODE)
def test_punycode_comes_back(text: str) -> None:
    assert punycode.decode(punycode.encode(text)) == text or text.isascii()


@given(st.text("abcz019AZ-", max_size=30))
def test_punycode_is_that_of_the_library(code: str) -> None:
    try:
        ours = punycode.decode(code)
    except (punycode.BadInput, punycode.Overflow):
        return
    if not code.startswith("-") and "-" not in code:
        assert code.encode("ascii").decode("punycode") == ours


# Passwords --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("password", "encrypted"),
    [
        ("MySecret", "azrazPWCQJhyg"),
        ("MySecretAndMore", "{crypt}azrazPWCQJhyg"),
        ("MySecretRhubarb", "{Crypt16}azrazPWCQJhygdJWzb77lQMA"),
        ("x", "abiQ6Ep3EYTHc"),
        ("x", "$1$abcdefgh$znAnv9M.XU2pRYfmSs46h/"),
        ("x", "$5$abc$sCOGUciM.GdmYMCUvmUcgu03oRH87O0clF96.9mwWGB"),
        ("a", "{md5}0cc175b9c0f1b6a831c399e269772661"),
        ("a", "{md5}DMF1ucDxtqgxw5niaXcmYQ=="),
        ("a", "{SHA1}86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
    ],
)
def test_passwords(password: str, encrypted: str) -> None:
    assert passwords.matches(password, encrypted)
    assert not passwords.matches("y", encrypted)


def test_many_rounds_are_not_followed() -> None:
    for setting in (
        "$6$rounds=999999999$abc$x",
        "$y$j9T$abc$x",
        "$2b$05$x",
        "_J9..rasm",
    ):
        with pytest.raises(NotPure):
            passwords.matches("x", setting)


@given(OCTETS, st.text("./abz09$15{}crypt=", max_size=20))
def test_passwords_never_raise_anything_else(password: str, encrypted: str) -> None:
    with suppress(ExpansionFailed, NotPure):
        assert passwords.matches(password, encrypted) in {True, False}
