"""The page holds the stored numbers, needs nothing else, and is whole or not there."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

import cellstate as cs
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate.report import _page, write_report


class Page(HTMLParser):
    """Text, links and headings of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts, self.links, self.open, self.heads = [], [], [], []
        self.feed(page)
        self.text = re.sub(r"\s+", " ", " ".join(self.texts))

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.links += [v for k, v in attrs if k in ("src", "href")]

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.heads.append(data.strip())
        if "style" not in self.open:
            self.texts.append(data)


@pytest.fixture(scope="module")
def page(example, tmp_path_factory) -> tuple[str, Page]:
    adata, movie = example
    path = tmp_path_factory.mktemp("page") / "report.html"
    run = {"parameters": {"target": "x > 2.5", "seed": 7}, "host": "<b>&"}
    write_report(adata, path, movie=movie, run=run)
    text = path.read_text(encoding="utf-8")
    return text, Page(text)


def test_one_page_needs_no_network(page):
    text, parsed = page
    assert all(link.startswith("data:image/") for link in parsed.links)
    assert len(parsed.links) == 6
    plain = re.sub(r"data:image/[^\"]*", "", text)
    assert "http" not in plain
    assert "<script" not in plain
    assert "@import" not in plain


def test_pictures_of_cells_come_first(page):
    heads = page[1].heads
    assert heads[0] == "Look at the flagged cells"
    assert heads[-2:] == ["What the data could not decide", "Parameters and versions"]
    assert heads.index("When cells commit, by lineage") < heads.index("State space")
    assert page[1].links[0].startswith("data:image/png")


def test_the_page_states_the_stored_numbers(page, example):
    adata, text = example[0], page[1].text
    rates, report = cs.get.rates(adata), cs.get.calibration(adata)
    events = cs.get.events(adata)
    for estimate in (rates.k_ab, rates.nu, rates.mfpt_ab):
        for value in (estimate.value, estimate.low, estimate.high):
            assert f"{value:.3g}" in text
    assert f"{report.brier:.3g}" in text
    assert f"{report.brier_base:.3g}" in text
    assert f"Of {len(events.table)} tracks, {events.n_events} committed" in text
    assert "x > 2.5" in text
    assert "42 tracks" in text
    assert "chance that it reaches B before A" in text


def test_every_event_is_a_row(page, example):
    table = cs.get.events(example[0]).table
    for _, event in table[table["status"] == "event"].iterrows():
        row = f'<td class="n">{event["track"]}</td><td class="n">{event["lineage"]}'
        assert row in page[0]


def test_what_was_not_decided_is_said(page, example):
    table, text = cs.get.events(example[0]).table, page[1].text
    undecidable = table[table["status"] == "undecidable"]
    for why, n in undecidable["why"].value_counts().items():
        assert f"{n} of {len(table)} tracks are undecidable: {why}." in text
    excluded = cs.get.calibration(example[0]).n_excluded
    assert excluded == 0 or f"{excluded} of" in text
    assert "3 links between frames are not trusted" in text
    assert "Nothing to check these by: blur" in text


def test_the_run_is_shown_and_escaped(page):
    assert "parameters.seed" in page[1].text
    assert "&lt;b&gt;&amp;" in page[0]
    assert "<b>&" not in page[0]
    assert "cellstate" in page[1].text


def test_the_same_cells_give_the_same_page(adata, tmp_path):
    one = write_report(adata, tmp_path / "one.html")
    two = write_report(adata, tmp_path / "two.html")
    assert one.read_bytes() == two.read_bytes()


def test_without_a_movie_the_page_says_so(adata, tmp_path):
    before = adata.obs.copy()
    text = write_report(adata, tmp_path / "r.html").read_text(encoding="utf-8")
    assert "No movie was given" in text
    assert before.equals(adata.obs)


def test_every_missing_part_names_its_call(one_cell, tmp_path):
    page = Page(write_report(one_cell, tmp_path / "r.html").read_text(encoding="utf-8"))
    for call in (
        "cs.tl.committor(adata)",
        "cs.tl.validate_committor(adata)",
        "cs.tl.rates(adata)",
        "cs.tl.differentiation_events(adata)",
        "cs.pp.qc(adata)",
    ):
        assert call in page.text
    assert len(page.links) == 1  # the state space is there


def test_stale_results_are_not_reported(adata, tmp_path):
    fewer = adata[:-5].copy()
    page = Page(write_report(fewer, tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "was computed from other cells" in page.text
    assert "committed (" not in page.text


def test_a_rate_without_event_is_a_bound(adata, tmp_path):
    stored = cs.get.rates(adata)
    k = stored.k_ab
    zero = type(k)(
        **{**vars(k), "value": 0.0, "low": 0.0, "high": 0.01, "n_effective": 0}
    )
    store.put(
        adata,
        keys.RATES,
        type(stored)(**{**vars(stored), "k_ab": zero, "n_events": 0}),
        params={"committor": "committor"},
    )
    page = Page(write_report(adata, tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "< 0.01 1/h" in page.text
    assert "its rate has only an upper bound, 0.01 1/h" in page.text


def test_no_event_and_no_committor_still_make_a_page(adata, movie, tmp_path):
    adata.obs["committor"] = np.nan
    for key in (keys.EVENTS, keys.CALIBRATION, keys.RATES):
        del adata.uns[keys.ROOT][key]
    path = write_report(adata, tmp_path / "r.html", movie=movie, title="Nothing")
    page = Page(path.read_text(encoding="utf-8"))
    assert "cells have no committor" in page.text
    assert "Nothing" in page.text


def test_nothing_is_overwritten_unasked(one_cell, tmp_path):
    path = tmp_path / "r.html"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        write_report(one_cell, path)
    assert path.read_text(encoding="utf-8") == "mine"
    write_report(one_cell, path, overwrite=True)
    assert "mine" not in path.read_text(encoding="utf-8")[:50]


def test_a_failed_write_leaves_the_older_page(one_cell, tmp_path, monkeypatch):
    path = tmp_path / "r.html"
    path.write_text("older", encoding="utf-8")

    def fail(self, target):
        raise OSError("disk full")

    monkeypatch.setattr(_page.Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_report(one_cell, path, overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]
    assert path.read_text(encoding="utf-8") == "older"


def test_a_page_ends_in_html(one_cell, tmp_path):
    with pytest.raises(ValueError, match=r"ends in \.html"):
        write_report(one_cell, tmp_path)
