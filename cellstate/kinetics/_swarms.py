"""Committors in any dimension from swarms of simulated paths."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from cellstate._base.checks import fraction, integer, matrix, positive
from cellstate._base.progress import progress
from cellstate._base.random import generator
from cellstate._base.results import Result
from cellstate.kinetics._grid import Core, Flow
from cellstate.kinetics._result import REASONS, Committor

AT_ONCE = 200_000  # paths held in memory
MOST_STEPS = 200_000
STIFFNESS = 0.02  # step times the fastest relaxation
HOP = 0.05  # width of a step over the gap between the sets
JUDGED = 200  # states at which the default step looks
NEAR = 40.0  # -log of a chance to cross an edge unseen that is too small to count


@dataclass(frozen=True, eq=False, kw_only=True)
class SwarmCommittor(Result):
    """Committor of states by simulated paths.

    Attributes
    ----------
    forward
        Share of the decided paths that reached B before A; with a horizon, of all
        paths, (n,). NaN where the state is undefined or no path was decided.
    low, high
        Wilson interval, (n,); undecided paths widen it (low counts them as A, high
        as B) unless there is a horizon.
    undecided
        Share of the paths that met neither set within the horizon or the largest
        number of steps, (n,).
    n_paths
        Paths from each state.
    dt
        Time step, h.
    horizon
        Hours within which B must be reached; NaN for no limit.
    level
        Nominal coverage of the interval.
    """

    kind: ClassVar[str] = "swarm_committor"
    forward: np.ndarray
    low: np.ndarray
    high: np.ndarray
    undecided: np.ndarray
    n_paths: int
    dt: float
    horizon: float
    level: float

    def committor(self, names: tuple[str, str] = ("A", "B")) -> Committor:
        """The forward committor in the common form; q- needs stationary paths."""
        lost = np.isnan(self.forward)
        reason = np.where(lost, REASONS.index("the state is undefined"), 0)
        # Known states without a decided path.
        reason[lost & (self.undecided == 1)] = REASONS.index(
            "joined neither to the source nor to the target"
        )
        return Committor(
            forward=self.forward,
            backward=np.full(self.forward.shape, np.nan),
            reason=reason.astype(np.int8) if lost.any() else np.zeros(0, np.int8),
            replicates=np.zeros((self.forward.size, 0)),
            residual=np.nan,
            source=names[0],
            target=names[1],
            method="sde",
            division="",
            horizon=self.horizon,
        )


def committor_by_swarms(
    flow: Flow,
    x: ArrayLike,
    source: Core | None,
    target: Core,
    *,
    n_paths: int = 200,
    dt: float | None = None,
    horizon: float | None = None,
    level: float = 0.95,
    rng: int | np.random.Generator | None = None,
) -> SwarmCommittor:
    """Committor of states in any dimension: paths from each until they meet A or B.

    Parameters
    ----------
    flow
        Drift and diffusion (Ito) at t = 0.
    x
        States, (n, d); rows with NaN give NaN. The cost is that of n times `n_paths`
        paths: a few hundred states, and `swarm_tracks` with
        `committor_from_tracks` for more.
    source, target
        A and B. Without a source, which needs a horizon: B within the horizon.
    n_paths
        Paths from each state; the standard error is sqrt(q (1 - q) / n_paths).
    dt
        Time step, h. When None: 0.02 over the fastest relaxation at up to 200 of the
        states, and steps at most a twentieth as wide as the median
        state's distance to the two sets together.
    horizon
        Hours within which B must be reached; None for no limit.
    level
        Coverage of the intervals.

    Returns
    -------
    SwarmCommittor

    Raises
    ------
    ValueError
        No source and no horizon, or shapes do not fit.

    Notes
    -----
    Heun steps: weak order 2 where D does not depend on the state, 1 where it does.
    Between two steps that end outside, an edge at distances d0 and d1 is crossed with
    the chance exp(-d0 d1 / (D_n dt)) of a Brownian bridge, D_n the diffusion across
    the edge; without it q would be biased by O(sqrt dt).

    References
    ----------
    Gobet, Stochastic Process. Appl. 87 (2000), crossing between steps; Wilson, J. Am.
    Stat. Assoc. 22 (1927).

    Examples
    --------
    >>> from types import SimpleNamespace as Law
    >>> walk = Law(
    ...     drift=lambda x, t=0.0: np.zeros_like(x),
    ...     diffusion=lambda x, t=0.0: np.broadcast_to(np.eye(3), (len(x), 3, 3)),
    ... )
    >>> left = Law(distance=lambda x: x[:, 0])
    >>> right = Law(distance=lambda x: 1 - x[:, 0])
    >>> found = committor_by_swarms(
    ...     walk, [[0.25, 0, 0]], left, right, n_paths=4000, rng=0
    ... )
    >>> bool(found.low[0] < 0.25 < found.high[0])
    True
    """
    x = matrix(x, "x")
    n_paths, rng = integer(n_paths, "n_paths", 1), generator(rng)
    level = fraction(level, "level")
    if source is None and horizon is None:
        raise ValueError(
            "without a `source` every path may go on for ever: expected a source or "
            "a horizon. Give horizon=10.0, say."
        )
    known = np.flatnonzero(np.isfinite(x).all(axis=1))
    cores = (target,) if source is None else (target, source)
    dt = _step(flow, x[known], cores, rng) if dt is None else dt
    dt = positive(dt, "dt", "h", "committor_by_swarms(..., dt=0.01)")
    steps = MOST_STEPS
    if horizon is not None:
        horizon = positive(horizon, "horizon", "h", "horizon=10.0")
        steps = max(1, round(horizon / dt))
        dt = horizon / steps
    counts = np.zeros((len(x), 3), dtype=int)
    share = max(1, AT_ONCE // n_paths)
    groups = np.array_split(known, max(1, -(-known.size // share)))
    for rows in progress(groups, "swarms"):
        fate = _fates(flow, np.repeat(x[rows], n_paths, axis=0), cores, dt, steps, rng)
        fate = fate.reshape(len(rows), n_paths)
        counts[rows] = np.stack([(fate == k).sum(axis=1) for k in range(3)], axis=-1)
    return _summed(counts, known, n_paths, dt, horizon, level)


def _summed(
    counts: np.ndarray,
    known: np.ndarray,
    n_paths: int,
    dt: float,
    horizon: float | None,
    level: float,
) -> SwarmCommittor:
    """Estimates from the numbers of paths that ended nowhere, in B and in A."""
    z = float(norm.ppf((1 + level) / 2))
    open_, hits, misses = counts[known].T
    all_open = horizon is not None
    decided = hits + (n_paths - hits if all_open else misses)
    upper = hits if all_open else hits + open_
    forward = np.where(decided > 0, hits / np.maximum(decided, 1), np.nan)
    fields = {
        "forward": forward,
        "low": _wilson(hits / n_paths, n_paths, -z),
        "high": _wilson(upper / n_paths, n_paths, z),
        "undecided": open_ / n_paths,
    }
    whole = {name: np.full(len(counts), np.nan) for name in fields}
    for name, values in fields.items():
        whole[name][known] = values
    return SwarmCommittor(
        **whole,
        n_paths=n_paths,
        dt=dt,
        horizon=np.nan if horizon is None else horizon,
        level=level,
    )


def _wilson(share: np.ndarray, n: int, z: float) -> np.ndarray:
    """One end of the Wilson interval of a share of n; z < 0 for the lower one."""
    middle = share + z**2 / (2 * n)
    width = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return np.clip((middle + width) / (1 + z**2 / n), 0, 1)


def _fates(
    flow: Flow,
    x: np.ndarray,
    cores: tuple[Core, ...],
    dt: float,
    steps: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """What each path meets first: 1 the target, 2 the source, 0 nothing, (n,)."""
    fate = np.zeros(len(x), dtype=np.int8)
    away = np.stack([core.distance(x) for core in cores], axis=-1)
    hit = away <= 0
    fate[hit.any(axis=1)] = 1 + hit[hit.any(axis=1)].argmax(axis=1)
    rows = np.flatnonzero(fate == 0)
    x, away = x[rows], away[rows]
    for _ in range(steps):
        if not rows.size:
            break
        after, diffusion = _moved(flow, x, dt, rng)
        then = np.stack([core.distance(after) for core in cores], axis=-1)
        hit = then <= 0
        for k, core in enumerate(cores):
            hit[:, k] |= _crossed(core, x, away[:, k], then[:, k], diffusion, dt, rng)
        met = hit.any(axis=1)
        # Where both were met in one step, the nearer one was met first.
        first = np.where(hit[met], away[met], np.inf).argmin(axis=1)
        fate[rows[met]] = 1 + first
        rows, x, away = rows[~met], after[~met], then[~met]
    return fate


def _moved(
    flow: Flow, x: np.ndarray, dt: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """States one Heun step later, and the diffusion (n, d, d) at its start."""
    diffusion = np.asarray(flow.diffusion(x, 0.0), dtype=float)
    noise = np.sqrt(2 * dt) * rng.standard_normal(x.shape)
    jump = np.einsum("nij,nj->ni", _root(diffusion), noise)
    drift = flow.drift(x, 0.0)
    ahead = flow.drift(x + drift * dt + jump, 0.0)
    return x + (drift + ahead) * dt / 2 + jump, diffusion


def _root(diffusion: np.ndarray) -> np.ndarray:
    """Lower triangles R with R R' = D; one for all where D is the same."""
    if diffusion.strides[0] == 0 or (diffusion == diffusion[:1]).all():
        one = np.linalg.cholesky(diffusion[:1])
        return np.broadcast_to(one, diffusion.shape)
    return np.linalg.cholesky(diffusion)


