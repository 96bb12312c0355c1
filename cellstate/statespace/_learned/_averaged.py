"""Encoders of the user's own, averaged over quarter turns and reflections."""

from typing import Any, Protocol

import numpy as np

from cellstate._base.progress import progress
from cellstate.statespace._learned._model import checked_crops

BLOCK = 256


class Encoder(Protocol):
    """What `cs.tl.embed(method="encoder", encoder=...)` takes: a model of any origin.

    Called with float32 crops (n, C, H, W), as a tensor if it is a torch module, else
    as an array; returns (n, d), array or tensor. Scaling, resizing and repeating of
    channels are the model's own business.
    """

    def __call__(self, crops: Any) -> Any: ...


def averaged_encoding(crops, encoder: Encoder) -> np.ndarray:
    """Mean code over the eight quarter turns and reflections of each crop, (n, d).

    Exact for these: a crop that is turned by 90 degrees or mirrored gets the same
    code. Crops that are 0 or NaN throughout get NaN.

    Examples
    --------
    >>> crops = np.arange(128, dtype=np.float32).reshape(2, 1, 8, 8)
    >>> corner = lambda crops: crops[:, 0, :1, 0]
    >>> averaged_encoding(crops, corner)[:, 0]  # the mean of the four corners
    array([31.5, 95.5])
    """
    crops = checked_crops(crops)
    found = []
    starts = range(0, crops.shape[0], BLOCK)
    for start in progress(starts, "encoding"):
        values = np.asarray(crops[start : start + BLOCK], dtype=np.float32)
        empty = ~np.nan_to_num(values).any(axis=(1, 2, 3))
        values = np.nan_to_num(values)
        codes = [_called(encoder, pose) for pose in _poses(values)]
        mean = np.mean(codes, axis=0)
        mean[empty] = np.nan
        found.append(mean)
    return np.concatenate(found)


def _poses(crops: np.ndarray):
    for side in (crops, crops[..., ::-1]):
        for quarter in range(4):
            yield np.ascontiguousarray(np.rot90(side, quarter, axes=(2, 3)))


def _called(encoder: Encoder, crops: np.ndarray) -> np.ndarray:
    if hasattr(encoder, "parameters"):  # a torch module
        import torch

        with torch.no_grad():
            codes = encoder(torch.from_numpy(crops))
    else:
        codes = encoder(crops)
    if hasattr(codes, "detach"):
        codes = codes.detach().cpu().numpy()
    codes = np.asarray(codes, dtype=np.float64)
    if codes.ndim != 2 or len(codes) != len(crops) or codes.shape[1] == 0:
        raise ValueError(
            f"`encoder` must return one code per crop, shape ({len(crops)}, d); found "
            f"{codes.shape} for crops of shape {crops.shape}. Flatten or pool its "
            "output: lambda crops: model(crops).mean(axis=(2, 3))."
        )
    return codes
