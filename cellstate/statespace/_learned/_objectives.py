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

    Per pixel of the polar grid, rings weighted by their area.
    """
    best = _overlaps(made, seen).max(dim=1).values
    return (weight(seen) + weight(made) - 2 * best) / seen[0].numel()


def posed(made: Tensor, seen: Tensor) -> Tensor:
    """Seen pictures, turned and if need be mirrored to fit the made ones best."""
    pose = _overlaps(made, seen).argmax(dim=1)
    mirror, shift = pose >= ANGLES, pose % ANGLES
    sides = torch.where(mirror[:, None, None, None], seen.flip(-1), seen)
    place = (torch.arange(ANGLES) + shift[:, None]) % ANGLES
    return sides.gather(-1, place[:, None, None].expand_as(sides))


def _overlaps(made: Tensor, seen: Tensor) -> Tensor:
    """Products with the made picture in every pose, mirrored ones last, (n, 2 A)."""
    other = torch.fft.rfft(made).conj()
    # Sums over all turns at once are correlations along the angle.
    return torch.cat(
        [
            torch.fft.irfft((torch.fft.rfft(side) * other).sum(dim=(1, 2)), n=ANGLES)
            for side in (seen * RINGS, seen.flip(-1) * RINGS)
        ],
        dim=1,
    )


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
