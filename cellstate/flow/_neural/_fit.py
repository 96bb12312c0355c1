"""Train networks that correct a flow, part by part."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import choice, fraction, integer, positive
from cellstate._base.random import generator, seed_of
from cellstate.flow._neural._data import checked_data, make_frame
from cellstate.flow._neural._given import Births, Bridges
from cellstate.flow._neural._history import TrainingHistory
from cellstate.flow._neural._model import NeuralModel
from cellstate.flow._weak import Snapshots
from cellstate.sde import Steps

KINDS = ("free", "gradient", "split")
DIFFUSIONS = ("base", "network")


def fit_neural(
    base: Any,
    x: ArrayLike | None = None,
    steps: Steps | None = None,
    *,
    time: ArrayLike | None = None,
    bridges: Bridges | None = None,
    snapshots: Snapshots | None = None,
    births: Births | None = None,
    noise: ArrayLike | None = None,
    kind: str = "free",
    mobility: ArrayLike | None = None,
    circulation: float = 0.1,
    diffusion: str = "network",
    time_dependent: bool = False,
    symmetry: ArrayLike | None = None,
    fixed_point: ArrayLike | None = None,
    width: int = 64,
    depth: int = 2,
    n_epochs: int = 100,
    n_rollout_rounds: int = 0,
    batch: int | None = None,
    lr: float = 3e-3,
    weight_decay: float = 1e-2,
    patience: int = 15,
    held_out_share: float = 0.2,
    device: str = "auto",
    checkpoint: str | Path | None = None,
    rng: int | np.random.Generator | None = None,
) -> tuple[NeuralModel, TrainingHistory]:
    r"""Train networks that correct a flow where the data ask for it.

    The networks' last layers start at zero, hence training starts at the base itself.
    Parts follow each other: drift, diffusion, growth, rollouts. Each one stops when it
    no longer gains on lineages (of bridges: pairs) that were held out, goes back to its
    best epoch, and is kept only if its gain there, lineage by lineage, is above zero at
    the 5 % level; otherwise the base stands.

    Parameters
    ----------
    base
        Flow to start from: `drift`, `diffusion` and `jacobian` of (x, t), and where
        they are needed `growth_rate` and `potential`. To be stored, a result.
    x
        States, shape (n, d).
    steps
        Steps along tracks, rows of `x`.
    time
        Hours of each row, (n,); 0 when None.
    bridges
        Coupled cells of consecutive snapshots.
    snapshots
        Cells for the rollouts.
    births
        Divisions and deaths, for the growth rate.
    noise
        Covariance of the measurement noise of a position, (d, d).
    kind
        "free"; "gradient", a correction ``-M grad psi``; or "split", both.
    mobility
        M, shape (d, d); when None the base's `mobility`, or without one its mean
        diffusion over the mean eigenvalue of that.
    circulation
        What the free part of a split costs, as a share of what it would explain.
    diffusion
        "network", a function of the state that starts from the base's; or "base".
    time_dependent
        Whether networks see the time.
    symmetry
        Matrices of a group, (g, d, d), about `fixed_point` (0 when None): fields are
        averaged over it, so that ``b(R x) = R b(x)`` holds exactly.
    width, depth
        Units of a hidden layer, and number of hidden layers.
    n_epochs
        Passes over the rows, at most, for each part.
    n_rollout_rounds
        Passes with rollouts; needs `snapshots` and `bridges`.
    batch
        Rows in a step; None takes 1/25 of them, between 32 and 4096.
    lr, weight_decay
        Of AdamW. What is judged and kept are weights averaged over about two epochs.
    patience
        Epochs without a gain after which a part stops.
    held_out_share
        Of the rows, in whole lineages; with fewer than 30 of these in whole stretches
        of tracks.
    device
        "auto" (a GPU where there is one), "cpu" or "cuda".
    checkpoint
        File that is written every few epochs. A call with the same data, settings and
        seed goes on from it and ends with the same numbers as one that was never
        interrupted. Delete it to start afresh.
    rng
        Seed or Generator. On a CPU the same seed gives the same bits.

    Returns
    -------
    tuple of NeuralModel and TrainingHistory

    Raises
    ------
    ValueError
        Neither steps nor bridges; no GPU for device="cuda"; a checkpoint of other
        data.

    Notes
    -----
    A step from x in dt hours is taken as Gaussian: its mean is right to the second
    order in dt, its covariance ``2 dt F D F'``, ``F = exp(dt J / 2)``, plus measurement
    noise of both ends. Such noise also enters the state from which a step begins,
    which would pull the drift towards the crowd; the loss subtracts this to the first
    order (Stein's identity). It correlates consecutive increments too, which the loss
    leaves out: that biases nothing and wastes some precision.

    Bridges are matched without simulation, see Tong et al. (2024); the plan comes in
    and is not solved again. Brownian bridges cut corners: where the drift turns by the
    angle a from one snapshot to the next, it comes out wrong by a share of about a / 2.

    Rollouts move the cells of each snapshot to the next by the probability-flow
    equation, with a score that is learned from the bridges, and compare them by the
    energy score.

    References
    ----------
    Tong et al., Simulation-free Schroedinger bridges via score and flow matching,
    AISTATS 2024. Song et al., Score-based generative modeling through stochastic
    differential equations, ICLR 2021 (probability flow).

    Examples
    --------
    A base without drift, and 40 cells that relax at a rate of about 1 per hour.

    >>> from types import SimpleNamespace
    >>> rng, x = np.random.default_rng(0), np.zeros((40, 101, 1))
    >>> for k in range(100):
    ...     x[:, k + 1] = 0.9 * x[:, k] + 0.3 * rng.standard_normal((40, 1))
    >>> base = SimpleNamespace(
    ...     drift=lambda x, t: np.zeros(x.shape),
    ...     jacobian=lambda x, t: np.zeros((len(x), 1, 1)),
    ...     diffusion=lambda x, t: np.full((len(x), 1, 1), 0.45),
    ... )
    >>> first = np.flatnonzero(np.arange(4040) % 101 < 100)
    >>> steps = Steps(first, first + 1, first - 1, np.full(4000, 0.1), first // 101)
    >>> model, history = fit_neural(
    ...     base, x.reshape(-1, 1), steps, width=16, n_epochs=30, rng=0, device="cpu"
    ... )
    >>> left, right = model.drift([[-0.5], [0.5]])[:, 0]
    >>> round(float(left - right)), history.parts["kept"][0]
    (1, 'network')
    """
    choice(kind, "kind", KINDS)
    choice(diffusion, "diffusion", DIFFUSIONS)
    n_rollout_rounds = integer(n_rollout_rounds, "n_rollout_rounds", 0)
    data = checked_data(x, time, steps, bridges, snapshots, births, noise)
    if n_rollout_rounds and (snapshots is None or bridges is None):
        raise ValueError(
            f"n_rollout_rounds={n_rollout_rounds} needs `snapshots` and the `bridges` "
            "between them; give both, or n_rollout_rounds=0."
        )
    frame = make_frame(
        base, data, mobility, symmetry, fixed_point, time_dependent=time_dependent
    )
    from cellstate.flow._neural._checkpoint import Checkpoint
    from cellstate.flow._neural._session import Options, Session
    from cellstate.flow._neural._train import Settings

    training = Settings(
        n_epochs=integer(n_epochs, "n_epochs", 1),
        batch=None if batch is None else integer(batch, "batch", 1),
        lr=positive(lr, "lr", "1", "lr=3e-3"),
        weight_decay=_at_least_0(weight_decay, "weight_decay"),
        patience=integer(patience, "patience", 1),
    )
    options = Options(
        kind=kind,
        diffusion=diffusion,
        hidden=(integer(width, "width", 1),) * integer(depth, "depth", 1),
        circulation=_at_least_0(circulation, "circulation"),
        held_out_share=fraction(held_out_share, "held_out_share"),
        training=training,
        n_rollout_rounds=n_rollout_rounds,
    )
    given, fixed = int(generator(rng).integers(2**31)), seed_of(rng) >= 0
    kept = Checkpoint(checkpoint)
    seed = kept.seed(given, fixed=fixed)
    return Session(base, data, frame, options, device, kept, seed).run()


def _at_least_0(value: float, name: str) -> float:
    if not np.isfinite(value) or value < 0:
        raise ValueError(f"`{name}` must be a number of at least 0; found {value!r}.")
    return float(value)
