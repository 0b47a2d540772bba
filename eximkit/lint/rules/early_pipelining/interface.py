"""What is known of the local end where the option `interface` binds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.expansion.values import Known, Value
from eximkit.lint.rules.early_pipelining import views

if TYPE_CHECKING:
    from eximkit.config.interface import Address


def bound_address(value: Address) -> dict[str, Value]:
    """What is known of the local end once it is bound to an address."""
    return {**views.INTERFACE, views.ADDRESS: Known(str(value))}
