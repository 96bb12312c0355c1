"""A trained autoencoder as it is stored, and what it makes of crops."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from cellstate._base.results import Result


@dataclass(frozen=True, eq=False, kw_only=True)
class Autoencoder(Result):
    """Encoder and decoder of crops, with the units of what they see.

    Attributes
    ----------
    n_channels, n_components, n_batches
        Channels of a crop, learned coordinates, and batches that the decoder is told
        apart (0 for none).
    weights
        All weights of the encoder, then of the decoder, float32.
    center, scale
        Of all coordinates, learned ones first, then the logarithms of radius (px)
        and of each channel's brightness; `transform` gives them standardised.
    batches
        Names of the batches.
    steps, loss, held_out_loss
        Steps at which the loss was noted; mean loss of the training crops since the
        last note; reconstruction error of the held-out ones. Errors are shares of the
        variance of pictures about the mean cell, which is round.
    n_train, n_held_out
        Crops.
    device
        What it was trained on.
    """

    kind: ClassVar[str] = "autoencoder"
    n_channels: int
    n_components: int
    n_batches: int
    weights: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    batches: tuple[str, ...] = ()
    steps: np.ndarray
    loss: np.ndarray
    held_out_loss: np.ndarray
    n_train: int
    n_held_out: int
    device: str

    def transform(self, crops: np.ndarray, turn: np.ndarray | None = None):
        """Coordinates of crops (n, C, H, W), shape (n, d + 1 + C).

        Crops that are 0 or NaN throughout get NaN. `turn` (n,), in rad, turns cells
        first: it changes next to nothing, and serves to see that.
        """
        from cellstate.statespace._learned._training import encoded

        crops = checked_crops(crops, self.n_channels)
        return (encoded(self, crops, turn) - self.center) / self.scale

    def reconstruct(self, crops: np.ndarray, batch: np.ndarray | None = None):
        """Pictures that the decoder makes, beside what it was shown, both polar.

        Returns
        -------
        tuple of ndarray
            Made and seen, each (n, C, 16, 48): rings out to two radii of the cell,
            angles from x towards y, the seen turned to the pose of the made.
        """
        from cellstate.statespace._learned._training import decoded

        return decoded(self, checked_crops(crops, self.n_channels), batch)


def checked_crops(crops, n_channels: int | None = None):
    """Return crops of shape (n, C, H, W), as an array or in a file."""
    if not (hasattr(crops, "shape") and hasattr(crops, "dtype")):
        crops = np.asarray(crops, dtype=np.float32)
    right = len(crops.shape) == 4 and min(crops.shape[2:]) >= 8
    if not right or (n_channels is not None and crops.shape[1] != n_channels):
        channels = "C" if n_channels is None else n_channels
        raise ValueError(
            f"`crops` must have shape (n, {channels}, H, W) of at least 8 x 8 px; "
            f"found {tuple(crops.shape)}. cs.pp.crops(adata, movies) makes them."
        )
    return crops
