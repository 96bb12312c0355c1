"""What a learned embedding keeps and leaks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy.ndimage import rotate
from sklearn.ensemble import HistGradientBoostingRegressor

from cellstate._base.random import generator
from cellstate._base.results import Result
from cellstate.statespace._lagged import lagged_moments, lagged_rows
from cellstate.statespace._mode_choice import _row_folds, scores_of
from cellstate.statespace._slow_modes import vamp_of
from cellstate.tracks import Tracks

ORDERS = (1, 2)  # of the angle: a bright side, two bright ends
MOST = 4000  # crops that are turned
FEWEST = 100
REPLICATES = 200


@dataclass(frozen=True, eq=False, kw_only=True)
class EmbeddingDiagnosis(Result):
    """Whether an embedding sees pose, and what it keeps.

    Attributes
    ----------
    leak
        Per order m of the angle: `r2`, the held-out share of the variance of
        ``exp(i m angle)`` that the coordinates of randomly turned cells predict, its
        bootstrap 95 % interval `low`, `high`, and `n_cells`. 0 or less is no leak;
        NaN is unknown: fewer than 100 cells.
    rotation_error
        Root mean square change of the coordinates when cells are turned at random,
        over their standard deviation.
    reconstruction
        Share of the held-out pictures' variance about their mean picture, in the best
        pose, that the decoder keeps; NaN where there is no decoder.
    vamp2, vamp2_most
        Held-out VAMP-2 score less the constant 1 at `lag`: squared correlations of
        now and later, summed; and the most there can be, the number of coordinates.
        NaN without enough pairs a lag apart, or where nothing varies.
    lag
        Hours; NaN without pairs a lag apart.
    """

    kind: ClassVar[str] = "embedding_diagnosis"
    leak: pd.DataFrame
    rotation_error: float
    reconstruction: float
    vamp2: float
    vamp2_most: int
    lag: float

    @property
    def orientation_leak(self) -> float:
        """Largest `r2` of any order, not below 0; NaN where none is known."""
        return float(np.maximum(self.leak["r2"].max(), 0.0))

    def __str__(self) -> str:
        kept = (
            ""
            if np.isnan(self.reconstruction)
            else f"; reconstruction {self.reconstruction:.2f} of the variance"
        )
        return (
            f"orientation leak {self.orientation_leak:.3f}; turning a cell moves it by "
            f"{self.rotation_error:.3f} standard deviations{kept}; VAMP-2 "
            f"{self.vamp2:.2f} of {self.vamp2_most} at a lag of {self.lag:g} h"
        )


def diagnose(
    crops,
    encode: Callable[[np.ndarray], np.ndarray],
    coordinates: np.ndarray,
    tracks: Tracks,
    *,
    frame_interval: float,
    lag_frames: int = 1,
    reconstruction: float = np.nan,
    rng: int | np.random.Generator | None = None,
) -> EmbeddingDiagnosis:
    """Turn cells at random and see what of it the coordinates show.

    Parameters
    ----------
    crops
        Shape (n, C, H, W), 0 outside the cell.
    encode
        Crops (m, C, H, W) -> coordinates (m, d).
    coordinates
        Of all crops as they are, (n, d); rows may be NaN.
    tracks
        Tracks with n rows.
    frame_interval, lag_frames
        Hours; frames of the VAMP-2 score.
    reconstruction
        Passed on.
    rng
        Seed or Generator.

    Raises
    ------
    ValueError
        No crop has coordinates.
    """
    rng = generator(rng)
    known = np.flatnonzero(np.isfinite(coordinates).all(axis=1))
    if not known.size:
        raise ValueError(
            f"a diagnosis needs crops with coordinates; found none among "
            f"{len(coordinates)}: the encoder returned NaN, or the crops are empty."
        )
    rows = np.sort(rng.permutation(known)[:MOST])
    turned = turned_crops(np.asarray(crops[rows], np.float32), rng)
    seen = encode(turned)
    spread = coordinates[known].std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    moved = (seen - coordinates[rows]) / spread
    leaks = [
        _leak(turned, seen / spread, tracks.row_lineage[rows], order, rng)
        for order in ORDERS
    ]
    vamp2, lag = _vamp2(coordinates, tracks, lag_frames, frame_interval)
    return EmbeddingDiagnosis(
        leak=pd.DataFrame(leaks),
        rotation_error=float(np.sqrt(np.nanmean(moved**2))),
        reconstruction=float(reconstruction),
        vamp2=vamp2,
        vamp2_most=coordinates.shape[1],
        lag=lag,
    )


def turned_crops(crops: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each crop (n, C, H, W) turned by an angle of its own, linearly interpolated."""
    turned = np.empty_like(crops)
    for k, angle in enumerate(rng.uniform(0, 360, len(crops))):
        pose = {"angle": angle, "axes": (2, 1), "reshape": False, "order": 1}
        mask = (crops[k] != 0).any(axis=0, keepdims=True)
        # A cell does not grow by what is blurred across its rim.
        inside = rotate(mask.astype(np.float32), **pose) > 0.5
        turned[k] = np.where(inside, rotate(crops[k], **pose), 0)
    return turned


