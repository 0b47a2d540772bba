"""Main options that Exim expands or takes apart as soon as it has read the main part.

Exim specification, chapter 14; which options these are was found by trying 4.96. What
an option's type says of its value is checked with the setting (`settings.py`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eximkit.config import literals
from eximkit.config.expanded import expanded, is_expanded
from eximkit.config.patterns import pattern_problem
from eximkit.config.refusal import guess, refusal, shown, within
from eximkit.source import BLANK

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from eximkit.catalog import Release
    from eximkit.config.model import Config, Option
    from eximkit.problem import Problem
    from eximkit.source import Place

_NUMBER = re.compile(r"[ \t]*[+-]?(0[xX][0-9A-Fa-f]+|[0-9]+)[ \t]*")
_HIGHEST_LOCALHOST = 16
_FEWEST_DH_BITS = 1024
_FACILITIES = ("daemon", "mail", "news", "user", "uucp",
               *(f"local{n}" for n in range(8)))  # fmt: skip
# message count, initial delay, factor, longest delay
_RATE = re.compile(
    r"\s*-?[0-9]+,\s*(?P<delay>[0-9A-Za-z.]+),\s*-?(?:[0-9]+\.?[0-9]*|\.[0-9]+),\s*"
    r"(?P<most>[0-9A-Za-z]+)(?![^ \t])",
    re.ASCII,
)
_FRACTION = re.compile(r"\.[0-9]*(?=[smhdw])")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_LONGEST_ADDRESS = 2_000  # Comments and quotes take quadratic time to find.
_COMMENT = re.compile(r"\([^()]*\)")
_LABEL = r"[0-9A-Za-z\x80-\xff][-0-9A-Za-z\x80-\xff]*"
_ADDRESS = rf"[^@\s<>,\"()]+@({_LABEL}(\.{_LABEL})*|\[[^\s\]]*\])"
_MAILBOX = re.compile(_ADDRESS, re.ASCII)
_NAMED_MAILBOX = re.compile(rf"[^@<>,\"()]*<{_ADDRESS}>", re.ASCII)


def check(
    config: Config, release: Release, faulty: Collection[Option] = ()
) -> Iterator[Problem]:
    """What makes Exim end after it has read the main part.

    faulty: settings that have a finding already.
    """
    bad = {id(option) for option in faulty}
    for option in config.options:
        if option.value is None or id(option) in bad:
            continue
        text: str | None = option.text
        if is_expanded("main", None, option):
            text, problem = expanded(option, release)
            if problem is not None:
                yield within(problem, "main", "", option.name)
                continue
        look = _LOOKS.get(option.name)
        if look is not None and text is not None:
            for problem in look(option, text):
                yield within(problem, "main", "", option.name)
    yield from _gecos(config)
    yield from _local_sender(config)
    yield from _connections(config)


def _place(option: Option) -> Place:
    if option.value is None or not option.value.text:
        return option.name_place
    return option.value.place(0, len(option.value))


def _bad(option: Option, message: str, hint: str = "") -> Problem:
    return refusal("EXS231", message, _place(option), hint)


def _spool_directory(option: Option, text: str) -> Iterator[Problem]:
    if not text:
        yield _bad(option, "spool_directory cannot be empty")


def _log_file_path(option: Option, text: str) -> Iterator[Problem]:
    """A colon list without a change of separator."""
    items = [item.strip(BLANK) for item in text.split(":")]
    for path in items:
        if not path or path == "syslog":
            continue
        before, slot, after = path.partition("%s")
        datestamps = sum((before + after).count(s) for s in ("%D", "%M"))
        if not slot:
            yield _bad(option, f'log_file_path "{shown(path)}" has no %s',
                       "%s becomes main, reject or panic")  # fmt: skip
            return
        if (before + after).count("%") != datestamps or datestamps > 1:
            yield _bad(
                option,
                f'log_file_path "{shown(path)}" has a % too many: one %s and one %D '
                "or %M are allowed",
            )
            return


def _localhost_number(option: Option, text: str) -> Iterator[Problem]:
    if not text:
        return
    match = _NUMBER.fullmatch(text)
    if match is None:
        yield _bad(option, f'localhost_number "{shown(text)}" is not a number')
        return
    number = literals.integer(text)
    if not isinstance(number, int) or number > _HIGHEST_LOCALHOST:
        yield _bad(option, f"localhost_number is {_HIGHEST_LOCALHOST} at most")


def _syslog_facility(option: Option, text: str) -> Iterator[Problem]:
    word = text.lower().removeprefix("log_")
    if word not in _FACILITIES:
        hint, _ = guess(word, _FACILITIES, _place(option))
        yield _bad(
            option, f'syslog_facility "{shown(text)}" is not known to Exim', hint
        )


def _errors_reply_to(option: Option, text: str) -> Iterator[Problem]:
    """One address with a domain, perhaps with a person's name and comments."""
    if len(text) > _LONGEST_ADDRESS:
        return
    plain = _COMMENT.sub(" ", _QUOTED.sub("q", text)).strip(BLANK)
    if not _MAILBOX.fullmatch(plain) and not _NAMED_MAILBOX.fullmatch(plain):
        yield _bad(
            option,
            f'errors_reply_to "{shown(text)}" is not one address with a domain',
        )


