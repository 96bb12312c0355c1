"""Masks with known shape, and the features of a frame as a dictionary."""

import numpy as np
import pytest
from scipy import ndimage

from cellstate.morphology import measure_frame


def _columns_of(image, labels, **options) -> dict[str, np.ndarray]:
    """Features by name; the one channel is called "c"."""
    image = np.asarray(image)
    options = {"pixel_size": 1.0, "channels": ["c"]} | options
    cells = measure_frame(image[None] if image.ndim == 2 else image, labels, **options)
    return dict(zip(cells.names, cells.values.T, strict=True))


def _ellipse_mask(a, b, angle=0.0, center=(40.0, 50.0), shape=(81, 101)):
    """Pixels with centre in an ellipse; `angle` from x towards y."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    dx, dy = x - center[1], y - center[0]
    u = dx * np.cos(angle) + dy * np.sin(angle)
    v = dy * np.cos(angle) - dx * np.sin(angle)
    return ((u / a) ** 2 + (v / b) ** 2 <= 1).astype(np.int32)


@pytest.fixture(scope="module")
def columns_of():
    return _columns_of


@pytest.fixture(scope="module")
def ellipse_mask():
    return _ellipse_mask


@pytest.fixture(scope="module")
def colony():
    """About 40 smooth irregular cells, some touching, on 180 x 220 px."""
    rng = np.random.default_rng(5)
    labels = np.zeros((180, 220), np.int32)
    y, x = np.mgrid[:180, :220]
    k = 0
    for row in range(18, 170, 28):
        for col in range(20, 210, 30):
            cy, cx = np.array([row, col]) + rng.normal(0, 3, 2)
            phi = np.arctan2(y - cy, x - cx)
            edge = 11 + sum(
                rng.normal(0, 3 / m) * np.cos(m * phi + rng.uniform(0, 6.28))
                for m in range(2, 6)
            )
            k += 1
            labels[(np.hypot(y - cy, x - cx) < edge) & (labels == 0)] = k
    light = ndimage.gaussian_filter(rng.normal(size=labels.shape), 2)
    image = 100 + 40 * (labels > 0) * (1 + 2 * light) + rng.normal(0, 1, labels.shape)
    return image, labels
