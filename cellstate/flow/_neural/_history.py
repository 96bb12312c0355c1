"""How a training went."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from cellstate._base.results import Result


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainingHistory(Result):
    """Losses by epoch, what was kept of each part, and why its training stopped.

    Attributes
    ----------
    table
        One row per part and epoch: ``part``, ``epoch``, ``train_loss``,
        ``held_out_loss``; losses are means per row (negative log-likelihood up to a
        constant).
    parts
        One row per part (drift, diffusion, growth, rollout): ``part``, ``best_epoch``
        (0 where the base was kept), ``gain`` (fall of the held-out loss, summed over
        held-out units), ``standard_error`` of the gain (over units), ``n_units``,
        ``kept`` ("network" or "base") and ``reason`` it stopped.
    unit
        What was held out whole: "lineages", or "stretches of tracks" where there are
        too few lineages.
    device
        Where it was trained, and whether that was a fall-back.
    seconds
        Wall time of the training.
    seed
        Of the weights and of the order of the rows.
    """

    kind: ClassVar[str] = "training_history"
    table: pd.DataFrame
    parts: pd.DataFrame
    unit: str
    device: str
    seconds: float
    seed: int

    def best_epoch(self, part: str = "drift") -> int:
        """Epoch whose weights were kept; 0 is the base itself."""
        return int(self._row(part)["best_epoch"])

    def reason(self, part: str = "drift") -> str:
        """Why the training of a part stopped."""
        return str(self._row(part)["reason"])

    def losses(self, part: str = "drift") -> tuple[np.ndarray, np.ndarray]:
        """Train and held-out loss by epoch."""
        rows = self.table[self.table["part"] == part]
        return rows["train_loss"].to_numpy(), rows["held_out_loss"].to_numpy()

    def _row(self, part: str) -> pd.Series:
        found = self.parts[self.parts["part"] == part]
        if found.empty:
            raise KeyError(
                f"no training of {part!r}; found {list(self.parts['part'])}."
            )
        return found.iloc[0]
