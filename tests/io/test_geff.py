"""GEFF: the exact round trip, files of other programs, and files that are broken."""

import builtins
import json
import shutil

import numpy as np
import pandas as pd
import pytest

import cellstate as cs
from cellstate._adata import _extract as extract
from cellstate._base.errors import LineageError, MovieError, SchemaError

geff = pytest.importorskip("geff")


@pytest.fixture
def family(samples):
    return samples.family_adata()


@pytest.fixture
def foreign(tmp_path):
    """Write a graph with the package geff itself, as other programs do."""
    from geff.core_io import write_arrays
    from geff_spec import Axis, GeffMetadata

    def write(props, edges, axes=None, ids=None, directed=True, name="a.geff", **extra):
        n = len(next(iter(props.values())))
        ids = np.arange(n, dtype="uint64") if ids is None else np.array(ids, "uint64")
        if axes is None:
            axes = [
                {"name": "t", "type": "time", "unit": "minute"},
                {"name": "y", "type": "space", "unit": "nanometer"},
                {"name": "x", "type": "space", "unit": "nanometer"},
            ]
        path = tmp_path / name
        write_arrays(
            path,
            ids,
            {
                k: v
                if isinstance(v, dict)
                else {"values": np.array(v), "missing": None}
                for k, v in props.items()
            },
            np.array(edges, "uint64").reshape(-1, 2),
            {},
            GeffMetadata(
                directed=directed,
                axes=[Axis(**a) for a in axes],
                node_props_metadata={},
                edge_props_metadata={},
                **extra,
            ),
        )
        return path

    return write


PROPS = {
    "t": [0.0, 30.0, 60.0, 60.0],
    "x": [1e3, 2e3, 3e3, 4e3],
    "y": [5e3, 6e3, 7e3, 8e3],
}
EDGES = [(0, 1), (1, 2), (1, 3)]


def same(a, b):
    pd.testing.assert_frame_equal(a.obs, b.obs, check_like=True)
    pd.testing.assert_frame_equal(a.var, b.var)
    np.testing.assert_array_equal(a.X, b.X)
    np.testing.assert_array_equal(a.obsm["spatial"], b.obsm["spatial"])
    assert (a.obsp["lineage"] != b.obsp["lineage"]).nnz == 0
    assert a.uns["cellstate"] == b.uns["cellstate"]


# Round trip


def test_the_family_comes_back(tmp_path, family):
    again = cs.io.read_geff(cs.io.write_geff(family, tmp_path / "a.geff"))
    cs.validate(again)
    same(again, family)


