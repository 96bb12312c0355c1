"""States where a drift is zero."""

import numpy as np
import pandas as pd
from scipy.optimize import root

from cellstate.flow._support import Support

STARTS = 40  # drawn as the visited states are, and as many spread evenly over them
SAME = 1e-3  # distance, in units of the states' spread, of one point found twice
ZERO = 1e-8  # drift of a fixed point, relative to that of visited states


def fixed_points(model, support: Support, t: float) -> pd.DataFrame:
    """Newton's method from states spread over the visited ones."""
    x = support.points
    starts = np.concatenate([x[:: max(1, len(x) // STARTS)], _apart(x, support.scale)])
    speed = float(np.sqrt((model.drift(x, t) ** 2).sum(axis=1).mean())) or 1.0
    found: list[np.ndarray] = []
    for start in starts:
        solved = root(
            lambda y: model.drift(y[None], t)[0],
            start,
            jac=lambda y: model.jacobian(y[None], t)[0],
            options={"xtol": 1e-12},
        )
        if np.linalg.norm(solved.fun) > ZERO * speed:
            continue
        near = [np.abs((solved.x - f) / support.scale).max() < SAME for f in found]
        if not any(near) and np.isfinite(solved.x).all():
            found.append(solved.x)
    points = np.array(found).reshape(-1, x.shape[1])
    outside = support.outside(points) if len(points) else np.zeros(0, dtype=bool)
    return _table(model, points, outside, t)


def _apart(x: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Visited states far from one another: saddles lie where cells are rare."""
    chosen, away = [0], np.full(len(x), np.inf)
    for _ in range(min(STARTS, len(x)) - 1):
        gap = np.linalg.norm((x - x[chosen[-1]]) / scale, axis=1)
        away = np.minimum(away, gap)
        chosen.append(int(away.argmax()))
    return x[chosen]


def _table(model, points: np.ndarray, outside: np.ndarray, t: float) -> pd.DataFrame:
    d = points.shape[1]
    names = [f"x{i}" for i in range(d)] + [f"se{i}" for i in range(d)]
    rows = []
    for point, out in zip(points, outside, strict=True):
        slope = model.jacobian(point[None], t)[0]
        rates = np.linalg.eigvals(slope).real
        kind = "saddle"
        if (rates < 0).all() or (rates > 0).all():
            kind = "stable" if rates[0] < 0 else "unstable"
        errors = _errors(model, point, slope, t)
        rows.append((*point, *errors, kind, rates.min(), rates.max(), bool(out)))
    table = pd.DataFrame(
        rows, columns=[*names, "kind", "fastest", "slowest", "extrapolated"]
    )
    order = table["kind"].map({"stable": 0, "saddle": 1, "unstable": 2})
    return table.iloc[np.argsort(order.to_numpy(), kind="stable")].reset_index(
        drop=True
    )


def _errors(model, point: np.ndarray, slope: np.ndarray, t: float) -> np.ndarray:
    """Standard errors of a fixed point: those of the drift there, over its slope."""
    if not hasattr(model, "drift_covariance"):
        return np.full(point.size, np.nan)
    inverse = np.linalg.pinv(slope)
    covariance = inverse @ model.drift_covariance(point[None])[0] @ inverse.T
    return np.sqrt(np.maximum(np.diag(covariance), 0))
