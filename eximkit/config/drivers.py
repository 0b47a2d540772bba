"""Drivers: which exist, and how the blocks of a configuration refer to each other.

Exim specification, chapters 15, 33 and 40; details by trying 4.96. What a single block
needs is in `driver_checks.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.config import driver_checks
from eximkit.config.driver_checks import name_place
from eximkit.config.expanded import expanded, is_expanded
from eximkit.config.refusal import Guesses, guess, refusal, shown, within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.catalog import Release
    from eximkit.config.model import Config, Driver, Option
    from eximkit.problem import Problem
    from eximkit.source import Place


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
            f'Exim {release} has no {kind} driver "{name}"; it came with {info.since}',
            place,
        )
    return True, refusal(
        "EXD601",
        f'Exim {release} no longer has the {kind} driver "{name}"; {info.until} was '
        "the last with it",
        place,
    )


def cross_check(config: Config, release: Release) -> Iterator[Problem]:
    """Everything that takes more than one option, or more than one block, to see.

    A fragment of options without a name is not judged for what it lacks.
    """
    for section in ("routers", "transports", "authenticators"):
        for driver in getattr(config, section):
            if not driver.name and config.fragment is not None:
                continue
            for problem in driver_checks.check(driver):
                where = _option_at(driver, problem.place)
                yield within(problem, section, driver.name, where)
            yield from _expanded_lists(driver, section, release)
    if config.fragment is None:
        yield from _router_references(config)
    yield from _public_names(config)


def _option_at(driver: Driver, place: Place) -> str:
    """The option whose setting holds a place, "" for none."""
    for option in driver.options:
        line = option.line.place(0, len(option.line))
        if line.file is place.file and line.start <= place.start < line.end:
            return option.name
    return ""


def _expanded_lists(
    driver: Driver, section: str, release: Release
) -> Iterator[Problem]:
    for option in driver.options:
        if option.value is None or not is_expanded(driver.kind, driver.driver, option):
            continue
        _, problem = expanded(option, release)
        if problem is not None:
            yield within(problem, section, driver.name, option.name)


def _router_references(config: Config) -> Iterator[Problem]:
    """`pass_router` names a later router, `redirect_router` any."""
    guesses = Guesses()
    numbers = {router.name: at for at, router in enumerate(config.routers)}
    for at, router in enumerate(config.routers):
        for name in ("pass_router", "redirect_router"):
            option = router.options.get(name)
            if option is None or option.value is None:
                continue
            place = driver_checks.value_place(option)
            target = numbers.get(option.text)
            if target is None:
                hint, near = guesses.guess(option.text, numbers, place)
                problem = refusal(
                    "EXR304", f'{name}: there is no router "{shown(option.text)}"',
                    place, hint, replacement=near,
                )  # fmt: skip
            elif name == "pass_router" and target <= at:
                where = name_place(config.routers[target])
                problem = refusal(
                    "EXR304",
                    f'pass_router: "{option.text}" does not come after "{router.name}"',
                    place, related=((f'"{option.text}" is here', where),),
                )  # fmt: skip
            else:
                continue
            yield within(problem, "routers", router.name, name)


# What makes an authenticator one of the server's or of the client's: the first options
# must be set. cyrus_sasl always is the server's; tls is neither, by this measure.
_SERVER = {
    "cram_md5": ("server_secret",),
    "cyrus_sasl": (),
    "dovecot": ("server_socket",),
    "external": ("server_condition",),
    "plaintext": ("server_condition",),
    "spa": ("server_password",),
}
_CLIENT = {
    "cram_md5": ("client_secret",),
    "external": ("client_send",),
    "plaintext": ("client_send",),
    "spa": ("client_username",),
}


def _public_names(config: Config) -> Iterator[Problem]:
    """Two authenticators of one side cannot announce one mechanism."""
    for side, needed in (("server", _SERVER), ("client", _CLIENT)):
        seen: dict[str, Driver] = {}
        for driver in config.authenticators:
            names = needed.get(driver.driver)
            if names is None or not all(name in driver.options for name in names):
                continue
            option = driver.options.get("public_name")
            public = option.text if option else driver.name
            other = seen.setdefault(public.lower(), driver)
            if other is driver:
                continue
            problem = refusal(
                "EXS239",
                f'two {side} authenticators have the public name "{shown(public)}"',
                driver_checks.value_place(option) if option else name_place(driver),
                related=((f'the other one is "{other.name}"', name_place(other)),),
            )
            yield within(problem, "authenticators", driver.name, "public_name")
