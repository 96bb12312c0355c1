"""One small family of cells, written by hand in the format of every reader.

Mother 10, 11 (frames 0, 1) divides into 12 (frame 2), 14 (frame 4: one frame is
skipped) and 13, 15 (frames 2, 3); 20, 21 (frames 1, 2) are another cell.
"""

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from anndata import AnnData

import cellstate as cs
from cellstate._base.errors import LineageError, MovieError, SchemaError

CROPS = "single_cell_images"
IDS = [10, 11, 12, 13, 14, 15, 20, 21]
FRAME = [0, 1, 2, 2, 4, 3, 1, 2]
LINKS = [(10, 11), (11, 12), (11, 13), (12, 14), (13, 15), (20, 21)]
X = [4.0, 5.0, 3.0, 7.0, 3.5, 7.5, 20.0, 21.0]
Y = [10.0, 10.5, 8.0, 12.0, 8.5, 12.5, 30.0, 30.5]
AREA = [50.0, 52.0, 26.0, 27.0, 30.0, 31.0, 44.0, 45.0]
# Tracks by the cell that begins them, and their mothers.
FIRST = [10, 10, 12, 13, 12, 13, 20, 20]
MOTHER = {12: 10, 13: 10}
# Errors by which the package refuses a file.
ALLOWED = (MovieError, LineageError, SchemaError, FileNotFoundError)

TRACKMATE = """<?xml version="1.0" encoding="UTF-8"?>
<TrackMate version="7.11.1">
  <Model spatialunits="{length}" timeunits="{time}">
    <FeatureDeclarations><SpotFeatures>
      <Feature feature="QUALITY" dimension="QUALITY" isint="false" />
      <Feature feature="RADIUS" dimension="LENGTH" isint="false" />
      <Feature feature="AREA" dimension="AREA" isint="false" />
      <Feature feature="POSITION_X" dimension="POSITION" isint="false" />
      <Feature feature="POSITION_Y" dimension="POSITION" isint="false" />
      <Feature feature="POSITION_Z" dimension="POSITION" isint="false" />
      <Feature feature="POSITION_T" dimension="TIME" isint="false" />
      <Feature feature="FRAME" dimension="NONE" isint="true" />
      <Feature feature="VISIBILITY" dimension="NONE" isint="true" />
    </SpotFeatures><EdgeFeatures>
      <Feature feature="SPEED" dimension="VELOCITY" isint="false" />
    </EdgeFeatures><TrackFeatures>
      <Feature feature="TRACK_ID" dimension="NONE" isint="true" />
    </TrackFeatures></FeatureDeclarations>
    <AllSpots nspots="11">
{spots}
    </AllSpots>
    <AllTracks>
      <Track name="Track_0" TRACK_ID="0">
{tree}
      </Track>
      <Track name="Track_1" TRACK_ID="1">
        <Edge SPOT_SOURCE_ID="21" SPOT_TARGET_ID="20" LINK_COST="1.0" />
      </Track>
      <Track name="Track_2" TRACK_ID="2">
        <Edge SPOT_SOURCE_ID="30" SPOT_TARGET_ID="31" LINK_COST="1.0" />
      </Track>
    </AllTracks>
    <FilteredTracks><TrackID TRACK_ID="0" /><TrackID TRACK_ID="1" /></FilteredTracks>
  </Model>
  <Settings>
    <ImageData filename="a.tif" folder="" nframes="6" pixelwidth="{pixelwidth}"
      pixelheight="{pixelwidth}" timeinterval="{timeinterval}" />
  </Settings>
</TrackMate>
"""


