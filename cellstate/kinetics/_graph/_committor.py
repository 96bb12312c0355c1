"""The committor of cells of which one snapshot each is known."""

import warnings
from dataclasses import replace

import numpy as np

from cellstate._base.checks import integer, positive, row_mask
from cellstate._base.random import generator
from cellstate.kinetics._graph._landmarks import draw, extend, shares
from cellstate.kinetics._graph._law import Law, law
from cellstate.kinetics._graph._solution import Solution, solve_graph
from cellstate.kinetics._result import REASONS, Committor

# What the cells tell of their density is noisy; where a drift is told, the width of
# the kernel makes most of the error.
N_NEIGHBOURS, WITH_DRIFT = 64, 32
LARGEST = 300_000  # cells that are all solved for
N_LANDMARKS = 100_000
UNDEFINED = REASONS.index("the state is undefined")
UNJOINED = REASONS.index("joined neither to the source nor to the target")


def committor_on_graph(
    x: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
    *,
    drift: np.ndarray | None = None,
    diffusion: float | np.ndarray | None = None,
    growth: np.ndarray | None = None,
    density: np.ndarray | None = None,
    dimension: float | None = None,
    n_neighbours: int | None = None,
    n_landmarks: int | None = None,
    names: tuple[str, str] = ("A", "B"),
    rng: int | np.random.Generator | None = None,
) -> Committor:
    r"""Committor of cells from snapshots, on a graph of their neighbours.

    Without a drift the cells are taken for a sample of the stationary density rho of
    reversible motion, dX = D grad log rho dt + sqrt(2 D) dW: what a snapshot of a
    stationary population can tell, if no probability circulates. q then makes the
    energy sum_ij W_ij (q_i - q_j)^2 smallest, with W of `link`. W is symmetric, so
    that detailed balance holds by construction and `backward` = 1 - `forward` follows
    from it.

    With `drift` and `diffusion` the cells only say where states are; the graph
    carries a jump process that follows the drift, and forward and backward are solved
    apart, backward with the stationary law of that process.

    With `growth` g, births minus deaths, (L + g) q = 0: `forward` is the expected
    number of descendants that reach B before A, and may exceed 1.

    Parameters
    ----------
    x
        States, shape (n, d), NaN where undefined.
    source, target
        Boolean masks (n,) of A and B, disjoint.
    drift
        b at the cells, units of the state per hour, (n, d).
    diffusion
        D at the cells: one number, (d, d) or (n, d, d), squared units of the state
        per hour. On its own it only stretches the state space.
    growth
        1/h, shape (n,).
    density
        Stationary density at the cells up to a factor, (n,), when they were not drawn
        from it (sorted or enriched cells).
    dimension
        Of the set that the cells fill; `intrinsic_dimension`, rounded, when None. It
        counts with a drift, density or growth only: a radius that holds a fixed
        number of cells is the same power of the density that W needs in every
        dimension.
    n_neighbours
        Cells each one is linked with; 64 when None, 32 with a drift, at most a
        quarter of the cells. More lower the noise and blur the state space; in many
        coordinates fewer are better.
    n_landmarks
        Cells to solve for, drawn at random with up to a tenth as many of each set;
        each counts for the cells around it. The others get their value from planes
        through the nearest ones. When None: all up to 300,000 cells, then 100,000.
    names
        Names of A and B.
    rng
        Draws the groups of the preconditioner and the landmarks.

    Returns
    -------
    Committor
        ``method="graph"`` without replicates. `forward` and `backward` are NaN where
        x, drift, diffusion, growth or density are, and in parts of the graph joined
        neither to A nor to B; a part joined to B only has 1, to A only 0. `backward`
        is also NaN with a growth, and where the stationary law of a drift is below a
        millionth of the density of cells.

    Raises
    ------
    ValueError
        A mask is empty, masks overlap, or shapes and options do not fit.
    FloatingPointError
        A linear solve did not reach its residual; growth so fast that the expected
        number of descendants in B is infinite.

    Warns
    -----
    UserWarning
        No part of the graph joins A and B: every q is 0, 1 or NaN.

    Notes
    -----
    Links of length r stay positive whatever the drift, at the price of additional
    diffusion where |b| r / D is large: cells closer together lessen it.

    References
    ----------
    Berry and Harlim, Appl. Comput. Harmon. Anal. 40 (2016), variable bandwidth;
    Scharfetter and Gummel, IEEE Trans. Electron Devices 16 (1969).

    Examples
    --------
    On a circle without any drift q is linear in the angle.

    >>> turn = np.random.default_rng(0).uniform(-np.pi, np.pi, 4000)
    >>> x = np.column_stack([np.cos(turn), np.sin(turn)])
    >>> q = committor_on_graph(x, np.abs(turn) < 0.2, np.abs(turn) > 3, rng=0).forward
    >>> round(float(np.abs(q - np.clip((np.abs(turn) - 0.2) / 2.8, 0, 1)).max()), 2)
    0.03
    """
    motion = law(x, drift, diffusion, growth, density)
    source, target = _sets(source, target, motion.known)
    rows = np.flatnonzero(motion.known)
    if n_neighbours is None:
        n_neighbours = N_NEIGHBOURS if drift is None else WITH_DRIFT
        # Of few cells half are no longer near.
        n_neighbours = min(n_neighbours, max(4, rows.size // 4))
    n_neighbours = integer(n_neighbours, "n_neighbours", 4)
    if rows.size <= n_neighbours:
        raise ValueError(
            f"`x` needs more cells with a state than n_neighbours={n_neighbours}; "
            f"found {rows.size}. Lower `n_neighbours`."
        )
    if dimension is not None:
        dimension = positive(dimension, "dimension", "no unit", "dimension=2")
    if n_landmarks is not None:
        n_landmarks = integer(n_landmarks, "n_landmarks", n_neighbours + 1)
    elif rows.size > LARGEST:
        n_landmarks = N_LANDMARKS
    solve = _solve_all if (n_landmarks or rows.size) >= rows.size else _solve_some
    found = solve(
        motion.at(rows), source[rows], target[rows], n_landmarks, generator(rng),
        n_neighbours=n_neighbours, dimension=dimension,
    )  # fmt: skip
    return _result(found, rows, motion, source, target, names)


def _sets(
    source: np.ndarray, target: np.ndarray, known: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Check that both masks name cells with a state, and none of them twice."""
    masks = []
    for mask, name in ((source, "source"), (target, "target")):
        if mask is None:
            raise ValueError(f"`{name}` is missing; give a boolean mask of cells.")
        mask = row_mask(mask, known.size, name)
        if not (mask & known).any():
            raise ValueError(
                f"`{name}` has no cell with a defined state; found {mask.sum()} cells "
                "in the mask. Choose a larger set."
            )
        masks.append(mask)
    shared = np.flatnonzero(masks[0] & masks[1])
    if shared.size:
        raise ValueError(
            f"`source` and `target` share {shared.size} cells, the first ones "
            f"{shared[:3].tolist()}; they must be disjoint."
        )
    return masks[0], masks[1]


def _solve_all(
    motion: Law,
    source: np.ndarray,
    target: np.ndarray,
    _: int | None,
    rng: np.random.Generator,
    **options: float | None,
) -> Solution:
    found = solve_graph(motion, source, target, shares=None, rng=rng, **options)
    _warn_if_apart(found, source, target)
    return found


def _solve_some(
    motion: Law,
    source: np.ndarray,
    target: np.ndarray,
    n_landmarks: int,
    rng: np.random.Generator,
    **options: float | None,
) -> Solution:
    """Solve for landmarks and extend to the others."""
    some = draw(source, target, n_landmarks, rng)
    z = motion.z[some]
    found = solve_graph(
        motion.at(some), source[some], target[some],
        shares=shares(motion.z, z), rng=rng, **options,
    )  # fmt: skip
    _warn_if_apart(found, source[some], target[some])
    values = extend(motion.z, z, np.column_stack([found.forward, found.backward]))
    values[some] = np.column_stack([found.forward, found.backward])
    return replace(found, forward=values[:, 0], backward=values[:, 1])


def _warn_if_apart(found: Solution, source: np.ndarray, target: np.ndarray) -> None:
    """Warn when no part of the graph holds cells of A and of B."""
    of_a, of_b = np.unique(found.parts[source]), np.unique(found.parts[target])
    if np.intersect1d(of_a, of_b).size:
        return
    sizes = np.bincount(found.parts)
    warnings.warn(
        "A and B lie in different components of the graph (sizes "
        f"{sizes[of_a].max()} and {sizes[of_b].max()} of {found.parts.size} cells): "
        "every committor is 0, 1 or NaN. Raise `n_neighbours`, or sample the states "
        "between them.",
        stacklevel=4,
    )


def _result(
    found: Solution,
    rows: np.ndarray,
    motion: Law,
    source: np.ndarray,
    target: np.ndarray,
    names: tuple[str, str],
) -> Committor:
    """Values of all cells, with the reason where there is none."""
    forward, backward = np.full((2, source.size), np.nan)
    forward[rows], backward[rows] = found.forward, found.backward
    forward[source], forward[target] = 0.0, 1.0
    grows = motion.growth is not None
    if not grows:
        backward[source], backward[target] = 1.0, 0.0
    reason = np.where(motion.known, UNJOINED, UNDEFINED).astype(np.int8)
    reason[np.isfinite(forward)] = 0
    return Committor(
        forward=forward,
        backward=backward,
        reason=reason,
        replicates=np.zeros((source.size, 0)),
        residual=found.residual,
        source=names[0],
        target=names[1],
        method="graph",
        division="mass" if grows else "",
    )