def _directions(crops: np.ndarray, order: int) -> np.ndarray:
    """Complex numbers whose angle is `order` times that of the cell's light, (n,)."""
    mask, light = (crops != 0).any(axis=1).astype(float), crops.sum(axis=1)
    height, width = light.shape[1:]
    place = np.arange(width) + 1j * np.arange(height)[:, None]
    middle, bright = (
        (part * place).sum(axis=(1, 2)) / np.maximum(part.sum(axis=(1, 2)), 1e-12)
        for part in (mask, light)
    )
    if order == 1:  # the side towards which the light leans
        return bright - middle
    return (light * (place - bright[:, None, None]) ** order).sum(axis=(1, 2))


def _leak(
    crops: np.ndarray,
    seen: np.ndarray,
    lineage: np.ndarray,
    order: int,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Held-out R^2 of the angle of a cell's light from its coordinates."""
    wave = _directions(crops, order)
    good = (np.abs(wave) > 0) & np.isfinite(seen).all(axis=1)
    if good.sum() < FEWEST:
        unknown = dict.fromkeys(("r2", "low", "high"), np.nan)
        return {"order": order, **unknown, "n_cells": int(good.sum())}
    phase, seen, lineage = np.exp(1j * np.angle(wave[good])), seen[good], lineage[good]
    founders = rng.permutation(np.unique(lineage))
    if len(founders) > 1:
        out = np.isin(lineage, founders[: len(founders) // 2])
    else:
        out = np.arange(len(lineage)) >= len(lineage) // 2
    error, base = np.zeros(out.sum()), np.zeros(out.sum())
    for part in (phase.real, phase.imag):
        model = HistGradientBoostingRegressor(max_iter=50, random_state=0)
        model.fit(seen[~out], part[~out])
        error += (model.predict(seen[out]) - part[out]) ** 2
        base += (part[out] - part[~out].mean()) ** 2
    picks = rng.integers(out.sum(), size=(REPLICATES, out.sum()))
    drawn = 1 - error[picks].sum(axis=1) / base[picks].sum(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {
        "order": order,
        "r2": 1 - error.sum() / base.sum(),
        "low": low,
        "high": high,
        "n_cells": int(out.sum()),
    }


def _vamp2(
    x: np.ndarray, tracks: Tracks, lag: int, frame_interval: float
) -> tuple[float, float]:
    """Mean held-out VAMP-2 score less 1, and the lag in h."""
    first, second = lagged_rows(x, tracks, lag)
    folds = _row_folds(tracks, 0)[first] if first.size else first
    few = len(np.unique(folds)) < 2 or len(first) < 4 * (x.shape[1] + 1)
    if few or not (np.nanstd(x, axis=0) > 0).any():
        return np.nan, np.nan
    moments = lagged_moments(x, first, second, folds)
    scores = []
    for fold in np.flatnonzero(moments.count > x.shape[1]):
        held = np.arange(len(moments.count)) == fold
        model = vamp_of(moments.of_folds(~held), lag * frame_interval)
        scores.append(scores_of(model, moments.of_folds(held))[1][-1] - 1)
    return float(np.mean(scores)), lag * frame_interval