def trackmate_xml(length="micron", time="sec", pixelwidth=0.5, timeinterval=1800.0):
    """The family, a filtered-out track 30, 31 and a spot 40 in no track."""
    spots = [*zip(IDS, FRAME, X, Y, AREA, strict=True)]
    spots += [(30, 0, 1.0, 1.0, 9.0), (31, 1, 1.0, 1.0, 9.0), (40, 5, 2.0, 2.0, 9.0)]
    return TRACKMATE.format(
        length=length,
        time=time,
        pixelwidth=pixelwidth,
        timeinterval=timeinterval,
        spots="\n".join(
            f'      <SpotsInFrame frame="{f}"><Spot ID="{i}" name="ID{i}" '
            f'VISIBILITY="1" RADIUS="2.0" QUALITY="{i}.5" POSITION_T='
            f'"{f * timeinterval}" POSITION_X="{x}" POSITION_Y="{y}" FRAME="{f}" '
            f'POSITION_Z="0.0" AREA="{a}" /></SpotsInFrame>'
            for i, f, x, y, a in spots
        ),
        tree="\n".join(
            f'        <Edge SPOT_SOURCE_ID="{a}" SPOT_TARGET_ID="{b}" />'
            for a, b in LINKS[:-1]
        ),
    )


def trackmate_csv(length="micron", time="sec", timeinterval=1800.0):
    """The spots as TrackMate exports them: names, titles, short titles, units."""
    rows = [
        "LABEL,ID,TRACK_ID,QUALITY,POSITION_X,POSITION_Y,POSITION_Z,POSITION_T,FRAME,"
        "RADIUS,VISIBILITY,AREA",
        "Label,Spot ID,Track ID,Quality,X,Y,Z,T,Frame,Radius,Visibility,Area",
        "Label,Spot ID,Track ID,Quality,X,Y,Z,T,Frame,R,Visibility,Area",
        f",,,(quality),({length}),({length}),({length}),({time}),,({length}),,"
        f"({length}^2)",
    ]
    for i, f, x, y, a in zip(IDS, FRAME, X, Y, AREA, strict=True):
        track = 1 if i >= 20 else 0
        rows.append(
            f"ID{i},{i},{track},{i}.5,{x},{y},0.0,{f * timeinterval},{f},2.0,1,{a}"
        )
    rows.append("ID40,40,,40.5,2.0,2.0,0.0,9000.0,5,2.0,1,9.0")
    return "\n".join(rows) + "\n"


def trackmate_edges():
    """The edges as TrackMate exports them."""
    rows = [
        "LABEL,TRACK_ID,SPOT_SOURCE_ID,SPOT_TARGET_ID,LINK_COST",
        "Label,Track ID,Source spot ID,Target spot ID,Edge cost",
        "Label,Track ID,Source ID,Target ID,Cost",
        ",,,,(cost)",
    ]
    rows += [f"ID{a} -> ID{b},0,{a},{b},1.0" for a, b in LINKS]
    return "\n".join(rows) + "\n"


def btrack_tables():
    """The family as btrack writes it: tracks refer to rows, a dummy bridges the gap."""
    z = np.zeros(len(IDS))
    order = np.argsort(FRAME, kind="stable")
    place = {IDS[row]: i for i, row in enumerate(order)}
    coords = np.column_stack([FRAME, X, Y, z, z])[order]
    pieces = [[10, 11], [12, None, 14], [13, 15], [20, 21]]
    stops = np.cumsum([len(p) for p in pieces])
    return {
        "objects/obj_type_1/coords": coords.astype("float32"),
        "objects/obj_type_1/labels": np.array(
            [[0], [2], [3], [0], [0], [0], [1], [0]]
        ).astype("float32"),
        "objects/obj_type_1/properties/area": np.array(AREA)[order].astype("float32"),
        "tracks/obj_type_1/tracks": np.array(
            [-1 if i is None else place[i] for p in pieces for i in p], dtype="int32"
        ),
        "tracks/obj_type_1/map": np.column_stack([np.r_[0, stops[:-1]], stops]).astype(
            "uint32"
        ),
        "tracks/obj_type_1/dummies": np.array([[3, 3.2, 8.2, 0, 1]], dtype="float32"),
        "tracks/obj_type_1/LBEPR": np.array(
            [
                [1, 0, 1, 1, 1, 0],
                [2, 2, 4, 1, 1, 1],
                [3, 2, 3, 1, 1, 1],
                [4, 1, 2, 4, 4, 0],
            ],
            dtype="int32",
        ),
        "tracks/obj_type_1/fates": np.array([4, 2, 5, 77], dtype="int32"),
    }


