"""What snapshots tell about a drift when the diffusion is known.

For any function f of the state the mean over the cells obeys
``d/dt E[f] = E[b . grad f + D : hess f + (g - E[g]) f]``, the weak form of the
Fokker-Planck equation with growth g. It is linear in the drift, so its rows add to the
equations of the tracks; no plan of who became whom is needed, and no assumption on the
circulation, which it leaves to the tracks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.stats import chi2
from sklearn.covariance import ledoit_wolf

from cellstate.flow._basis import FieldBasis, blocks, n_monomials, polynomials
from cellstate.flow._design import Design

HIGHEST = 4  # degree of the test functions
CELLS_EACH = 5  # cells per test function in the smallest snapshot, at least
LEAST = 10  # cells of a snapshot
FLATTEST = 1e-8

Field = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Snapshots:
    """Cells at a few times, each seen once.

    Attributes
    ----------
    x
        States of each time, (n_k, d).
    times
        Hours, increasing, (k,).
    """

    x: tuple[np.ndarray, ...]
    times: np.ndarray


@dataclass(frozen=True, eq=False)
class WeakForm:
    """Rows ``F c = m`` between consecutive snapshots, and their weights.

    Attributes
    ----------
    snapshots
        The cells.
    tests
        Functions whose means are followed; the constant says nothing.
    known
        Part of d/dt E[f] that is no drift, of each time, (k, r).
    rates
        Observed d/dt E[f] per interval, (k - 1, r).
    weights
        Inverse covariance of each interval's rows, (k - 1, r, r).
    """

    snapshots: Snapshots
    tests: FieldBasis
    known: np.ndarray
    rates: np.ndarray
    weights: np.ndarray

    def equations(self, design: Design) -> tuple[np.ndarray, np.ndarray]:
        """What the rows add to the equations of a design, (q, q) and (q,)."""
        means = [_mean_gain(x, self.tests, design) for x in self.snapshots.x]
        a, b = np.zeros((design.size, design.size)), np.zeros(design.size)
        for k, weight in enumerate(self.weights):
            rows = (means[k] + means[k + 1]) / 2
            target = self.rates[k] - (self.known[k] + self.known[k + 1]) / 2
            a += rows.T @ weight @ rows
            b += rows.T @ weight @ target
        return a, b

    def agreement(
        self, design: Design, coefficients: np.ndarray, covariance: np.ndarray
    ) -> float:
        """Chance of rows as far from a drift fitted to other cells as these.

        Small where tracks and snapshots do not follow one law: the drift changes with
        time, or the two were measured differently.
        """
        means = [_mean_gain(x, self.tests, design) for x in self.snapshots.x]
        left, rows, spread = [], [], []
        for k, weight in enumerate(self.weights):
            own = (means[k] + means[k + 1]) / 2
            target = self.rates[k] - (self.known[k] + self.known[k + 1]) / 2
            values, vectors = np.linalg.eigh(weight)
            keep = values > FLATTEST * values.max()
            whiten = (vectors[:, keep] * np.sqrt(values[keep])).T
            left.append(whiten @ (target - own @ coefficients))
            rows.append(whiten @ own)
            spread.append(np.eye(int(keep.sum())))
        left, rows = np.concatenate(left), np.concatenate(rows)
        total = np.eye(len(left)) + rows @ covariance @ rows.T
        statistic = float(left @ np.linalg.solve(total, left))
        return float(chi2.sf(statistic, len(left)))


def weak_form(
    snapshots: Snapshots,
    drift: Field,
    diffusion: Field,
    growth: Field | None = None,
) -> WeakForm:
    """Rows of consecutive snapshots, weighted by how sure their means are.

    Parameters
    ----------
    snapshots
        At least two times of at least 10 cells.
    drift
        A first guess (n, d) -> (n, d), which only sets the weights.
    diffusion
        D, (n, d) -> (n, d, d) per h.
    growth
        Growth rate, (n, d) -> (n,) 1/h; None for none.
    """
    least = min(len(x) for x in snapshots.x)
    d, degree = snapshots.x[0].shape[1], 1
    while degree < HIGHEST and n_monomials(d, degree + 1) * CELLS_EACH <= least:
        degree += 1
    tests = polynomials(np.concatenate(snapshots.x), degree)
    parts = [_parts(x, tests, drift, diffusion, growth) for x in snapshots.x]
    known = np.array([part.known.mean(axis=0) for part in parts])
    means = np.array([part.values.mean(axis=0) for part in parts])
    gains = np.array([part.gain.mean(axis=0) for part in parts])
    spans = np.diff(snapshots.times)
    slack = _quadrature_error(snapshots.times, gains + known)
    weights = []
    for k, span in enumerate(spans):
        covariance = np.diag(slack[k] ** 2)
        for part, sign in ((parts[k], -1.0), (parts[k + 1], 1.0)):
            seen = sign * part.values / span - (part.gain + part.known) / 2
            covariance += _shrunk(seen) / len(seen)
        weights.append(_inverse(covariance))
    return WeakForm(
        snapshots=snapshots,
        tests=tests,
        known=known,
        rates=np.diff(means, axis=0) / spans[:, None],
        weights=np.array(weights),
    )


@dataclass(frozen=True, eq=False)
class _Parts:
    """Of every cell and test function, (n, r): value, drift's gain, other gains."""

    values: np.ndarray
    gain: np.ndarray
    known: np.ndarray


