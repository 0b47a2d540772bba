"""What Exim knows, by release: options, drivers, variables, operators, conditions, …

Data and typed access to it, no behaviour. The tables are the TOML files beside this
module, each of which tells its form at its top; they are read when first asked for. An
entry of any release is found: ask `in_release()` whether a certain one has it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eximkit.catalog.defaults import default, default_depends
    from eximkit.catalog.description import Description, describe
    from eximkit.catalog.entries import (
        AclInfo,
        ConditionInfo,
        Entry,
        ItemInfo,
        LookupInfo,
        LookupOption,
        OperatorInfo,
        OptionInfo,
    )
    from eximkit.catalog.lookups import lookup_options
    from eximkit.catalog.macros import builtin_macros
    from eximkit.catalog.names import (
        acl_condition,
        acl_condition_names,
        acl_verbs,
        condition,
        condition_names,
        default_log_selectors,
        item,
        item_names,
        log_selector,
        log_selector_names,
        lookup_type,
        lookup_type_names,
        operator,
        operator_names,
        variable,
        variable_names,
    )
    from eximkit.catalog.nearest import suggest
    from eximkit.catalog.options import drivers, option, option_names
    from eximkit.catalog.places import acls, allowed_in
    from eximkit.catalog.releases import NEWEST, RELEASES, Release, release

__all__ = [
    "NEWEST",
    "RELEASES",
    "AclInfo",
    "ConditionInfo",
    "Description",
    "Entry",
    "ItemInfo",
    "LookupInfo",
    "LookupOption",
    "OperatorInfo",
    "OptionInfo",
    "Release",
    "acl_condition",
    "acl_condition_names",
    "acl_verbs",
    "acls",
    "allowed_in",
    "builtin_macros",
    "condition",
    "condition_names",
    "default",
    "default_depends",
    "default_log_selectors",
    "describe",
    "drivers",
    "item",
    "item_names",
    "log_selector",
    "log_selector_names",
    "lookup_options",
    "lookup_type",
    "lookup_type_names",
    "operator",
    "operator_names",
    "option",
    "option_names",
    "release",
    "suggest",
    "variable",
    "variable_names",
]

# Which module a name comes from: imported with the first use of one of its names, since
# most commands need few of them (`eximkit --help` none).
_HOMES = {
    "defaults": ("default", "default_depends"),
    "description": ("Description", "describe"),
    "entries": (
        "AclInfo", "ConditionInfo", "Entry", "ItemInfo", "LookupInfo", "LookupOption",
        "OperatorInfo", "OptionInfo",
    ),
    "lookups": ("lookup_options",),
    "macros": ("builtin_macros",),
    "names": (
        "acl_condition", "acl_condition_names", "acl_verbs", "condition",
        "condition_names", "default_log_selectors", "item", "item_names",
        "log_selector", "log_selector_names", "lookup_type", "lookup_type_names",
        "operator", "operator_names", "variable", "variable_names",
    ),
    "nearest": ("suggest",),
    "options": ("drivers", "option", "option_names"),
    "places": ("acls", "allowed_in"),
    "releases": ("NEWEST", "RELEASES", "Release", "release"),
}  # fmt: skip
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """A public name, from the module that has it."""
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
