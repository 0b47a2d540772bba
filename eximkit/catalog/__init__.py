"""What Exim knows, by release: options, drivers, variables, operators, conditions, …

Data and typed access to it, no behaviour. The tables are the TOML files beside this
module, each of which tells its form at its top; they are read when first asked for. An
entry of any release is found: ask `in_release()` whether a certain one has it.
"""

from __future__ import annotations

from eximkit.catalog.entries import (
    AclInfo,
    ConditionInfo,
    Entry,
    ItemInfo,
    LookupInfo,
    OperatorInfo,
    OptionInfo,
)
from eximkit.catalog.macros import builtin_macros
from eximkit.catalog.names import (
    acl_condition,
    acl_condition_names,
    acl_verbs,
    condition,
    condition_names,
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
from eximkit.catalog.releases import NEWEST, RELEASES, Release, release

__all__ = [
    "NEWEST",
    "RELEASES",
    "AclInfo",
    "ConditionInfo",
    "Entry",
    "ItemInfo",
    "LookupInfo",
    "OperatorInfo",
    "OptionInfo",
    "Release",
    "acl_condition",
    "acl_condition_names",
    "acl_verbs",
    "builtin_macros",
    "condition",
    "condition_names",
    "drivers",
    "item",
    "item_names",
    "log_selector",
    "log_selector_names",
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
