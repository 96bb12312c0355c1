"""What training minimises: the picture up to its pose, and neighbours in time."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from cellstate.statespace._learned._pictures import ANGLES, RADII

TEMPERATURE = 0.1
# Area of each ring, of mean 1.
RINGS = ((torch.arange(RADII) + 0.5) * 2 / RADII)[None, None, :, None]


def posed_error(made: Tensor, seen: Tensor) -> Tensor:
    """Least mean square difference over all turns and reflections, (n,).

    Per pixel of the polar grid, rings weighted by their area. Sums over all turns at
    once are correlations along the angle.
    """
    target = torch.fft.rfft(seen * RINGS)
    mirror = torch.fft.rfft(seen.flip(-1) * RINGS)
    other = torch.fft.rfft(made).conj()
    overlap = torch.cat(
        [
            torch.fft.irfft((side * other).sum(dim=(1, 2)), n=ANGLES)
            for side in (target, mirror)
        ],
        dim=1,
    )
    total = weight(seen) + weight(made) - 2 * overlap.max(dim=1).values
    return total / seen[0].numel()


def weight(seen: Tensor) -> Tensor:
    """Sum of squares of each picture, rings weighted by their area, (n,)."""
    return (RINGS * seen * seen).sum(dim=(1, 2, 3))


def contrast(now: Tensor, later: Tensor) -> Tensor:
    """Cross-entropy of finding each cell's later self among those of the batch.

    van den Oord et al., arXiv:1807.03748 (2018).
    """
    a = normalize(now - now.mean(dim=0), dim=1)
    b = normalize(later - later.mean(dim=0), dim=1)
    return cross_entropy(a @ b.T / TEMPERATURE, torch.arange(len(a)))