def _crossed(
    core: Core,
    x: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    diffusion: np.ndarray,
    dt: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Whether an edge was crossed and crossed back within a step."""
    largest = np.trace(diffusion, axis1=1, axis2=2)
    close = np.flatnonzero((after > 0) & (before * after < NEAR * largest * dt))
    crossed = np.zeros(len(x), dtype=bool)
    if close.size:
        normal = _normal(core, x[close], before[close])
        across = np.einsum("ni,nij,nj->n", normal, diffusion[close], normal)
        chance = np.exp(-before[close] * after[close] / (across * dt))
        crossed[close] = rng.random(close.size) < chance
    return crossed


def _normal(core: Core, x: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Gradient of a signed distance by differences, length 1, (n, d)."""
    step = 1e-4 * np.maximum(distance, 1e-12)
    slope = np.empty_like(x)
    for k in range(x.shape[1]):
        shift = np.zeros_like(x)
        shift[:, k] = step
        slope[:, k] = core.distance(x + shift) - core.distance(x - shift)
    return slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-300)


def _step(
    flow: Flow, x: np.ndarray, cores: tuple[Core, ...], rng: np.random.Generator
) -> float:
    """Time step from the fastest relaxation and the gap between the sets, h."""
    if not len(x):
        raise ValueError("`x` holds no state without NaN; there is nothing to follow.")
    some = x[rng.permutation(len(x))[:JUDGED]]
    fastest = np.abs(np.linalg.eigvals(_jacobian(flow.drift, some))).max()
    # To both sets together a state is at least as far as they are apart.
    away = np.sum([core.distance(some) for core in cores], axis=0)
    gap = np.median(away[away > 0]) if (away > 0).any() else np.inf
    spread = np.linalg.eigvalsh(flow.diffusion(some, 0.0)).max()
    limits = np.array([STIFFNESS / fastest if fastest > 0 else np.inf,
                       (HOP * gap) ** 2 / (2 * spread)])  # fmt: skip
    if not np.isfinite(limits.min()):
        return 1.0  # every path ends where it starts
    return float(limits.min())


