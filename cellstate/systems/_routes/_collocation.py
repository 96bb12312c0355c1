"""Transition paths on a line by Chebyshev collocation: the drift alone."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cellstate.systems._diffusion import Diffusion
from cellstate.systems._paths import TransitionPaths
from cellstate.systems._routes._chebyshev import chebyshev, interpolate
from cellstate.systems._routes._ends import (
    NO_LEFT,
    NO_RIGHT,
    between_sets,
    ends_on_line,
    facing,
)
from cellstate.systems._routes._quadrature import check_height

DEGREE = 16  # of the polynomial on a panel
PANELS = 256  # panels over the box, at least
STEEP = 1.0  # most that |b| times width / D may be on a panel
POINTS = (100, 200, 400, 800, 1600)  # grids of the gap, until it stands still


def collocation(system: Diffusion) -> TransitionPaths:
    """Transition paths of a one-dimensional system, from its drift.

    Chebyshev collocation of degree 16 on many panels, each equation in flux form::

        backward equation       D q'' + b q' = 0,   q(a) = 0, q(b) = 1
        mean passage time       D T'' + b T' = -1,  T' = 0 at the end, T(b) = 0
        mean exit time          D E'' + b E' = -1,  E(a) = E(b) = 0
        Fokker-Planck equation  D p' = b p

    The rates are 1 / T; nu is the flux D p q', one number between the sets; the gap
    comes from a sinc collocation of the symmetrised generator.

    Parameters
    ----------
    system
        A system with d = 1, whose sets are a `below` and an `above`.

    Returns
    -------
    TransitionPaths
        Functions take states (..., 1). The ends of `system.box` reflect; beyond it
        all functions have the values of its ends. `residual` is the relative spread
        of the flux between A and B.

    Raises
    ------
    ValueError
        d > 1, other sets, or a barrier above 600 D.

    References
    ----------
    Trefethen, Spectral Methods in MATLAB (2000); Gardiner, Handbook of Stochastic
    Methods, 5.2.

    Examples
    --------
    >>> from cellstate.systems._laws._wells import DoubleWell
    >>> round(collocation(DoubleWell(D=1 / 3)).k_ab, 6)
    0.037537
    """
    a, b = ends_on_line(system)
    (low, high), *_ = system.box
    count = _panel_count(system)
    right = _Sweep(lambda x: _drift(system, x), system.D, (low, a, b, high), count)
    # The way to the left is the way to the right of the mirrored law.
    ends = -high, -b, -a, -low
    left = _Sweep(lambda x: -_drift(system, -x), system.D, ends, count)
    flux = right.flux()
    k_ab, k_ba = 1 / float(right.passage(a)), 1 / float(left.passage(-b))
    paths = TransitionPaths(
        route="collocation",
        nu=float(flux.mean()),
        k_ab=k_ab,
        k_ba=k_ba,
        last_a=left.last(),
        pi_a=right.share(low, a),
        pi_b=right.share(b, high),
        reactive=right.reactive(),
        committor=between_sets(right.committor, (a, 0), (b, 1)),
        committor_backward=between_sets(lambda x: left.committor(-x), (a, 1), (b, 0)),
        density=between_sets(right.density, NO_LEFT, NO_RIGHT),
        passage_time=between_sets(right.passage, NO_LEFT, (b, 0)),
        exit_time=between_sets(right.exit, (a, 0), (b, 0)),
        gap=spectral_gap(system),
        residual=float(np.ptp(flux) / flux.mean()),
        size=(right.x.size,),
    )
    back = between_sets(lambda x: left.passage(-x), (a, 0), NO_RIGHT)
    return facing(system, paths, back)


def spectral_gap(system: Diffusion) -> float:
    """Slowest relaxation rate of a one-dimensional law, from its drift.

    The generator, made symmetric by the root of the density, is minus A* A with
    A = sqrt(D) (d/dx - b / 2D); its rates are the squared singular values of A, which
    keeps a tiny gap exact. Sinc functions between the nodes; finer grids until two
    agree to 1e-10.
    """
    (low, high), *_ = system.box
    before = np.nan
    for n in POINTS:
        nodes, h = np.linspace(low, high, n, retstep=True)
        middle = (nodes[1:] + nodes[:-1]) / 2
        away = np.pi * (middle[:, None] - nodes) / h
        value = np.sin(away) / away
        slope = (np.cos(away) - value) / away * np.pi / h
        pull = _drift(system, middle)[:, None] / (2 * system.D)
        rates = np.linalg.svd(slope - pull * value, compute_uv=False) ** 2
        # n - 1 rows: the missing singular value is the 0 of the stationary law.
        gap = system.D * float(rates[-1])
        if abs(gap - before) < 1e-10 * gap:
            break
        before = gap
    return gap


@dataclass(frozen=True, eq=False)
class _Field:
    """Polynomials on panels, by their values at the Chebyshev points."""

    edges: np.ndarray
    values: np.ndarray  # (n panels, DEGREE + 1)

    def __call__(self, x: ArrayLike) -> np.ndarray:
        x = np.clip(x, self.edges[0], self.edges[-1])
        panel = np.searchsorted(self.edges, x, side="right").ravel() - 1
        panel = np.minimum(panel, len(self.edges) - 2)
        left, right = self.edges[panel], self.edges[panel + 1]
        local = (2 * x.ravel() - left - right) / (right - left)
        return interpolate(self.values[panel], DEGREE, local).reshape(x.shape)


class _Sweep:
    """Everything about the way to the right, panel by panel from the left.

    Every equation is y' + c y = f of first order in the flux, which a sweep solves
    without losing relative accuracy over many orders of magnitude.
    """

    def __init__(
        self, drift: Callable, d: float, ends: tuple[float, ...], count: int
    ) -> None:
        self.d = d
        points, self.derivative = chebyshev(DEGREE)
        # Integration from the left edge undoes differentiation of what vanishes there.
        self.integration = np.zeros((DEGREE + 1, DEGREE + 1))
        self.integration[1:, 1:] = np.linalg.inv(self.derivative[1:, 1:])
        numbers = np.ceil(np.diff(ends) / (ends[-1] - ends[0]) * count).astype(int) + 2
        parts = [
            np.linspace(*ends[i : i + 2], n, endpoint=False)
            for i, n in enumerate(numbers)
        ]
        self.edges = np.concatenate([*parts, [ends[-1]]])
        self.at_a, self.at_b = int(numbers[0]), int(numbers[:2].sum())
        middle = (self.edges[1:] + self.edges[:-1]) / 2
        self.half = np.diff(self.edges) / 2
        self.x = middle[:, None] + self.half[:, None] * points
        self.pull = drift(self.x) / d
        self._solve()

    def _solve(self) -> None:
        inner, to_b = slice(self.at_a, self.at_b), slice(0, self.at_b)
        between = self.edges[self.at_a : self.at_b + 1]
        before_b = self.edges[: self.at_b + 1]
        everywhere = slice(None)
        p = self._solution(-self.pull, 0 * self.x, 1.0, everywhere)
        self.p = p / self._integral(p, everywhere)[-1, -1]
        slope = self._solution(self.pull[inner], 0 * self.x[inner], 1.0, inner)
        rise = self._integral(slope, inner)
        self.q_slope, self.q = slope / rise[-1, -1], rise / rise[-1, -1]
        self.committor = _Field(between, self.q)
        self.density = _Field(self.edges, self.p)
        # Passage: T' = -g with D g' + b g = 1 from the reflecting end.
        one = np.ones_like(self.x) / self.d
        g = self._solution(self.pull[to_b], one[to_b], 0.0, to_b)
        self.passage = _Field(before_b, self._integral_to_right(g, to_b))
        # Exit: the same from a, less what the committor takes away.
        g = self._solution(self.pull[inner], one[inner], 0.0, inner)
        fall = self._integral(g, inner)
        self.exit = _Field(between, fall[-1, -1] * self.q - fall)

    def _solution(
        self, c: np.ndarray, f: np.ndarray, start: float, part: slice
    ) -> np.ndarray:
        """Solve y' + c y = f with y = start at the left end of the panels `part`."""
        half = self.half[part][:, None, None]
        matrix = self.derivative + half * c[..., None] * np.eye(DEGREE + 1)
        matrix[:, 0] = np.eye(DEGREE + 1)[0]  # first row: the value at the left edge
        right = np.zeros((*c.shape, 2))
        right[:, 0, 0] = 1  # grows from 1 without f ...
        right[:, 1:, 1] = (half[..., 0] * f)[:, 1:]  # ... and from 0 with it
        free, driven = np.moveaxis(np.linalg.solve(matrix, right), -1, 0)
        starts = np.empty(len(c))
        for panel in range(len(c)):
            starts[panel] = start
            start = start * free[panel, -1] + driven[panel, -1]
        return starts[:, None] * free + driven

    def _integral(self, f: np.ndarray, part: slice) -> np.ndarray:
        """Integral of f from the left end of the panels `part`."""
        within = f @ self.integration.T * self.half[part][:, None]
        done = np.cumsum(within[:, -1])
        return within + np.concatenate([[0], done[:-1]])[:, None]

    def _integral_to_right(self, f: np.ndarray, part: slice) -> np.ndarray:
        """Integral of f to the right end of `part`; exact also close to that end."""
        mirrored = f[:, ::-1] @ self.integration.T * self.half[part][:, None]
        done = np.cumsum(mirrored[::-1, -1])[::-1]
        return mirrored[:, ::-1] + np.concatenate([done[1:], [0]])[:, None]

    def flux(self) -> np.ndarray:
        """D p q' at all nodes between the sets: one number if all is right."""
        return self.d * self.p[self.at_a : self.at_b] * self.q_slope

    def share(self, left: float, right: float) -> float:
        """Stationary chance to lie between two edges of sets or box."""
        first, last = np.searchsorted(self.edges, (left, right))
        part = slice(first, last)
        return float(self._integral(self.p[part], part)[-1, -1])

    def last(self) -> float:
        """Share of the time in which the right set was visited last."""
        inner = slice(self.at_a, self.at_b)
        part = self._integral(self.p[inner] * self.q, inner)[-1, -1]
        return float(part) + self.share(self.edges[self.at_b], self.edges[-1])

    def reactive(self) -> float:
        """Share of the time on the way from left to right."""
        inner = slice(self.at_a, self.at_b)
        weight = self.p[inner] * self.q * (1 - self.q)
        return float(self._integral(weight, inner)[-1, -1])


def _panel_count(system: Diffusion) -> int:
    (low, high), *_ = system.box
    x, h = np.linspace(low, high, 4 * PANELS + 1, retstep=True)
    pull = _drift(system, x) / system.D
    check_height(np.ptp(np.cumsum(pull)) * h, system)
    return max(PANELS, int(np.ceil(np.abs(pull).max() * (high - low) / STEEP)))


def _drift(system: Diffusion, x: np.ndarray) -> np.ndarray:
    return system.drift(x[..., None])[..., 0]
