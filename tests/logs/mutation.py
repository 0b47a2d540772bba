"""Log lines with something wrong: cut, run together, or with fields in their text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

FRAGMENTS = (
    b" L*", b" L-", b" L.- ", b" S=1", b" S=1 ", b' "', b'"', b" [192.0.2.9]", b"]",
    b"[", b"(", b")", b"<", b">", b" H=x.example [192.0.2.9]", b" P=esmtp", b" K",
    b" T=", b" R=r", b" C=", b'\\"', b"\\", b":", b": ", b" : ", b"\0", b"\xff", b"\t",
    b"  ", b" =", b"=", b"@", b" X=TLS1.3:a:1", b" X=", b' DN="a"', b" A=plain:x y",
    b" U=me", b" I=[192.0.2.9]:25", b" Ci=77", b"*", b" QT=1s", b" DT=2s",
    b" F=<a@b.example>", b" <a@b.example>", b" for a b", b" id=x",
    b"2026-01-01 00:00:00 ", b" 12:00:00 ", b"2026-01-01 00:00:00", b"\r", b" DS",
    b" TFO*", b" PRX=192.0.2.9", b" SNI=a", b" defer (-1)", b" Completed",
    b" rejected RCPT <a>: x", b" (a b)", b") [192.0.2.9]", b"\xd9\xa1", b"\xc2\x85",
    b" daemon started: pid=1",
)  # fmt: skip
"""What an attacker, an accident or another release may put anywhere."""


def mutated(random: Random, lines: Sequence[bytes]) -> bytes:
    """One of the lines, with one to three changes. No LF is in it."""
    line = random.choice(lines)
    for _ in range(random.choice((1, 1, 2, 3))):
        blanks = [at for at, octet in enumerate(line) if octet == 32] or [0]
        at = random.choice((*blanks, random.randrange(len(line) + 1)))
        change = random.random()
        if change < 0.55:
            line = line[:at] + random.choice(FRAGMENTS) + line[at:]
        elif change < 0.75:
            line = line[:at]
        elif change < 0.9:
            line = line[:at] + line[min((b for b in blanks if b > at), default=at) :]
        else:
            line += random.choice(lines)[: random.choice((19, 20, 44, 60, 300))]
    return line
