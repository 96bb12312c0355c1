"""Scenes that are ready to film."""

from dataclasses import replace

from cellstate._base.checks import choice
from cellstate.datasets._movie._look import Affine, Individuality, Look
from cellstate.datasets._movie._scene import CULTURE, Life, Motion, Scene
from cellstate.systems._laws._decisions import BinaryChoice
from cellstate.systems._laws._ramp import RampedPitchfork

PRESETS = ("differentiation", "symmetry_breaking", "null", "rare")

# Progenitors at (0, -0.4) are small, round, dim and coarse; cells on the way to
# either fate at (-1.3, 0.9) and (1.3, 0.9) grow, brighten and turn fine-grained; the
# right fate is long, pear-shaped and polar, the left one stays round.
FATES = Look(
    radius=Affine(offset=8.2, slopes=(0.0, 0.5), low=7.4, high=9.2),
    harmonics=(
        Affine(offset=0.09, slopes=(0.07, 0.02), low=0.02, high=0.24),
        Affine(offset=0.02, slopes=(0.025, 0.01), low=0.0, high=0.08),
    ),
    intensity=Affine(offset=0.95, slopes=(0.0, 0.6), low=0.4, high=2.0),
    texture_length=Affine(offset=2.4, slopes=(0.0, -0.8), low=1.2, high=3.4),
    dipole=Affine(offset=0.1, slopes=(0.15, 0.1), low=0.0, high=0.6),
)

# The sign of x is the end of the cell's own axis that wins: the bright end, and the
# broad one. Brightness tells the sides apart where the axis cannot be seen.
SIDES = Look(
    radius=8.0,
    harmonics=(0.1, Affine(offset=0.0, slopes=(0.07,), low=-0.1, high=0.1)),
    intensity=Affine(offset=1.0, slopes=(0.3,), low=0.5, high=1.6),
    texture_length=2.0,
    dipole=Affine(offset=0.0, slopes=(0.6,), low=-0.8, high=0.8),
    individuality=Individuality(dipole=0.05),
)


def differentiation() -> Scene:
    """Progenitors choose between two fates; a fifth to a quarter of the lineages do.

    A is the progenitor, B either fate of `BinaryChoice(D=0.02, p2=0.3)`. The movie
    begins in a culture kept going from A: some cells are on their way already, and
    B is entered at the law's rate k_AB from the first frame on.
    """
    return Scene(
        name="differentiation",
        system=BinaryChoice(D=0.02, p2=0.3).commitment(),
        time_unit=3.0,
        start=CULTURE,
        look=FATES,
    )


def null() -> Scene:
    """The cells of "differentiation", held in the progenitor: nothing happens."""
    return replace(differentiation(), name="null", control=1.0)


def rare() -> Scene:
    """As "differentiation", under a signal that keeps the progenitor.

    With p2 = 0.5 one in about 200 cells commits within 15 h.
    """
    law = BinaryChoice(D=0.02, p2=0.5).commitment()
    return replace(differentiation(), name="rare", system=law)


def symmetry_breaking() -> Scene:
    """Polarity grows out of a ramped pitchfork, while sisters start on either side.

    r grows from -0.5 to 1 within 15 h; half of the cells that choose a side have
    chosen by 8 h. Sisters start 0.2 apart; a division after the choice changes it no
    more. There are no sets A and B: the committor is the chance to end on the side
    x > 0.
    """
    return Scene(
        name="symmetry_breaking",
        system=RampedPitchfork(D=0.01, eps=0.1, r_start=-0.5, r_stop=1.0),
        look=SIDES,
        life=Life(sister_asymmetry=0.1),
        motion=Motion(turning=0.05),
    )


MAKERS = {f.__name__: f for f in (differentiation, symmetry_breaking, null, rare)}


def scene(name: str) -> Scene:
    """Return a preset by name: a `Scene` whose parts `dataclasses.replace` changes.

    Examples
    --------
    >>> scene("rare").system.p2
    0.5
    """
    return MAKERS[choice(name, "preset", PRESETS)]()
