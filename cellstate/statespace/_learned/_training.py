"""Steps of training, and networks put to use from their stored weights."""

from collections.abc import Callable
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from cellstate._base.progress import progress
from cellstate.statespace._learned._model import Autoencoder
from cellstate.statespace._learned._nets import PolarDecoder, PolarEncoder
from cellstate.statespace._learned._objectives import (
    contrast,
    posed,
    posed_error,
    weight,
)
from cellstate.statespace._learned._pictures import blocks, polar, read

TOP_RATE, DECAY = 4e-3, 1e-4
SAMPLE = 1000  # pictures that the decoder's first picture is made from
ROUNDS, QUIET = 10, 0.1
NOTES = 20  # times that the loss is noted


class Training:
    """Minimise reconstruction error, and tell cells by how they look a lag later."""

    def __init__(
        self, crops, batch: np.ndarray, n_batches: int, n_components: int, seed: int
    ) -> None:
        self.crops, self.batch, self.n_batches = crops, batch, n_batches
        self.source = torch.Generator().manual_seed(seed)
        channels = crops.shape[1]
        with seeded(seed):
            self.encoder = PolarEncoder(channels, n_components)
            self.decoder = PolarDecoder(channels, n_components, n_batches)
        self.unit = 1.0

    @property
    def parameters(self) -> list[Tensor]:
        return [*self.encoder.parameters(), *self.decoder.parameters()]

    def run(
        self,
        rows: np.ndarray,
        later: np.ndarray,
        held: np.ndarray,
        *,
        n_steps: int,
        batch_size: int,
        pull: float,
    ) -> tuple[np.ndarray, ...]:
        """Train on `rows`, whose later selves are `later` (-1 none); losses noted."""
        self._begin(rows)
        optimiser = torch.optim.AdamW(self.parameters, lr=TOP_RATE, weight_decay=DECAY)
        plan = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, TOP_RATE, total_steps=n_steps + 1, pct_start=0.1
        )
        every, recent, notes = max(n_steps // NOTES, 1), [], []
        for step in progress(range(1, n_steps + 1), "training"):
            picked = torch.randint(len(rows), (batch_size,), generator=self.source)
            loss = self._loss(rows[picked], later[picked], pull)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            plan.step()
            recent.append(float(loss.detach()))
            if step % every == 0 or step == n_steps:
                notes.append((step, np.mean(recent), self.held_out(held)))
                recent = []
        return tuple(np.array(column) for column in zip(*notes, strict=True))

    def _loss(self, rows: np.ndarray, later: np.ndarray, pull: float) -> Tensor:
        turn = 2 * torch.pi * torch.rand(len(rows), generator=self.source)
        seen, _ = polar(read(self.crops, rows), turn)
        latent = self.encoder(seen)
        made = self.decoder(latent, indicators(self.batch[rows], self.n_batches))
        loss = posed_error(made, seen).mean() / self.unit
        linked = np.flatnonzero(later >= 0)
        if pull > 0 and len(linked) > 1:
            then, _ = polar(read(self.crops, later[linked]))
            loss = loss + pull * contrast(latent[linked], self.encoder(then))
        return loss

    @torch.no_grad()
    def held_out(self, rows: np.ndarray) -> float:
        """Mean reconstruction error of some rows; NaN if there are none."""
        total = 0.0
        for own, crops in blocks(self.crops, rows):
            seen, _ = polar(crops)
            told = indicators(self.batch[own], self.n_batches)
            total += float(
                posed_error(self.decoder(self.encoder(seen), told), seen).sum()
            )
        return total / len(rows) / self.unit if len(rows) else np.nan

    @torch.no_grad()
    def _begin(self, rows: np.ndarray) -> None:
        """Let the decoder begin with the mean cell in one pose.

        From a round cell it would learn nothing for long: a round cell fits others as
        well in one pose as in the next.
        """
        picked = rows[torch.randperm(len(rows), generator=self.source)[:SAMPLE]]
        seen, _ = polar(read(self.crops, picked))
        round_cell = seen.mean(dim=(0, 3), keepdim=True)
        off = weight(seen - round_cell)
        self.unit = max(float(off.mean()) / seen[0].numel(), 1e-12)
        mean = seen[off.argsort()[len(off) // 2]][None]
        for _ in range(ROUNDS):
            mean = posed(mean.expand_as(seen), seen).mean(dim=0, keepdim=True)
        last = self.decoder.net[-1]
        last.weight *= QUIET
        last.bias[:] = mean.flatten()

    def weights(self) -> np.ndarray:
        """All weights in one vector."""
        return nn.utils.parameters_to_vector(self.parameters).detach().numpy()


def indicators(batch: np.ndarray, n_batches: int) -> Tensor:
    """One column per batch, (n, b)."""
    return torch.nn.functional.one_hot(
        torch.from_numpy(np.asarray(batch)), max(n_batches, 1)
    ).float()[:, :n_batches]


@contextmanager
def seeded(seed: int):
    """First weights from a seed; torch's own random numbers stay where they were."""
    before = torch.get_rng_state()
    torch.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(before)


def networks(model: Autoencoder) -> tuple[PolarEncoder, PolarDecoder]:
    """Build the networks of a stored model."""
    encoder = PolarEncoder(model.n_channels, model.n_components)
    decoder = PolarDecoder(model.n_channels, model.n_components, model.n_batches)
    weights = torch.from_numpy(np.array(model.weights))
    parts = [*encoder.parameters(), *decoder.parameters()]
    nn.utils.vector_to_parameters(weights, parts)
    return encoder, decoder


def encoded(model: Autoencoder, crops, turn: np.ndarray | None = None) -> np.ndarray:
    """Coordinates before they are standardised; NaN where a crop is empty."""
    return coordinates(networks(model)[0], crops, turn)


@torch.no_grad()
def coordinates(
    encoder: Callable[[Tensor], Tensor], crops, turn: np.ndarray | None = None
) -> np.ndarray:
    """Latents beside the logarithms of radius and brightness, (n, d + 1 + C)."""
    found = []
    for own, values in blocks(crops, np.arange(crops.shape[0])):
        angle = None if turn is None else torch.from_numpy(turn[own]).float()
        seen, divided = polar(values, angle)
        both = torch.cat([encoder(seen), divided], dim=1)
        both[(values == 0).all(dim=(1, 2, 3))] = torch.nan
        found.append(both.numpy().astype(np.float64))
    return np.concatenate(found)


@torch.no_grad()
def decoded(model: Autoencoder, crops, batch: np.ndarray | None):
    """Made and seen pictures in one pose."""
    encoder, decoder = networks(model)
    codes = np.zeros(crops.shape[0], np.int64) if batch is None else np.asarray(batch)
    made, shown = [], []
    for own, values in blocks(crops, np.arange(crops.shape[0])):
        seen, _ = polar(values)
        picture = decoder(encoder(seen), indicators(codes[own], model.n_batches))
        made.append(picture.numpy())
        shown.append(posed(picture, seen).numpy())
    return np.concatenate(made), np.concatenate(shown)
