"""Estimates against the truth, for cells that were simulated."""

import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate import get
from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._adata._truth import Truth
from cellstate._adata._truth_comparison import TruthComparison
from cellstate._base.results import Estimate
from cellstate.events import EventScore, score_events
from cellstate.kinetics import Rates
from cellstate.tracks import Tracks

OPEN = ("unfinished", "undecided")  # ends on the way: no truth to be told


def compare_with_truth(
    adata: AnnData,
    *,
    key: str = keys.COMMITTOR_RESULT,
    rates: str = keys.RATES,
    events: str = keys.EVENTS,
    key_added: str = keys.COMPARISON,
) -> TruthComparison:
    """Compare committor, rates and events with the truth of simulated cells.

    The truth is that of the hidden law: A, B, committor and rates are defined in
    its state space. Estimates whose A and B are defined by what can be seen answer
    a slightly different question; part of the difference is that. nu is left out: it
    counts passages of a stationary run, and cells that all begin in A are none.

    A track counts as truly committed when its cell's true commitment lies between
    the track's first and last frame and as not committed when it never came to pass
    by then. It is left out when the cell was committed as the track began, unless her
    mother was followed until then, and when the truth itself is open: the cell ended
    on the way, before it met A or B again.

    Parameters
    ----------
    adata
        Of `cs.datasets`, or measured from a simulated movie, with a committor
        stored under `key`.
    rates, events
        Names of the stored rates and events; what is not stored is left out.
    key_added
        Name under ``uns["cellstate"]``.

    Returns
    -------
    TruthComparison
        Errors, each beside its trivial baseline.

    Raises
    ------
    KeyError
        The cells carry no truth, or no committor was stored.

    Examples
    --------
    >>> import cellstate as cs
    >>> with cs.settings.override(progress=False):
    ...     cells = cs.datasets.double_well(n_cells=40, n_frames=200, rng=0)
    ...     states = cs.tl.define_states(cells, source="truth_set == 'A'",
    ...                                  target="truth_set == 'B'")
    ...     q = cs.tl.committor(cells, n_bootstrap=2, rng=0)
    ...     found = cs.tl.compare_with_truth(cells)
    >>> found.committor_rmse < 0.2 * found.committor_rmse_base
    True
    """
    truth = get.truth(adata)
    fitted = get.committor(adata, key)
    true = extract.column(adata, keys.TRUTH_COMMITTOR).to_numpy(float)
    errors = _committor_errors(np.asarray(fitted.forward, dtype=float), true)
    stored = adata.uns[keys.ROOT]
    result = TruthComparison(
        system=truth.system,
        numbers=_numbers(truth, get.rates(adata, rates) if rates in stored else None),
        # Laws without cells that commit, chains say, tell of no events.
        events=(
            _events(adata, events)
            if events in stored and keys.TRUTH_EVENT in adata.obs
            else None
        ),
        **errors,
    )
    store.put(
        adata,
        key_added,
        result,
        inputs=(key, keys.TRUTH_COMMITTOR, *keys.TRACKING),
        params={"committor": key, "rates": rates, "events": events},
    )
    return result


def _committor_errors(estimate: np.ndarray, true: np.ndarray) -> dict[str, float]:
    known = np.isfinite(estimate) & np.isfinite(true)
    if not known.any():
        raise ValueError(
            f"no cell has both a true and an estimated committor; found "
            f"{int(np.isfinite(true).sum())} true and "
            f"{int(np.isfinite(estimate).sum())} estimated among {true.size} cells. "
            "Give the law a source and a target."
        )
    estimate, true = estimate[known], true[known]
    varies = np.ptp(estimate) > 0 and np.ptp(true) > 0
    return {
        "n_cells": int(known.sum()),
        "committor_rmse": float(np.sqrt(np.mean((estimate - true) ** 2))),
        "committor_rmse_base": float(true.std()),
        "committor_correlation": (
            float(np.corrcoef(estimate, true)[0, 1]) if varies else float("nan")
        ),
    }


def _numbers(truth: Truth, rates: Rates | None) -> pd.DataFrame:
    """Rates and times, true and estimated, in 1/h and h."""
    compared: dict[str, tuple[float, Estimate | None]] = {
        name: (getattr(truth, name), getattr(rates, name) if rates else None)
        for name in ("k_ab", "k_ba", "mfpt_ab", "transition_path_time")
    }
    rows = [_row(name, *pair) for name, pair in compared.items()]
    columns = ["quantity", "truth", "estimate", "low", "high", "unit", "inside"]
    return pd.DataFrame(rows, columns=columns)


def _row(name: str, truth: float, estimate: Estimate | None) -> tuple:
    unit = "1/h" if name in ("k_ab", "k_ba") else "h"
    if estimate is None:
        return name, float(truth), np.nan, np.nan, np.nan, unit, "no interval"
    # An end that the data do not give leaves that side open.
    low = -np.inf if np.isnan(estimate.low) else estimate.low
    high = np.inf if np.isnan(estimate.high) else estimate.high
    inside = "yes" if low <= truth <= high else "no"
    if not np.isfinite(truth) or (np.isnan(estimate.low) and np.isnan(estimate.high)):
        inside = "no interval"
    ends = float(estimate.low), float(estimate.high)
    return name, float(truth), float(estimate.value), *ends, unit, inside


def _events(adata: AnnData, key: str) -> EventScore:
    table = get.events(adata, key).table
    tracks = extract.tracks(adata)
    happened, true_time = _true_commitments(adata, tracks)
    return score_events(table["status"], table["time"], happened, true_time)


def _true_commitments(adata: AnnData, tracks: Tracks) -> tuple[np.ndarray, np.ndarray]:
    """Whether each track saw its cell commit (1, 0, NaN if open), and when (h)."""
    time = extract.column(adata, keys.TRUTH_COMMITMENT_TIME).to_numpy(float)
    event = extract.column(adata, keys.TRUTH_EVENT).astype(str).to_numpy()
    happened = np.zeros(tracks.n_tracks)
    when = np.full(tracks.n_tracks, np.nan)
    first = tracks.time[tracks.first_row]
    followed = tracks.mother_row()[tracks.first_row] >= 0
    for index in range(tracks.n_tracks):
        rows = tracks.rows(index)
        if event[rows[-1]] in OPEN:
            happened[index] = np.nan
            continue
        passed = rows[time[rows] <= tracks.time[rows]]
        if passed.size:
            when[index] = time[passed[0]]
            born = when[index] == first[index] and followed[index]
            happened[index] = 1.0 if when[index] > first[index] or born else np.nan
    return happened, when
