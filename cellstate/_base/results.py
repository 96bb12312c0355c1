"""Frozen results that survive a file: arrays, numbers, texts and tables only."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

_kinds: dict[str, type["Result"]] = {}


def frozen(values: np.ndarray) -> np.ndarray:
    """Return a read-only view of the values."""
    view = np.asarray(values).view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, eq=False, kw_only=True)
class Result:
    """Base of every result: read-only arrays, to and from h5ad-safe dicts.

    A subclass names its `kind`. Fields are arrays, numbers, texts, tuples of
    texts, tables or other results; a field that is None is left out of the dict.
    """

    kind: ClassVar[str]

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        _kinds[cls.kind] = cls

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                object.__setattr__(self, field.name, frozen(value))

    def to_dict(self) -> dict[str, Any]:
        """Return what h5ad keeps: no tuple, no None, no integer key."""
        filled = {f.name: getattr(self, f.name) for f in fields(self)}
        return {"kind": self.kind} | {
            name: _plain(value) for name, value in filled.items() if value is not None
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        """Rebuild the result that `to_dict` wrote."""
        if stored.get("kind") != cls.kind:
            raise ValueError(
                f"expected a stored {cls.kind!r}; found {stored.get('kind')!r}."
            )
        names = {f.name for f in fields(cls)}
        return cls(**{k: _revive(v) for k, v in stored.items() if k in names})


def _plain(value: Any) -> Any:
    if isinstance(value, Result):
        return value.to_dict()
    if isinstance(value, tuple | list):
        return np.asarray(value, dtype=str if _texts(value) else None)
    if isinstance(value, np.ndarray):
        return np.array(value)
    return value


def _revive(value: Any) -> Any:
    if isinstance(value, dict) and value.get("kind") in _kinds:
        return _kinds[value["kind"]].from_dict(value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "OUST":
        return tuple(str(v) for v in value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, pd.DataFrame):
        return value.reset_index(drop=True)  # a file keeps row numbers as texts
    return value


def _texts(values: tuple | list) -> bool:
    return all(isinstance(v, str) for v in values)


@dataclass(frozen=True, eq=False, kw_only=True)
class Estimate(Result):
    """A number with its interval.

    Attributes
    ----------
    value, low, high
        The estimate and the ends of its interval, in `unit`. A bound that the
        data do not give is NaN; a rate without events has ``value=0, low=0``.
    level
        Nominal coverage of the interval, 0.95 say.
    method
        How the interval was made.
    n_effective
        Independent units behind it (lineages, events), not rows.
    unit
        "1/h", "h", "1" ...

    Examples
    --------
    >>> Estimate(value=2.0, low=1.5, high=2.7, level=0.95, method="lineage bootstrap",
    ...          n_effective=40, unit="1/h")
    2 1/h [1.5, 2.7] (95 %, lineage bootstrap, n = 40)
    """

    kind: ClassVar[str] = "estimate"
    value: float
    low: float
    high: float
    level: float
    method: str
    n_effective: float
    unit: str

    def __repr__(self) -> str:
        unit = "" if self.unit == "1" else f" {self.unit}"
        return (
            f"{self.value:.4g}{unit} [{self.low:.3g}, {self.high:.3g}] "
            f"({100 * self.level:g} %, {self.method}, n = {self.n_effective:.3g})"
        )