def btrack_h5(path, tables=None, _changed=None):
    """Write tables as HDF5; the family by default."""
    import h5py

    with h5py.File(path, "w") as file:
        for name, table in (tables or btrack_tables()).items():
            if table is not None:
                file[name] = table
    return path


def geff_tables(path):
    """Every array in a GEFF by its place."""
    import zarr

    root, places = zarr.open_group(path, mode="r"), []
    for place in sorted(p.parent for p in Path(path).rglob(".zarray")):
        places.append(place.relative_to(path).as_posix())
    return {place: root[place][...] for place in places}


def foreign_geff(path):
    """The family as another program might write it: without our own notes."""
    cs.io.write_geff(family_adata(), path)
    notes = json.loads((path / ".zattrs").read_text())
    notes["geff"]["extra"] = {}
    (path / ".zattrs").write_text(json.dumps(notes))
    return path


def rewrite_geff(path, tables, changed):
    """Bring the first GEFF at a path back, with one array changed or left out."""
    import zarr

    whole = path.with_suffix(".whole")
    if not whole.exists():
        shutil.copytree(path, whole)
    shutil.rmtree(path)
    shutil.copytree(whole, path)
    root = zarr.open_group(path, mode="a")
    del root[changed]
    if tables[changed] is not None:
        root[changed] = tables[changed]


def family_table():
    """The family as a table for `read_table`."""
    numbers = {first: n for n, first in enumerate(sorted(set(FIRST)), 1)}
    return pd.DataFrame(
        {
            "frame": FRAME,
            "label": IDS,
            "track": [numbers[f] for f in FIRST],
            "parent_track": [numbers.get(MOTHER.get(f), -1) for f in FIRST],
            "x": X,
            "y": Y,
            "area": AREA,
        }
    )


def family_adata():
    """The family as an AnnData, half an hour per frame."""
    table = family_table()
    return cs.io.read_table(
        table,
        columns={c: c for c in table if c != "area"},
        units={"x": "um", "area": "um2"},
        frame_interval=0.5,
        pixel_size=0.5,
        name="family",
    )


def masks():
    """Masks of the family, a square of 3 x 3 px per cell, label = id."""
    stack = np.zeros((6, 44, 28), dtype=np.uint16)
    for i, f, x, y in zip(IDS, FRAME, X, Y, strict=True):
        stack[f, round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2] = i
    return stack


PARENT = {b: a for a, b in LINKS}