def test_everything_a_cell_has_comes_back(tmp_path, measured):
    """Real features with NaN, texts, categories, flags, odd names, other units."""
    movie = measured[measured.obs["movie"] == "one"].copy()
    n = movie.n_obs
    movie.obs["movie"] = movie.obs["movie"].cat.remove_unused_categories()
    movie.obs["condition"] = pd.Categorical(["b", "a"] * (n // 2), ["b", "a"])
    movie.obs["flag"] = np.arange(n) % 2 == 0
    movie.obs["note"] = [f"n{i}" for i in range(n)]
    movie.obs["t"] = np.linspace(0, 1, n)
    movie.var_names = ["x", "track", "a/b", "a b", *movie.var_names[4:]]
    again = cs.io.read_geff(cs.io.write_geff(movie, tmp_path / "a.geff"))
    del movie.uns["cellstate"]["movies"]["other"]
    for adata in (again, movie):
        adata.var = adata.var[["family", "unit"]]
        for name in ("height", "width"):
            adata.uns["cellstate"]["movies"]["one"].pop(name, None)
    again.X = again.X.astype(movie.X.dtype)
    same(again, movie)
    assert np.isnan(again.X).any()


def test_depth_comes_back(tmp_path, family):
    family.obsm["spatial"] = np.column_stack([family.obsm["spatial"], np.arange(8.0)])
    same(cs.io.read_geff(cs.io.write_geff(family, tmp_path / "a.geff")), family)


def test_a_lost_sister_and_a_gap_come_back(tmp_path, family):
    """A mother with one daughter is no maximal tracklet, and yet two tracks."""
    kept = family[~family.obs["label"].isin([13, 15])].copy()
    path = cs.io.write_geff(kept, tmp_path / "a.geff")
    again = cs.io.read_geff(path)
    pd.testing.assert_frame_equal(again.obs, kept.obs)
    notes = geff.GeffMetadata.read(path)
    assert notes.track_node_props == {"lineage": "lineage"}


def test_without_positions_features_or_movie(tmp_path, bare):
    adata = bare(np.zeros(4), [1, 1, 2, 2], [0, 1, 1, 2])
    again = cs.io.read_geff(cs.io.write_geff(adata, tmp_path / "a.geff"))
    assert again.obs["track"].tolist() == [1, 1, 2, 2]
    assert "spatial" not in again.obsm
    assert again.obsp["lineage"].nnz == 2


def test_a_written_file_is_valid_to_the_package_geff(tmp_path, family):
    """It checks ids, edges, tracklets and lineages itself."""
    from geff.core_io import read_to_memory
    from geff.validate.data import ValidationConfig

    path = cs.io.write_geff(family, tmp_path / "a.geff")
    everything = ValidationConfig(graph=True, lineage=True, tracklet=True)
    graph = read_to_memory(path, data_validation=everything)
    axes = {a.name: (a.type, a.unit) for a in graph["metadata"].axes}
    assert axes == {
        "t": ("time", "hour"),
        "y": ("space", "micrometer"),
        "x": ("space", "micrometer"),
    }
    assert graph["metadata"].node_props_metadata["area"].unit == "um2"
    assert graph["metadata"].track_node_props == {
        "lineage": "lineage",
        "tracklet": "track",
    }
    assert len(graph["edge_ids"]) == 6  # the gap is bridged


def test_other_numbers_do_not_disturb(tmp_path, family):
    """Read without our own notes, the same cells have the same lineage."""
    own = cs.io.write_geff(family, tmp_path / "a.geff")
    notes = json.loads((own / ".zattrs").read_text())
    notes["geff"]["extra"] = {}
    (own / ".zattrs").write_text(json.dumps(notes))
    again = cs.io.read_geff(own, name="family")
    columns = ["frame", "time", "label", "track", "parent_track"]
    pd.testing.assert_frame_equal(again.obs[columns], family.obs[columns])
    np.testing.assert_array_equal(again[:, "area"].X, family.X)
    assert (again.obsp["lineage"] != family.obsp["lineage"]).nnz == 0


# Files of other programs


def test_units_of_the_axes_are_honoured(foreign):
    adata = cs.io.read_geff(foreign(PROPS, EDGES))
    cs.validate(adata)
    assert adata.obs["time"].tolist() == [0.0, 0.5, 1.0, 1.0]
    assert adata.obs["frame"].tolist() == [0, 1, 2, 2]
    assert adata.obs["track"].tolist() == [1, 1, 2, 3]
    assert adata.obs["parent_track"].tolist() == [-1, -1, 1, 1]
    np.testing.assert_allclose(adata.obsm["spatial"][1], [2.0, 6.0])
    assert adata.uns["cellstate"]["movies"]["a"]["frame_interval"] == 0.5
    assert extract.tracks(adata).divides.sum() == 1


@pytest.mark.parametrize(
    ("unit", "per_hour"),
    [("second", 3600), ("minute", 60), ("hour", 1), ("day", 1 / 24)],
)
def test_every_unit_of_time_gives_the_same_hours(foreign, unit, per_hour):
    props = {**PROPS, "t": np.array([0, 0.5, 1, 1]) * per_hour}
    axes = [
        {"name": "t", "type": "time", "unit": unit},
        {"name": "y", "type": "space", "unit": "pixel"},
        {"name": "x", "type": "space", "unit": "pixel"},
    ]
    adata = cs.io.read_geff(foreign(props, EDGES, axes), pixel_size=1e-3)
    np.testing.assert_allclose(adata.obs["time"], [0, 0.5, 1, 1])
    np.testing.assert_allclose(adata.obsm["spatial"][1], [2.0, 6.0])


def test_frames_and_pixels_need_a_scale(foreign):
    axes = [{"name": "t", "type": "time", "unit": "frame"}] + [
        {"name": n, "type": "space"} for n in "yx"
    ]
    path = foreign({**PROPS, "t": [0, 1, 2, 2]}, EDGES, axes)
    with pytest.raises(MovieError, match=r"in frames.*frame_interval=0\.5"):
        cs.io.read_geff(path, pixel_size=1.0)
    with pytest.raises(MovieError, match=r"'no stated unit'.*pixel_size=0\.645"):
        cs.io.read_geff(path, frame_interval=0.25)
    adata = cs.io.read_geff(path, frame_interval=0.25, pixel_size=2.0)
    assert adata.obs["time"].tolist() == [0, 0.25, 0.5, 0.5]
    assert adata.obsm["spatial"][0].tolist() == [2000.0, 10000.0]


def test_scales_of_the_axes_are_applied(foreign):
    axes = [
        {
            "name": "t",
            "type": "time",
            "unit": "frame",
            "scale": 10.0,
            "scaled_unit": "minute",
        },
        {
            "name": "y",
            "type": "space",
            "unit": "pixel",
            "scale": 0.5,
            "scaled_unit": "micrometer",
        },
        {
            "name": "x",
            "type": "space",
            "unit": "pixel",
            "scale": 0.5,
            "scaled_unit": "micrometer",
            "offset": 1.0,
        },
    ]
    props = {"t": [0, 3, 6, 6], "x": [2.0, 4, 6, 8], "y": [1.0, 1, 1, 1]}
    adata = cs.io.read_geff(foreign(props, EDGES, axes))
    assert adata.obs["time"].tolist() == [0, 0.5, 1.0, 1.0]
    assert adata.obsm["spatial"][:, 0].tolist() == [2.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize(
    "names", ["zyx", "xyz", ("POSITION_X", "POSITION_Y", "POSITION_Z"), ("a", "b", "c")]
)
def test_axes_in_any_order_and_name(foreign, names):
    """Unnamed axes are in the order z, y, x of arrays."""
    here = dict(
        zip("xyz", ([1.0, 2, 3, 4], [5.0, 6, 7, 8], [9.0, 9, 8, 8]), strict=True)
    )
    letters = [n[-1].lower() if n[-1] in "xyzXYZ" else "" for n in names]
    letters = letters if any(letters) else list("zyx")
    props = {"t": PROPS["t"]} | {
        n: here[letter] for n, letter in zip(names, letters, strict=True)
    }
    axes = [{"name": "t", "type": "time", "unit": "minute"}] + [
        {"name": n, "type": "space", "unit": "micrometer"} for n in names
    ]
    adata = cs.io.read_geff(foreign(props, EDGES, axes))
    np.testing.assert_array_equal(adata.obsm["spatial"][0], [1.0, 5.0, 9.0])


def test_labels_of_the_masks_and_tracklets_keep_their_numbers(foreign):
    """As trackastra and motile write them: an id of the segmentation."""
    props = {**PROPS, "seg_id": [7, 7, 8, 9], "tracklet": [40, 40, 30, 20]}
    adata = cs.io.read_geff(
        foreign(props, EDGES, track_node_props={"tracklet": "tracklet"})
    )
    assert adata.obs["label"].tolist() == [7, 7, 8, 9]
    assert adata.obs["track"].tolist() == [40, 40, 30, 20]
    assert adata.obs["parent_track"].tolist() == [-1, -1, 40, 40]
    assert adata.n_vars == 0


def test_tracklets_that_mean_something_else_are_numbered_anew(foreign):
    props = {**PROPS, "tracklet": [1, 2, 3, 3]}
    adata = cs.io.read_geff(
        foreign(props, EDGES, track_node_props={"tracklet": "tracklet"})
    )
    assert adata.obs["track"].tolist() == [1, 1, 2, 3]


def test_properties_become_features_and_texts(foreign):
    missing = {"values": np.array([1.0, 2, 3, 4]), "missing": np.arange(4) == 2}
    props = {**PROPS, "area": missing, "kind": np.array(["a", "b", "c", "d"])}
    adata = cs.io.read_geff(foreign(props, EDGES))
    np.testing.assert_array_equal(adata[:, "area"].X[:, 0], [1, 2, np.nan, 4])
    assert adata.obs["kind"].tolist() == list("abcd")


def test_edges_may_skip_frames(foreign):
    props = {k: [v[0], v[2]] for k, v in PROPS.items()}
    adata = cs.io.read_geff(foreign(props, [(0, 1)]), frame_interval=0.5)
    assert adata.obs["frame"].tolist() == [0, 2]
    assert adata.obs["track"].nunique() == 1
    assert adata.obsp["lineage"].nnz == 0


def test_its_labels_serve_a_movie(tmp_path, family, samples):
    again = cs.io.read_geff(cs.io.write_geff(family, tmp_path / "a.geff"))
    masks = samples.masks()
    movie = cs.io.read_movie(
        masks * 1.0, masks, pixel_size=1.0, frame_interval=0.5, tracks=again.obs
    )
    assert movie.lineage["track"].nunique() == 4


# Refusals


@pytest.mark.parametrize(
    ("props", "edges", "error", "match"),
    [
        (PROPS, [(0, 2), (1, 2)], LineageError, r"merge: \[2\]"),
        (PROPS, [(0, 9)], LineageError, r"not in it: \[9\]"),
        (PROPS, [(2, 3)], LineageError, "node 2 -> 3 in frame 2"),
        ({**PROPS, "t": [0, 30.0, 60, np.nan]}, EDGES, SchemaError, "times are fin"),
        ({**PROPS, "x": [0, 30.0, 60, np.inf]}, EDGES, SchemaError, "positions are"),
        ({**PROPS, "t": [-30.0, 0, 30, 30]}, EDGES, SchemaError, "whole numbers from"),
        ({**PROPS, "t": [0, 30.0, 70, 70]}, EDGES, SchemaError, "multiples of"),
    ],
)
def test_graphs_that_are_no_cells(foreign, props, edges, error, match):
    with pytest.raises(error, match=match):
        cs.io.read_geff(foreign(props, edges))


def test_ids_that_repeat(foreign):
    with pytest.raises(LineageError, match=r"repeated: \[5\]"):
        cs.io.read_geff(foreign(PROPS, [], ids=[5, 5, 6, 7]))


def test_ids_beyond_what_a_table_holds(foreign):
    path = foreign(PROPS, [], ids=[2**63, 1, 2, 3])
    with pytest.raises(MovieError, match=r"2\^53; found uint64 up to 9223372036854775"):
        cs.io.read_geff(path)


def test_an_undirected_graph(foreign):
    with pytest.raises(LineageError, match="undirected graph of 3 edges"):
        cs.io.read_geff(foreign(PROPS, EDGES, directed=False))


def test_a_graph_without_time(foreign):
    axes = [{"name": n, "type": "space"} for n in "yx"]
    with pytest.raises(MovieError, match="one axis of time"):
        cs.io.read_geff(foreign({k: PROPS[k] for k in "xy"}, EDGES, axes))


def test_a_graph_without_nodes(foreign):
    with pytest.raises(MovieError, match="found none"):
        cs.io.read_geff(foreign({k: np.empty(0) for k in PROPS}, []))


def test_parts_that_are_missing(tmp_path, family):
    for part in ("nodes", "edges", ".zattrs", "nodes/props/track", "nodes/ids"):
        path = cs.io.write_geff(family, tmp_path / "a.geff")
        target = path / part
        shutil.rmtree(target) if target.is_dir() else target.unlink()
        with pytest.raises(MovieError, match=r"is no whole GEFF|is not there"):
            cs.io.read_geff(path)
        shutil.rmtree(path)


def test_edges_changed_behind_our_back(tmp_path, family):
    import zarr

    path = cs.io.write_geff(family, tmp_path / "a.geff")
    edges = zarr.open_group(path, mode="a")["edges/ids"]
    edges[0] = [0, 7]
    with pytest.raises(LineageError, match=r"found 1 of 6.*that do not, from tracks"):
        cs.io.read_geff(path)


def test_paths_that_are_wrong(tmp_path, family):
    with pytest.raises(FileNotFoundError, match="no GEFF at"):
        cs.io.read_geff(tmp_path / "a.geff")
    (tmp_path / "file").write_text("x")
    with pytest.raises(MovieError, match="is no whole GEFF"):
        cs.io.read_geff(tmp_path / "file")
    with pytest.raises(FileExistsError, match="must be new; found a file"):
        cs.io.write_geff(family, tmp_path / "file")
    assert (tmp_path / "file").read_text() == "x"


def test_one_movie_at_a_time(tmp_path, measured):
    with pytest.raises(MovieError, match="holds one movie; found 2"):
        cs.io.write_geff(measured, tmp_path / "a.geff")


def test_a_broken_write_leaves_nothing(tmp_path, family, monkeypatch):
    import geff.core_io

    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(geff.core_io, "write_arrays", fail)
    with pytest.raises(OSError, match="disk full"):
        cs.io.write_geff(family, tmp_path / "a.geff")
    assert not list(tmp_path.iterdir())


def test_without_the_package(tmp_path, family, monkeypatch):
    path = cs.io.write_geff(family, tmp_path / "a.geff")
    real = builtins.__import__

    def missing(name, *args, **kwargs):
        if name.startswith("geff"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ImportError, match=r'pip install "cellstate\[geff\]"'):
        cs.io.read_geff(path)
    with pytest.raises(ImportError, match=r'pip install "cellstate\[geff\]"'):
        cs.io.write_geff(family, tmp_path / "b.geff")