def _jacobian(drift: Callable, x: np.ndarray) -> np.ndarray:
    """Derivatives of the drift at states (n, d), (n, d, d), by central differences."""
    scale = np.maximum(np.ptp(x, axis=0), 1e-3 * np.abs(x).max() + 1e-12)
    columns = []
    for k in range(x.shape[1]):
        shift = np.zeros(x.shape[1])
        shift[k] = 1e-4 * scale[k]
        change = drift(x + shift, 0.0) - drift(x - shift, 0.0)
        columns.append(change / (2 * shift[k]))
    return np.stack(columns, axis=-1)


def swarm_tracks(
    flow: Flow,
    x: ArrayLike,
    n_frames: int,
    frame_interval: float,
    *,
    dt: float | None = None,
    rng: int | np.random.Generator | None = None,
) -> dict[str, np.ndarray]:
    """Short simulated tracks from states, in the form that track solvers take.

    Parameters
    ----------
    x
        Starts, (n, d), all defined; repeat a state for several tracks from it.
    n_frames
        Frames of a track, the start included.
    frame_interval
        Hours between frames.
    dt
        Time step, h, rounded to divide the interval. When None: 0.02 over the fastest
        relaxation at the starts.

    Returns
    -------
    dict
        "track" (from 1), "frame", "time" (h), each (n * n_frames,), track by track,
        and "states" (n * n_frames, d).

    Examples
    --------
    >>> from types import SimpleNamespace as Law
    >>> fall = Law(
    ...     drift=lambda x, t=0.0: -x,
    ...     diffusion=lambda x, t=0.0: np.full((len(x), 1, 1), 0.1),
    ... )
    >>> found = swarm_tracks(fall, [[1.0], [2.0]], 3, 0.5, rng=0)
    >>> found["track"], found["time"]
    (array([1, 1, 1, 2, 2, 2]), array([0. , 0.5, 1. , 0. , 0.5, 1. ]))
    """
    x, rng = matrix(x, "x"), generator(rng)
    n_frames = integer(n_frames, "n_frames", 2)
    call = "swarm_tracks(flow, x, 20, 0.25)"
    frame_interval = positive(frame_interval, "frame_interval", "h", call)
    if not np.isfinite(x).all():
        raise ValueError(
            f"`x` has {int((~np.isfinite(x).all(axis=1)).sum())} undefined rows; leave "
            "them out: x[np.isfinite(x).all(axis=1)]."
        )
    dt = _step(flow, x, (), rng) if dt is None else positive(dt, "dt", "h", call)
    substeps = max(1, int(np.ceil(frame_interval / dt)))
    path = np.empty((len(x), n_frames, x.shape[1]))
    path[:, 0] = x
    for frame in progress(range(1, n_frames), "frames"):
        for _ in range(substeps):
            x, _ = _moved(flow, x, frame_interval / substeps, rng)
        path[:, frame] = x
    frames = np.tile(np.arange(n_frames), len(x))
    return {
        "track": np.repeat(np.arange(1, len(x) + 1), n_frames),
        "frame": frames,
        "time": frames * frame_interval,
        "states": path.reshape(-1, x.shape[1]),
    }