def cellprofiler_tables():
    """The family as CellProfiler writes it: image 3 is frame 0, objects by position."""
    number = {i: FRAME[: IDS.index(i) + 1].count(FRAME[IDS.index(i)]) for i in IDS}
    image = {i: f + 3 for i, f in zip(IDS, FRAME, strict=True)}
    mother = [PARENT.get(i) for i in IDS]
    cells = pd.DataFrame(
        {
            "ImageNumber": [image[i] for i in IDS],
            "ObjectNumber": [number[i] for i in IDS],
            "AreaShape_Area": AREA,
            "AreaShape_Center_X": X,
            "AreaShape_Center_Y": Y,
            "Location_Center_X": X,
            "Location_Center_Y": Y,
            "Intensity_MeanIntensity_DNA": np.array(AREA) / 100,
            "Neighbors_FirstClosestObjectNumber_1": 1,
            "Number_Object_Number": [number[i] for i in IDS],
            "Parent_Nuclei": [number[i] for i in IDS],
            "TrackObjects_Displacement_50": 1.0,
            "TrackObjects_Label_50": [2 if i >= 20 else 1 for i in IDS],
            "TrackObjects_ParentImageNumber_50": [image.get(m, 0) for m in mother],
            "TrackObjects_ParentObjectNumber_50": [number.get(m, 0) for m in mother],
        }
    )
    order = np.lexsort((cells["ObjectNumber"], cells["ImageNumber"]))
    cells = cells.iloc[order].reset_index(drop=True)
    nuclei = cells.iloc[::-1, :3].assign(Children_Cells_Count=1).copy()
    nuclei["AreaShape_Area"] /= 2
    nuclei["Texture_Contrast_DNA_3_00_256"] = 0.25
    images = pd.DataFrame(
        {
            "ImageNumber": range(3, 9),
            "Group_Number": 1,
            "Group_Index": range(1, 7),
            "Metadata_Well": "B03",
            "Metadata_Site": 2,
            "Granularity_1_DNA": 7.0,
            "FileName_DNA": "a.tif",
        }
    )
    return {"Cells": cells, "Nuclei": nuclei, "Image": images}


def cytotable():
    """The same as one joined table of single cells."""
    tables = cellprofiler_tables()
    cells = tables["Cells"].rename(
        columns=lambda c: {
            "ImageNumber": "Metadata_ImageNumber",
            "ObjectNumber": "Metadata_Cells_Number_Object_Number",
            "Parent_Nuclei": "Metadata_Nuclei_Number_Object_Number",
        }.get(c, f"Cells_{c}")
    )
    nuclei = tables["Nuclei"].rename(columns=lambda c: f"Nuclei_{c}")
    return cells.merge(
        nuclei,
        left_on=["Metadata_ImageNumber", "Metadata_Nuclei_Number_Object_Number"],
        right_on=["Nuclei_ImageNumber", "Nuclei_ObjectNumber"],
    ).assign(Image_Metadata_Well="B03", Metadata_Site=2)


def write_tables(folder, tables, start="Run_"):
    """Write tables as CSV into a new folder."""
    folder.mkdir()
    for name, table in tables.items():
        table.to_csv(folder / f"{start}{name}.csv", index=False)
    return folder


def _cellprofiler(folder):
    path = write_tables(folder / "run", cellprofiler_tables())
    units = {"pixel_size": 0.5, "frame_interval": 0.5}
    return path, lambda p: cs.io.read_cellprofiler(p, **units)


def _cytotable(folder):
    path = folder / "cells.csv.gz"
    cytotable().to_csv(path, index=False)
    return path, lambda p: cs.io.read_cellprofiler(p, pixel_size=0.5, frame_interval=1)


def _cytotable_csv(folder):
    path = folder / "cells.csv"
    cytotable().to_csv(path, index=False)
    return path, lambda p: cs.io.read_cellprofiler(p, pixel_size=0.5, frame_interval=1)


def _mantispy(folder):
    adata = family_adata()
    adata.obs["Metadata_Plate"], adata.obs["Metadata_Well"] = "P1", "B03"
    return cs.io.write_mantispy(adata, folder / "cells.h5ad"), cs.io.read_mantispy


def h5sc(path, images=None, ids=(11, 12, 70_000, 3, 9)):
    """Five cells as scPortrait writes them: an h5ad with images in it."""
    import h5py

    if images is None:
        images = np.random.default_rng(0).random((5, 3, 6, 7)).astype(np.float32)
    obs = pd.DataFrame({"cell_id": np.array(ids, np.uint64), "well": list("abcab")})
    obs.index = obs.index.astype(str)
    var = pd.DataFrame(
        {
            "channels": ["seg_all_nucleus", "DNA", "actin"],
            "channel_mapping": ["mask", "image_channel", "image_channel"],
        },
        index=list("012"),
    )
    AnnData(obs=obs, var=var).write_h5ad(path)
    kept = images.astype(np.float16) if images.dtype == np.float32 else images
    with h5py.File(path, "a") as file:
        stored = file.create_dataset(f"obsm/{CROPS}", data=kept, compression="gzip")
        stored.attrs["encoding-type"] = "array"
        stored.attrs["encoding-version"] = "0.2.0"
    return path, images, list(ids)


