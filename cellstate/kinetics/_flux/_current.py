"""Reactive current at the cells, from increments along their tracks."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.spatial import KDTree
from scipy.special import gamma

from cellstate._base.checks import integer
from cellstate._base.random import generator
from cellstate._base.results import Result
from cellstate.kinetics._flux._given import Given, given
from cellstate.kinetics._flux._landmarks import Landmarks, Sums, best_factor
from cellstate.kinetics._flux._parts import Parts
from cellstate.kinetics._flux._steps import all_steps
from cellstate.tracks import Tracks, lineage_groups

# Lineages are drawn in at most so many groups, put together at random.
MOST_GROUPS = 200
# The density is measured from this many of the nearest among a sample of the cells,
# and not at all in more dimensions.
NEIGHBOURS, SAMPLE, MOST_DIMENSIONS = 50, 20_000, 5


@dataclass(frozen=True, eq=False, kw_only=True)
class ReactiveCurrent(Result):
    """Flow of cells on their way from A to B, where they come from A and go to B.

    Attributes
    ----------
    current
        Reactive current over the density of cells, shape (n, d), in units of the
        state per hour of observation near the cell: the mean displacement of cells at
        this state in an hour, each counted by the chance that it is on its way from A
        to B. Summed over cells times the slope of any function that is 0 on A and 1 on
        B, over the number of cells, it gives nu. 0 inside A and B, NaN where the state
        or a committor is.
    standard_error
        Of `current`, by lineages drawn with replacement, shape (n, d); the committors
        are kept as given. NaN with a single lineage.
    density
        Share of the cells per volume of the state space at each cell, shape (n,), so
        that ``current * density[:, None]`` is the current per volume. NaN in more than
        5 dimensions.
    width, width_circulation
        Factors of the smoothing width, chosen by lineages left out, for the part from
        the committors' slopes and for the part from the steady flow of all cells; NaN
        for the latter when no steady flow is seen above the noise.
    """

    kind: ClassVar[str] = "reactive_current"
    current: np.ndarray
    standard_error: np.ndarray
    density: np.ndarray
    width: float
    width_circulation: float


def reactive_current(
    x: np.ndarray,
    tracks: Tracks,
    source: np.ndarray,
    target: np.ndarray,
    forward: np.ndarray,
    backward: np.ndarray,
    *,
    frame_interval: float,
    n_bootstrap: int = 100,
    rng: int | np.random.Generator | None = None,
) -> ReactiveCurrent:
    r"""Average displacements, each weighed by its chance to lie on a path A to B.

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
    n_bootstrap, rng
        Lineages drawn with replacement for the standard error.

    Notes
    -----
    A step from x to x' counts q-(x) q+(x') (x' - x) at its middle. This is split in

        (q-(x) q+(x') - q-(x') q+(x)) (x' - x) / 2,

    which tends to D (q- grad q+ - q+ grad q-) dt with little noise, and q- q+ times
    the mean displacement of all cells there, the steady flow, which vanishes for
    reversible motion and is all noise then: it is smoothed more widely, or left out
    when lineages left out are predicted no better with it. Committors take the place
    of what each track met, so this holds as far as the state is Markov.

    References
    ----------
    Metzner, Schuette, Vanden-Eijnden, J. Chem. Phys. 125 (2006) 084110.

    Raises
    ------
    ValueError
        Shapes differ, or no step leads outside A and B with known committors.
    """
    rng = generator(rng)
    n_bootstrap = integer(n_bootstrap, "n_bootstrap", 0)
    cells = given(x, tracks, source, target, forward, backward, frame_interval)
    known = np.isfinite(np.column_stack([cells.x, cells.forward, cells.backward]))
    known = known.all(axis=1)
    parts = _parts(cells, known, rng)
    inside = cells.source | cells.target
    current, error = np.where(inside, 0.0, np.nan)[:, None] * np.ones(
        (2, *cells.x.shape)
    )
    at = np.flatnonzero(known & ~inside)
    chance = cells.forward[at] * cells.backward[at]
    current[at], error[at] = parts.at(cells.x[at], chance, n_bootstrap, rng)
    return ReactiveCurrent(
        current=current,
        standard_error=error,
        density=_density(cells.x, rng),
        width=parts.widths[0],
        width_circulation=parts.widths[1],
    )


def _parts(cells: Given, known: np.ndarray, rng: np.random.Generator) -> Parts:
    """Add up steps at landmarks and choose how widely they are smoothed."""
    row, after, share = _outside(cells, known)
    x, q, back = cells.x, cells.forward, cells.backward
    step, middle = x[after] - x[row], (x[row] + x[after]) / 2
    ahead, behind = back[row] * q[after], back[after] * q[row]
    places = Landmarks.drawn(middle, (ahead + behind) / 2, rng)
    cell = places.nearest(middle)
    group = lineage_groups(cells.tracks, MOST_GROUPS, rng)[row]
    group = np.unique(group, return_inverse=True)[1]
    shape = (int(group.max()) + 1, len(places.place))
    hours = share * cells.interval
    slope = (share * (ahead - behind) / 2)[:, None] * step
    slopes = Sums.of(cell, group, hours, slope, shape)
    steady = Sums.of(cell, group, hours, share[:, None] * step, shape)
    return Parts(
        places=places,
        slopes=slopes,
        steady=steady,
        widths=(
            best_factor(places, slopes, or_none=False),
            best_factor(places, steady, or_none=True),
        ),
    )


def _outside(
    cells: Given, known: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps that are not inside one set all the way, between known states."""
    row, after, share = all_steps(cells.tracks)
    in_a, in_b = cells.source, cells.target
    within = (in_a[row] & in_a[after]) | (in_b[row] & in_b[after])
    used = known[row] & known[after] & ~within
    if not used.any():
        raise ValueError(
            f"no step outside A and B joins two known states; found {row.size} steps, "
            f"{int(within.sum())} of them inside a set, and {int(known.sum())} rows "
            "with a state and both committors. Fit a committor without a horizon: "
            "committor_from_tracks(...)."
        )
    return row[used], after[used], share[used]


def _density(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Share of the rows per volume: k over the ball that holds the k nearest."""
    density = np.full(len(x), np.nan)
    known = np.flatnonzero(np.isfinite(x).all(axis=1))
    d = x.shape[1]
    if d > MOST_DIMENSIONS or known.size < 2:
        return density
    sample = rng.permutation(known)[:SAMPLE]
    k = min(NEIGHBOURS, sample.size)
    radius = KDTree(x[sample]).query(x[known], k=[k])[0][:, 0]
    volume = np.pi ** (d / 2) / gamma(d / 2 + 1) * radius**d
    full = volume > 0
    density[known[full]] = (k - 1) / (sample.size * volume[full])
    return density
