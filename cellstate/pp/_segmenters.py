"""Segmenters behind one protocol: an image of all channels -> labels of one frame."""

from typing import Protocol

import numpy as np

from cellstate.morphology import segment_plane


class Segmenter(Protocol):
    """Anything that labels one frame."""

    def __call__(self, image: np.ndarray, /) -> np.ndarray:
        """Return integer labels (Y, X), 0 for background, of an image (C, Y, X)."""
        ...


def watershed_segmenter(
    channel: int, diameter: float, contrast: float, min_diameter: float | None
) -> Segmenter:
    """Segment by `cellstate.morphology.segment_plane`; diameters in px."""

    def segmented(image: np.ndarray) -> np.ndarray:
        return segment_plane(
            image[channel],
            diameter=diameter,
            contrast=contrast,
            min_diameter=min_diameter,
        )

    return segmented


def cellpose_segmenter(channel: int, diameter: float | None) -> Segmenter:
    """Segment by the default model of Cellpose, on a GPU if there is one; px."""
    try:
        from cellpose import core, models
    except ImportError as error:
        raise ImportError(
            "method='cellpose' needs cellpose, which is not installed. Run pip install "
            "cellpose, or use cs.pp.segment(..., method='watershed')."
        ) from error
    model = models.CellposeModel(gpu=core.use_gpu())

    def segmented(image: np.ndarray) -> np.ndarray:
        return model.eval(image[channel], diameter=diameter)[0]

    return segmented


def stardist_segmenter(channel: int) -> Segmenter:
    """Segment by StarDist's model of fluorescent nuclei, "2D_versatile_fluo"."""
    try:
        from csbdeep.utils import normalize
        from stardist.models import StarDist2D
    except ImportError as error:
        raise ImportError(
            "method='stardist' needs stardist, which is not installed. Run pip install "
            "stardist tensorflow, or use cs.pp.segment(..., method='watershed')."
        ) from error
    model = StarDist2D.from_pretrained("2D_versatile_fluo")

    def segmented(image: np.ndarray) -> np.ndarray:
        # The model was trained on pictures scaled by these percentiles.
        scaled = normalize(image[channel].astype(np.float32), 1, 99.8)
        return model.predict_instances(scaled)[0]

    return segmented
