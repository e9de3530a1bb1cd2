import json
from html.parser import HTMLParser

import pytest
import torch
from report_records import ASSETS, backtest_record, evaluation_record

from fingan.assessment.figures_of_fidelity import correlation_map
from fingan.assessment.report_backtest import backtest_section
from fingan.assessment.report_document import Column, Picture, Section, Statement, Table
from fingan.assessment.report_fidelity import fidelity_section
from fingan.assessment.report_page import cell, plain, report_page

FETCHING = {"src", "href", "action", "data", "poster", "srcset", "background", "cite", "formaction"}


class Reader(HTMLParser):
    """Collects what a browser would fetch, the JSON of figures, and the text that people see."""

    def __init__(self):
        super().__init__()
        self.fetched, self.json, self.text, self.ids, self.tags = [], [], [], [], []
        self.within = None

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append(tag)
        self.fetched += [value for name, value in given.items() if name in FETCHING]
        if tag == "link":
            self.fetched.append(given.get("href"))
        if "id" in given:
            self.ids.append(given["id"])
        if tag in ("script", "style"):
            self.within = given.get("type", tag)

    def handle_endtag(self, tag):
        if tag in ("script", "style"):
            self.within = None

    def handle_data(self, data):
        if self.within == "application/json":
            self.json.append(data)
        elif self.within == "style":
            assert "url(" not in data
            assert "@import" not in data
        elif self.within is None:
            self.text.append(data)


def document(*sections: Section) -> dict:
    return {
        "kind": "report",
        "version": 1,
        "model": "tiny@1",
        "advice": "No advice.",
        "verdict": {
            "headline": "It loses.",
            "lists": {"Failed": [{"outcome": "failed", "text": "Everything"}]},
        },
        "sections": [section.record() for section in sections],
        "records": {},
    }


def parsed(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


@pytest.fixture(scope="module")
def sections():
    heatmap = correlation_map(torch.eye(4, dtype=torch.float64), ASSETS)
    picture = Picture("map", "A map", {"calm": heatmap, "</script><b>": heatmap}, "A caption")
    return [
        fidelity_section(evaluation_record()),
        backtest_section(backtest_record()),
        Section("drawn", "Drawn", pictures=[picture]),
        Section("absent", "Absent", not_applicable="no day after training"),
    ]


@pytest.fixture(scope="module")
def html(sections):
    return report_page(document(*sections))


@pytest.fixture(scope="module")
def page(html):
    return parsed(html)


def test_the_page_fetches_nothing(page):
    assert [place for place in page.fetched if not place.startswith("#")] == []


def test_the_page_forbids_the_browser_to_fetch(html):
    assert "default-src 'none'" in html.split("<title>")[0]


def test_plotly_stands_in_the_page_once(html):
    assert html.count("plotly.js v") == 1


def test_each_section_has_its_place_and_its_link(page, sections):
    for section in sections:
        assert section.id in page.ids
        assert f"#{section.id}" in page.fetched


def test_what_does_not_apply_says_why(page):
    assert "Not applicable: no day after training." in "".join(page.text)


def test_figures_on_the_page_are_those_of_the_record(page, sections):
    views = [figure["views"] for section in sections for figure in section.record()["figures"]]
    assert [json.loads(text) for text in page.json] == json.loads(json.dumps(views))


def test_text_and_verdict_of_the_record_are_on_the_page(page, sections):
    text = " ".join("".join(page.text).split())
    assert "It loses." in text
    assert "Everything" in text
    assert all(" ".join(line.split()) in text for section in sections for line in section.text)


def test_text_from_outside_stays_text():
    evil = "<img src=http://evil.example/x onerror=alert(1)>"
    table = Table(evil, [Column(evil), Column(evil, "code")], [[evil, evil]], evil)
    section = Section(
        "evil",
        evil,
        text=[evil],
        tables=[table],
        lists={evil: [Statement("note", evil)]},
        commands=[evil],
    )
    record = document(section) | {"model": evil, "advice": evil}
    reader = parsed(report_page(record))
    assert "img" not in reader.tags
    assert "".join(reader.text).count(evil) >= 9


def test_names_of_assets_are_escaped_in_figures():
    drawn = correlation_map(torch.eye(4, dtype=torch.float64), ASSETS).to_plotly_json()
    names = drawn["layout"]["xaxis"]["ticktext"]
    assert list(names) == ["ABLE", "&lt;b&gt;BAKER&lt;/b&gt;", "C&amp;A", "DOG"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.00"),
        (0.012345, "0.0123"),
        (1.2345, "1.23"),
        (12.345, "12.3"),
        (1234.5, "1,234"),
        (7, "7"),
        (0.0000123, "1.2e-05"),
        (float("nan"), "n/a"),
    ],
)
def test_numbers_show_three_digits(value, text):
    assert plain(value) == text


def test_an_estimate_and_its_error_show_the_same_places():
    value = {"estimate": 1.920768, "standard_error": 0.0845, "note": None}
    assert "1.921" in cell(value, "estimate")
    assert "± 0.085" in cell(value, "estimate")


def test_a_missing_estimate_says_why():
    shown = cell({"estimate": None, "note": "too <thin>"}, "estimate")
    assert "n/a" in shown
    assert "too &lt;thin&gt;" in shown


def test_a_failed_test_is_marked_by_a_sign_not_by_colour_alone():
    assert "✗ &lt; 0.001" in cell({"p": 0.0001, "adjusted_p": 0.0003, "failed": True}, "test")
    assert "✗" not in cell({"p": 0.3, "adjusted_p": 0.9, "failed": False}, "test")
    assert "n/a" in cell({"p": None, "adjusted_p": None, "failed": False}, "test")


def test_a_metric_that_nobody_has_is_a_note_and_no_row():
    record = evaluation_record()
    for row in record["rows"]:
        row["values"]["acf_absolute"] |= {"estimate": None, "note": "251 days are needed"}
    section = fidelity_section(record)
    assert not any("ACF of |r|" in str(row[0]) for row in section.tables[0].rows)
    notes = [statement.text for statement in section.lists["Notes"]]
    assert "ACF of |r|, lags 1-250: 251 days are needed" in notes