def _scportrait(folder):
    return h5sc(folder / "cells.h5sc")[0], cs.io.read_scportrait


def spatialdata(path, version="0.5"):
    """An image, its label image and the table of its cells."""
    import zarr

    labels = np.zeros((20, 24), np.uint32)
    labels[2:6, 2:7], labels[10:15, 12:20] = 4, 70_000
    image = np.stack([labels % 251, labels > 0]).astype(np.uint16)
    root = zarr.open_group(path, mode="w", zarr_format=2 if version == "0.4" else 3)
    root.attrs["spatialdata_attrs"] = {"version": "0.2"}
    for kind, name, axes, stack in (
        ("images", "raw", "cyx", image),
        ("labels", "cells", "yx", labels),
    ):
        group = root.require_group(kind).create_group(name)
        _ngff_image(group, stack, axes, version, {}, {"y": "unit", "x": "unit"})
    table = AnnData(
        np.array([[20.0, 1.0], [40.0, 0.0]], np.float32),
        obs=pd.DataFrame(
            {
                "region": pd.Categorical(["cells", "cells"]),
                "instance_id": [4, 70_000],
                "label": ["a", "b"],
            },
            index=["0", "1"],
        ),
        var=pd.DataFrame(index=["area", "GENE1"]),
        obsm={"spatial": np.array([[4.0, 3.5], [15.5, 12.0]])},
        uns={
            "spatialdata_attrs": {
                "region": "cells",
                "region_key": "region",
                "instance_key": "instance_id",
            }
        },
    )
    root.require_group("tables")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table.write_zarr(path / "tables" / "table")
    return path, image, labels


def spatialdata_sample(folder):
    def read(path):
        found = cs.io.read_spatialdata(path)
        for stack in (*found.images.values(), *found.masks.values()):
            _touch(stack)

    return spatialdata(folder / "sample.zarr")[0], read


UNITS = {"t": "minute", "z": "micrometer", "y": "micrometer", "x": "micrometer"}


def ngff(path, pixels, axes, version="0.5", steps=None, labels=(), units=None):
    """Write pixels as an OME-Zarr of two levels, as other programs do.

    `steps` is the size of a step along axes by letter, `labels` are names and arrays
    (t, y, x) of label images.
    """
    import zarr

    root = zarr.open_group(path, mode="w", zarr_format=2 if version == "0.4" else 3)
    _ngff_image(root, pixels, axes, version, steps or {}, units or UNITS)
    if labels:
        group = root.create_group("labels")
        _ngff_attributes(group, version, {"labels": list(labels)})
        for name, stack in dict(labels).items():
            image = group.create_group(name)
            _ngff_image(image, stack, "tyx", version, steps or {}, units or UNITS)
    return path


def _ngff_attributes(group, version, said):
    if version == "0.4":
        group.attrs.update(said)
    else:
        group.attrs["ome"] = {"version": version, **said}


