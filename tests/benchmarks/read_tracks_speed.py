"""Seconds to read and write the tracks of many cells, format by format.

    python tests/benchmarks/read_tracks_speed.py --spots 50000

One row per format: size of the file and seconds of the processor, the best of three.
The cells divide; 30 numbers per spot in TrackMate's files, 100 features in GEFF.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

import cellstate as cs

FRAMES = 100


def family(n_spots: int, rng: np.random.Generator) -> pd.DataFrame:
    """Trees of a mother (50 frames) and two daughters (50 frames each)."""
    trees = n_spots // 150
    frame = np.tile(np.r_[0:50, 50:100, 50:100], trees)
    part = np.tile(np.repeat([0, 1, 2], 50), trees)
    tree = np.repeat(np.arange(trees), 150)
    table = pd.DataFrame({"frame": frame, "track": 3 * tree + part + 1, "tree": tree})
    table["parent_track"] = np.where(part == 0, -1, 3 * tree + 1)
    table["label"] = np.arange(len(table))
    table[["x", "y"]] = rng.random((len(table), 2)) * 1000
    return table


def links(table: pd.DataFrame) -> np.ndarray:
    """Pairs of labels along tracks and at divisions."""
    label = table["label"].to_numpy().reshape(-1, 3, 50)
    along = np.stack([label[..., :-1], label[..., 1:]], axis=-1).reshape(-1, 2)
    down = np.stack(
        [np.repeat(label[:, 0, -1], 2), label[:, 1:, 0].reshape(-1)], axis=-1
    )
    return np.concatenate([along, down])


def write_xml(table: pd.DataFrame, path: Path, rng: np.random.Generator) -> None:
    numbers = rng.random((len(table), 25))
    names = [f"FEATURE_{i}" for i in range(25)]
    declared = "".join(
        f'<Feature feature="{n}" dimension="INTENSITY" isint="false"/>' for n in names
    )
    with path.open("w") as file:
        file.write(
            '<?xml version="1.0"?>\n<TrackMate version="7">'
            '<Model spatialunits="micron" timeunits="sec"><FeatureDeclarations>'
            f"<SpotFeatures>{declared}</SpotFeatures></FeatureDeclarations><AllSpots>"
        )
        for row, values in zip(table.itertuples(), numbers, strict=True):
            rest = " ".join(f'{n}="{v}"' for n, v in zip(names, values, strict=True))
            file.write(
                f'<Spot ID="{row.label}" name="ID{row.label}" FRAME="{row.frame}" '
                f'POSITION_X="{row.x}" POSITION_Y="{row.y}" POSITION_Z="0.0" '
                f'POSITION_T="{row.frame * 60.0}" {rest}/>\n'
            )
        file.write("</AllSpots><AllTracks>")
        pairs = links(table)
        tree = table["tree"].to_numpy()[pairs[:, 0]]
        order = np.argsort(tree, kind="stable")
        for number, part in pd.DataFrame(pairs[order]).groupby(tree[order]):
            file.write(f'<Track TRACK_ID="{number}">')
            for a, b in part.to_numpy():
                file.write(
                    f'<Edge SPOT_SOURCE_ID="{a}" SPOT_TARGET_ID="{b}" LINK_COST="1"/>'
                )
            file.write("</Track>\n")
        file.write(
            '</AllTracks></Model><Settings><ImageData pixelwidth="0.5" nframes="100" '
            'timeinterval="60.0"/></Settings></TrackMate>'
        )


def write_csv(table: pd.DataFrame, path: Path, rng: np.random.Generator) -> Path:
    spots = pd.DataFrame(
        {
            "ID": table["label"],
            "TRACK_ID": table["tree"],
            "POSITION_X": table["x"],
            "POSITION_Y": table["y"],
            "POSITION_Z": 0.0,
            "POSITION_T": table["frame"] * 60.0,
            "FRAME": table["frame"],
        }
    )
    for i in range(25):
        spots[f"FEATURE_{i}"] = rng.random(len(table))
    units = ["", "", "(micron)", "(micron)", "(micron)", "(sec)"] + [""] * 26
    head = pd.DataFrame([units], columns=spots.columns)
    pd.concat([head, spots]).to_csv(path, index=False)
    edges = path.with_name("edges.csv")
    pd.DataFrame(links(table), columns=["SPOT_SOURCE_ID", "SPOT_TARGET_ID"]).to_csv(
        edges, index=False
    )
    return edges


def write_h5(table: pd.DataFrame, path: Path) -> None:
    import h5py

    n = len(table)
    spans = np.arange(0, n + 1, 50)
    zero = np.zeros(n)
    coords = np.column_stack([table["frame"], table["x"], table["y"], zero, zero])
    one = table.iloc[::50]
    parent = np.where(one["parent_track"] < 0, one["track"], one["parent_track"])
    ends = one["frame"] + 49
    with h5py.File(path, "w") as file:
        file["objects/obj_type_1/coords"] = coords.astype("float32")
        file["tracks/obj_type_1/tracks"] = np.arange(n, dtype="int32")
        file["tracks/obj_type_1/map"] = np.column_stack([spans[:-1], spans[1:]])
        file["tracks/obj_type_1/LBEPR"] = np.column_stack(
            [one["track"], one["frame"], ends, parent, parent, 0 * parent]
        )


def best(call) -> float:
    """Seconds of the processor, the best of three."""
    times = []
    for _ in range(3):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


def size(path: Path) -> float:
    """Megabytes of a file or folder."""
    files = [path] if path.is_file() else path.rglob("*")
    return sum(p.stat().st_size for p in files if p.is_file()) / 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spots", type=int, default=50_000)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    table = family(options.spots, rng)
    print(f"{len(table)} spots, {table['track'].nunique()} tracks")
    print("| what | MB | seconds |\n|---|---|---|")
    with (
        tempfile.TemporaryDirectory() as place,
        cs.settings.override(progress=False),
    ):
        folder = Path(place)
        xml, csv, h5 = folder / "a.xml", folder / "a.csv", folder / "a.h5"
        write_xml(table, xml, rng)
        edges = write_csv(table, csv, rng)
        write_h5(table, h5)
        units = {"pixel_size": 0.5, "frame_interval": 1 / 60}
        for name, path, read in (
            ("TrackMate XML", xml, lambda: cs.io.read_trackmate(xml)),
            ("TrackMate CSV", csv, lambda: cs.io.read_trackmate(csv, edges=edges)),
            ("btrack HDF5", h5, lambda: cs.io.read_btrack(h5, **units)),
        ):
            adata = read()
            same = adata.obs.sort_values("label")["track"].nunique()
            assert len(adata) == len(table)
            assert same == table["track"].nunique()
            print(f"| {name} | {size(path):.1f} | {best(read):.2f} |", flush=True)
        numbers = pd.DataFrame(rng.random((len(table), 100))).add_prefix("f")
        wide = cs.io.read_table(
            pd.concat([table, numbers], axis=1),
            columns={c: c for c in ("frame", "track", "parent_track", "x", "y")},
            units={"x": "um"},
            frame_interval=1 / 60,
        )
        graph = folder / "a.geff"
        start = time.process_time()
        cs.io.write_geff(wide, graph)
        seconds = time.process_time() - start
        print(f"| GEFF, written | {size(graph):.1f} | {seconds:.2f} |", flush=True)
        print(
            f"| GEFF, read | {size(graph):.1f} | "
            f"{best(lambda: cs.io.read_geff(graph)):.2f} |"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
