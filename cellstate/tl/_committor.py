"""Committors of an AnnData, and their validation."""

import numpy as np
from anndata import AnnData

from cellstate import get
from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._base.checks import choice, integer
from cellstate.kinetics import (
    Calibration,
    Committor,
    calibration,
    committor_from_tracks,
    realised_fate,
)
from cellstate.tl._states import masks


def committor(
    adata: AnnData,
    source: str | None = keys.SOURCE_STATE,
    target: str = keys.TARGET_STATE,
    *,
    method: str = "tracks",
    basis: str = keys.STATE_SPACE,
    horizon: float | None = None,
    lag: float | None = None,
    folds: int = 5,
    n_bootstrap: int = 30,
    penalty: float | None = None,
    n_landmarks: int = 1000,
    fit_on: str | np.ndarray | None = None,
    key_added: str | None = None,
    rng: int | np.random.Generator | None = None,
) -> Committor:
    """Chance that a cell reaches the target before the source.

    Transitions along tracks are stopped at their first entry into A or B, their
    unfinished ends are filled by the committor itself, and one linear system in a
    smooth basis of the state is solved. At a division each daughter carries half
    (a lineage followed at random). Each cell is judged by a fit to other lineages.

    Parameters
    ----------
    adata
        Tracks, ``obsm[basis]`` and ``obs["state"]``.
    source, target
        States in obs["state"]; ``source=None`` only with a horizon.
    method
        "tracks".
    basis
        Coordinates in obsm.
    horizon
        Hours within which the target must be reached; 0 asks for the target now.
    lag
        Longest stopped transition (h); one frame when None.
    folds
        Folds by lineage; 0 judges each cell by a fit that has seen it.
    n_bootstrap
        Refits to lineages drawn with replacement.
    penalty
        Ridge strength; chosen over the folds when None.
    n_landmarks
        Gaussians in the basis.
    fit_on
        obs column or boolean mask (n,): learn from these rows, judge all.
    key_added
        Name of the obs column and of the result; "committor" when None.
    rng
        Seed or Generator.

    Returns
    -------
    Committor
        `forward` also in ``obs["committor"]``, `backward` in
        ``obs["committor_backward"]``, the refits in ``obsm["committor_replicates"]``.

    Raises
    ------
    KeyError
        Coordinates or states are missing; the message names the call.
    ValueError
        The horizon is no whole number of frames, or there are too few lineages.
    """
    choice(method, "method", ("tracks",))
    if source is None and horizon is None:
        raise ValueError(
            "without a source every cell reaches the target in the end; give a "
            "horizon in hours, or a source: cs.tl.committor(adata, 'A', 'B')."
        )
    if lag is not None and horizon is not None:
        raise ValueError(
            f"with a horizon ({horizon:g} h) the lag is one frame; found "
            f"lag={lag:g} h. Leave one of them out."
        )
    interval = extract.frame_interval(adata)
    in_a, in_b, unknown, is_event = masks(adata, source, target)
    result = committor_from_tracks(
        extract.basis(adata, basis),
        extract.tracks(adata),
        in_a,
        in_b,
        unknown=unknown,
        target_is_event=is_event,
        names=(source or "", target),
        lag_frames=1 if lag is None else _frames(lag, interval, "lag", least=1),
        horizon_frames=None
        if horizon is None
        else _frames(horizon, interval, "horizon"),
        frame_interval=interval,
        folds=integer(folds, "folds", 0),
        n_bootstrap=integer(n_bootstrap, "n_bootstrap", 0),
        penalty=penalty,
        n_landmarks=integer(n_landmarks, "n_landmarks", 1),
        fit_rows=None if fit_on is None else extract.row_mask(adata, fit_on, "fit_on"),
        rng=rng,
    )
    key = key_added or keys.COMMITTOR
    backward = f"{key}_backward"
    store.put(
        adata,
        key,
        result,
        per_cell={
            "forward": ("obs", key),
            "backward": ("obs", backward),
            "replicates": ("obsm", f"{key}_replicates"),
        },
        inputs=(basis, keys.STATE, *keys.TRACKING),
        params={"basis": basis, "lag": lag, "n_landmarks": n_landmarks},
        rng=rng,
    )
    return result


def validate_committor(
    adata: AnnData,
    *,
    key: str = keys.COMMITTOR_RESULT,
    rows: str | np.ndarray | None = None,
    n_bins: int = 10,
    key_added: str = keys.CALIBRATION,
) -> Calibration:
    """Compare a committor with what became of the cells outside A (and B).

    Cells whose future was cut off before it was decided are excluded and counted.
    With folds, each cell was judged by a fit to other lineages, so this is a test
    on held-out lineages.

    Parameters
    ----------
    adata
        With the committor stored under `key`.
    rows
        obs column or boolean mask (n,) of the cells to judge.
    n_bins
        Bins of equal counts.
    key_added
        Name under ``uns["cellstate"]``.

    Returns
    -------
    Calibration
        Reliability curve, Brier score beside the base rate's, slope, AUROC.
    """
    fitted = get.committor(adata, key)
    in_a, in_b, unknown, is_event = masks(adata, fitted.source or None, fitted.target)
    interval = extract.frame_interval(adata)
    horizon = None
    if np.isfinite(fitted.horizon):
        horizon = _frames(fitted.horizon, interval, "horizon")
    fate = realised_fate(
        extract.tracks(adata), in_a, in_b, unknown=unknown, horizon_frames=horizon
    )
    judged = extract.row_mask(adata, rows, "rows") & ~in_a
    if not is_event:
        judged &= ~in_b
    report = calibration(
        np.asarray(fitted.forward)[judged], fate[judged], n_bins=n_bins
    )
    store.put(
        adata,
        key_added,
        report,
        inputs=(key, keys.STATE, *keys.TRACKING),
        params={"committor": key},
    )
    return report


def _frames(hours: float, interval: float, name: str, least: int = 0) -> int:
    frames = hours / interval
    if frames < least - 1e-6 or abs(frames - round(frames)) > 1e-6 * max(1.0, frames):
        raise ValueError(
            f"`{name}`={hours:g} h is not a whole number (at least {least}) of frames "
            f"of {interval:g} h; "
            f"use e.g. {name}={max(round(frames), 1) * interval:g}."
        )
    return round(frames)
