"""What `exim -be` does with one string: parse it, look at its names, evaluate it.

Exim reads as it evaluates, so that of several failures the one counts that comes first;
only a string that cannot be taken apart fails before anything is evaluated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.expansion.evaluate import Evaluator
from eximkit.expansion.limits import DEFAULT_LIMITS, Limits
from eximkit.expansion.values import ExpansionFailed, Failure, Known, Unknown
from eximkit.expansion.world import NotAllowed

if TYPE_CHECKING:
    from eximkit.expansion.environment import Environment
    from eximkit.expansion.values import Value


def expand(
    text: str,
    environment: Environment,
    limits: Limits = DEFAULT_LIMITS,
    *,
    lasting: dict[str, Value] | None = None,
) -> Known | Failure:
    """The value of octet text under `environment`, whose `world` should be set.

    Never raises for what the text holds. Where the value depends on something that is
    not known, the failure is of kind `unsupported` and says on what.

    lasting: variables that evaluations set for those after them ($acl_c_x, $runrc,
    $prvscheck_result), as one run of Exim keeps them; the caller keeps the dictionary.
    """
    evaluator = Evaluator(environment, limits=limits)
    if lasting is not None:
        evaluator.lasting = lasting
    try:
        tree = evaluator.texts.tree(text)
    except ExpansionFailed as failed:
        return Failure.of(failed)
    except NotAllowed as missing:
        return Failure.unsupported(missing.what)
    flaws = list(evaluator.texts.flaws.values())
    result = evaluator.run(tree)
    if isinstance(result, Unknown):
        result = Failure.unsupported(result.holes[0].name)
    if isinstance(result, Failure) and result.missing and flaws:
        # Whatever the value is, Exim goes on and comes upon this.
        return Failure(flaws[0][1], syntax=True)
    return result
