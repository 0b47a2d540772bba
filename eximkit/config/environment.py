"""A configuration as an expansion sees it: options, named lists, ACLs, time zone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.config.expanded import EXPANDED, expanded
from eximkit.errors import ExpansionSyntaxError
from eximkit.expansion.check import check
from eximkit.expansion.environment import AclLine, AclStatement, Environment
from eximkit.expansion.parse import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eximkit.catalog import Release
    from eximkit.config.model import Acl, Config, Option
    from eximkit.expansion.nodes import Expansion
    from eximkit.expansion.values import Value
    from eximkit.expansion.world import World


def environment_of(
    config: Config | None,
    release: Release,
    *,
    world: World,
    variables: Mapping[str, Value],
    headers: Mapping[str, Value],
    offset: Callable[[str | None], Callable[[float], int]],
) -> Environment:
    """What is known where nothing is going on but `exim -be`.

    config: None for a bare Exim. variables: what is set besides; they go before what
    the configuration says. headers: by name, in lower case.
    offset: for the name of a time zone (None: where the machine is), how many seconds
    it is ahead of UTC at a time.
    """
    if config is None:
        return Environment(
            variables, headers, absent_empty=True, world=world, release=release,
            offset=offset(None),
        )  # fmt: skip
    options = _options(config, release)
    if not any(option.name == "keep_environment" for option in config.options):
        options["keep_environment"] = ""  # Exim purges its environment then.
    return Environment(
        variables,
        headers,
        acls=acl_reader(config, lambda text: tree_of(text, release)),
        absent_empty=True,
        world=world,
        lists=_lists(config),
        options=options,
        release=release,
        offset=offset(options.get("timezone")),
    )


def tree_of(text: str, release: Release) -> Expansion | None:
    """The tree of an expansion; None where that release would refuse it."""
    try:
        tree = parse(text)
    except ExpansionSyntaxError:
        return None
    return None if check(tree, release) else tree


def acl_reader(
    config: Config, tree: Callable[[str], Expansion | None]
) -> Callable[[str], tuple[AclStatement, ...] | None]:
    """Looks ACLs of a configuration up by name, each converted once.

    tree: makes trees of expansion strings, None of those that are malformed.
    """
    seen: dict[str, tuple[AclStatement, ...]] = {}

    def read(name: str) -> tuple[AclStatement, ...] | None:
        acl = config.acls.get(name)
        if acl is None:
            return None
        if name not in seen:
            seen[name] = _statements(acl, tree)
        return seen[name]

    return read


def _statements(
    acl: Acl, tree: Callable[[str], Expansion | None]
) -> tuple[AclStatement, ...]:
    """An ACL as the evaluator runs it."""
    statements = []
    for statement in acl.statements:
        lines = []
        for condition in statement.conditions:
            value = None if condition.value is None else tree(condition.text)
            wrong = condition.value is not None and value is None
            lines.append(
                AclLine(
                    condition.name, condition.negated, value, condition.variable,
                    f"malformed value of {condition.name}" if wrong else "",
                )
            )  # fmt: skip
        statements.append(AclStatement(statement.verb, tuple(lines)))
    return tuple(statements)


def _lists(config: Config) -> dict[str, dict[str, str]]:
    lists: dict[str, dict[str, str]] = {}
    for named in config.named_lists:
        lists.setdefault(f"{named.kind}list", {})[named.name] = named.value.text
    return lists


def _options(config: Config, release: Release) -> dict[str, str]:
    """The options of the main part; those that cannot be known are left out."""
    found: dict[str, str] = {}
    for option in config.options:
        text = _text(option, release)
        if text is not None:
            found[option.name] = text
    return found


def _text(option: Option, release: Release) -> str | None:
    if option.value is None:
        return "false" if option.negated else "true"
    if option.name in EXPANDED:
        return expanded(option, release)[0]
    return option.text
