"""TrackMate files: known family, units, and files that cannot be right."""

import re
import warnings

import numpy as np
import pytest

import cellstate as cs
from cellstate._adata import _extract as extract
from cellstate._base.errors import LineageError, MovieError, SchemaError


@pytest.fixture
def write(tmp_path):
    def to(text, name="cells.xml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return to


@pytest.fixture
def xml(samples):
    return samples.trackmate_xml()


def rows(adata):
    """Each cell by the spot's id: frame, h, first spot of its track, of its mother."""
    obs = adata.obs
    first = obs.sort_values("frame").groupby("track")["label"].first()
    return {
        label: (frame, time, first[track], first.get(parent, -1))
        for label, frame, time, track, parent in zip(
            obs["label"],
            obs["frame"],
            obs["time"],
            obs["track"],
            obs["parent_track"],
            strict=True,
        )
    }


@pytest.fixture
def family(samples):
    return {
        i: (f, f * 0.5, first, samples.MOTHER.get(first, -1))
        for i, f, first in zip(samples.IDS, samples.FRAME, samples.FIRST, strict=True)
    }


@pytest.fixture
def family_edges(samples):
    """Rows that are one frame apart, by spot: the skipped frame breaks 12 -> 14."""
    return {pair for pair in samples.LINKS if pair != (12, 14)}


def edges(adata):
    a, b = adata.obsp["lineage"].nonzero()
    label = adata.obs["label"].to_numpy()
    return set(zip(label[a].tolist(), label[b].tolist(), strict=True))


def test_a_tree_is_cut_at_its_division(write, xml, family, family_edges, samples):
    adata = cs.io.read_trackmate(write(xml))
    cs.validate(adata)
    assert rows(adata) == family
    assert edges(adata) == family_edges
    assert extract.tracks(adata).divides.sum() == 1
    order = [samples.IDS.index(i) for i in adata.obs["label"]]
    xy = np.column_stack([samples.X, samples.Y])[order]
    np.testing.assert_allclose(adata.obsm["spatial"], xy)
    assert adata.obs_names[0] == "cells:0:10"
    assert adata.uns["cellstate"]["movies"]["cells"] == {
        "n_frames": 6,
        "n_left_out": 3,
        "pixel_size": 0.5,
        "frame_interval": 0.5,
    }


def test_features_have_units_in_um_and_h(write, samples):
    """Nanometres and seconds: 4000 nm are 4 um, 50e6 nm2 are 50 um2."""
    text = samples.trackmate_xml(length="nm")
    adata = cs.io.read_trackmate(write(text))
    assert adata.var["unit"].to_dict() == {
        "QUALITY": "quality",
        "RADIUS": "um",
        "AREA": "um2",
    }
    assert set(adata.var["family"]) == {"trackmate"}
    one = adata[adata.obs["label"] == 10]
    np.testing.assert_allclose(
        one[:, ["QUALITY", "RADIUS", "AREA"]].X, [[10.5, 2e-3, 50e-6]]
    )
    np.testing.assert_allclose(one.obsm["spatial"], [[4e-3, 10e-3]])


@pytest.mark.parametrize(
    ("unit", "interval"),
    [("sec", 1800.0), ("min", 30.0), ("h", 0.5), ("ms", 1.8e6), ("minutes", 30.0)],
)
def test_every_unit_of_time_gives_the_same_hours(
    write, samples, family, unit, interval
):
    text = samples.trackmate_xml(time=unit, timeinterval=interval)
    adata = cs.io.read_trackmate(write(text))
    np.testing.assert_allclose(
        adata.obs["time"], [family[i][1] for i in adata.obs["label"]]
    )
    movie = adata.uns["cellstate"]["movies"]["cells"]
    assert movie["frame_interval"] == pytest.approx(0.5)


def test_pixels_and_frames_need_a_scale(write, samples, family):
    text = samples.trackmate_xml("pixel", "frame", pixelwidth=1.0, timeinterval=1.0)
    path = write(text)
    with pytest.raises(MovieError, match=r"'pixel'.*pixel_size=0\.645"):
        cs.io.read_trackmate(path, frame_interval=0.5)
    with pytest.raises(MovieError, match=r"'frame'.*frame_interval=0\.5"):
        cs.io.read_trackmate(path, pixel_size=0.5)
    adata = cs.io.read_trackmate(path, pixel_size=0.5, frame_interval=0.5)
    assert rows(adata) == family
    np.testing.assert_allclose(adata.obsm["spatial"][0], [2.0, 5.0])
    np.testing.assert_allclose(adata[0, "AREA"].X, 50 * 0.25)


def test_what_the_caller_gives_wins_over_the_calibration(write, xml):
    """Twice the pixel size and twice the interval: all lengths and times double."""
    stated = cs.io.read_trackmate(write(xml))
    given = cs.io.read_trackmate(write(xml), pixel_size=1.0, frame_interval=1.0)
    np.testing.assert_allclose(given.obsm["spatial"], 2 * stated.obsm["spatial"])
    np.testing.assert_allclose(given.obs["time"], 2 * stated.obs["time"])
    names = ["QUALITY", "RADIUS", "AREA"]
    np.testing.assert_allclose(given[:, names].X, stated[:, names].X * [1, 2, 4])


def test_the_order_of_spots_and_links_does_not_matter(write, xml, family):
    spots = re.findall(r"      <SpotsInFrame.*\n", xml)
    links = re.findall(r"        <Edge .*\n", xml)[:5]
    other = xml.replace("".join(spots), "".join(spots[::-1]))
    other = other.replace("".join(links), "".join(links[::-1]))
    turned = re.sub(
        r'SPOT_SOURCE_ID="(\d+)" SPOT_TARGET_ID="(\d+)"',
        r'SPOT_SOURCE_ID="\2" SPOT_TARGET_ID="\1"',
        other,
    )
    assert turned != other != xml
    assert rows(cs.io.read_trackmate(write(other))) == family
    assert rows(cs.io.read_trackmate(write(turned))) == family


def test_depth_is_kept_where_there_is_some(write, xml):
    adata = cs.io.read_trackmate(
        write(xml.replace('POSITION_Z="0.0"', 'POSITION_Z="1.5"', 1))
    )
    assert adata.obsm["spatial"].shape == (8, 3)
    assert adata.obsm["spatial"][0].tolist() == [4.0, 10.0, 1.5]


def test_a_feature_that_a_spot_lacks_is_nan(write, xml):
    adata = cs.io.read_trackmate(write(xml.replace('QUALITY="10.5" ', "")))
    assert np.isnan(adata[0, "QUALITY"].X).all()
    assert np.isfinite(adata[1:, "QUALITY"].X).all()


def test_without_filtered_tracks_all_tracks_are_read(write, xml):
    adata = cs.io.read_trackmate(
        write(re.sub(r"<FilteredTracks>.*</FilteredTracks>", "", xml))
    )
    assert set(adata.obs["label"]) == {10, 11, 12, 13, 14, 15, 20, 21, 30, 31}


def test_the_converter_of_the_package_geff_says_the_same(tmp_path, write, xml):
    """Another program's reader of TrackMate's XML, then our reader of GEFF."""
    convert = pytest.importorskip("geff.convert")
    path = write(xml.replace('spatialunits="micron"', 'spatialunits="micrometer"'))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        convert.from_trackmate_xml_to_geff(
            path,
            tmp_path / "a.geff",
            discard_filtered_spots=True,
            discard_filtered_tracks=True,
        )
    ours = cs.io.read_trackmate(path)
    theirs = cs.io.read_geff(tmp_path / "a.geff", frame_interval=0.5)
    place = theirs.obs.reset_index().set_index("label")["index"]
    theirs = theirs[place[ours.obs["label"]].to_numpy()]
    np.testing.assert_allclose(theirs.obsm["spatial"], ours.obsm["spatial"])
    np.testing.assert_allclose(theirs.obs["time"], ours.obs["time"])
    assert theirs.obs["frame"].tolist() == ours.obs["frame"].tolist()
    assert rows(theirs) == rows(ours)
    np.testing.assert_allclose(theirs[:, ours.var_names].X, ours.X)


# The tables


def test_tables_of_spots_and_edges(write, samples, family, family_edges):
    spots = write(samples.trackmate_csv(), "spots.csv")
    links = write(samples.trackmate_edges(), "edges.csv")
    adata = cs.io.read_trackmate(spots, edges=links, name="well")
    cs.validate(adata)
    assert rows(adata) == family
    assert edges(adata) == family_edges
    assert adata.var["unit"].to_dict() == {
        "QUALITY": "quality",
        "RADIUS": "um",
        "AREA": "um2",
    }
    assert adata.uns["cellstate"]["movies"]["well"]["n_left_out"] == 1


def test_xml_and_tables_say_the_same(write, samples):
    spots = write(samples.trackmate_csv("nm", "min", 30.0), "spots.csv")
    links = write(samples.trackmate_edges(), "edges.csv")
    table = cs.io.read_trackmate(spots, edges=links, name="a")
    xml = cs.io.read_trackmate(
        write(samples.trackmate_xml("nm", "min", timeinterval=30.0)), name="a"
    )[table.obs_names]
    np.testing.assert_allclose(table.X, xml[:, table.var_names].X)
    np.testing.assert_allclose(table.obsm["spatial"], xml.obsm["spatial"])
    assert rows(table) == rows(xml)


def test_a_tree_without_its_edges_is_refused(write, samples):
    spots = write(samples.trackmate_csv(), "spots.csv")
    with pytest.raises(LineageError, match=r"in tracks \[0\].*edges='edges\.csv'"):
        cs.io.read_trackmate(spots)


def test_an_old_table_has_one_row_of_names(write):
    path = write(
        "Label,ID,TRACK_ID,POSITION_X,POSITION_Y,FRAME\n"
        "a,1,0,2,3,0\nb,2,0,4,3,2\nc,3,1,9,9,1\n",
        "spots.csv",
    )
    adata = cs.io.read_trackmate(path, pixel_size=0.5, frame_interval=0.25)
    assert adata.obs["track"].tolist() == [1, 1, 2]
    assert adata.obs["time"].tolist() == [0, 0.5, 0.25]
    assert adata.obsm["spatial"][1].tolist() == [2.0, 1.5]
    with pytest.raises(MovieError, match="no stated unit"):
        cs.io.read_trackmate(path)


# Files that cannot be right


@pytest.mark.parametrize(
    ("old", "new", "error", "text"),
    [
        ("<TrackMate ", "<Trackmate ", MovieError, "found <Trackmate>"),
        ('TARGET_ID="13"', 'TARGET_ID="99"', LineageError, r"not in it: \[99\]"),
        (' SPOT_TARGET_ID="13"', "", MovieError, "found 1 of 7.*numbers"),
        ('ID="11" name', 'ID="10" name', LineageError, r"repeated: \[10\]"),
        ('ID="11" name', 'ID="x" name', MovieError, "'ID' holds whole numbers"),
        (
            *('ID="11" name', 'ID="99999999999999999999" name'),
            *(MovieError, r"up to 2\^53.*9999"),
        ),
        ('POSITION_X="5.0" ', 'POSITION_X="NaN" ', SchemaError, "positions are finite"),
        ('POSITION_X="5.0" ', 'POSITION_X="5;0" ', MovieError, "POSITION_X.*5;0"),
        ('POSITION_X="5.0" ', "", SchemaError, "positions are finite"),
        ('POSITION_T="1800.0"', 'POSITION_T="inf"', SchemaError, "times are finite"),
        ('POSITION_T="1800.0"', 'POSITION_T="0"', SchemaError, "time grows"),
        ('FRAME="1" POSITION', 'FRAME="-1" POSITION', MovieError, "frames count"),
        ('FRAME="1" POSITION', 'FRAME="2" POSITION', LineageError, "in frame 2"),
        ('FRAME="1" POSITION', 'FRAME="1.5" POSITION', MovieError, "'FRAME' holds"),
        ('RADIUS="2.0"', 'RADIUS="wide"', MovieError, "RADIUS of a spot is a number"),
        ('spatialunits="micron"', 'spatialunits="ell"', MovieError, "'ell'"),
        ('timeunits="sec"', 'timeunits="moon"', MovieError, "'moon'"),
        (
            '<Edge SPOT_SOURCE_ID="13" SPOT_TARGET_ID="15" />',
            '<Edge SPOT_SOURCE_ID="13" SPOT_TARGET_ID="15" />'
            '<Edge SPOT_SOURCE_ID="12" SPOT_TARGET_ID="15" />',
            *(LineageError, r"one mother.*merge: \[15\]"),
        ),
        (
            '<Edge SPOT_SOURCE_ID="21" SPOT_TARGET_ID="20"',
            '<Edge SPOT_SOURCE_ID="11" SPOT_TARGET_ID="21"',
            *(LineageError, r"two daughters.*have more: \[11\]"),
        ),
        ('<TrackID TRACK_ID="0" /><TrackID TRACK_ID="1" />', "", MovieError, "none in"),
    ],
)
def test_files_that_cannot_be_right(write, xml, old, new, error, text):
    assert old in xml
    with pytest.raises(error, match="(?s)" + text):
        cs.io.read_trackmate(write(xml.replace(old, new)))


def test_a_file_cut_anywhere_is_refused(write, xml):
    end = xml.index("</TrackMate>")
    for length in (0, 1, 100, end // 2, end):
        with pytest.raises(MovieError, match=f"no whole XML file.*{length} bytes"):
            cs.io.read_trackmate(write(xml[:length]))


def test_entities_are_not_expanded(write, xml):
    """Ten levels of ten: 10^10 characters if they were."""
    levels = "".join(f'<!ENTITY e{i + 1} "{f"&e{i};" * 10}">' for i in range(10))
    bomb = f'<!DOCTYPE TrackMate [<!ENTITY e0 "x">{levels}]>\n<TrackMate '
    text = xml.replace("<TrackMate ", bomb).replace("ID10", "&e10;")
    with pytest.raises(MovieError, match="no document type; found <!DOCTYPE"):
        cs.io.read_trackmate(write(text))


def test_the_other_xml_of_trackmate_is_named(write):
    path = write('<Tracks nTracks="1"><particle nSpots="1"/></Tracks>')
    with pytest.raises(MovieError, match=r"Export tracks to XML.*Save button"):
        cs.io.read_trackmate(path)


def test_a_file_without_spots(write, xml):
    empty = re.sub(r"      <SpotsInFrame.*\n", "", xml)
    with pytest.raises(MovieError, match="has spots; found none"):
        cs.io.read_trackmate(write(empty))


def test_xml_and_a_table_of_edges_do_not_go_together(write, xml):
    with pytest.raises(MovieError, match="holds its own links"):
        cs.io.read_trackmate(write(xml), edges="edges.csv")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "is no table"),
        ("a,b\n1,2\n", r"'ID', 'TRACK_ID'.*missing"),
        ("ID,TRACK_ID,FRAME,POSITION_X,POSITION_Y\n", "no? row|none"),
        ("ID,TRACK_ID,FRAME,POSITION_X,POSITION_Y\n" + "a,,,,\n" * 4, "found 4 rows"),
        ("ID,TRACK_ID,FRAME,POSITION_X,POSITION_Y\n1,,0,1,1\n", "none in a filtered"),
    ],
)
def test_tables_that_cannot_be_right(write, text, match):
    with pytest.raises(MovieError, match=match):
        cs.io.read_trackmate(
            write(text, "spots.csv"), pixel_size=1.0, frame_interval=1.0
        )


def test_a_path_that_is_not_there(tmp_path, write, xml):
    write(xml)
    with pytest.raises(FileNotFoundError, match=r"did you mean \['cells\.xml'\]"):
        cs.io.read_trackmate(tmp_path / "cell.xml")


def test_pixel_size_is_a_number_above_0(write, xml):
    for wrong in (0, -1, float("nan"), "1"):
        with pytest.raises(ValueError, match="`pixel_size` must be a number above 0"):
            cs.io.read_trackmate(write(xml), pixel_size=wrong)
