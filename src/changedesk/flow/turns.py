"""Duties of time that are done for many records at once."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from changedesk.base.refusal import Refusal

T = TypeVar("T")
_OF_ONE: Final = (ArithmeticError, AttributeError, LookupError, Refusal, TypeError, ValueError)
"""What a single record can be the cause of: damaged bytes, what nobody thought of. A database that is away is none."""


def together(due: Sequence[T], act: Callable[[Sequence[T]], int]) -> int:
    """Do what is due at once; where that cannot be, do each by itself, and raise in the end why one could not.

    One damaged record keeps no other waiting, and is told of again and again until somebody has seen to it.
    """
    try:
        return act(due)
    except _OF_ONE:
        if len(due) == 1:
            raise
    done = 0
    failed: Exception | None = None
    for one in due:
        try:
            done += act([one])
        except _OF_ONE as failure:
            failed = failure
    if failed is not None:
        raise failed
    return done
