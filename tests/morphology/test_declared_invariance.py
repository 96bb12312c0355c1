"""Every feature keeps what it declares and changes where it declares nothing.

Exact poses are taken of the HeLa crop itself. For turns by 37 degrees, parts of
a pixel and magnification, nuclei of the crop become smooth cells on a continuous
plane (splines through picture and blurred mask) that are sampled on any grid: the
cell is the same, only its pixels differ. Changes are root mean squares over cells
in units of the standard deviation between cells; what a shift by a part of a pixel
does is the noise of the pixels.
"""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from cellstate.morphology import feature_table, measure_frame, motility, motility_table
from cellstate.morphology._feature import LENGTH_POWER
from cellstate.morphology.neighbours import CONTACT, CROWD

FOLDER = Path(__file__).parents[2] / "data" / "hela_h2b"
TABLE = feature_table(["c"])
NAMES = [feature.name for feature in TABLE]
AROUND = {feature.name for feature in (*CONTACT, *CROWD)}
ALONE = np.array([name not in AROUND for name in NAMES])
HALF = 22  # px, half the side of a crop
FINE = 4  # samples per pixel of the crop


def declares(change):
    return np.array([change in feature.invariance for feature in TABLE])


def measure(image, labels, background=None):
    return measure_frame(
        image[None], labels, pixel_size=1.0, channels=["c"], background=background
    ).values


def change(found, expected, spread):
    """Root mean square over cells, in standard deviations between cells."""
    moved = np.sqrt(np.nanmean((found - expected) ** 2, axis=0))
    return moved / np.where(spread > 0, spread, np.nan)


@pytest.fixture(scope="module")
def crop():
    image = tifffile.imread(FOLDER / "images.tif", key=0).astype(float)
    return image, tifffile.imread(FOLDER / "masks.tif", key=0).astype(np.int32)


@pytest.fixture(scope="module")
def plane(crop):
    """Splines of picture and mask of 28 nuclei, and the background."""
    image, labels = crop
    cells = []
    for k, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        rows, cols = box
        middle = (rows.start + rows.stop) // 2, (cols.start + cols.stop) // 2
        window = tuple(slice(c - HALF, c + HALF) for c in middle)
        long = max(rows.stop - rows.start, cols.stop - cols.start)
        if labels[window].shape == (2 * HALF, 2 * HALF) and long <= 2 * HALF - 14:
            mask = ndimage.gaussian_filter((labels[window] == k).astype(float), 1)
            cells.append((image[window], mask))
    assert len(cells) == 28
    splines = [tuple(map(ndimage.spline_filter, cell)) for cell in cells]
    return splines, float(np.median(image[labels == 0]))


def draw(plane, fine=FINE, degrees=0.0, shift=(0.0, 0.0), mirror=False, gain=1.0):
    """Features of the cells sampled on another grid, (28, p)."""
    splines, background = plane
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    turn = np.array([[c, -s], [s, c]]) @ np.diag([1, -1 if mirror else 1]) / fine
    side = 2 * HALF * fine
    offset = HALF - 0.5 - turn @ ((side - 1) / 2 + np.array(shift))
    options = {"output_shape": (side, side), "prefilter": False}
    image, labels = [], []
    for k, (light, mask) in enumerate(splines, start=1):
        image.append(
            ndimage.affine_transform(light, turn, offset, mode="nearest", **options)
        )
        inside = ndimage.affine_transform(mask, turn, offset, **options) > 0.5
        labels.append(k * inside)
    image, labels = np.concatenate(image, axis=1), np.concatenate(labels, axis=1)
    return measure(gain * image, labels, [gain * background])


@pytest.fixture(scope="module")
def still(plane):
    return draw(plane)


@pytest.fixture(scope="module")
def spread(still):
    return np.where(ALONE, np.nanstd(still, axis=0), np.nan)


@pytest.fixture(scope="module")
def noise(plane, still, spread):
    """What a shift by a part of a pixel does, the larger of two."""
    shifts = (0.37, 0.21), (-0.18, 0.44)
    return np.max(
        [change(draw(plane, shift=shift), still, spread) for shift in shifts], axis=0
    )


def test_pixel_noise_is_small_beside_differences_of_cells(noise):
    # The staircase of an outline and ranks of few pixels are the noisiest.
    worst = dict(zip(NAMES, noise, strict=True))
    assert np.nanmedian(noise) < 0.04
    assert max(worst[n] for n in NAMES if n not in AROUND | {"a1_phase_c"}) < 0.4


QUARTERS = {
    "quarter turn": (np.rot90, "rotation"),
    "mirror": (lambda a: a[:, ::-1], "reflection"),
}


@pytest.mark.parametrize("pose", QUARTERS)
def test_exact_poses_of_the_crop_are_below_a_thousandth(crop, pose):
    function, name = QUARTERS[pose]
    before, after = measure(*crop), measure(*map(function, crop))
    moved = change(after, before, np.nanstd(before, axis=0))
    varied = np.nanstd(before, axis=0) > 0
    kept = declares(name) & varied
    assert kept.sum() > 90
    assert moved[kept].max() < 1e-3
    # All but extent, whose box of a nucleus that is turned is the same box.
    changed = ~declares(name) & (np.array(NAMES) != "extent")
    assert moved[changed].min() > 0.3


