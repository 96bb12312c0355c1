"""Steps along tracks as rows: the Gaussian law of an increment."""

from dataclasses import dataclass, replace

import numpy as np

from cellstate.flow._neural._model import NeuralModel
from cellstate.flow._neural._rows import Rows, apply, blocks, joined
from cellstate.flow._neural._stored import Frame
from cellstate.sde import Steps


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
    pieces = blocks(len(moves.dt))
    parts = [_step_block(base, moves, piece, rng) for piece in pieces]
    return joined([p[0] for p in parts]), joined([p[1] for p in parts])


def left_by_drift(rows: Spreads, correction: np.ndarray) -> Spreads:
    """Residuals once the mean correction (n, d) is known."""
    return replace(rows, residual=rows.residual - apply(rows.matrix, correction))


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
    kick = np.sqrt(hours) * apply(law.root, signs)
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
        residual=apply(white, left),
        matrix=white @ carried,
        lean=_lean(law, white, carried, signs / np.sqrt(hours)),
        weight=np.ones(len(dt)),
        unit=moves.unit[block],
    )
    own = np.linalg.inv(law.whole_root)
    noise = None if law.noise is None else own @ law.noise @ own.transpose(0, 2, 1)
    return rows, Spreads(start, t, apply(own, left), own @ carried, noise)


def _lean(
    law: _StepLaw, white: np.ndarray, carried: np.ndarray, signs: np.ndarray
) -> np.ndarray:
    """Vector k with ``E[k . (J s)] = tr(K J)``, the part that noise adds to the loss.

    J is the slope of the correction, s the spread ``root @ z``, z signs times
    sqrt(dt); hence ``k = K' inv(root') z / dt``. The correction is evaluated where the
    base has carried the step's beginning: K has F for that, too.
    """
    if law.moved_noise is None:
        return np.zeros(signs.shape)
    upright = np.linalg.solve(law.root.transpose(0, 2, 1), signs[..., None])
    pull = carried.transpose(0, 2, 1) @ white.transpose(0, 2, 1) @ white
    carry_back = law.carry.transpose(0, 2, 1)
    return (pull @ law.moved_noise @ carry_back @ upright)[..., 0]
