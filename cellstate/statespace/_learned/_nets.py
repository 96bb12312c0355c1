"""Networks on polar pictures: turning a cell shifts its picture along the angle."""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, silu

from cellstate.statespace._learned._pictures import ANGLES, RADII

WIDTH, HIDDEN = 16, 96


class PolarEncoder(nn.Module):
    """Mean over the group of what a circular network makes of a picture.

    Convolutions go round the angle, so that the mean over it is that over all turns;
    the picture and its mirror image are averaged as well: exact for the turns of the
    grid (24 of them, quarter turns among these) and for reflections.
    """

    def __init__(self, channels: int, n_components: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, WIDTH, (5, 5), stride=(1, 2))
        self.second = nn.Conv2d(WIDTH, 2 * WIDTH, (4, 5), stride=(2, 1))
        self.third = nn.Conv2d(2 * WIDTH, 2 * WIDTH, (3, 3))
        left = (RADII - 4 - 4) // 2 + 1 - 2
        self.head = nn.Sequential(
            nn.Linear(4 * WIDTH * left, HIDDEN),
            nn.SiLU(),
            nn.Linear(HIDDEN, n_components),
        )

    def forward(self, seen: Tensor) -> Tensor:
        """Pictures (n, C, R, A) -> latents (n, d)."""
        # Angle a goes to -a, which keeps to the grid of the strides.
        mirrored = seen.flip(-1).roll(1, dims=-1)
        return self.head((self._turned(seen) + self._turned(mirrored)) / 2)

    def _turned(self, seen: Tensor) -> Tensor:
        x = silu(self.first(_around(seen, 5)))
        x = silu(self.second(_around(x, 5)))
        x = silu(self.third(_around(x, 3)))
        mean = x.mean(dim=-1)
        # How much a ring varies along the angle is as blind to turns as its mean.
        spread = torch.sqrt(((x - mean[..., None]) ** 2).mean(dim=-1) + 1e-6)
        return torch.cat([mean, spread], dim=1).flatten(1)


class PolarDecoder(nn.Module):
    """Latents, and the batch if there are any, to a picture in a pose of its own."""

    def __init__(self, channels: int, n_components: int, n_batches: int) -> None:
        super().__init__()
        self.shape = (channels, RADII, ANGLES)
        self.net = nn.Sequential(
            nn.Linear(n_components + n_batches, 2 * HIDDEN),
            nn.SiLU(),
            nn.Linear(2 * HIDDEN, channels * RADII * ANGLES),
        )

    def forward(self, latent: Tensor, batch: Tensor) -> Tensor:
        """Latents (n, d) and indicators of the batch (n, b) -> (n, C, R, A)."""
        return self.net(torch.cat([latent, batch], dim=1)).view(-1, *self.shape)


def _around(x: Tensor, width: int) -> Tensor:
    return pad(x, (width // 2, width // 2, 0, 0), mode="circular")