def _rate(option: Option, text: str) -> Iterator[Problem]:
    match = _RATE.match(text)
    if match is not None:
        delay = _FRACTION.sub("", match["delay"])
        times = (literals.time(delay), literals.time(match["most"]))
        if all(isinstance(time, int) for time in times):
            return
    yield _bad(
        option,
        f'{option.name} "{shown(text)}" is malformed',
        "four values, separated by commas, are expected, as in 2,0.5s,1.05,4m",
    )


def _tls_dh_max_bits(option: Option, text: str) -> Iterator[Problem]:
    number = literals.integer(text)
    if isinstance(number, int) and number < _FEWEST_DH_BITS:
        yield _bad(option, f"tls_dh_max_bits is {_FEWEST_DH_BITS} at least")


def _uucp_from_pattern(option: Option, _text: str) -> Iterator[Problem]:
    problem = pattern_problem(option)
    if problem is not None:
        yield problem


def _gecos(config: Config) -> Iterator[Problem]:
    """The pattern counts only together with the name."""
    pattern = config.options.get("gecos_pattern")
    if pattern is not None and "gecos_name" in config.options:
        problem = pattern_problem(pattern)
        if problem is not None:
            yield problem


def _local_sender(config: Config) -> Iterator[Problem]:
    options = config.options
    option = options.get("local_sender_retain")
    if option is not None and options.flag("local_sender_retain") and options.flag(
        "local_from_check", default=True
    ):  # fmt: skip
        yield refusal(
            "EXS239", "local_sender_retain needs local_from_check = false",
            option.name_place,
        )  # fmt: skip


def _connections(config: Config) -> Iterator[Problem]:
    """A limit per host, or a queue of connections, means nothing without a limit."""
    most = config.options.get("smtp_accept_max")
    if most is None or literals.integer(most.text or "?") != 0:
        return
    queue = config.options.get("smtp_accept_queue")
    if queue is not None and literals.integer(queue.text or "?") == 0:
        queue = None
    other = queue or config.options.get("smtp_accept_max_per_host")
    if other is not None:
        yield refusal(
            "EXS239", f"{other.name} needs an smtp_accept_max that is not 0",
            other.name_place,
            related=(("smtp_accept_max is set here", most.name_place),),
        )  # fmt: skip


_LOOKS: dict[str, Callable[[Option, str], Iterator[Problem]]] = {
    "spool_directory": _spool_directory,
    "log_file_path": _log_file_path,
    "localhost_number": _localhost_number,
    "syslog_facility": _syslog_facility,
    "errors_reply_to": _errors_reply_to,
    "smtp_ratelimit_mail": _rate,
    "smtp_ratelimit_rcpt": _rate,
    "tls_dh_max_bits": _tls_dh_max_bits,
    "uucp_from_pattern": _uucp_from_pattern,
}
