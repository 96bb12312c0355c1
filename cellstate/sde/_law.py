"""What an integrator asks of a law: drift, diffusion, growth, and how fast it is."""

from typing import Protocol

import numpy as np

SOME = 200  # states at which the fastest rate is judged
NUDGE = 1e-4  # of the spread of the states: step of the differences
ROUNDING = 1e-10  # of the largest eigenvalue: below zero only by rounding


class Law(Protocol):
    """A law of motion dX = b dt + sqrt(2 D) dW (Ito); growth is 0 where missing."""

    def drift(self, x: np.ndarray, t: float = 0.0) -> np.ndarray:
        """Drift b of states (n, d), shape (n, d), per h."""
        ...

    def diffusion(self, x: np.ndarray, t: float = 0.0) -> np.ndarray:
        """Diffusion matrix D of states (n, d), shape (n, d, d), per h."""
        ...


def growth_rate(law: Law, x: np.ndarray, t: float) -> np.ndarray:
    """Growth rate of states (n, d), shape (n,), 1/h; 0 for a law without one."""
    rate = getattr(law, "growth_rate", None)
    if rate is None or not len(x):
        return np.zeros(len(x))
    return np.broadcast_to(np.asarray(rate(x, t), dtype=float), (len(x),))


def noise_root(law: Law, x: np.ndarray, t: float) -> np.ndarray:
    """Matrices R with R R' = 2 D at states (n, d); (1, d, d) where D is the same."""
    found = np.asarray(law.diffusion(x, t), dtype=float)
    if not len(found) or found.strides[0] == 0 or (found == found[:1]).all():
        found = found[:1]
    if not np.isfinite(found).all():
        lost = ~np.isfinite(found).all(axis=(1, 2))
        raise ValueError(
            f"the diffusion is not a finite number at {int(lost.sum())} of "
            f"{lost.size} states at time {t:g} h. Snapshots alone do not fix it: give "
            "it to the fit, or follow the drift alone with cellstate.sde.push."
        )
    try:
        return np.linalg.cholesky(2 * found)
    except np.linalg.LinAlgError:
        return _symmetric_root(2 * found)


def _symmetric_root(matrices: np.ndarray) -> np.ndarray:
    """Roots of matrices that may have eigenvalues 0, but none below."""
    values, vectors = np.linalg.eigh(matrices)
    if values.min() < -ROUNDING * max(np.abs(values).max(), np.finfo(float).tiny):
        raise ValueError(
            "a diffusion matrix has no negative eigenvalue; found "
            f"{values.min() / 2:.3g} (largest {values.max() / 2:.3g}). Mend "
            "diffusion(x, t) of the law."
        )
    return vectors * np.sqrt(np.clip(values, 0, None))[:, None, :]


def is_additive(law: Law, x: np.ndarray, t: float) -> bool:
    """Whether D is the same at some of the states and at points around them."""
    some = spread_rows(x)
    reach = _extent(some)
    around = np.concatenate([some, some + reach, some - reach])
    found = np.asarray(law.diffusion(around, t), dtype=float)
    return bool(np.ptp(found, axis=0).max() <= 1e-12 * np.abs(found).max())


def fastest_rate(law: Law, x: np.ndarray, t: float) -> float:
    """Largest rate at which the law changes along a path, 1/h.

    The largest absolute eigenvalue of the drift's Jacobian, plus the rate at which
    the noise feeds on itself where it depends on the state, the sum of squared
    derivatives of sqrt(2 D); both at up to 200 of the states (n, d).
    """
    some = spread_rows(x)
    slope = drift_jacobian(law, some, t)
    known = np.isfinite(slope).all(axis=(1, 2))
    if not known.all():
        raise ValueError(
            f"the drift has no finite derivatives at {int((~known).sum())} of "
            f"{known.size} states at time {t:g} h. Start from states near those that "
            "the law was learned from."
        )
    noise = np.zeros(len(some))
    if not is_additive(law, some, t):
        for shift in _shifts(some):
            change = noise_root(law, some + shift, t) - noise_root(law, some - shift, t)
            noise = noise + (change**2).sum(axis=(1, 2)) / (2 * shift.sum()) ** 2
    rates = np.abs(np.linalg.eigvals(slope)).max(axis=1) + noise
    return float(rates.max())


def drift_jacobian(law: Law, x: np.ndarray, t: float) -> np.ndarray:
    """Derivatives d b_i / d x_j of the drift at states (n, d), shape (n, d, d)."""
    if callable(getattr(law, "jacobian", None)):
        return np.asarray(law.jacobian(x, t), dtype=float)
    columns = [
        (law.drift(x + shift, t) - law.drift(x - shift, t)) / (2 * shift.sum())
        for shift in _shifts(x)
    ]
    return np.stack(columns, axis=-1)


def spread_rows(x: np.ndarray) -> np.ndarray:
    """Up to 200 of the states, evenly spaced among the rows."""
    if len(x) <= SOME:
        return x
    return x[np.linspace(0, len(x) - 1, SOME).astype(int)]


def _shifts(x: np.ndarray) -> np.ndarray:
    """One small step along each coordinate, (d, d)."""
    return np.diag(NUDGE * _extent(x))


def _extent(x: np.ndarray) -> np.ndarray:
    """Range of the states along each axis, above 0 even for a single state, (d,)."""
    extent = np.ptp(x, axis=0)
    if not extent.max() > 0:
        return np.full(x.shape[1], max(1.0, np.abs(x).max()))
    return np.maximum(extent, 1e-3 * extent.max())
