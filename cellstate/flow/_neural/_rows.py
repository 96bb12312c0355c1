"""What a training sees: whitened residuals of the base, precomputed once.

Every row, a step along a track or a point on a bridge between coupled cells, ends in
the same form. With c the correction that is learned, the loss of a row is::

    weight * (|residual - matrix @ c_mean|^2 / 2 - lean . c_half)

where ``c_mean`` and ``c_half`` are half the sum and half the difference of c at the two
points ``center + spread`` and ``center - spread``.
"""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from cellstate.flow._neural._model import Frame, NeuralModel
from cellstate.sde import Steps

BLOCK = 20_000
FIRST, LAST = 0.02, 0.95  # share of a bridge that is used: its ends have no width


@dataclass(frozen=True, eq=False)
class Bridges:
    """Pairs of cells that a plan couples.

    Attributes
    ----------
    x0, x1
        States at the two times, (p, d).
    t0, t1
        Times (h), (p,).
    weight
        How many observed cells each pair stands for, (p,).
    """

    x0: np.ndarray
    x1: np.ndarray
    t0: np.ndarray
    t1: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True, eq=False)
class Births:
    """Divisions and deaths seen while cells were watched.

    Attributes
    ----------
    x, time
        States (k, d) and times (h) (k,) at which cells were watched.
    hours
        For how long, (k,).
    net
        Divisions less deaths in that time, (k,).
    group
        Code of the lineage, (k,).
    """

    x: np.ndarray
    time: np.ndarray
    hours: np.ndarray
    net: np.ndarray
    group: np.ndarray


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of one source, see above.

    Attributes
    ----------
    center, spread
        (n, d).
    ahead
        Hours by which `center` is moved along the correction, (n,).
    time
        Hours, (n,).
    residual
        (n, d).
    matrix
        (n, d, d).
    lean
        (n, d); 0 without measurement noise.
    weight
        (n,).
    unit
        Code of what is held out whole, (n,).
    """

    center: np.ndarray
    spread: np.ndarray
    ahead: np.ndarray
    time: np.ndarray
    residual: np.ndarray
    matrix: np.ndarray
    lean: np.ndarray
    weight: np.ndarray
    unit: np.ndarray

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(self.time)


@dataclass(frozen=True, eq=False)
class Kicks:
    """Noise that put each point on its bridge, for the score.

    Attributes
    ----------
    x, time
        Points (n, d) and times (n,).
    root, normal
        A point is its mean plus ``root @ normal``, (n, d, d) and (n, d).
    weight, unit
        (n,).
    """

    x: np.ndarray
    time: np.ndarray
    root: np.ndarray
    normal: np.ndarray
    weight: np.ndarray
    unit: np.ndarray


@dataclass(frozen=True, eq=False)
class Moves:
    """Steps as pairs of states.

    Attributes
    ----------
    start, stop
        States at the two ends, (m, d).
    time, dt
        Hours, (m,).
    unit
        Code of what is held out whole, (m,).
    noise
        Covariance of the measurement noise of a position, (m, d, d), or None.
    """

    start: np.ndarray
    stop: np.ndarray
    time: np.ndarray
    dt: np.ndarray
    unit: np.ndarray
    noise: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Spreads:
    """Steps as the diffusion needs them.

    Attributes
    ----------
    x, time
        States (n, d) and times (n,).
    residual, matrix
        ``residual - matrix @ c_mean`` is what the drift leaves of the increment, in
        units of the noise by the base's diffusion, (n, d) and (n, d, d).
    noise
        Its covariance due to measurement noise, (n, d, d), or None.
    """

    x: np.ndarray
    time: np.ndarray
    residual: np.ndarray
    matrix: np.ndarray
    noise: np.ndarray | None


def moves_of(
    x: np.ndarray,
    time: np.ndarray,
    steps: Steps,
    unit: np.ndarray,
    noise: np.ndarray | None,
) -> Moves:
    """Pairs of states from rows of tracks."""
    start, stop = x[steps.first], x[steps.second]
    each = None if noise is None else np.repeat(noise[None], steps.size, axis=0)
    return Moves(start, stop, time[steps.first], steps.dt, unit, each)


def turned_moves(moves: Moves, frame: Frame, rng: np.random.Generator) -> Moves:
    """Move every step by an element of the symmetry drawn at random."""
    if frame.group is None:
        return moves
    turns = frame.group[rng.integers(len(frame.group), size=len(moves.dt))]
    start, stop = (
        frame.fixed_point + np.einsum("nij,nj->ni", turns, x - frame.fixed_point)
        for x in (moves.start, moves.stop)
    )
    noise = moves.noise
    if noise is not None:
        noise = turns @ noise @ turns.transpose(0, 2, 1)
    return replace(moves, start=start, stop=stop, noise=noise)


def step_rows(
    base: NeuralModel, moves: Moves, rng: np.random.Generator
) -> tuple[Rows, Spreads]:
    """Rows of steps along tracks, for the drift and for the diffusion.

    The law of an increment is taken as Gaussian. Its mean is right to the second order
    in dt: with J the Jacobian of the base's drift, ``F = exp(dt J / 2)`` and c the
    correction, it is that of the base plus ``dt F c``, where c is averaged over the
    first half of the step. Its covariance is ``2 dt F D F'`` plus measurement noise of
    both ends. Noise of the first end also enters the states at which drifts are
    evaluated; what this adds to the loss on average is subtracted (Stein's identity),
    to the first order in the noise. Noise also correlates successive increments: the
    loss treats them as independent, which biases nothing and wastes some precision.
    """
    blocks = _blocks(len(moves.dt))
    parts = [_step_block(base, moves, block, rng) for block in blocks]
    return _joined([p[0] for p in parts]), _joined([p[1] for p in parts])


def left_by_drift(rows: Spreads, correction: np.ndarray) -> Spreads:
    """Residuals once the mean correction (n, d) is known."""
    return replace(rows, residual=rows.residual - _apply(rows.matrix, correction))


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
        for block in _blocks(pair.size)
    ]
    return _joined([p[0] for p in parts]), _joined([p[1] for p in parts])


class _StepLaw:
    """Gaussian law of the increments of steps from x that take dt."""

    def __init__(self, base: NeuralModel, moves: Moves, block: slice) -> None:
        x, t, dt = moves.start[block], moves.time[block], moves.dt[block]
        self.drift = base.drift(x, t)
        half = base.jacobian(x, t) * (dt / 2)[:, None, None]
        self.carry = np.eye(x.shape[1]) + half + half @ half / 2
        self.root = np.linalg.cholesky(base.diffusion(x, t))
        self.whole_root = np.sqrt(2 * dt)[:, None, None] * (self.carry @ self.root)
        self.noise = self.moved_noise = None
        if moves.noise is not None:
            noise, whole = moves.noise[block], self.carry @ self.carry
            self.moved_noise = whole @ noise
            self.noise = noise + self.moved_noise @ whole.transpose(0, 2, 1)

    def whitening(self) -> np.ndarray:
        """Matrix that gives an increment unit covariance, (n, d, d)."""
        if self.noise is None:
            return np.linalg.inv(self.whole_root)
        covariance = self.whole_root @ self.whole_root.transpose(0, 2, 1) + self.noise
        return np.linalg.inv(np.linalg.cholesky(covariance))


def _step_block(
    base: NeuralModel, moves: Moves, block: slice, rng: np.random.Generator
) -> tuple[Rows, Spreads]:
    law = _StepLaw(base, moves, block)
    start, t, dt = moves.start[block], moves.time[block], moves.dt[block]
    hours, signs = dt[:, None], rng.choice([-1.0, 1.0], size=start.shape)
    kick = np.sqrt(hours) * _apply(law.root, signs)
    there, wide = start + hours * law.drift, np.sqrt(2) * kick
    later = (base.drift(there + wide, t + dt) + base.drift(there - wide, t + dt)) / 2
    left = moves.stop[block] - start - hours / 2 * (law.drift + later)
    carried = hours[..., None] * law.carry
    white = law.whitening()
    rows = Rows(
        center=start + hours / 2 * law.drift,
        spread=kick,
        ahead=dt / 2,
        time=t + dt / 2,
        residual=_apply(white, left),
        matrix=white @ carried,
        lean=_lean(law, white, carried, signs / np.sqrt(hours)),
        weight=np.ones(len(dt)),
        unit=moves.unit[block],
    )
    own = np.linalg.inv(law.whole_root)
    noise = None if law.noise is None else own @ law.noise @ own.transpose(0, 2, 1)
    return rows, Spreads(start, t, _apply(own, left), own @ carried, noise)


def _lean(
    law: _StepLaw, white: np.ndarray, carried: np.ndarray, signs: np.ndarray
) -> np.ndarray:
    """Vector k with ``E[k . (J s)] = tr(K J)``, the part that noise adds to the loss.

    J is the slope of the correction, s the spread ``root @ z``, z signs times
    sqrt(dt); hence ``k = K' inv(root') z / dt``.
    """
    if law.moved_noise is None:
        return np.zeros(signs.shape)
    upright = np.linalg.solve(law.root.transpose(0, 2, 1), signs[..., None])
    pull = carried.transpose(0, 2, 1) @ white.transpose(0, 2, 1) @ white
    return (pull @ law.moved_noise @ upright)[..., 0]


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
    at = mean + _apply(wide, normal)
    target = (x1 - at) / (hours * (1 - share))[:, None]
    inverse = np.linalg.inv(root) / np.sqrt(2)
    none = np.zeros_like(at)
    rows = Rows(
        center=at,
        spread=none,
        ahead=none[:, 0],
        time=t,
        residual=_apply(inverse, target - base.drift(at, t)),
        matrix=inverse,
        lean=none,
        # |target - b|^2 / (4 D) per hour; the points of a bridge share its hours.
        weight=weight * hours / n_points,
        unit=unit[pair],
    )
    return rows, Kicks(at, t, wide, normal, weight / weight.mean(), unit[pair])


def _joined(parts: list) -> Any:
    """Join blocks of rows."""

    def join(name: str) -> np.ndarray | None:
        pieces = [getattr(part, name) for part in parts]
        return None if pieces[0] is None else np.concatenate(pieces)

    return type(parts[0])(**{f.name: join(f.name) for f in fields(parts[0])})


def _apply(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    return np.einsum("nij,nj->ni", matrices, vectors)


def _blocks(n: int) -> list[slice]:
    return [slice(start, start + BLOCK) for start in range(0, n, BLOCK)]
