"""The nonlinear Fokker-Planck equation of cells that are drawn to their mean."""

import numpy as np
from scipy.linalg import solve_banded

from cellstate.systems._routes._jump_process import bernoulli

CELLS = 600  # of the grid for the mean
PAIRS = 150  # of cells of the grid for its growth, one of each at either side of 0
STEP = 0.5  # of time, implicit in the density, explicit in the mean
STILL = 1e-13  # change of the mean per step at which it has settled
LONGEST = 40_000  # steps


def settled_mean(d: float, coupling: float, ends: tuple[float, float]) -> float:
    """Mean after a long time of cells that all start at 1.

    Finite volumes with exponentially fitted fluxes: the stationary law at a given mean
    is exact at the centres of the cells.

    Parameters
    ----------
    d, coupling
        Diffusion and coupling.
    ends
        Ends of the grid.

    Raises
    ------
    FloatingPointError
        The mean still moves after 40,000 steps: D is too close to critical.
    """
    x, h = _centres(ends, CELLS)
    p = np.exp(-((x - 1) ** 2) / (2 * d))
    p, mean = p / p.sum(), 1.0
    for _ in range(LONGEST):
        up, down = _jumps(x, h, d, coupling, mean)
        leave = np.append(up, 0) + np.append(0, down)
        matrix = np.zeros((3, x.size))
        matrix[0, 1:], matrix[2, :-1] = -STEP * down, -STEP * up
        matrix[1] = 1 + STEP * leave
        p = solve_banded((1, 1), matrix, p)
        before, mean = mean, float(x @ p / p.sum())
        if abs(mean - before) < STILL:
            return mean
    raise FloatingPointError(
        f"the mean still moves by {abs(mean - before):.1e} per step at D = {d:g}, "
        f"coupling = {coupling:g}. Take D further from the critical one."
    )


def growth_of_mean(d: float, coupling: float, ends: tuple[float, float]) -> float:
    """Leading odd eigenvalue of the equation linearised about mean 0, 1/time.

    Its zero is as exact as the stationary law, elsewhere the error is of the order of
    the square of a cell, about 1e-5.

    Parameters as in `settled_mean`.
    """
    x, h = _centres(ends, 2 * PAIRS)
    up, down = _jumps(x, h, d, coupling, 0.0)
    matrix = np.diag(up, -1) + np.diag(down, 1)
    matrix -= np.diag(matrix.sum(axis=0))
    energy = x**4 / 4 - (1 - coupling) * x**2 / 2
    p = np.exp((energy.min() - energy) / d)
    p = p / p.sum()
    # A small mean adds a flux over every link, by the slopes of the two jump rates.
    slope = coupling * h / d
    above, below = _slope_of_jumps(x, h, d, coupling)
    flux = slope * (above * p[:-1] - below * p[1:])
    push = np.append(0, flux) - np.append(flux, 0)
    matrix += np.outer(push, x)
    odd = matrix[PAIRS:, PAIRS:] - matrix[PAIRS:, :PAIRS][:, ::-1]
    return float(np.linalg.eigvals(odd).real.max())


def _centres(ends: tuple[float, float], n: int) -> tuple[np.ndarray, float]:
    """Centres and width of n cells."""
    h = (ends[1] - ends[0]) / n
    return ends[0] + (np.arange(n) + 0.5) * h, h


def _climb(x: np.ndarray, d: float, coupling: float, mean: float) -> np.ndarray:
    """Difference of V / D over every link."""
    energy = x**4 / 4 - (1 - coupling) * x**2 / 2 - coupling * mean * x
    return np.diff(energy) / d


def _jumps(
    x: np.ndarray, h: float, d: float, coupling: float, mean: float
) -> tuple[np.ndarray, np.ndarray]:
    """Rates up and down every link."""
    climb = _climb(x, d, coupling, mean)
    return d / h**2 * bernoulli(climb), d / h**2 * bernoulli(-climb)


def _slope_of_jumps(
    x: np.ndarray, h: float, d: float, coupling: float
) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives of the rates up and down by minus V / D over the link, at mean 0."""
    climb = _climb(x, d, coupling, 0.0)
    fitted = bernoulli(climb)
    # B'(u) = B (1 - B - u) / u, near -1/2 + u/6 at 0; B(-u) = B(u) + u.
    flat = np.abs(climb) < 1e-5
    safe = np.where(flat, 1.0, climb)
    slope = np.where(flat, -0.5 + climb / 6, fitted * (1 - fitted - climb) / safe)
    return -d / h**2 * slope, -d / h**2 * (slope + 1)
