"""Reactive current, flux between groups and pathways, as one result."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from cellstate._base.checks import fraction, integer
from cellstate._base.random import generator
from cellstate._base.results import Estimate, Result
from cellstate.kinetics._chain import dominant_pathways
from cellstate.kinetics._flux._current import reactive_current
from cellstate.kinetics._flux._given import given
from cellstate.kinetics._flux._groups import (
    ARROW,
    FluxSums,
    flux_sums,
    net_of,
    numbered,
)
from cellstate.kinetics._flux._steps import ReactiveSteps, reactive_steps
from cellstate.kinetics._rate_intervals import bootstrap_rate
from cellstate.tracks import Tracks, lineage_groups

# Lineages are drawn in at most so many groups, put together at random.
MOST_GROUPS = 1000
# Share of the flux that the pathways listed carry together.
LISTED = 0.99


@dataclass(frozen=True, eq=False, kw_only=True)
class ReactiveFlux(Result):
    """Flow of paths from A to B: through the state space and between groups.

    Attributes
    ----------
    current, standard_error
        Reactive current over the density of cells, shape (n, d), in units of the
        state per hour, and its sampling error; see `ReactiveCurrent`.
    density
        Share of the cells per volume at each cell, shape (n,); NaN in more than 5
        dimensions.
    nu
        Passages from A to B per hour of observation: flux through a surface between A
        and B, averaged over the surfaces of equal forward committor. Visits to A or B
        between two frames are not seen; `Rates` can count their chances.
    nodes
        A, the groups outside A and B, and B: k names.
    gross
        Chance-weighted steps of paths from A to B from node i to node j, per hour of
        observation, shape (k, k).
    net, net_low, net_high
        max(gross_ij - gross_ji, 0), per hour, and its interval, shape (k, k).
    imbalance
        What enters a node less what leaves it, per hour, shape (k,): -nu at A and nu
        at B, and in between what cut tracks, divisions and deaths leave over, 0 up to
        sampling where cells are watched in a steady state.
    occupancy
        Share of the time watched in each node, shape (k,).
    mean_committor
        Mean forward committor of the cells of each node, shape (k,).
    pathways
        Columns `path` (names joined by " > "), `flux` (1/h), `share` (of the net flux
        out of A), `low` and `high` (interval of what the lineages drawn send down the
        same pathways, taken in this order): the strongest first, each with the flux
        of its weakest link.
    level
        Coverage of the intervals.
    source, target
        Names of A and B.
    """

    kind: ClassVar[str] = "reactive_flux"
    current: np.ndarray
    standard_error: np.ndarray
    density: np.ndarray
    nu: Estimate
    nodes: tuple[str, ...]
    gross: np.ndarray
    net: np.ndarray
    net_low: np.ndarray
    net_high: np.ndarray
    imbalance: np.ndarray
    occupancy: np.ndarray
    mean_committor: np.ndarray
    pathways: pd.DataFrame
    level: float
    source: str
    target: str


def reactive_flux(
    x: np.ndarray,
    tracks: Tracks,
    source: np.ndarray,
    target: np.ndarray,
    forward: np.ndarray,
    backward: np.ndarray,
    *,
    frame_interval: float,
    groups: np.ndarray | None = None,
    names: tuple[str, str] = ("A", "B"),
    n_bootstrap: int = 200,
    level: float = 0.95,
    rng: int | np.random.Generator | None = None,
) -> ReactiveFlux:
    """Follow the paths from A to B through the state space and between groups.

    Current at the cells comes from `reactive_current`. Flux between groups counts
    what each track did: a step counts by the chance that A was met last before it and
    B is met next after it, which is 0 or 1 except where the track is cut off.

    Parameters
    ----------
    x
        States, shape (n, d); rows may be NaN.
    tracks
        Tracks with the same n rows.
    source, target
        Boolean masks (n,) of A and B.
    forward, backward
        Committors of the rows, shape (n,).
    frame_interval
        Hours between frames.
    groups
        Group of each row, shape (n,); one group, "between", when None.
    names
        Of A and B.
    n_bootstrap, level, rng
        Lineages are drawn with replacement; the committors are kept as given.

    Raises
    ------
    ValueError
        Shapes differ, or no committor is known.

    References
    ----------
    Metzner, Schuette, Vanden-Eijnden, Multiscale Model. Simul. 7 (2009) 1192.
    """
    rng = generator(rng)
    n_bootstrap = integer(n_bootstrap, "n_bootstrap", 1)
    cells = given(x, tracks, source, target, forward, backward, frame_interval)
    node, nodes = numbered(groups, cells.source, cells.target, names)
    q = np.where(cells.source, 0.0, np.where(cells.target, 1.0, cells.forward))
    ends = (cells.source, cells.target, cells.forward, cells.backward)
    interval = {"frame_interval": cells.interval}
    found = reactive_steps(tracks, *ends, **interval)
    sums = flux_sums(
        found, node, len(nodes), _filled(q), lineage_groups(tracks, MOST_GROUPS, rng)
    )
    current = reactive_current(
        cells.x, tracks, *ends, **interval, n_bootstrap=n_bootstrap, rng=rng
    )
    return ReactiveFlux(
        current=current.current,
        standard_error=current.standard_error,
        density=current.density,
        nodes=nodes,
        occupancy=_occupancy(found, node, len(nodes)),
        mean_committor=_means(q, node, len(nodes)),
        level=level,
        source=names[0],
        target=names[1],
        **_between(sums, nodes, n_bootstrap, level, rng),
    )


def _filled(q: np.ndarray) -> np.ndarray:
    """A row without a committor is passed over: any value gives the same passages."""
    return np.where(np.isfinite(q), q, 0.5)


def _occupancy(found: ReactiveSteps, node: np.ndarray, k: int) -> np.ndarray:
    hours = np.bincount(node[found.row], found.hours, k)
    return hours / hours.sum()


def _means(q: np.ndarray, node: np.ndarray, k: int) -> np.ndarray:
    known = np.isfinite(q)
    count = np.bincount(node[known], minlength=k)
    sums = np.bincount(node[known], q[known], k)
    return np.divide(sums, count, out=np.full(k, np.nan), where=count > 0)


def _between(
    sums: FluxSums,
    nodes: tuple[str, ...],
    draws: int,
    level: float,
    rng: np.random.Generator,
) -> dict:
    """Flux between nodes and its intervals."""
    n_groups, level = len(sums.hours), fraction(level, "level")
    tails = [(1 - level) / 2, (1 + level) / 2]
    gross, nu = (v[0] for v in sums.rates(np.ones((1, n_groups))))
    drawn = rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=draws)
    # A draw of lineages without any step has no rate.
    drawn = drawn[drawn @ sums.hours > 0]
    gross_drawn, nu_drawn = sums.rates(drawn.astype(float))
    low, high = np.quantile(net_of(gross_drawn), tails, axis=0)
    into_b = np.arange(sums.n_nodes**2) % sums.n_nodes == sums.n_nodes - 1
    into_b[-1] = False  # stays in B
    events = int((np.asarray(sums.gross[:, into_b].sum(axis=1)) > 1e-9).sum())
    hours = float(sums.hours.sum())
    return {
        "nu": bootstrap_rate(float(nu), nu_drawn, events, hours, level),
        "gross": gross,
        "net": net_of(gross),
        "net_low": low,
        "net_high": high,
        "imbalance": gross.sum(axis=0) - gross.sum(axis=1),
        "pathways": _pathways(net_of(gross), net_of(gross_drawn), nodes, tails),
    }


def _pathways(
    net: np.ndarray, drawn: np.ndarray, nodes: tuple[str, ...], tails: list[float]
) -> pd.DataFrame:
    """List pathways; lineages drawn send what they can down the same, in order."""
    found = dominant_pathways(net, [0], [len(nodes) - 1], fraction=LISTED)
    listed = [[int(i) for i in path] for path, _ in found]
    fluxes, left = np.zeros((len(drawn), len(listed))), drawn.copy()
    for n, path in enumerate(listed):
        links = (slice(None), path[:-1], path[1:])
        fluxes[:, n] = left[links].min(axis=1)
        left[links] -= fluxes[:, n, None]
    out = net[0].sum()
    low, high = np.quantile(fluxes, tails, axis=0) if listed else (fluxes, fluxes)
    return pd.DataFrame(
        {
            "path": [ARROW.join(nodes[i] for i in path) for path in listed],
            "flux": [float(f) for _, f in found],
            "share": [float(f / out) for _, f in found],
            "low": np.ravel(low),
            "high": np.ravel(high),
        }
    )
