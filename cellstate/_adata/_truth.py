"""What is known exactly about simulated cells."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd

from cellstate._base.results import Result

EVENT_COLUMNS = (
    "movie",
    "track",
    "parent_track",
    "event",
    "commitment_time",
    "target_time",
    "came_from",
    "ending",
    "condition",
)
NUMBER_COLUMNS = ("name", "value", "unit")
UNKNOWN = float("nan")


def _no_numbers() -> pd.DataFrame:
    return pd.DataFrame({"name": [], "value": [], "unit": []}).astype(
        {"name": object, "value": float, "unit": object}
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class Truth(Result):
    """The law behind simulated cells, its exact rates, and what each cell did.

    Attributes
    ----------
    system
        Name of the law.
    parameters
        Its parameters and those of the simulation, JSON text.
    axes
        Names of the hidden coordinates.
    source, target
        A and B in words; empty where the law has none.
    k_ab, k_ba, nu
        Transition rates and A to B passages, 1/h; NaN where the law has no sets.
    mfpt_ab, mfpt_ba, transition_path_time
        Mean times from A to B, from B to A, and on the way from A to B, h.
    diffusion
        Diffusion matrix, shape (d, d), squared units of the state per h; empty where
        it is not constant.
    fastest_rate
        Fastest relaxation at the stable states, 1/h; NaN where there is none.
    frame_interval
        Hours between frames.
    time_unit
        Hours per unit of the law's time.
    threshold
        c: a cell is committed where the committor stays above it.
    events
        One row per true track: `movie`, `track`, `parent_track`, `event`,
        `commitment_time` and `target_time` (h, NaN for none, -inf for before the
        movie), `came_from` (the set met last before), `ending`, `condition`; without
        a committor only the tracks.
    numbers
        More exact answers of the law: `name`, `value`, `unit`.
    """

    kind: ClassVar[str] = "truth"
    system: str
    parameters: str
    axes: tuple[str, ...]
    source: str = ""
    target: str = ""
    k_ab: float = UNKNOWN
    k_ba: float = UNKNOWN
    nu: float = UNKNOWN
    mfpt_ab: float = UNKNOWN
    mfpt_ba: float = UNKNOWN
    transition_path_time: float = UNKNOWN
    diffusion: np.ndarray
    fastest_rate: float = UNKNOWN
    frame_interval: float
    time_unit: float
    threshold: float
    events: pd.DataFrame
    numbers: pd.DataFrame = field(default_factory=_no_numbers)

    def number(self, name: str) -> float:
        """One of `numbers` by its name."""
        found = self.numbers.loc[self.numbers["name"] == name, "value"]
        if found.empty:
            raise KeyError(
                f"no number {name!r}; found {self.numbers['name'].tolist()}."
            )
        return float(found.iloc[0])
