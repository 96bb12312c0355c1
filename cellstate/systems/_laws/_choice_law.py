"""Which side a cell of a ramped pitchfork ends on: backward and forward equations."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import RegularGridInterpolator
from scipy.linalg import solve_banded
from scipy.special import exprel

PER_WIDTH = 16  # grid points per standard deviation of the narrowest well
STEP = 0.04  # dt times the fastest rate
SLICES = 400  # times at which the backward solution is kept
RECORDS = 2000  # times at which the forward solution is looked at
SMOOTHING = 4  # implicit steps that damp what the jump at the end would excite
OUTSIDE = 0.5  # |x| above which a cell counts as decided
FAINT = 1e-6  # maxima of the density below this share of the highest do not count


class Ramp(Protocol):
    """What is asked of the law: hashable, with a box, a drift and a potential."""

    D: float

    @property
    def box(self) -> tuple[tuple[float, float], ...]: ...
    @property
    def duration(self) -> float: ...
    @property
    def fastest_rate(self) -> float: ...
    def r(self, t: ArrayLike) -> np.ndarray: ...
    def potential(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray: ...
    def drift(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray: ...


@dataclass(frozen=True, eq=False, kw_only=True)
class ChanceRight:
    """Chance to be on the right at the end, as a function of state and time.

    Attributes
    ----------
    x
        Grid of states, shape (n,).
    left
        Share of the ramp that is left, shape (m,), from 0 at its end to 1.
    chance
        Values there, shape (m, n).
    duration
        Time from the start of the ramp to its end.
    """

    x: np.ndarray
    left: np.ndarray
    chance: np.ndarray
    duration: float

    def __call__(self, x: ArrayLike, t: ArrayLike = 0.0) -> np.ndarray:
        """Chance of states (..., 1) at times (...), shape (...)."""
        x = np.asarray(x, dtype=float)[..., 0]
        left = 1 - np.asarray(t, dtype=float) / self.duration
        x, left = np.broadcast_arrays(x, left)
        # Kept at the square of an even grid: dense where the solution is steep.
        grid = RegularGridInterpolator((np.sqrt(self.left), self.x), self.chance)
        at = np.sqrt(left.clip(0, 1)), x.clip(self.x[0], self.x[-1])
        return np.where(left <= 0, (x > 0).astype(float), grid(at))


@dataclass(frozen=True, eq=False, kw_only=True)
class RampHistory:
    """All cells along the ramp, arrays of shape (n,) over time.

    Attributes
    ----------
    t, r
        Time and the parameter then.
    mean, variance
        Of the state.
    chance_right
        Share of the cells with x > 0.
    decided
        Share of the cells with |x| > 0.5.
    modes
        Number of maxima of the density.
    """

    t: np.ndarray
    r: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    chance_right: np.ndarray
    decided: np.ndarray
    modes: np.ndarray

    @property
    def r_bimodal(self) -> float:
        """First r at which the density has two maxima; NaN where it never has."""
        two = np.flatnonzero(self.modes > 1)
        return float(self.r[two[0]]) if two.size else float("nan")

    @property
    def r_decided(self) -> float:
        """First r at which half of the cells have |x| > 0.5; NaN if they never do."""
        late = np.flatnonzero(self.decided >= 0.5)
        if not late.size or late[0] == 0:
            return float("nan")
        part = slice(late[0] - 1, late[0] + 1)
        return float(np.interp(0.5, self.decided[part], self.r[part]))

    def variance_at(self, r: ArrayLike) -> np.ndarray:
        """Variance when the parameter is r, shape of `r`."""
        return np.interp(r, self.r, self.variance)


@lru_cache(maxsize=8)
def backward_chance(system: Ramp) -> ChanceRight:
    """Solve u_t + b u_x + D u_xx = 0 from u = 1 on the right at the end of the ramp.

    Central differences, Crank-Nicolson after a few implicit steps. It knows the drift
    only.
    """
    x = _nodes(system)
    # Half in the middle: the jump lies on a node.
    u = (x > 0) + 0.5 * (x == 0)
    left = np.linspace(0, 1, SLICES + 1) ** 2
    kept = [u]
    duration = system.duration
    for k in range(SLICES):
        begin, span = left[k] * duration, (left[k + 1] - left[k]) * duration
        count = _steps(system, span) if k else SMOOTHING
        for i in range(count):
            times = duration - begin - span / count * np.array([i, i + 1])
            old, new = (_backward_bands(system, x, t) for t in times)
            u = _step(old, new, u, span / count, implicit=1.0 if k == 0 else 0.5)
        kept.append(u)
    return ChanceRight(x=x, left=left, chance=np.array(kept), duration=duration)


@lru_cache(maxsize=8)
def forward_history(system: Ramp) -> RampHistory:
    """Solve the Fokker-Planck equation from the stationary law at r_start.

    Finite volumes with Scharfetter-Gummel fluxes, Crank-Nicolson. It knows the
    potential only and conserves the cells exactly.
    """
    x = _volumes(system)
    energy = system.potential(x[:, None], 0.0) / system.D
    p = np.exp(energy.min() - energy)
    p /= p.sum()
    t = np.linspace(0, system.duration, RECORDS + 1)
    records = [_record(x, p)]
    for begin, end in pairwise(t):
        steps = np.linspace(begin, end, _steps(system, end - begin) + 1)
        for early, late in pairwise(steps):
            old, new = (_forward_bands(system, x, at) for at in (early, late))
            p = _step(old, new, p, late - early, implicit=0.5)
        records.append(_record(x, p))
    mean, variance, right, decided, modes = np.array(records).T
    return RampHistory(
        t=t,
        r=system.r(t),
        mean=mean,
        variance=variance,
        chance_right=right,
        decided=decided,
        modes=modes.astype(int),
    )


def _reach(system: Ramp) -> tuple[float, int, int]:
    """Grid step, and steps to the left and to the right end of the box."""
    (low, high), *_ = system.box
    h = np.sqrt(system.D / system.fastest_rate) / PER_WIDTH
    return h, int(np.ceil(-low / h)), int(np.ceil(high / h))


def _nodes(system: Ramp) -> np.ndarray:
    """Even grid over the box; 0 is a node."""
    h, below, above = _reach(system)
    return h * np.arange(-below, above + 1)


def _volumes(system: Ramp) -> np.ndarray:
    """Middles of even volumes over the box; 0 is a face."""
    h, below, above = _reach(system)
    return h * (np.arange(-below, above) + 0.5)


def _steps(system: Ramp, span: float) -> int:
    return max(1, int(np.ceil(span * system.fastest_rate / STEP)))


def _backward_bands(system: Ramp, x: np.ndarray, t: float) -> np.ndarray:
    """Generator b d/dx + D d2/dx2 as bands of `solve_banded`; the ends reflect."""
    h = x[1] - x[0]
    spread = system.D / h**2
    pull = system.drift(x[:, None], t)[:, 0] / (2 * h)
    bands = np.zeros((3, len(x)))
    bands[0, 1:] = (spread + pull)[:-1]
    bands[1] = -2 * spread
    bands[2, :-1] = (spread - pull)[1:]
    bands[0, 1] = bands[2, -2] = 2 * spread
    return bands


def _forward_bands(system: Ramp, x: np.ndarray, t: float) -> np.ndarray:
    """Exchange of cells between neighbouring volumes; columns sum to 0."""
    h = x[1] - x[0]
    climb = np.diff(system.potential(x[:, None], t)) / system.D
    up, down = (system.D / h**2 / exprel(sign * climb) for sign in (1, -1))
    bands = np.zeros((3, len(x)))
    bands[0, 1:], bands[2, :-1] = down, up
    bands[1, :-1] -= up
    bands[1, 1:] -= down
    return bands


def _step(
    old: np.ndarray, new: np.ndarray, u: np.ndarray, dt: float, implicit: float
) -> np.ndarray:
    """One step of u' = L u with weight `implicit` on the new time."""
    right = u + (1 - implicit) * dt * _times(old, u)
    matrix = -implicit * dt * new
    matrix[1] += 1
    return solve_banded((1, 1), matrix, right)


def _times(bands: np.ndarray, u: np.ndarray) -> np.ndarray:
    product = bands[1] * u
    product[:-1] += bands[0, 1:] * u[1:]
    product[1:] += bands[2, :-1] * u[:-1]
    return product


def _record(x: np.ndarray, p: np.ndarray) -> tuple[float, ...]:
    mean = p @ x
    inside = (p[1:-1] > p[:-2]) & (p[1:-1] >= p[2:]) & (p[1:-1] > FAINT * p.max())
    outside = _beyond(x, p, OUTSIDE) + _beyond(-x[::-1], p[::-1], OUTSIDE)
    return mean, p @ (x - mean) ** 2, p[x > 0].sum(), outside, inside.sum()


def _beyond(x: np.ndarray, p: np.ndarray, edge: float) -> float:
    """Mass right of an edge, which may cut a volume."""
    faces = x + (x[1] - x[0]) / 2
    return float(1 - np.interp(edge, faces, np.cumsum(p)))
