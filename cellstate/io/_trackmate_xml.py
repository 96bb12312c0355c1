"""The XML that TrackMate saves, read in one pass; DOCTYPE is refused."""

from pathlib import Path
from xml.parsers import expat

import numpy as np
import pandas as pd

from cellstate._base.errors import MovieError, listing
from cellstate.io._lineage import integers
from cellstate.io._trackmate_model import TrackMateModel

ROOT = "TrackMate"


class _Reader:
    """Collects attributes while the parser walks through the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.root: str | None = None
        self.track: str | None = None
        self.in_spot_features = False
        self.spots: list[dict[str, str]] = []
        self.links: list[tuple[str | None, str | None, str | None]] = []
        self.filtered: list[str | None] | None = None
        self.dimensions: dict[str, str] = {}
        self.model: dict[str, str] = {}
        self.image: dict[str, str] = {}

    def doctype(self, *_: object) -> None:
        raise MovieError(
            f"a TrackMate file declares no document type; found <!DOCTYPE in "
            f"'{self.path}', by which a small file can grow without bound. Save it "
            "again in TrackMate."
        )

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "Spot":
            self.spots.append(attributes)
        elif tag == "Edge":
            ends = attributes.get("SPOT_SOURCE_ID"), attributes.get("SPOT_TARGET_ID")
            self.links.append((self.track, *ends))
        elif tag == "Track":
            self.track = attributes.get("TRACK_ID")
        elif tag == "TrackID" and self.filtered is not None:
            self.filtered.append(attributes.get("TRACK_ID"))
        elif tag == "FilteredTracks":
            self.filtered = []
        elif tag == "SpotFeatures":
            self.in_spot_features = True
        elif tag == "Feature" and self.in_spot_features:
            self.dimensions[attributes.get("feature", "")] = attributes.get(
                "dimension", ""
            )
        elif tag == "Model":
            self.model = attributes
        elif tag == "ImageData":
            self.image = attributes
        if self.root is None:
            self.root = tag
            self._check_root()

    def end(self, tag: str) -> None:
        if tag == "Track":
            self.track = None
        elif tag == "SpotFeatures":
            self.in_spot_features = False

    def _check_root(self) -> None:
        if self.root == "Tracks":
            raise MovieError(
                f"'{self.path}' comes from TrackMate's 'Export tracks to XML' (root "
                "<Tracks>), which keeps no links; expected root <TrackMate>. Use the "
                "Save button of TrackMate instead."
            )
        if self.root != ROOT:
            raise MovieError(
                f"a TrackMate file has the root <TrackMate>; found <{self.root}> in "
                f"'{self.path}'. Give the XML that TrackMate saves."
            )


def read_xml_model(path: Path) -> TrackMateModel:
    """Read spots, links of filtered tracks, and units.

    Raises
    ------
    MovieError
        Not XML, cut short, another root, a document type, no spots.
    """
    reader = _Reader(path)
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = reader.doctype
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    try:
        with path.open("rb") as file:
            parser.ParseFile(file)
    except (expat.ExpatError, ValueError, LookupError) as error:
        if isinstance(error, MovieError):
            raise
        raise MovieError(
            f"'{path}' is no whole XML file: {error} ({path.stat().st_size} bytes, "
            f"{len(reader.spots)} spots read). Save it again in TrackMate."
        ) from error
    if not reader.spots:
        raise MovieError(
            f"a TrackMate file has spots; found none in '{path}'. Detect and track "
            "cells before saving."
        )
    links = _links_of_filtered(reader)
    return TrackMateModel(
        spots=_table(reader.spots),
        links=links,
        in_track=np.zeros(len(reader.spots), dtype=bool),
        dimensions=reader.dimensions,
        length_unit=reader.model.get("spatialunits", ""),
        time_unit=reader.model.get("timeunits", ""),
        pixel_width=_positive(reader.image.get("pixelwidth")),
        time_interval=_positive(reader.image.get("timeinterval")),
        n_frames=int(_positive(reader.image.get("nframes")) or 0),
    )


def _table(spots: list[dict[str, str]]) -> pd.DataFrame:
    columns = dict.fromkeys(key for spot in spots for key in spot)
    return pd.DataFrame(
        {c: pd.Series([spot.get(c) for spot in spots], dtype=object) for c in columns}
    )


def _links_of_filtered(reader: _Reader) -> np.ndarray:
    """Return the links of filtered tracks; of all tracks where none are named."""
    links = pd.DataFrame(
        reader.links, columns=["TRACK_ID", "SPOT_SOURCE_ID", "SPOT_TARGET_ID"]
    )
    absent = links.isna().any(axis=1)
    if absent.any():
        raise MovieError(
            f"each <Edge> has SPOT_SOURCE_ID and SPOT_TARGET_ID and lies in a <Track> "
            f"with TRACK_ID; found {int(absent.sum())} of {len(links)} in "
            f"'{reader.path}' that do not, numbers "
            f"{listing(np.flatnonzero(absent), 3)}. Save it again in TrackMate."
        )
    if reader.filtered is not None:
        links = links[links["TRACK_ID"].isin(reader.filtered)]
    return np.column_stack(
        [integers(links[c]).to_numpy() for c in ("SPOT_SOURCE_ID", "SPOT_TARGET_ID")]
    )


def _positive(text: str | None) -> float | None:
    """Return a calibration, or None where it is not stated or makes no sense."""
    try:
        value = float(text) if text is not None else 0.0
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None
