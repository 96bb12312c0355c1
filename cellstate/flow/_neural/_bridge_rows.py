"""Points on bridges between coupled cells as rows."""

import numpy as np

from cellstate.flow._neural._given import Bridges
from cellstate.flow._neural._model import NeuralModel
from cellstate.flow._neural._rows import Kicks, Rows, apply, blocks, joined

FIRST, LAST = 0.02, 0.95  # share of a bridge that is used: its ends have no width


def bridge_rows(
    base: NeuralModel,
    bridges: Bridges,
    unit: np.ndarray,
    n_points: int,
    rng: np.random.Generator,
) -> tuple[Rows, Kicks]:
    """Rows of points on Brownian bridges between coupled cells.

    At share s of the way from x0 to x1 in T hours the bridge is Gaussian, with mean
    ``(1 - s) x0 + s x1`` and covariance ``2 D T s (1 - s)``, and it moves on with
    drift ``(x1 - x) / (T (1 - s))``. The drift whose paths lie closest to all bridges
    (Kullback-Leibler) is the least-squares fit to these.
    """
    pair = np.repeat(np.arange(len(unit)), n_points)
    rng.shuffle(pair)  # so that a block holds every time
    parts = [
        _bridge_block(base, bridges, unit, n_points, rng, pair[block])
        for block in blocks(pair.size)
    ]
    return joined([p[0] for p in parts]), joined([p[1] for p in parts])


def _bridge_block(
    base: NeuralModel,
    bridges: Bridges,
    unit: np.ndarray,
    n_points: int,
    rng: np.random.Generator,
    pair: np.ndarray,
) -> tuple[Rows, Kicks]:
    hours, weight = (bridges.t1 - bridges.t0)[pair], bridges.weight[pair]
    x0, x1 = bridges.x0[pair], bridges.x1[pair]
    share = FIRST + (LAST - FIRST) * rng.random(pair.size)
    mean = x0 + share[:, None] * (x1 - x0)
    t = bridges.t0[pair] + share * hours
    root = np.linalg.cholesky(base.diffusion(mean, t))
    wide = np.sqrt(2 * hours * share * (1 - share))[:, None, None] * root
    normal = rng.standard_normal(mean.shape)
    at = mean + apply(wide, normal)
    target = (x1 - at) / (hours * (1 - share))[:, None]
    inverse = np.linalg.inv(root) / np.sqrt(2)
    none = np.zeros_like(at)
    rows = Rows(
        center=at,
        spread=none,
        ahead=none[:, 0],
        time=t,
        residual=apply(inverse, target - base.drift(at, t)),
        matrix=inverse,
        lean=none,
        # |target - b|^2 / (4 D) per hour; the points of a bridge share its hours.
        weight=weight * hours / n_points,
        unit=unit[pair],
    )
    return rows, Kicks(at, t, wide, normal, weight / weight.mean(), unit[pair])
