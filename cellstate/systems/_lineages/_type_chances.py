"""Chances about all descendants of a cell: quadratic equations of its type."""

import numpy as np
from scipy.integrate import solve_ivp

NEWTON = 200  # steps at most; they only halve the error where growth is critical
LONG = 1e6  # fastest times after which a chance counts as settled at the latest
SLOW = 1e-10  # speed, relative to the fastest rate, at which it has settled


class TypeChances:
    """``division (p^2 - p) + death (1 - p) + switching of p = 0`` for chances p (m,).

    p_i is the chance that something holds for all descendants of a cell of type i.

    Parameters
    ----------
    division, death
        Rates per type, shape (m,).
    switching
        Rates from type to type with an empty diagonal, shape (m, m).
    """

    def __init__(
        self, division: np.ndarray, death: np.ndarray, switching: np.ndarray
    ) -> None:
        self.division, self.death, self.links = division, death, switching > 0
        self.switch = switching - np.diag(switching.sum(axis=1))
        leave = division + death - self.switch.diagonal()
        self.fastest = float(leave.max()) or 1.0

    def flow(self, p: np.ndarray) -> np.ndarray:
        """Speed of the chances in the backward equation, shape (m,)."""
        pairs = self.division * p * (p - 1)
        return pairs + self.death * (1 - p) + self.switch @ p

    def leading_to(self, goal: np.ndarray, closed: np.ndarray) -> np.ndarray:
        """Types from which switching can lead to a goal without meeting `closed`."""
        found = goal & ~closed
        for _ in goal:
            found |= (self.links @ found) & ~closed
        return found

    def smallest(self, fixed: np.ndarray) -> np.ndarray:
        """Smallest solution of the equation where `fixed` (m,) is NaN.

        The equation is convex: Newton's method climbs from 0 and never passes it.
        """
        free = np.isnan(fixed)
        p = np.where(free, 0.0, fixed)
        if not free.any():
            return p
        for _ in range(NEWTON):
            slope = np.diag(self.division * (2 * p - 1) - self.death) + self.switch
            flow = self.flow(p)[free]
            if np.abs(flow).max() <= np.finfo(float).tiny:
                break
            step = np.linalg.solve(slope[np.ix_(free, free)], flow)
            p[free] = np.clip(p[free] - step, 0, 1)
            # Rounding of the flow moves a double root by about 1e-8.
            if np.abs(step).max() < 1e-15 or np.abs(flow).max() < 1e-17 * self.fastest:
                break
        return p

    def after(self, t: float | None, start: np.ndarray, held: np.ndarray) -> np.ndarray:
        """Chances a time t after `start` (m,); None: when nothing moves any more.

        `held` (m,) marks types whose chance does not move.
        """

        def flow(_: float, p: np.ndarray) -> np.ndarray:
            return np.where(held, 0.0, self.flow(p))

        def moving(_: float, p: np.ndarray) -> float:
            return float(np.abs(flow(_, p)).max() - SLOW * self.fastest)

        moving.terminal = True
        found = solve_ivp(
            flow,
            (0, LONG / self.fastest if t is None else t),
            start,
            method="LSODA",
            rtol=1e-10,
            atol=1e-12,
            events=moving if t is None else None,
        )
        return np.clip(found.y[:, -1], 0, 1)
