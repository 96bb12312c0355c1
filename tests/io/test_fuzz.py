"""Damaged files are read or refused with an error of the package, nothing else.

``tests/benchmarks/fuzz_readers.py`` damages 1,000 files of each format and prints a
table; here are the first of them.
"""

import logging
import struct

import numpy as np
import pytest
import tifffile

import cellstate as cs
from cellstate._base.errors import MovieError

COPIES, COPIES_OF_GEFF, COPIES_OF_ZARR = 200, 40, 80
FORMATS = (
    "TrackMate XML",
    "TrackMate CSV, spots",
    "TrackMate CSV, edges",
    "btrack HDF5",
    "GEFF",
    "GEFF, foreign",
    "CTC man_track.txt",
    "CSV of tracks",
    "CSV of links",
    "CSV of cells",
    "TIFF images",
    "TIFF masks, zlib",
    "OME-TIFF images",
    "BigTIFF masks",
    "TIFF frames, folder",
    "npy masks",
    "CellProfiler",
    "CytoTable CSV",
    "CytoTable CSV, gzip",
    "mantispy h5ad",
    "scPortrait h5sc",
    "OME-Zarr, ours",
    "OME-Zarr 0.4",
    "OME-Zarr 0.5, labels",
)


@pytest.fixture(autouse=True)
def _quiet_tifffile():
    logger = logging.getLogger("tifffile")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(level)


def test_every_sample_is_damaged(samples):
    assert set(FORMATS) == set(samples.SAMPLES)


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_bytes(tmp_path, samples, survives, contents, name):
    path, read = samples.SAMPLES[name](tmp_path)
    read(path)
    data = contents(path) if path.is_dir() else path.read_bytes()
    many = {"GEFF": COPIES_OF_GEFF, "Zarr": COPIES_OF_ZARR}
    n = next((n for kind, n in many.items() if kind in name), COPIES)
    found = survives(read, path, data, n, samples.ALLOWED)
    assert not found.uncaught, str(found)
    assert found.read
    assert found.refused.total() > n / 10


def test_damaged_tables_of_btrack(tmp_path, samples, survives_tables):
    path, read = samples.SAMPLES["btrack HDF5"](tmp_path)
    found = survives_tables(
        read, path, samples.btrack_tables(), samples.btrack_h5, COPIES, samples.ALLOWED
    )
    assert not found.uncaught, str(found)
    assert found.read > 50
    assert found.refused["LineageError"] > 5


@pytest.mark.parametrize("name", ["GEFF", "GEFF, foreign"])
def test_damaged_arrays_of_geff(tmp_path, samples, survives_tables, name):
    path, read = samples.SAMPLES[name](tmp_path)
    found = survives_tables(
        read,
        path,
        samples.geff_tables(path),
        samples.rewrite_geff,
        COPIES_OF_GEFF // 2,
        samples.ALLOWED,
    )
    assert not found.uncaught, str(found)
    assert found.read > 5
    assert found.refused


@pytest.mark.parametrize("name", [n for n in FORMATS if "Zarr" in n])
def test_damaged_metadata_of_zarr(tmp_path, samples, survives, contents, name):
    """Most files of a zarr are pixels; here only what describes them is damaged."""
    path, read = samples.SAMPLES[name](tmp_path)
    data = {k: v for k, v in contents(path).items() if v.lstrip().startswith(b"{")}
    found = survives(read, path, data, COPIES, samples.ALLOWED)
    assert not found.uncaught, str(found)
    assert found.read > 5
    assert found.refused.total() > COPIES / 10


def test_damaged_metadata_of_spatialdata(tmp_path, samples, survives, contents):
    """Tables hold texts, whose decoder allocates what a damaged count asks for."""
    path, read = samples.spatialdata_sample(tmp_path)
    data = {k: v for k, v in contents(path).items() if v.lstrip().startswith(b"{")}
    found = survives(read, path, data, COPIES_OF_ZARR, samples.ALLOWED)
    assert not found.uncaught, str(found)
    assert found.read
    assert found.refused


def test_the_survey_sees_an_error_that_is_not_caught(tmp_path, survives):
    path = tmp_path / "number.txt"
    found = survives(lambda p: 1 / int(p.read_bytes()), path, b"10", 300, (ValueError,))
    assert found.read
    assert found.refused.total()
    assert set(found.uncaught) == {"ZeroDivisionError: division by zero"}


def test_pages_that_lead_in_a_circle(tmp_path):
    """Two pages, of which the second names the first as the next."""
    path = tmp_path / "masks.tif"
    tifffile.imwrite(path, np.zeros((2, 8, 8), np.uint8), photometric="minisblack")
    with tifffile.TiffFile(path) as tif:
        first, second = (page.offset for page in tif.pages)
    data = bytearray(path.read_bytes())
    n_tags = struct.unpack_from("<H", data, second)[0]
    struct.pack_into("<I", data, second + 2 + 12 * n_tags, first)
    path.write_bytes(data)
    with pytest.raises(MovieError, match=f"of page 2 leads back to byte {first}"):
        cs.io.read_images(path)


def test_npy_header_that_is_no_python(tmp_path):
    path = tmp_path / "masks.npy"
    np.save(path, np.zeros((2, 3, 3), np.uint8))
    data = path.read_bytes()
    for old, new in ((b"(2, 3, 3)", b"(9**99,1)"), (b"}", b"(")):
        path.write_bytes(data.replace(old, new))
        with pytest.raises(MovieError, match=r"no whole \.npy array|shape \(T, Y, X\)"):
            cs.io.read_images(path)
