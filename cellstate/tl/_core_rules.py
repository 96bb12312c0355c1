"""Which cells a rule puts into a core: expressions, density, divisions, stays."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate._adata import _extract as extract
from cellstate._base.errors import listing
from cellstate.kinetics import densest, density_modes, hysteresis, stays
from cellstate.tracks import Tracks, outcomes

DENSITY = "density"
# Columns that other calls write, and which call.
WRITTEN_BY = {
    "committor": "cs.tl.committor(adata)",
    "macrostate": "cs.tl.macrostates(adata)",
    "truth_": "cs.datasets.attach_truth(adata, film)",
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Core:
    """Cells of A or of B, and how they were chosen.

    Attributes
    ----------
    role, rule
        "source" or "target"; the rule in words.
    inside
        Shape (n,).
    history
        What each step left, for the message when nothing is left.
    n_short, n_cut_off
        Cells taken out by the minimum dwell; cells kept because it could not be told.
    """

    role: str
    rule: str
    inside: np.ndarray
    history: tuple[str, ...] = ()
    n_short: int = 0
    n_cut_off: int = 0

    def kept_while(self, tracks: Tracks, keep: np.ndarray, rule: str) -> "Core":
        """Let cells that are in stay as long as `keep` holds."""
        inside = hysteresis(tracks, self.inside, keep)
        step = f"{int(inside.sum())} with {self.role}_keep={rule!r}"
        return replace(self, inside=inside, history=(*self.history, step))

    def lasting(self, tracks: Tracks, n_frames: int, hours: float) -> "Core":
        """Drop stays that are known to be shorter."""
        found = stays(tracks, self.inside)
        short = self.inside & (found.dwell < n_frames)
        inside = self.inside & ~(short & ~found.cut_off)
        step = f"{int(inside.sum())} after the minimum dwell of {hours:g} h"
        return replace(
            self,
            inside=inside,
            history=(*self.history, step),
            n_short=int((short & ~found.cut_off).sum()),
            n_cut_off=int((short & found.cut_off).sum()),
        )

    def reject_empty(self) -> None:
        """Say at which step nothing was left."""
        if self.inside.any():
            return
        if not self.history:
            raise ValueError(
                f"`{self.role}` ({self.rule}) holds none of the {self.inside.size} "
                "cells; choose another expression."
            )
        raise ValueError(
            f"`{self.role}` is empty: {self.rule} holds {', '.join(self.history)}. "
            "Lower min_dwell, or give a looser rule."
        )


def chosen(role: str, rule: str, inside: np.ndarray) -> Core:
    """Return the core of the cells that a rule selects."""
    history = (f"{int(inside.sum())} cells",) if inside.any() else ()
    return Core(role=role, rule=rule, inside=inside, history=history)


def matching(adata: AnnData, expression: str, name: str) -> np.ndarray:
    """Evaluate an expression over obs columns and features, shape (n,)."""
    features = [n for n in adata.var_names if n in expression and n not in adata.obs]
    table = adata.obs.copy()
    for feature in features:
        table[feature] = extract.features(adata[:, feature]).ravel()
    try:
        matched = table.eval(expression)
        if not pd.api.types.is_bool_dtype(matched):
            raise TypeError(f"it gives {getattr(matched, 'dtype', matched)}, not bool")
        return matched.to_numpy(dtype=bool)
    except Exception as error:
        raise ValueError(
            f"`{name}`={expression!r} is not an expression over obs columns and "
            f"features ({error}); columns are {listing(adata.obs.columns, 12)}. "
            f"{_remedy(str(error))}"
        ) from error


def _remedy(problem: str) -> str:
    for start, call in WRITTEN_BY.items():
        if f"name '{start}" in problem:
            return f"Run {call} first."
    return "Use e.g. target='area > 300', 'division', or source='density'."


def before_division(adata: AnnData, n_frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows shortly before a division, and rows of which nobody can tell."""
    tracks = extract.tracks(adata)
    outcome = outcomes(tracks)
    near = outcome.steps < n_frames
    in_b = near & outcome.divides
    if not in_b.any():
        raise ValueError(
            f"target='division' found no division in {tracks.n_tracks} tracks; a "
            "division is a track named by two others in obs['parent_track'] that "
            "begin in the next frame. Link the masks with cs.pp.track(movie), follow "
            "the cells longer, or choose another target, such as 'area > 300'."
        )
    return in_b, near & ~outcome.divides


def densest_outside(
    adata: AnnData, role: str, taken: np.ndarray, basis: str, share: float
) -> Core:
    """Densest part of the cells that are not in the other core."""
    x, usable = _coordinates(adata, basis, ~taken)
    core = np.zeros(adata.n_obs, dtype=bool)
    core[usable] = densest(x, share)
    return chosen(role, f"densest {100 * share:g} % of the cells in {basis}", core)


def two_modes(adata: AnnData, basis: str, share: float) -> tuple[Core, Core]:
    """Densest parts of the larger and of the smaller mode."""
    x, usable = _coordinates(adata, basis, np.ones(adata.n_obs, dtype=bool))
    mode = density_modes(x)
    cores = []
    for number, role in enumerate(("source", "target")):
        core = np.zeros(adata.n_obs, dtype=bool)
        core[usable[mode == number]] = densest(x[mode == number], share)
        size = ("larger", "smaller")[number]
        rule = f"densest {100 * share:g} % of the {size} of two modes in {basis}"
        cores.append(chosen(role, rule, core))
    return cores[0], cores[1]


def _coordinates(
    adata: AnnData, basis: str, free: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    x = extract.basis(adata, basis)
    usable = np.flatnonzero(np.isfinite(x).all(axis=1) & free)
    if usable.size < 2:
        raise ValueError(
            f"a density core needs at least 2 cells with coordinates in {basis!r}; "
            f"found {usable.size}."
        )
    return x[usable], usable
