"""What the options of one driver need, exclude, or may say: a table for each driver.

Exim specification, chapters 15 to 41; which of it Exim checks when it loads a file was
found by trying 4.96, so there is nothing here that it only finds out later.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eximkit.config import literals, rules
from eximkit.config.patterns import pattern_problem
from eximkit.config.quoting import split_list
from eximkit.config.refusal import guess, refusal, shown
from eximkit.config.statements import RewriteLine, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from eximkit.config.model import Driver, Option
    from eximkit.problem import Problem
    from eximkit.source import Place

    Check: TypeAlias = Callable[[Driver], Iterator[Problem]]

_OFF = ("no", "false")
_NUMBER = re.compile(r"-?[0-9]+")
_EXIT_CODES = re.compile(r"\*|[0-9: \t]*")


def check(driver: Driver) -> Iterator[Problem]:
    """Everything that is wrong with a block once all of its options are known."""
    for look in (*_OF_KIND.get(driver.kind, ()),
                 *_OF_DRIVER.get((driver.kind, driver.driver), ())):  # fmt: skip
        yield from look(driver)


def name_place(driver: Driver) -> Place:
    """Where the block's name stands."""
    return driver.line.place(0, max(1, len(driver.name)))


def value_place(option: Option) -> Place:
    """Where the value stands, or the name where there is no value to show."""
    if option.value is None or not option.value.text:
        return option.name_place
    return option.value.place(0, len(option.value))


def _is_on(driver: Driver, name: str) -> bool:
    """Whether a boolean option is set and not plainly off; any expansion counts."""
    option = driver.options.get(name)
    if option is None or option.negated:
        return False
    return option.text.strip().lower() not in _OFF


def _is_off(driver: Driver, name: str) -> bool:
    return name in driver.options and not _is_on(driver, name)


def _needed(driver: Driver, what: str, hint: str = "") -> Problem:
    return refusal(
        "EXS239",
        f'the {driver.driver} {driver.kind} "{driver.name}" needs {what}',
        name_place(driver),
        hint,
    )


def _needs(*names: str) -> Check:
    def look(driver: Driver) -> Iterator[Problem]:
        for name in names:
            if name not in driver.options:
                yield _needed(driver, name, f"add {name} = ...")

    return look


def _needs_transport(driver: Driver) -> Iterator[Problem]:
    if "transport" not in driver.options and not _is_on(driver, "verify_only"):
        yield _needed(driver, "a transport", "add transport = ..., or verify_only")


def _never(name: str, why: str) -> Check:
    def look(driver: Driver) -> Iterator[Problem]:
        option = driver.options.get(name)
        if option is not None:
            yield refusal("EXS239", f"{name} is not for {why}", option.name_place,
                          hint="remove it")  # fmt: skip

    return look


def _one_of(code: str, first: str, second: str) -> Check:
    """Exactly one of two options."""

    def look(driver: Driver) -> Iterator[Problem]:
        options = driver.options
        if first not in options and second not in options:
            what = f"{first} or {second}"
            yield refusal(
                code,
                f'the {driver.driver} {driver.kind} "{driver.name}" needs {what}',
                name_place(driver),
            )
        elif first in options and second in options:
            yield _conflict(code, driver, first, second)

    return look


def _not_both(code: str, first: str, second: str) -> Check:
    def look(driver: Driver) -> Iterator[Problem]:
        if first in driver.options and second in driver.options:
            yield _conflict(code, driver, first, second)

    return look


def _not_both_on(first: str, second: str, *, second_is_flag: bool = True) -> Check:
    """Two options, the first or both of them boolean, of which one may be on."""

    def look(driver: Driver) -> Iterator[Problem]:
        if not _is_on(driver, first) or second not in driver.options:
            return
        if not second_is_flag or _is_on(driver, second):
            yield _conflict("EXS239", driver, first, second)

    return look


def _one_time_headers(name: str) -> Check:
    """A one-time redirection cannot change headers; an empty list changes none."""

    def look(driver: Driver) -> Iterator[Problem]:
        lists = driver.options.all(name)
        if _is_on(driver, "one_time") and any(o.text.strip(" \t:") for o in lists):
            yield _conflict("EXS239", driver, "one_time", name)

    return look


