"""From light to grey values: blur, background, counting noise, camera."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from cellstate._base.checks import positive

WIDTHS = 4.0  # standard deviations after which the blur is cut off
BRIGHTEST = np.iinfo(np.uint16).max


@dataclass(frozen=True, kw_only=True)
class Optics:
    """How light becomes a picture.

    Parameters
    ----------
    psf
        Standard deviation of the point-spread function, um; 0 for none.
    photons
        Photons in a frame from one pixel of a cell of brightness 1.
    background
        Photons per pixel without cells, in the middle of the field.
    gradient
        Relative change of the background from the middle to the right edge and to
        the lower edge.
    gain
        Grey values per photon.
    offset
        Grey value without light.
    read_noise
        Standard deviation of the camera's own noise, grey values.

    Examples
    --------
    >>> Optics(photons=50).background
    20.0
    """

    psf: float = 0.5
    photons: float = 120.0
    background: float = 20.0
    gradient: tuple[float, float] = (0.2, 0.1)
    gain: float = 1.0
    offset: float = 100.0
    read_noise: float = 2.0

    def __post_init__(self) -> None:
        for name, unit in (("photons", "photons per pixel"), ("gain", "1/photon")):
            positive(getattr(self, name), name, unit, f"Optics({name}=1.0)")
        for name, unit in (
            ("psf", "um"),
            ("background", "photons per pixel"),
            ("offset", "grey values"),
            ("read_noise", "grey values"),
        ):
            not_negative(getattr(self, name), name, unit)
        steep = sum(abs(g) for g in self.gradient)
        if len(self.gradient) != 2 or not steep <= 1:
            raise ValueError(
                "`gradient` holds two relative changes, to the right and to the lower "
                f"edge, whose sizes add up to at most 1; found {self.gradient}."
            )


def not_negative(value: float, name: str, unit: str) -> None:
    """Refuse what is no finite number of at least 0."""
    if not (np.isfinite(value) and value >= 0):
        raise ValueError(f"`{name}` must be >= 0 ({unit}); found {value!r}.")


def margin(optics: Optics, pixel_size: float) -> int:
    """Pixels around the field from which blurred light still comes in."""
    return int(np.ceil(WIDTHS * optics.psf / pixel_size))


def blurred(light: np.ndarray, optics: Optics, pixel_size: float) -> np.ndarray:
    """Blur light that has a margin around the field; the field alone comes back."""
    edge = margin(optics, pixel_size)
    if not edge:
        return light
    sigma = optics.psf / pixel_size
    soft = gaussian_filter(light, sigma, mode="constant", radius=edge)
    return soft[edge:-edge, edge:-edge]


def background(shape: tuple[int, int], optics: Optics) -> np.ndarray:
    """Photons per pixel without cells, shape (Y, X).

    Examples
    --------
    >>> background((3, 5), Optics(background=10, gradient=(0.5, 0)))[0]
    array([ 5. ,  7.5, 10. , 12.5, 15. ])
    """
    y, x = (_from_middle(n) for n in shape)
    right, down = optics.gradient
    return optics.background * (1 + right * x + down * y[:, None])


def _from_middle(n: int) -> np.ndarray:
    """Places from -1 at the first pixel to 1 at the last."""
    return np.linspace(-1, 1, n) if n > 1 else np.zeros(1)


def exposed(
    photons: np.ndarray, optics: Optics, rng: np.random.Generator
) -> np.ndarray:
    """Count photons, amplify, add the camera's noise; grey values (Y, X), uint16.

    The variance of a grey value is gain * (mean - offset) + read_noise^2, and 1/12
    for rounding.
    """
    grey = optics.gain * rng.poisson(photons) + optics.offset
    noise = rng.standard_normal(photons.shape, dtype=np.float32) * optics.read_noise
    return np.clip(np.rint(grey + noise), 0, BRIGHTEST).astype(np.uint16)