def test_moving_by_whole_pixels_changes_nothing(crop):
    image, labels = (np.pad(a, 8, mode="constant") for a in crop)
    image[labels == 0] = np.median(crop[0][crop[1] == 0])
    before = measure(image, labels, [33_000.0])
    after = measure(*(np.roll(a, (5, -7), (0, 1)) for a in (image, labels)), [33_000.0])
    assert declares("translation").all()
    np.testing.assert_allclose(after, before, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("pose", "name"),
    [
        ({"degrees": 37.0}, "rotation"),
        ({"degrees": 37.0, "mirror": True}, "reflection"),
    ],
)
def test_a_turn_by_37_degrees_stays_within_pixel_noise(
    plane, still, spread, noise, pose, name
):
    moved = change(draw(plane, **pose), still, spread)
    kept = declares(name) & declares("rotation") & ALONE
    # Lengths of a staircase depend on its slope beyond the noise of a shift.
    allowed = np.maximum(5 * noise, 0.02)
    over = {NAMES[j] for j in np.flatnonzero(kept & (moved > allowed))}
    assert not over, {n: (moved[NAMES.index(n)], noise[NAMES.index(n)]) for n in over}
    assert np.nanmax(moved[kept]) < 0.6
    assert np.nanmedian(moved[kept]) < 0.05
    assert moved[~declares("rotation")].min() > 1


def test_a_larger_cell_scales_by_its_unit(plane, still, spread, noise):
    """Twice as many samples per pixel: lengths double, pure numbers stay."""
    power = np.array([LENGTH_POWER[feature.unit] for feature in TABLE])
    large = draw(plane, fine=2 * FINE)
    moved = change(large, still, spread)
    kept = declares("scale") & ALONE
    assert (moved[kept] <= np.maximum(5 * noise[kept], 0.02)).all(), [
        NAMES[j] for j in np.flatnonzero(kept & (moved > np.maximum(5 * noise, 0.02)))
    ]
    other = ~declares("scale") & ALONE
    assert (moved[other] > np.maximum(7 * noise[other], 0.3)).all(), [
        NAMES[j] for j in np.flatnonzero(other & (moved <= 7 * noise))
    ]
    # Gradients at the rim are those of one pixel, and change with its size.
    scaled = (power != 0) & ALONE & (np.array(NAMES) != "edge_sharpness_c")
    off = change(large / 2.0**power, still, spread)
    # A difference of pixels is a gradient up to the square of their distance.
    floor = np.where(np.array([f.family for f in TABLE]) == "texture", 0.15, 0.02)
    assert (off[scaled] <= np.maximum(5 * noise, floor)[scaled]).all()


def test_gain_changes_what_is_measured_in_units_of_intensity(plane, still, spread):
    gained = draw(plane, gain=3.0)
    kept = declares("gain") & ALONE
    assert change(gained, still, spread)[kept].max() < 0.01
    bright = ~declares("gain")
    np.testing.assert_allclose(gained[:, bright], 3 * still[:, bright], rtol=1e-6)
    assert (np.abs(still[:, bright]).max(axis=0) > 0).all()


def colony(fine=2.0, degrees=0.0, mirror=False):
    """Labels of touching and free round cells on any grid, with no pixel of them."""
    rng = np.random.default_rng(3)
    centre = rng.uniform(30, 130, (25, 2))
    side = int(160 * fine)
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    y, x = (np.mgrid[:side, :side] - (side - 1) / 2) / fine
    x = -x if mirror else x
    points = np.stack([c * y - s * x, s * y + c * x], axis=-1) + 80
    away = np.linalg.norm(points[:, :, None] - centre, axis=-1)
    return np.where(away.min(axis=-1) < 9, 1 + away.argmin(axis=-1), 0)


def neighbourhood(labels):
    cells = measure_frame(
        np.zeros((0, *labels.shape)), labels, pixel_size=1.0, channels=[]
    )
    columns = [j for j, name in enumerate(cells.names) if name in AROUND]
    return cells.values[:, columns], [TABLE[j] for j in columns]


def test_neighbours_keep_what_they_declare():
    before, table = neighbourhood(colony())
    assert before[:, 1].max() >= 2  # some cells touch two others
    spread = before.std(axis=0)
    for pose in ({"degrees": 37.0}, {"degrees": 37.0, "mirror": True}):
        after, _ = neighbourhood(colony(**pose))
        assert change(after, before, spread).max() < 0.15
    large, _ = neighbourhood(colony(fine=4.0))
    power = np.array([LENGTH_POWER[feature.unit] for feature in table])
    assert change(large / 2.0**power, before, spread).max() < 0.15
    moved = change(large, before, spread)
    kept = np.array(["scale" in feature.invariance for feature in table])
    assert (moved[~kept] > 0.5).all()
    assert kept.sum() == 3


def test_motility_keeps_what_it_declares():
    rng = np.random.default_rng(0)
    position, time = rng.normal(size=(40, 2)).cumsum(axis=0), np.arange(40) / 2
    before = np.r_[-1, np.arange(39)]
    still = motility(position, time, before)
    c, s = np.cos(0.6), np.sin(0.6)
    for pose in (np.array([[c, s], [-s, c]]), np.array([[c, s], [s, -c]])):
        moved = motility(position @ pose + [30, -7], time, before)
        np.testing.assert_allclose(moved, still, atol=1e-9)
    large = motility(2 * position, time, before)
    for j, feature in enumerate(motility_table()):
        factor = 1 if "scale" in feature.invariance else 2
        assert factor == 2 ** LENGTH_POWER[feature.unit]
        np.testing.assert_allclose(large[:, j], factor * still[:, j], rtol=1e-9)
