"""Rates of an AnnData."""

import numpy as np
from anndata import AnnData

from cellstate import get
from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._base.checks import fraction, integer
from cellstate.kinetics import (
    Committor,
    Flow,
    Rates,
    estimate_rates,
    hidden_crossings,
    passage_times_from_tracks,
    rates_on_grid,
)
from cellstate.tl._committor_methods import States, box_of, cores
from cellstate.tl._flow_of import flow_of
from cellstate.tl._states import masks


def rates(
    adata: AnnData,
    *,
    key: str = keys.COMMITTOR_RESULT,
    flow: Flow | str | None = None,
    n_bootstrap: int = 1000,
    level: float = 0.95,
    key_added: str = keys.RATES,
    rng: int | np.random.Generator | None = None,
) -> Rates:
    """Transitions between source and target per hour, with intervals by lineage.

    Counted along tracks, whatever the method of the committor, which fills their
    ends. With a flow, in up to three coordinates: those of the flow on a grid.

    Parameters
    ----------
    adata
        With a committor without horizon stored under `key`, and tracks or a flow.
    flow
        Object with ``drift(x, t)`` and ``diffusion(x, t)``, or the key of a stored one
        ("flow_fit").
    n_bootstrap, level
        Lineages drawn with replacement, and coverage of the intervals.
    key_added
        Name under ``uns["cellstate"]``.
    rng
        Seed or Generator.

    Returns
    -------
    Rates
        k_AB, k_BA and nu in 1/h, passage times in h, events and exposure; beside
        them the rates of what was seen alone, with the exact Poisson interval. If
        the committor counts visits between frames (those of a flow or a graph always
        do) the rates do, and those at frames are kept too.

    Raises
    ------
    ValueError
        The committor has a horizon, so it has no past; it counts descendants; or the
        cells are not followed, so that nothing sets the scale of time.
    """
    level = fraction(level, "level")
    n_bootstrap = integer(n_bootstrap, "n_bootstrap", 2)
    fitted = get.committor(adata, key)
    _reject_other_committors(fitted, key)
    states = States(
        fitted.source, fitted.target, *masks(adata, fitted.source, fitted.target)
    )
    flow = flow_of(adata, flow, _basis(adata, key))
    if flow is not None:
        x = extract.basis(adata, _basis(adata, key))
        result = rates_on_grid(flow, *cores(x, states), box_of(x), names=states.names)
    else:
        result = _from_tracks(adata, key, fitted, states, n_bootstrap, level, rng)
    store.put(
        adata,
        key_added,
        result,
        inputs=(key, keys.STATE, *(keys.TRACKING if flow is None else ())),
        params={"committor": key},
        rng=rng,
    )
    return result


def _from_tracks(
    adata: AnnData,
    key: str,
    fitted: Committor,
    states: States,
    n_bootstrap: int,
    level: float,
    rng: int | np.random.Generator | None,
) -> Rates:
    tracks = extract.tracks(adata)
    if not (tracks.next_row >= 0).any():
        raise ValueError(
            "rates need cells that are followed from frame to frame; found "
            f"{tracks.n_rows} rows in {tracks.n_tracks} tracks, none with two frames. "
            "Snapshots fix no scale of time: the same cells would be seen if all moved "
            "twice as fast. Link the masks with cs.pp.track(movie), or give a flow "
            "whose time scale is known: cs.tl.rates(adata, flow=...)."
        )
    interval, crossings = extract.frame_interval(adata), None
    # A committor of a flow or a graph is that of continuous time: with it the visits
    # that frames hide must be counted, or those that are seen are too few.
    if fitted.between_frames or fitted.method != "tracks":
        x = extract.basis(adata, _basis(adata, key))
        crossings = hidden_crossings(
            x, tracks, states.in_source, states.in_target, interval
        )
    return estimate_rates(
        tracks,
        states.in_source,
        states.in_target,
        np.asarray(fitted.forward),
        np.asarray(fitted.backward),
        decision_time=_decision_time(adata, key, fitted, states, interval),
        frame_interval=interval,
        names=states.names,
        n_bootstrap=n_bootstrap,
        level=level,
        crossings=crossings,
        rng=rng,
    )


def _decision_time(
    adata: AnnData, key: str, fitted: Committor, states: States, interval: float
) -> np.ndarray:
    """Mean hours until A or B is met; fitted to the tracks if it is not stored."""
    if fitted.decision_time.size:
        return np.asarray(fitted.decision_time)
    found = passage_times_from_tracks(
        extract.basis(adata, _basis(adata, key)),
        extract.tracks(adata),
        states.in_source | states.in_target,
        frame_interval=interval,
        name="A or B",
        n_bootstrap=0,
        rng=0,
    )
    return np.asarray(found.mean)


def _basis(adata: AnnData, key: str) -> str:
    """Coordinates that the committor was fitted in."""
    return str(adata.uns[keys.ROOT][key]["params"]["basis"])


def _reject_other_committors(fitted: Committor, key: str) -> None:
    if np.isfinite(fitted.horizon) or not fitted.source:
        raise ValueError(
            f"rates need a committor between two states without a horizon; found "
            f"source={fitted.source!r}, horizon={fitted.horizon:g} h under {key!r}. "
            "Run cs.tl.committor(adata, 'A', 'B')."
        )
    if fitted.division in ("mass", "any"):
        raise ValueError(
            "rates follow one daughter at random; found a committor with "
            f"division={fitted.division!r} under {key!r}. Run "
            "cs.tl.committor(adata, 'A', 'B', division='random')."
        )
    for direction in ("forward", "backward"):
        if np.isnan(getattr(fitted, direction)).all():
            raise ValueError(
                f"rates need both directions; found no {direction} committor under "
                f"{key!r} (method {fitted.method!r}). Run "
                "cs.tl.committor(adata, 'A', 'B', direction='both')."
            )
