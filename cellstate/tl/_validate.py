"""A committor against what became of the cells, or what they came from."""

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
    bins_of_equal_counts,
    calibration,
    fate_paths,
    weighted_fates,
)
from cellstate.tl._frames import whole_frames
from cellstate.tl._states import masks

FORWARD, BACKWARD = "forward", "backward"
# Groups of like prediction within which being cut off is taken as blind to fate:
# enough that cells near A and near B are not mixed, few enough to be large.
N_STRATA = 5


def validate_committor(
    adata: AnnData,
    *,
    key: str = keys.COMMITTOR_RESULT,
    direction: str = FORWARD,
    rows: str | np.ndarray | None = None,
    strata: str | None = None,
    n_bins: int = 10,
    n_bootstrap: int = 200,
    level: float = 0.95,
    key_added: str | None = None,
    rng: int | np.random.Generator | None = None,
) -> Calibration:
    """Compare a committor with what became of the cells outside A (and B).

    With folds, each cell was judged by a fit to other lineages, so this is a test
    on held-out lineages. To drop the cells whose track ended before they were
    decided would favour fast fates: those decided after t hours are weighted by the
    inverse of the chance to be watched for so long (Kaplan-Meier, cells of like
    prediction together), at most 20. Daughters count half each.

    Parameters
    ----------
    adata
        With the committor stored under `key`.
    direction
        "forward": the chance to reach B next, against the future. "backward": the
        chance to have come from A, against the past; here tracks that begin late
        are the ones cut off.
    rows
        obs column or boolean mask (n,) of the cells to judge.
    strata
        obs column of groups within which cells are cut off without regard to their
        fate; five groups of like prediction when None.
    n_bins
        Bins of equal counts.
    n_bootstrap, level
        Lineages drawn with replacement, and coverage of the intervals.
    key_added
        Name under ``uns["cellstate"]``; "calibration" or "calibration_backward"
        when None.
    rng
        Seed or Generator.

    Returns
    -------
    Calibration
        Reliability curve, Brier score beside the base rate's, slope, AUROC; number
        of cells and lineages, largest weight, effective number, and `decided`, the
        share of cells whose fate was short enough to be seen at all.

    Raises
    ------
    ValueError
        No fate is known, or the committor is not that of a lineage followed at random
        (division="mass" or "any").

    References
    ----------
    Graf, Schmoor, Sauerbrei, Schumacher, Stat. Med. 18 (1999) 2529.

    Examples
    --------
    >>> import cellstate as cs
    >>> with cs.settings.override(progress=False):
    ...     cells = cs.datasets.double_well(n_cells=40, n_frames=200, rng=0)
    ...     states = cs.tl.define_states(cells, source="truth_set == 'A'",
    ...                                  target="truth_set == 'B'")
    ...     q = cs.tl.committor(cells, n_bootstrap=2, rng=0)
    ...     report = cs.tl.validate_committor(cells, rng=0)
    >>> report.brier < report.brier_base, report.n_lineages
    (True, 40)
    """
    choice(direction, "direction", (FORWARD, BACKWARD))
    fitted = get.committor(adata, key)
    _reject_other_questions(fitted, key, direction)
    tracks = extract.tracks(adata)
    in_a, in_b, unknown, is_event = masks(adata, fitted.source or None, fitted.target)
    judged = extract.row_mask(adata, rows, "rows") & ~in_a
    if not is_event or direction == BACKWARD:
        judged &= ~in_b
    predicted = np.asarray(getattr(fitted, direction), dtype=float)
    paths = fate_paths(
        tracks,
        in_a,
        in_b,
        rows=judged & np.isfinite(predicted),
        unknown=unknown if is_event else None,
        horizon_frames=_horizon_frames(adata, fitted),
        reverse=direction == BACKWARD,
    )
    fates = weighted_fates(paths, _strata(adata, strata, predicted, judged))
    # In reverse a path says whether B was met last; q- is the chance of A.
    outcome = fates.outcome if direction == FORWARD else 1 - fates.outcome
    report = calibration(
        predicted[judged],
        outcome[judged],
        weight=fates.weight[judged],
        lineage=tracks.row_lineage[judged],
        n_bins=integer(n_bins, "n_bins", 1),
        n_bootstrap=n_bootstrap,
        level=level,
        decided=fates.decided,
        direction=direction,
        rng=rng,
    )
    default = keys.CALIBRATION if direction == FORWARD else keys.CALIBRATION_BACKWARD
    store.put(
        adata,
        key_added or default,
        report,
        inputs=(key, keys.STATE, *keys.TRACKING),
        params={"committor": key, "strata": strata},
        rng=rng,
    )
    return report


def _horizon_frames(adata: AnnData, fitted: Committor) -> int | None:
    if np.isnan(fitted.horizon):
        return None
    return whole_frames(fitted.horizon, extract.frame_interval(adata), "horizon")


def _strata(
    adata: AnnData, strata: str | None, predicted: np.ndarray, judged: np.ndarray
) -> np.ndarray:
    """Group of each row, shape (n,)."""
    if strata is not None:
        names = extract.column(adata, strata).astype(str)
        return np.unique(names.to_numpy(dtype=object), return_inverse=True)[1]
    group = np.zeros(adata.n_obs, dtype=np.int64)
    known = judged & np.isfinite(predicted)
    if known.any():
        group[known] = bins_of_equal_counts(predicted[known], N_STRATA)
    return group


def _reject_other_questions(fitted: Committor, key: str, direction: str) -> None:
    if fitted.division not in ("", "random"):
        raise ValueError(
            "validation follows one lineage at random; found division="
            f"{fitted.division!r} under {key!r}, which asks for all descendants. Run "
            "cs.tl.committor(adata, division='random', key_added='random')."
        )
    if direction == BACKWARD and not np.isfinite(fitted.backward).any():
        raise ValueError(
            f"no cell has a backward committor under {key!r}: source="
            f"{fitted.source!r}, horizon={fitted.horizon:g} h. Run "
            "cs.tl.committor(adata, 'A', 'B') without a horizon."
        )