def _ngff_image(group, pixels, axes, version, steps, units):
    kinds = {"t": "time", "c": "channel"}
    levels = (pixels, pixels[..., ::2, ::2])
    for level, stack in enumerate(levels):
        array = group.create_array(
            str(level),
            shape=stack.shape,
            chunks=tuple(
                min(n, 24) if a in "yx" else 1
                for a, n in zip(axes, stack.shape, strict=True)
            ),
            dtype=stack.dtype,
            **(
                {"chunk_key_encoding": {"name": "v2", "separator": "/"}}
                if version == "0.4"
                else {"dimension_names": list(axes)}
            ),
        )
        array[...] = stack
    described = [
        {"name": a, "type": kinds.get(a, "space")}
        | ({"unit": units[a]} if a in units else {})
        for a in axes
    ]
    one = {"type": "scale", "scale": [float(steps.get(a, 1.0)) for a in axes]}
    two = {"type": "scale", "scale": [1.0] * (len(axes) - 2) + [2.0, 2.0]}
    said = {
        "name": "image",
        "axes": described,
        "datasets": [
            {"path": "0", "coordinateTransformations": [one]},
            {"path": "1", "coordinateTransformations": [one, two]},
        ],
    }
    _ngff_attributes(group, version, {"multiscales": [said]})


def _ome_zarr(folder):
    stack = masks()
    lineage = family_table()[["frame", "label", "track", "parent_track"]]
    movie = cs.Movie(
        images=stack[:, None],
        masks=stack,
        pixel_size=0.5,
        frame_interval=0.5,
        lineage=lineage,
    )
    path = cs.io.write_ome_zarr(movie, folder / "family.zarr")
    return path, lambda p: _movie(p, {"pixel_size": 0.5, "frame_interval": 0.5})


def _movie(path, units):
    """Read everything in a movie; the units that it states are offered."""
    with pytest.raises(ValueError, match="is missing"):
        cs.io.read_movie(path, pixel_size=0.5, frame_interval=None)
    movie = cs.io.read_movie(path, **units)
    _touch(movie.images)
    _touch(movie.masks)


def _ome_zarr_2(folder):
    stack = masks()
    pixels = np.stack([stack, stack * 2], axis=1)
    path = ngff(folder / "old.zarr", pixels, "tcyx", "0.4", {"x": 0.5, "y": 0.5})
    return path, lambda p: _touch(cs.io.read_images(p))


def _ome_zarr_labels(folder):
    stack = masks()
    path = ngff(
        folder / "labels.zarr", stack[:, None], "tcyx", labels={"nuclei": stack}
    )
    return path, lambda p: _touch(cs.io.read_masks(p))


def _touch(stack):
    for frame in range(len(stack)):
        np.asarray(stack[frame])
    return stack


def _images(folder):
    path = folder / "images.tif"
    tifffile.imwrite(path, masks(), photometric="minisblack", metadata={"axes": "TYX"})
    return path, lambda p: _touch(cs.io.read_images(p))


def _compressed_masks(folder):
    path = folder / "masks.tif"
    tifffile.imwrite(
        path,
        masks(),
        photometric="minisblack",
        compression="zlib",
        metadata={"axes": "TYX"},
    )
    return path, lambda p: _touch(cs.io.read_masks(p))


def _ome_tiff(folder):
    path = folder / "images.ome.tif"
    tifffile.imwrite(path, masks(), photometric="minisblack", metadata={"axes": "TYX"})
    return path, lambda p: _touch(cs.io.read_images(p))


def _big_tiff(folder):
    path = folder / "big.tif"
    tifffile.imwrite(path, masks()[:, :12, :12], photometric="minisblack", bigtiff=True)
    return path, lambda p: _touch(cs.io.read_masks(p))


def _frames(folder):
    path = folder / "frames"
    path.mkdir()
    for t, frame in enumerate(masks()):
        tifffile.imwrite(path / f"t{t:03d}.tif", frame[:12, :12])
    return path, lambda p: _touch(cs.io.read_masks(p))


def _npy(folder):
    path = folder / "masks.npy"
    np.save(path, masks()[:, :16, :16])
    return path, lambda p: _touch(cs.io.read_masks(p))


def _ctc_table(folder):
    stack = np.zeros((3, 8, 8), dtype=np.uint16)
    stack[:2, 1:4, 1:4], stack[2, 1:3, 1:3], stack[2, 4:6, 4:6] = 1, 2, 3
    path = folder / "man_track.txt"
    path.write_text("1 0 1 0\n2 2 2 1\n3 2 2 1\n")
    return path, lambda p: cs.io.read_movie(
        stack, stack, tracks=p, pixel_size=0.5, frame_interval=0.5
    )


