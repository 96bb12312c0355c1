"""Committors of an AnnData, by four methods."""

from collections.abc import Mapping

import numpy as np
from anndata import AnnData

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._base.checks import choice
from cellstate.kinetics import DIRECTIONS, Committor, Flow
from cellstate.tl import _committor_methods as by
from cellstate.tl._flow_of import flow_of
from cellstate.tl._states import masks

AUTO, TRACKS, GRAPH, GRID, SDE = "auto", "tracks", "graph", "grid", "sde"
METHODS = {TRACKS: by.tracks, GRAPH: by.graph, GRID: by.grid, SDE: by.swarms}
# What each method takes beyond the states and the direction.
TAKES = {
    TRACKS: (
        "horizon", "division", "dies", "lag", "between_frames", "folds", "n_bootstrap",
        "penalty", "n_landmarks", "fit_on",
    ),
    GRAPH: ("flow", "division", "birth_rate", "death_rate", "n_landmarks"),
    GRID: ("flow", "horizon", "division", "birth_rate", "death_rate"),
    SDE: ("flow", "horizon", "n_bootstrap", "penalty", "n_landmarks"),
}  # fmt: skip
MOST_ON_GRID = 3  # dimensions


def committor(
    adata: AnnData,
    source: str | None = keys.SOURCE_STATE,
    target: str = keys.TARGET_STATE,
    *,
    method: str = AUTO,
    direction: str = "both",
    basis: str = keys.STATE_SPACE,
    horizon: float | None = None,
    division: str | None = None,
    dies: str | np.ndarray | None = None,
    flow: Flow | str | None = None,
    birth_rate: str | float | None = None,
    death_rate: str | float | None = None,
    lag: float | None = None,
    between_frames: bool | None = None,
    folds: int | None = None,
    n_bootstrap: int | None = None,
    penalty: float | None = None,
    n_landmarks: int | None = None,
    fit_on: str | np.ndarray | None = None,
    key_added: str | None = None,
    rng: int | np.random.Generator | None = None,
) -> Committor:
    """Chance that a cell reaches the target before the source.

    "tracks" stops transitions along tracks at their first entry into A or B, fills
    unfinished ends by the committor itself, and solves one linear system in a smooth
    basis of the state; each cell is judged by a fit to other lineages. "graph" takes
    the cells for a sample of states, from one snapshot or many. "grid" (up to three
    coordinates) and "sde" (any number, simulated paths) solve for a given flow.
    Forward and backward committor are solved apart; only on a graph without a flow is
    one the complement of the other, since there the motion is reversible.

    Parameters
    ----------
    adata
        ``obsm[basis]`` and ``obs["state"]``; tracks, for "tracks".
    source, target
        States in obs["state"]; ``source=None`` only with a horizon.
    method
        "auto": with a flow "grid" up to three coordinates, else "sde"; without one
        "tracks" when cells are followed from frame to frame, else "graph".
    direction
        "both", "forward" or "backward"; what is left out is NaN.
    basis
        Coordinates in obsm.
    horizon
        Hours within which the target must be reached; 0 asks for the target now
        (tracks, grid, sde).
    division
        What is followed where cells divide. "random": one daughter at random (None
        means this); "mass": the expected number of descendants that reach the target
        before the source, which may exceed 1; "any": the chance that some descendant
        does (tracks, grid). Tracks show divisions; a graph or grid needs the rates.
    dies
        obs column or mask (n,) of the last rows of cells that die (tracks).
    flow
        Object with ``drift(x, t)`` (n, d) per h and ``diffusion(x, t)`` (n, d, d), in
        the coordinates of `basis`, or the key of a stored one, "flow_fit" (graph,
        grid, sde).
    birth_rate, death_rate
        obs column or number, 1/h (graph, grid).
    lag
        Longest stopped transition (h); one frame when None (tracks).
    between_frames
        Count visits to A and B between two frames with the chance that they took
        place; for states cut out of `basis` and little measurement noise (tracks).
    folds
        Folds by lineage, 5 when None; 0 judges each cell by a fit that has seen it
        (tracks).
    n_bootstrap
        Refits to lineages (sde: states) drawn with replacement, 30 when None.
    penalty
        Ridge strength; chosen over the folds when None (tracks, sde).
    n_landmarks
        Gaussians in the basis; on a graph, cells to solve for.
    fit_on
        obs column or boolean mask (n,): learn from these rows, judge all (tracks).
    key_added
        Name of the obs column and of the result; "committor" when None.
    rng
        Seed or Generator.

    Returns
    -------
    Committor
        `forward` also in ``obs["committor"]``, `backward` in
        ``obs["committor_backward"]``, refits in ``obsm["committor_replicates"]``,
        and in ``obs["committor_reason"]`` why a cell has none, if one has none.

    Raises
    ------
    KeyError
        Coordinates or states are missing; the message names the call.
    ValueError
        The horizon or lag is no whole number of frames or longer than every track,
        there are too few lineages, or an option is not for this method.

    Examples
    --------
    >>> import cellstate as cs
    >>> cells = cs.datasets.double_well(n_cells=60, n_frames=200, rng=0)
    >>> states = cs.tl.define_states(cells, source="x < -1", target="x > 1")
    >>> q = cs.tl.committor(cells, n_bootstrap=0, rng=0)
    >>> q.method, bool(0.3 < q.model([[0.0]])[0] < 0.7)
    ('tracks', True)
    """
    given = {
        "horizon": horizon, "division": division, "dies": dies, "flow": flow,
        "birth_rate": birth_rate, "death_rate": death_rate, "lag": lag,
        "between_frames": between_frames, "folds": folds, "n_bootstrap": n_bootstrap,
        "penalty": penalty, "n_landmarks": n_landmarks, "fit_on": fit_on,
    }  # fmt: skip
    choice(method, "method", (AUTO, *METHODS))
    choice(direction, "direction", DIRECTIONS)
    x = extract.basis(adata, basis)
    flow = given["flow"] = flow_of(adata, flow, basis)
    method = chosen(adata, method, flow, x.shape[1])
    given = _options(method, given)
    if source is None and horizon is None:
        raise ValueError(
            "without a source every cell reaches the target in the end; give a "
            "horizon in hours, or a source: cs.tl.committor(adata, 'A', 'B')."
        )
    states = by.States(source, target, *masks(adata, source, target))
    result = METHODS[method](adata, x, states, direction, rng=rng, **given)
    key = key_added or keys.COMMITTOR
    per_cell = {
        "forward": ("obs", key),
        "backward": ("obs", f"{key}_backward"),
        "replicates": ("obsm", f"{key}_replicates"),
    }
    if result.decision_time.size:
        per_cell["decision_time"] = ("obs", f"{key}_decision_time")
    if result.reason.size:
        per_cell["reason"] = ("obs", f"{key}_reason")
    followed = keys.TRACKING if method == TRACKS else ()
    store.put(
        adata,
        key,
        result,
        per_cell=per_cell,
        inputs=(basis, keys.STATE, *followed),
        params={"basis": basis, "lag": lag, "n_landmarks": n_landmarks},
        rng=rng,
    )
    return result


def chosen(adata: AnnData, method: str, flow: Flow | None, n_coordinates: int) -> str:
    """Return the method itself, or what "auto" stands for here."""
    if method != AUTO:
        return method
    if flow is not None:
        return GRID if n_coordinates <= MOST_ON_GRID else SDE
    linked = keys.TRACK in adata.obs and adata.obs[keys.TRACK].duplicated().any()
    return TRACKS if linked else GRAPH


def _options(method: str, given: Mapping[str, object]) -> dict[str, object]:
    """Return what was given; refuse what this method does not take."""
    stated = {name: value for name, value in given.items() if value is not None}
    for name in stated:
        if name not in TAKES[method]:
            fitting = [m for m, takes in TAKES.items() if name in takes]
            raise ValueError(
                f"`{name}` is for method in {fitting}; found method={method!r}. Leave "
                "it out, or choose another method."
            )
    if "flow" in TAKES[method] and method != GRAPH and "flow" not in stated:
        raise ValueError(
            f"method={method!r} solves for a flow; found none. Give flow=, an object "
            "with drift(x, t) and diffusion(x, t), or method='tracks' or 'graph'."
        )
    return stated
