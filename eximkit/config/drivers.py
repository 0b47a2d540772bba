"""Drivers: which exist, and what their options need or exclude.

Exim specification, chapters 15 to 41; which of it Exim checks when it loads a file was
found by trying 4.96. Checks are per driver, in tables; each sees one block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.config.refusal import guess, refusal, shown, within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from eximkit.catalog import Release
    from eximkit.config.model import Config, Driver, Option
    from eximkit.problem import Problem
    from eximkit.source import Place

    Check: TypeAlias = Callable[[Driver], Iterator[Problem]]


def check_driver(
    kind: str, option: Option, release: Release
) -> tuple[bool, Problem | None]:
    """Whether the driver's private options are known, and what is wrong with it."""
    name = option.text
    place = option.name_place
    if option.value is not None and len(option.value):
        place = option.value.place(0, len(option.value))
    drivers = catalog.drivers(kind)
    info = drivers.get(name)
    if info is None:
        names = [known for known, entry in drivers.items() if entry.in_release(release)]
        hint, near = guess(name, names, place)
        return False, refusal(
            "EXS236", f'Exim has no {kind} driver "{shown(name)}"', place, hint,
            replacement=near,
        )  # fmt: skip
    if info.in_release(release):
        return True, None
    if info.since is not None and release < info.since:
        return True, refusal(
            "EXD602",
            f'Exim {release} has no {kind} driver "{name}"; it is there from {info.since}',
            place,
        )
    return True, refusal(
        "EXD601",
        f'Exim {release} no longer has the {kind} driver "{name}"; {info.until} was the '
        "last release with it",
        place,
    )


def junk_hint(junk: str) -> str:
    """What to do with text after a driver's name."""
    if junk.startswith("#"):
        return "a # starts a comment only at the start of a line"
    return "put it on a line of its own"


def cross_check(config: Config) -> Iterator[Problem]:
    """Everything that takes more than one option, or more than one block, to see.

    A fragment of options without a name is not judged for what it lacks.
    """
    for section in ("routers", "transports", "authenticators"):
        for driver in getattr(config, section):
            if not driver.name:
                continue
            for check in CHECKS.get((driver.kind, driver.driver), ()):
                for problem in check(driver):
                    yield within(problem, section, driver.name, "")
    if config.fragment is None:
        yield from _router_references(config)
    yield from _public_names(config)


def _name_place(driver: Driver) -> Place:
    return driver.line.place(0, len(driver.name))


def _needs_transport(driver: Driver) -> Iterator[Problem]:
    options = driver.options
    if "transport" in options or options.flag("verify_only"):
        return
    yield refusal(
        "EXS239",
        f'the {driver.driver} router "{driver.name}" needs a transport',
        _name_place(driver),
        hint="add transport = ..., or verify_only",
    )


def _exactly_one(code: str, first: str, second: str) -> Check:
    def check(driver: Driver) -> Iterator[Problem]:
        one, other = driver.options.get(first), driver.options.get(second)
        if one is None and other is None:
            yield refusal(
                code,
                f'the {driver.driver} {driver.kind} "{driver.name}" needs {first} or '
                f"{second}",
                _name_place(driver),
            )
        yield from _both(code, driver, first, second)

    return check


def _not_both(code: str, first: str, second: str) -> Check:
    def check(driver: Driver) -> Iterator[Problem]:
        yield from _both(code, driver, first, second)

    return check


def _both(code: str, driver: Driver, first: str, second: str) -> Iterator[Problem]:
    options = driver.options
    one, other = options.get(first), options.get(second)
    if one is None or other is None:
        return
    for option in (one, other):
        # A boolean that is off excludes nothing.
        if option.value is None and not options.flag(option.name):
            return
    later, earlier = other, one
    for option in options:
        if option in (one, other):
            earlier, later = (one, other) if option is one else (other, one)
            break
    yield refusal(
        code,
        f'{later.name} and {earlier.name} exclude each other in a {driver.driver} '
        f"{driver.kind}",
        later.name_place,
        hint="remove one of them",
        related=((f"{earlier.name} is set here", earlier.name_place),),
    )


CHECKS: dict[tuple[str, str], tuple[Check, ...]] = {
    ("router", "accept"): (_needs_transport,),
    ("router", "dnslookup"): (_needs_transport,),
    ("router", "ipliteral"): (_needs_transport,),
    ("router", "manualroute"): (
        _needs_transport,
        _exactly_one("EXR310", "route_list", "route_data"),
    ),
    ("router", "redirect"): (
        _exactly_one("EXS239", "file", "data"),
        _not_both("EXS239", "one_time", "unseen"),
    ),
    ("transport", "appendfile"): (_not_both("EXR311", "file", "directory"),),
}


def _router_references(config: Config) -> Iterator[Problem]:
    """`pass_router` and `redirect_router` name routers."""
    names = {router.name: router for router in config.routers}
    for router in config.routers:
        for name in ("pass_router", "redirect_router"):
            option = router.options.get(name)
            if option is None or option.value is None or option.text in names:
                continue
            place = option.value.place(0, len(option.value))
            hint, near = guess(option.text, names, place)
            problem = refusal(
                "EXR304", f'{name}: there is no router "{shown(option.text)}"', place,
                hint, replacement=near,
            )  # fmt: skip
            yield within(problem, "routers", router.name, name)


_SIDES = ("server", "client")


def _public_names(config: Config) -> Iterator[Problem]:
    """Two authenticators of one side cannot announce one mechanism."""
    seen: dict[tuple[str, str], Driver] = {}
    for driver in config.authenticators:
        public = driver.options.text("public_name") or driver.name
        for side in _SIDES:
            if not any(option.name.startswith(f"{side}_") for option in driver.options):
                continue
            other = seen.setdefault((side, public.lower()), driver)
            if other is driver:
                continue
            option = driver.options.get("public_name")
            place = option.name_place if option else _name_place(driver)
            problem = refusal(
                "EXS239",
                f'two {side} authenticators have the public name "{shown(public)}"',
                place,
                related=((f'the other one is "{other.name}"', _name_place(other)),),
            )
            yield within(problem, "authenticators", driver.name, "public_name")
