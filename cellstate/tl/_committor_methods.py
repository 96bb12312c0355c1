"""From an AnnData to the solver of each method."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from anndata import AnnData
from scipy.spatial import KDTree

from cellstate._adata import _extract as extract
from cellstate._base.checks import choice, integer
from cellstate.kinetics import (
    Committor,
    Core,
    Flow,
    committor_from_swarms,
    committor_from_tracks,
    committor_on_graph,
    core_from_cells,
    hidden_crossings,
    solve_on_grid,
    solve_within,
)
from cellstate.tl._frames import lag_frames, whole_frames

# Share of the cells' range by which a grid goes beyond them.
MARGIN = 0.05


@dataclass(frozen=True)
class States:
    """Source and target by name, and their rows, (n,)."""

    source: str | None
    target: str
    in_source: np.ndarray
    in_target: np.ndarray
    unknown: np.ndarray
    target_is_event: bool

    @property
    def names(self) -> tuple[str, str]:
        """Of both; an empty source when there is none."""
        return self.source or "", self.target

    def reject_event(self, method: str) -> None:
        """Refuse a target that only the future of a track tells."""
        if self.target_is_event:
            raise ValueError(
                f"target='division' is told by tracks only; found method={method!r}. "
                "Use method='tracks', or define the target by the state."
            )


def tracks(
    adata: AnnData,
    x: np.ndarray,
    states: States,
    direction: str,
    *,
    horizon: float | None = None,
    dies: str | np.ndarray | None = None,
    lag: float | None = None,
    between_frames: bool = False,
    folds: int = 5,
    n_bootstrap: int = 30,
    fit_on: str | np.ndarray | None = None,
    **fit: object,
) -> Committor:
    """Stopped transitions along tracks."""
    if lag is not None and horizon is not None:
        raise ValueError(
            f"with a horizon ({horizon:g} h) the lag is one frame; found "
            f"lag={lag:g} h. Leave one of them out."
        )
    linked, interval = extract.tracks(adata), extract.frame_interval(adata)
    crossings = None
    if between_frames:
        crossings = hidden_crossings(
            x, linked, states.in_source, states.in_target, interval
        )
    return committor_from_tracks(
        x,
        linked,
        states.in_source,
        states.in_target,
        unknown=states.unknown,
        target_is_event=states.target_is_event,
        names=states.names,
        lag_frames=1 if lag is None else lag_frames(linked, lag, interval),
        horizon_frames=None
        if horizon is None
        else whole_frames(horizon, interval, "horizon"),
        frame_interval=interval,
        dies=None if dies is None else extract.row_mask(adata, dies, "dies"),
        crossings=crossings,
        folds=integer(folds, "folds", 0),
        n_bootstrap=integer(n_bootstrap, "n_bootstrap", 0),
        fit_rows=None if fit_on is None else extract.row_mask(adata, fit_on, "fit_on"),
        direction=direction,
        **fit,
    )


def graph(
    adata: AnnData,
    x: np.ndarray,
    states: States,
    direction: str,
    *,
    flow: Flow | None = None,
    division: str | None = None,
    birth_rate: str | float | None = None,
    death_rate: str | float | None = None,
    n_landmarks: int | None = None,
    rng: int | np.random.Generator | None = None,
) -> Committor:
    """Neighbours of the cells, with the drift of a flow if there is one."""
    states.reject_event("graph")
    growth = _growth(adata, division, birth_rate, death_rate)
    motion = {}
    if flow is not None:
        known = np.isfinite(x).all(axis=1)
        drift = np.full(x.shape, np.nan)
        diffusion = np.full((*x.shape, x.shape[1]), np.nan)
        drift[known], diffusion[known] = flow.drift(x[known]), flow.diffusion(x[known])
        motion = {"drift": drift, "diffusion": diffusion}
    found = committor_on_graph(
        x,
        states.in_source,
        states.in_target,
        growth=growth,
        n_landmarks=n_landmarks,
        names=states.names,
        rng=rng,
        **motion,
    )
    if growth is not None:
        found = replace(found, division=division)
    return _only(found, direction)


def grid(
    adata: AnnData,
    x: np.ndarray,
    states: States,
    direction: str,
    *,
    flow: Flow,
    horizon: float | None = None,
    division: str | None = None,
    birth_rate: str | float | None = None,
    death_rate: str | float | None = None,
    rng: int | np.random.Generator | None = None,
) -> Committor:
    """Finite volumes in a box around the cells."""
    states.reject_event("grid")
    source, target = cores(x, states)
    rates = {
        "birth_rate": _at_states(adata, x, birth_rate, "birth_rate"),
        "death_rate": _at_states(adata, x, death_rate, "death_rate"),
    }
    about = (flow, source, target, box_of(x))
    if horizon is None:
        solved = solve_on_grid(*about, division=division, **rates)
        return _only(solved.at(x, names=states.names), direction)
    if direction == "backward":
        raise ValueError("with a horizon there is no backward committor.")
    solved = solve_within(*about, [horizon], division=division, **rates)
    known = np.isfinite(x).all(axis=1)
    q = np.full(len(x), np.nan)
    q[known] = solved.committor(x[known])[0]
    return Committor(
        forward=np.where(states.in_source, 0.0, np.where(states.in_target, 1.0, q)),
        backward=np.full(len(x), np.nan),
        replicates=np.zeros((len(x), 0)),
        residual=solved.tolerance,
        source=states.names[0],
        target=states.target,
        method="grid",
        division=solved.division,
        horizon=float(horizon),
    )


def swarms(
    adata: AnnData,
    x: np.ndarray,
    states: States,
    direction: str,
    *,
    flow: Flow,
    n_bootstrap: int = 30,
    **fit: object,
) -> Committor:
    """Paths simulated from some of the cells."""
    states.reject_event("sde")
    if direction == "backward":
        raise ValueError(
            "paths that start at the cells do not tell where cells came from; found "
            "direction='backward' with method='sde'. Use method='graph' with this "
            "flow, or 'grid' in up to three coordinates."
        )
    source, target = cores(x, states)
    return committor_from_swarms(
        flow,
        x,
        source,
        target,
        names=states.names,
        n_bootstrap=integer(n_bootstrap, "n_bootstrap", 0),
        **fit,
    )


def cores(x: np.ndarray, states: States) -> tuple[Core | None, Core]:
    """Sets of states from labelled cells; no source when there is none."""
    source = None
    if states.source is not None:
        source = core_from_cells(x, states.in_source)
    return source, core_from_cells(x, states.in_target)


def box_of(x: np.ndarray) -> np.ndarray:
    """Box around the cells, (d, 2)."""
    low, high = np.nanmin(x, axis=0), np.nanmax(x, axis=0)
    margin = MARGIN * (high - low)
    return np.stack([low - margin, high + margin], axis=1)


def _growth(
    adata: AnnData,
    division: str | None,
    birth_rate: str | float | None,
    death_rate: str | float | None,
) -> np.ndarray | None:
    """What is added to the generator at each cell, 1/h: b - d, or -d for one line."""
    if division is None and birth_rate is None and death_rate is None:
        return None
    choice(division, "division", ("random", "mass"))
    birth = _of_cells(adata, birth_rate, "birth_rate")
    death = _of_cells(adata, death_rate, "death_rate")
    return birth - death if division == "mass" else -death


def _of_cells(adata: AnnData, rate: str | float | None, name: str) -> np.ndarray:
    """Rate of each cell, 1/h, (n,)."""
    if rate is None:
        return np.zeros(adata.n_obs)
    values = extract.column(adata, rate) if isinstance(rate, str) else rate
    values = np.broadcast_to(np.asarray(values, dtype=float), (adata.n_obs,)).copy()
    if (values < 0).any() or np.isinf(values).any():
        raise ValueError(
            f"`{name}` must be 0 or more per hour; found values from "
            f"{np.nanmin(values):g} to {np.nanmax(values):g}."
        )
    return values


def _at_states(
    adata: AnnData, x: np.ndarray, rate: str | float | None, name: str
) -> Callable[[np.ndarray], np.ndarray] | None:
    """Rate as a function of states: that of the nearest cell."""
    if rate is None:
        return None
    values = _of_cells(adata, rate, name)
    known = np.isfinite(x).all(axis=1) & np.isfinite(values)
    tree, values = KDTree(x[known]), values[known]
    return lambda states: values[tree.query(states)[1]]


def _only(found: Committor, direction: str) -> Committor:
    """Leave out the direction that was not asked for."""
    nothing = np.full(found.forward.shape, np.nan)
    if direction == "forward":
        return replace(found, backward=nothing)
    return found if direction == "both" else replace(found, forward=nothing)
