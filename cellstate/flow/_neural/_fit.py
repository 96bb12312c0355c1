"""Train networks that correct a flow, part by part."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import choice, fraction, integer, positive
from cellstate._base.random import generator, seed_of
from cellstate.flow._neural._data import checked_data, make_frame
from cellstate.flow._neural._history import TrainingHistory
from cellstate.flow._neural._model import NeuralModel
from cellstate.flow._neural._rows import Births, Bridges
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
    births: Births | None = None,
    noise: ArrayLike | None = None,
    kind: str = "free",
    mobility: ArrayLike | None = None,
    diffusion: str = "network",
    time_dependent: bool = False,
    symmetry: ArrayLike | None = None,
    fixed_point: ArrayLike | None = None,
    width: int = 64,
    depth: int = 2,
    n_epochs: int = 40,
    batch: int = 512,
    lr: float = 1e-3,
    weight_decay: float = 1e-2,
    circulation: float = 0.1,
    patience: int = 6,
    held_out_share: float = 0.2,
    device: str = "auto",
    checkpoint: str | Path | None = None,
    rng: int | np.random.Generator | None = None,
) -> tuple[NeuralModel, TrainingHistory]:
    r"""Train networks that correct a flow."""
    choice(kind, "kind", KINDS)
    choice(diffusion, "diffusion", DIFFUSIONS)
    data = checked_data(x, time, steps, bridges, births, noise)
    frame = make_frame(
        base, data, mobility, symmetry, fixed_point, time_dependent=time_dependent
    )
    from cellstate.flow._neural._checkpoint import Checkpoint
    from cellstate.flow._neural._session import Options, Session
    from cellstate.flow._neural._train import Settings

    options = Options(
        kind=kind,
        diffusion=diffusion,
        hidden=(integer(width, "width", 1),) * integer(depth, "depth", 1),
        circulation=float(circulation),
        held_out_share=fraction(held_out_share, "held_out_share"),
        training=Settings(
            n_epochs=integer(n_epochs, "n_epochs", 1),
            batch=integer(batch, "batch", 1),
            lr=positive(lr, "lr", "1", "lr=1e-3"),
            weight_decay=float(weight_decay),
            patience=integer(patience, "patience", 1),
        ),
    )
    given, fixed = int(generator(rng).integers(2**31)), seed_of(rng) >= 0
    kept = Checkpoint(checkpoint)
    seed = kept.seed(given, fixed=fixed)
    return Session(base, data, frame, options, device, kept, seed).run()