def _parts(
    x: np.ndarray,
    tests: FieldBasis,
    drift: Field,
    diffusion: Field,
    growth: Field | None,
) -> _Parts:
    values = tests(x)[:, 1:]
    gain = np.einsum("nir,ni->nr", tests.slopes(x)[:, :, 1:], drift(x), optimize=True)
    known = tests.curvature(x, diffusion(x))[:, 1:]
    if growth is not None:
        rate = growth(x)
        # Centred, so that the mean of f itself, which sampling moves, has no part.
        known = known + (rate - rate.mean())[:, None] * (values - values.mean(axis=0))
    return _Parts(values, gain, known)


def _mean_gain(x: np.ndarray, tests: FieldBasis, design: Design) -> np.ndarray:
    """Mean over cells of grad f . B for every test f and field B, (r, q)."""
    total = np.zeros((tests.size - 1, design.size))
    for part in blocks(len(x)):
        slopes = tests.slopes(x[part])[:, :, 1:]
        r, q = slopes.shape[2], design.size
        fields = design.columns(x[part])
        total += slopes.reshape(-1, r).T @ fields.reshape(-1, q)
    return total / len(x)


def _quadrature_error(times: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """What a mean of two times misses of the gain between them, (k - 1, r).

    Judged by a cubic through all times; rows that change too fast to be followed
    then weigh little. With two times there is nothing to judge by, and the change
    itself, over 12, stands in.
    """
    halves = (gains[1:] + gains[:-1]) / 2
    if len(times) < 3:
        return np.abs(np.diff(gains, axis=0)) / 12
    spline = CubicSpline(
        times, gains, bc_type="natural" if len(times) < 4 else "not-a-knot"
    )
    exact = np.array(
        [
            spline.integrate(start, stop) / (stop - start)
            for start, stop in pairwise(times)
        ]
    )
    return np.abs(exact - halves)


def _shrunk(seen: np.ndarray) -> np.ndarray:
    """Covariance of the columns, shrunk in units of their own spread."""
    spread = seen.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    return ledoit_wolf(seen / spread)[0] * np.outer(spread, spread)


def _inverse(covariance: np.ndarray) -> np.ndarray:
    scale = np.sqrt(np.diag(covariance))
    scale = np.where(scale > 0, scale, 1.0)
    values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    keep = values > FLATTEST * values.max()
    inverse = (vectors[:, keep] / values[keep]) @ vectors[:, keep].T
    return inverse / np.outer(scale, scale)