def _track_table(folder):
    stack = masks()
    path = folder / "tracks.csv"
    columns = ["frame", "label", "track", "parent_track"]
    family_table()[columns].to_csv(path, index=False)
    return path, lambda p: cs.io.read_movie(
        stack, stack, tracks=p, pixel_size=0.5, frame_interval=0.5
    )


def _edge_table(folder):
    stack, path = masks(), folder / "edges.csv"
    edge_table().to_csv(path, index=False)
    return path, lambda p: cs.io.read_movie(
        stack, stack, tracks=p, pixel_size=0.5, frame_interval=0.5
    )


def edge_table():
    """The links between labels as trackastra writes them."""
    frame = dict(zip(IDS, FRAME, strict=True))
    return pd.DataFrame(
        [(frame[a], a, frame[b], b, 0.9) for a, b in LINKS],
        columns=[
            *("source_frame", "source_label", "target_frame", "target_label"),
            "weight",
        ],
    )


def _table(folder):
    path, table = folder / "cells.csv", family_table()
    table.to_csv(path, index=False)
    return path, lambda p: cs.io.read_table(
        p,
        columns={c: c for c in table if c != "area"},
        units={"x": "um"},
        frame_interval=0.5,
    )


def _trackmate_xml(folder):
    path = folder / "cells.xml"
    path.write_text(trackmate_xml(), encoding="utf-8")
    return path, cs.io.read_trackmate


def _trackmate_csv(folder):
    path, edges = folder / "spots.csv", folder / "edges.csv"
    path.write_text(trackmate_csv())
    edges.write_text(trackmate_edges())
    return path, lambda p: cs.io.read_trackmate(p, edges=edges)


def _trackmate_edges(folder):
    spots, path = folder / "spots.csv", folder / "edges.csv"
    spots.write_text(trackmate_csv())
    path.write_text(trackmate_edges())
    return path, lambda p: cs.io.read_trackmate(spots, edges=p)


def _btrack(folder):
    path = btrack_h5(folder / "cells.h5")
    return path, lambda p: cs.io.read_btrack(p, pixel_size=0.5, frame_interval=0.5)


def _geff(folder):
    return cs.io.write_geff(family_adata(), folder / "cells.geff"), cs.io.read_geff


def _foreign_geff(folder):
    return foreign_geff(folder / "foreign.geff"), cs.io.read_geff


# Format -> what writes it into a folder and returns its path and reader.
SAMPLES: dict[str, Callable[[Path], tuple[Path, Callable[[Path], object]]]] = {
    "TrackMate XML": _trackmate_xml,
    "TrackMate CSV, spots": _trackmate_csv,
    "TrackMate CSV, edges": _trackmate_edges,
    "btrack HDF5": _btrack,
    "GEFF": _geff,
    "GEFF, foreign": _foreign_geff,
    "CTC man_track.txt": _ctc_table,
    "CSV of tracks": _track_table,
    "CSV of links": _edge_table,
    "CSV of cells": _table,
    "TIFF images": _images,
    "TIFF masks, zlib": _compressed_masks,
    "OME-TIFF images": _ome_tiff,
    "BigTIFF masks": _big_tiff,
    "TIFF frames, folder": _frames,
    "npy masks": _npy,
    "CellProfiler": _cellprofiler,
    "CytoTable CSV": _cytotable_csv,
    "CytoTable CSV, gzip": _cytotable,
    "mantispy h5ad": _mantispy,
    "scPortrait h5sc": _scportrait,
    "OME-Zarr, ours": _ome_zarr,
    "OME-Zarr 0.4": _ome_zarr_2,
    "OME-Zarr 0.5, labels": _ome_zarr_labels,
}
