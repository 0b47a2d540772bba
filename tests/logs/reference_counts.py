"""A plain and slow count of what lines say, independent of the package's own grammar.

It walks each line word by word, as a person would; of text that is made to mislead it
knows certificates' names without quotes in them, and quoted senders. Where it and the
package differ, one of them is wrong.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

FLAGS = (b"<=", b"(=", b"=>", b"->", b">>", b"*>", b"**", b"==")
IN_FORMS = (b"L", b"L-", b"L.", b"L.-", b"L*", b"L*-")
OUT_FORMS = (b"L", b"L*")
ID_LENGTHS = ([6, 6, 2], [6, 11, 4])


def is_id(word: bytes) -> bool:
    parts = word.split(b"-")
    return [len(part) for part in parts] in ID_LENGTHS and word.replace(
        b"-", b""
    ).isalnum()


def is_stamp(words: list[bytes]) -> bool:
    return (
        len(words) > 1
        and len(words[0]) == 10
        and words[0].replace(b"-", b"").isdigit()
        and words[1][:8].replace(b":", b"").isdigit()
    )


def event(line: bytes) -> tuple[bytes, list[bytes]] | None:
    """The flag and the words behind it, of a line that has both at the right place."""
    if b"\0" in line:
        return None
    words = line.split(b" ")
    if b"exim" in line[:80] and b": " in line[:80]:
        words = line.split(b": ", 1)[1].split(b" ")
        if is_stamp(words):
            words = words[2:]
    elif is_stamp(words):
        words = words[2:]
    else:
        return None
    if words and words[0][:1] in {b"+", b"-"} and len(words[0]) == 5:
        words = words[1:]
    if words and words[0].startswith(b"[") and words[0][1:-1].isdigit():
        words = words[1:]
    if len(words) < 2 or not is_id(words[0]):
        return None
    if words[1] in FLAGS or words[1] == b"Completed":
        return words[1], words[2:]
    return None


def without_names(words: list[bytes]) -> list[bytes]:
    """Words without those of a certificate's name, DN="…"."""
    kept, inside = [], False
    for word in words:
        inside = inside or word.startswith(b'DN="')
        if not inside:
            kept.append(word)
        elif word.endswith(b'"'):
            inside = False
    return kept


def words_before(words: list[bytes], sign: bytes) -> list[bytes]:
    """The words before one that begins so."""
    for number, word in enumerate(words):
        if word.startswith(sign):
            return words[:number]
    return words


def from_host(words: list[bytes]) -> bool:
    return any(word.startswith(b"H=") for word in words) and any(
        word.startswith((b"[", b"H=[")) and b"]" in word for word in words
    )


def form_of(words: list[bytes], forms: tuple[bytes, ...], first: bytes) -> str:
    """The first form among the words behind one that begins as `first`."""
    started = False
    for word in words:
        started = started or word.startswith(first)
        if started and word in forms:
            return word.decode()
    return "none"


def behind_sender(words: list[bytes]) -> list[bytes]:
    """The words behind an address whose local part may be in quotes."""
    if not words[0].startswith(b'"'):
        return words[1:]
    text = b" ".join(words)
    at = 1
    while text[at : at + 1] != b'"':
        at += 2 if text[at : at + 1] == b"\\" else 1
    return text[at:].split(b" ")[1:]


def count(lines: Iterable[bytes]) -> dict[str, Counter[str]]:
    """How many lines have each flag, and each L form in each direction."""
    flags: Counter[str] = Counter()
    forms: dict[str, Counter[str]] = {"in": Counter(), "out": Counter()}
    for line in lines:
        found = event(line)
        if found is None:
            continue
        flag, words = found
        flags[flag.decode()] += 1
        if flag in {b"<=", b"(="}:
            session = words_before(behind_sender(words), b"S=")
            if from_host(session):
                forms["in"][form_of(without_names(session), IN_FORMS, b"P=")] += 1
        elif flag in {b"=>", b"->", b">>"}:
            session = words_before(words, b'C="')
            if from_host(session):
                forms["out"][form_of(without_names(session), OUT_FORMS, b"H=")] += 1
    return {"flags": flags, **forms}