def _conflict(code: str, driver: Driver, first: str, second: str) -> Problem:
    """Two options that exclude each other; the later one is the finding's place."""
    found: dict[str, Option] = {}
    for option in driver.options:
        if option.name in (first, second):
            found.setdefault(option.name, option)
    earlier, later = found.values()
    return refusal(
        code,
        f"{later.name} and {earlier.name} exclude each other in a {driver.driver} "
        f"{driver.kind}",
        later.name_place,
        hint="remove one of them",
        related=((f"{earlier.name} is set here", earlier.name_place),),
    )


def _words(
    name: str, *words: str, start: tuple[str, ...] = (), empty: bool = False
) -> Check:
    """An option with a fixed vocabulary.

    start: what else a value may start with. empty: no value at all will do, too.
    """

    def look(driver: Driver) -> Iterator[Problem]:
        option = driver.options.get(name)
        if option is None or option.value is None or option.text in words:
            return
        text = option.text
        if (start and text.startswith(start)) or (empty and not text):
            return
        place = value_place(option)
        hint, near = guess(text, words, place)
        yield refusal(
            "EXS231",
            f'"{shown(text)}" is no value of {name}: {_or(words)} is expected',
            place, hint, replacement=near,
        )  # fmt: skip

    return look


def _or(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _filter_user(driver: Driver) -> Iterator[Problem]:
    if not _is_on(driver, "allow_filter"):
        return
    if "user" not in driver.options and not _is_on(driver, "check_local_user"):
        option = driver.options.get("allow_filter")
        place = option.name_place if option else name_place(driver)
        yield refusal(
            "EXS239", "allow_filter needs user or check_local_user: filters run as "
            "somebody", place,
        )  # fmt: skip


def _no_zero(*names: str) -> Check:
    def look(driver: Driver) -> Iterator[Problem]:
        for name in names:
            option = driver.options.get(name)
            if option is not None and literals.time(option.text or "?") == 0:
                yield refusal("EXS231", f"{name} cannot be zero", value_place(option))

    return look


def _port(driver: Driver) -> Iterator[Problem]:
    option = driver.options.get("port")
    if option is None:
        yield _needed(driver, "a port", "add port = ...")
        return
    number = literals.integer(option.text or "?")
    if isinstance(number, int) and number < 0:
        yield refusal("EXS231", "port cannot be negative", value_place(option))


def _exit_codes(driver: Driver) -> Iterator[Problem]:
    option = driver.options.get("temp_errors")
    if option is not None and not _EXIT_CODES.fullmatch(option.text):
        yield refusal(
            "EXS231", "temp_errors is a list of numbers, separated by colons, or *",
            value_place(option),
        )  # fmt: skip


_LOCKS = ("use_lockfile", "use_fcntl_lock", "use_flock_lock", "use_mbx_lock")


def _some_lock(driver: Driver) -> Iterator[Problem]:
    """Lock files and fcntl locks are what there is unless they are switched off."""
    lockfile, fcntl, *others = _LOCKS
    if not (_is_off(driver, lockfile) and _is_off(driver, fcntl)):
        return
    if any(_is_on(driver, name) for name in others):
        return
    option = driver.options.get(fcntl)
    yield refusal(
        "EXS239", f"all locking is off: one of {_or(_LOCKS)} is needed",
        option.name_place if option else name_place(driver),
    )  # fmt: skip


def _directory_only(driver: Driver) -> Iterator[Problem]:
    options = driver.options
    directory, file = "directory" in options, "file" in options
    if (
        directory
        and not file
        and _is_on(driver, "maildir_format")
        and _is_on(driver, "mailstore_format")
    ):
        yield _conflict("EXS239", driver, "maildir_format", "mailstore_format")
    count = options.get("quota_filecount")
    if count is not None and file and not directory:
        yield refusal(
            "EXS239", "quota_filecount is for a directory, not for a file",
            count.name_place,
        )  # fmt: skip
    for name in ("quota_filecount", "quota_directory"):
        option = options.get(name)
        if option is not None and directory and not file and "quota" not in options:
            yield refusal("EXS239", f"{name} needs quota", option.name_place,
                          hint="add quota = 0 for no limit of the size")  # fmt: skip


def _rewriting(driver: Driver) -> Iterator[Problem]:
    """`headers_rewrite` is a list of rewriting rules, read when the file is loaded."""
    option = driver.options.get("headers_rewrite")
    if option is None or option.value is None:
        return
    for item in split_list(option.value):
        if not item.text:
            yield refusal("EXS238", "headers_rewrite has an empty rule",
                          value_place(option))  # fmt: skip
            return
        rule = parse(item, "rewrite_line")
        problem = rules.check_rewrite(rule) if isinstance(rule, RewriteLine) else None
        if problem is not None:
            yield problem
            return


def _both_or_none(first: str, second: str) -> Check:
    def look(driver: Driver) -> Iterator[Problem]:
        options = driver.options
        if (first in options) == (second in options):
            return
        have, lack = (first, second) if first in options else (second, first)
        option = options.get(have)
        place = option.name_place if option else name_place(driver)
        yield refusal("EXS239", f"{have} needs {lack} beside it", place,
                      hint=f"add {lack} = ...")  # fmt: skip

    return look


def _pattern(name: str) -> Check:
    def look(driver: Driver) -> Iterator[Problem]:
        option = driver.options.get(name)
        problem = pattern_problem(option) if option is not None else None
        if problem is not None:
            yield problem

    return look


def _user_has_group(driver: Driver) -> Iterator[Problem]:
    """A user's name tells the group; a number does not."""
    user = driver.options.get("user")
    if user is None or "group" in driver.options:
        return
    if _NUMBER.fullmatch(user.text):
        yield refusal("EXS239", "user is a number, so group is needed, too",
                      user.name_place, hint="add group = ...")  # fmt: skip


_HOST_TROUBLE = ("freeze", "defer", "pass", "decline", "fail")

_OF_KIND: dict[str, tuple[Check, ...]] = {
    "router": (
        _words("self", "freeze", "defer", "send", "pass", "fail", start=("reroute:",)),
    ),
    "transport": (_not_both_on("body_only", "headers_only"), _rewriting),
}

_OF_DRIVER: dict[tuple[str, str], tuple[Check, ...]] = {
    ("router", "accept"): (_needs_transport,),
    ("router", "dnslookup"): (_needs_transport,),
    ("router", "ipliteral"): (_needs_transport,),
    ("router", "iplookup"): (
        _never("transport", "an iplookup router"),
        _needs("hosts"),
        _port,
        _words("protocol", "udp", "tcp"),
        _pattern("response_pattern"),
    ),
    ("router", "manualroute"): (
        _one_of("EXR310", "route_list", "route_data"),
        _words("host_find_failed", *_HOST_TROUBLE, "ignore"),
        _words("host_all_ignored", *_HOST_TROUBLE),
    ),
    ("router", "queryprogram"): (_needs("command", "command_user"),),
    ("router", "redirect"): (
        _never("transport", "a redirect router"),
        _one_of("EXS239", "file", "data"),
        _not_both_on("one_time", "unseen"),
        _one_time_headers("headers_add"),
        _one_time_headers("headers_remove"),
        _not_both_on("qualify_preserve_domain", "qualify_domain", second_is_flag=False),
        _filter_user,
    ),
    ("transport", "appendfile"): (
        _user_has_group,
        _not_both("EXR311", "file", "directory"),
        _words(
            "create_file", "anywhere", "belowhome", "inhome", start=("/",), empty=True
        ),
        _some_lock,
        _directory_only,
    ),
    ("transport", "autoreply"): (_user_has_group,),
    ("transport", "lmtp"): (_user_has_group, _one_of("EXS239", "command", "socket")),
    ("transport", "pipe"): (
        _user_has_group,
        _not_both_on("log_output", "log_fail_output"),
        _not_both_on("return_output", "return_fail_output"),
        _not_both_on("use_shell", "allow_commands", second_is_flag=False),
        _not_both_on("use_shell", "restrict_to_path"),
        _exit_codes,
    ),
    ("transport", "smtp"): (
        _never("shadow_transport", "a transport to other hosts"),
        _no_zero("command_timeout", "data_timeout", "final_timeout"),
    ),
    ("authenticator", "cram_md5"): (_needs("public_name"),),
    ("authenticator", "cyrus_sasl"): (_needs("public_name"),),
    ("authenticator", "spa"): (_both_or_none("client_username", "client_password"),),
}
