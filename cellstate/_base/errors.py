"""Errors that say what was expected, what was found, and which call to make."""

from collections.abc import Iterable


class SchemaError(ValueError):
    """An AnnData breaks the schema; every violation is listed at once.

    Attributes
    ----------
    violations
        One line each: what was expected, what was found, the call that mends it.
    """

    def __init__(self, violations: Iterable[str]) -> None:
        self.violations = tuple(violations)
        lines = "\n".join(f"  {i}. {line}" for i, line in enumerate(self.violations, 1))
        super().__init__(f"{len(self.violations)} violation(s) of the schema:\n{lines}")


class StaleResultError(ValueError):
    """A stored result was computed from other cells or another state space."""


class LineageError(ValueError):
    """Tracks do not form a forest in which each cell has at most two daughters."""


class MovieError(ValueError):
    """Images, masks and lineage of a movie do not fit together."""


def listing(items: Iterable, most: int = 5) -> str:
    """Name the first few items and count the rest.

    Examples
    --------
    >>> listing(range(8), most=3)
    '[0, 1, 2] and 5 more'
    """
    items = [x.item() if hasattr(x, "item") else x for x in items]
    rest = f" and {len(items) - most} more" if len(items) > most else ""
    return f"{items[:most]}{rest}"
