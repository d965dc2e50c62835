from __future__ import annotations

import re
import sys
from dataclasses import fields, replace
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser

import matplotlib as mpl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qldb_replay.errors import UsageError
from qldb_replay.journal.findings import MEANINGS, SEVERITY
from qldb_replay.journal.gaps import Gap
from qldb_replay.journal.verification import Check, Digest, Finding, Strand
from qldb_replay.report.figures import (
    BARS,
    POINTS,
    Activity,
    Archive,
    Bar,
    Carrier,
    Coverage,
    Delivery,
    Event,
    Figures,
    FindingGroup,
    Ledger,
    Listed,
    Redactions,
    Table,
    TableOperations,
    Timeline,
    listed,
)
from qldb_replay.report.page import _environment, render
from qldb_replay.report.time_axis import time_step
from report import samples

SAMPLES = ("empty", "healthy", "unanchored", "damaged", "hostile", "huge")
VOID = {"meta", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """A page's elements, and its text as a reader sees it.

    Attributes:
        elements: tag and attributes of each.
        text: all text outside of style, blanks collapsed.
        problems: what is not closed in order.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.problems: list[str] = []
        self._open: list[str] = []
        self._text: list[str] = []
        self.feed(html)
        self.close()
        self.problems += self._open
        self.text = re.sub(r"\s+", " ", "".join(self._text))

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self._open or self._open.pop() != tag:
            self.problems.append(f"</{tag}>")

    def handle_data(self, data):
        if "style" not in self._open:
            self._text.append(data)


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {name: render(getattr(samples, name)()) for name in SAMPLES}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_page_is_well_formed(pages, name):
    page = Page(pages[name])

    assert page.problems == []
    ids = [found["id"] for _, found in page.elements if "id" in found]
    assert sorted(set(ids)) == sorted(ids)
    pages[name].encode("utf-8")


@pytest.mark.parametrize("name", SAMPLES)
def test_a_page_refers_to_nothing_outside(pages, name):
    page = Page(pages[name])
    tags = {tag for tag, _ in page.elements}

    assert set() == tags & {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    for tag, found in page.elements:
        assert not [each for each in found if each.startswith("on")]
        for attribute in ("src", "href", "xlink:href", "action", "srcset", "data"):
            value = found.get(attribute)
            assert value is None or value.startswith("#"), (tag, value)
    styles = re.findall(r"<style>(.*?)</style>", pages[name], re.DOTALL)
    styles += [found["style"] for _, found in page.elements if "style" in found]
    assert [each for each in styles if "//" in each or "@import" in each] == []
    assert all(each.startswith("url(#") for text in styles for each in re.findall(r"url\(.", text))


@pytest.mark.parametrize("name", SAMPLES)
def test_what_a_plot_refers_to_is_in_the_page(pages, name):
    ids = set(re.findall(r' id="([^"]+)"', pages[name]))

    used = re.findall(r'(?:href="#|url\(#)([^")]+)', pages[name])
    assert set() == set(used) - ids
    labelled = " ".join(re.findall(r'aria-labelledby="([^"]+)"', pages[name])).split()
    assert set() == set(labelled) - ids


def test_a_page_forbids_what_it_does_not_need(pages):
    policies = [
        found["content"]
        for tag, found in Page(pages["empty"]).elements
        if tag == "meta" and found.get("http-equiv") == "Content-Security-Policy"
    ]

    assert policies == [
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    ]


@pytest.mark.parametrize("name", ["healthy", "damaged", "hostile"])
def test_the_same_figures_give_the_same_page(pages, name):
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.fonttype": "path"}):
        assert pages[name] == render(getattr(samples, name)())


def test_another_process_setting_stays_as_it_was():
    with mpl.rc_context({"font.size": 30}):
        render(samples.damaged())
        assert mpl.rcParams["font.size"] == 30


def test_a_page_holds_no_time_of_its_own(pages):
    times = re.findall(r"\d{4}-\d\d-\d\d", pages["empty"])

    assert {"2024-05-17"} == set(times)
    assert "matplotlib" not in pages["healthy"].lower()


def named(name: str) -> Figures:
    """Figures with a name in every place that an archive or a user fills."""
    finding = Finding("table-mismatch", "fail", name, 1, name, 2, name, 3, name, name, name)
    table = Table(name, name, name, listed((name,)), listed((Event(name, 1, None),)), 1, 1)
    return replace(
        samples.empty(),
        lake=name,
        tool_version=name,
        run=replace(samples.RUN, run_id=name),
        checks=(Check(name, 1, 1),),
        strands=listed((Strand(name, 0, 1, 2, None, "fail", None),) * 2),
        digests=listed((Digest(name, 1, bytes(32), "match"),)),
        operations=listed((TableOperations(name, name, 3, 2, 1),)),
        findings=(FindingGroup("table-mismatch", "fail", 0, listed((finding,))),),
        tables=listed((table,)),
        redactions=Redactions(1, 0, 1, 0, listed((Carrier(name, 1),))),
    )


def structure(page: Page) -> list[tuple[str, list[str]]]:
    return [(tag, sorted(found)) for tag, found in page.elements]


ORDINARY = structure(Page(render(named("Orders"))))


@pytest.mark.parametrize("name", [name for name in samples.HOSTILE if name != ""])
def test_hostile_names_are_shown_and_do_nothing(name):
    page = Page(render(named(name)))

    assert structure(page) == ORDINARY
    if name.isprintable() and len(name) <= 24:
        assert page.text.count(name) > 10


@given(st.text(st.characters(), min_size=1, max_size=300))
def test_no_name_changes_the_page(name):
    page = Page(render(named(name)))

    assert page.problems == []
    assert structure(page) == ORDINARY
    assert set() == {char for char in page.text if char in "\u202e\u202d\u2066\u200b\u200d\0"}


def test_an_empty_name_is_said_to_be_empty():
    assert "empty" in Page(render(named(""))).text


def test_names_that_differ_look_different():
    assert "Orders\\u{200d}" in Page(render(named("Orders\u200d"))).text


def test_long_names_are_cut_in_view_and_whole_in_the_title():
    name = "Begin" + "n" * 200 + "End"
    page = Page(render(named(name)))

    assert name not in page.text
    assert re.search(r"Beginn+…n+End", page.text)
    assert name in [found.get("title") for _, found in page.elements]


def test_a_page_is_of_bounded_size(pages):
    assert len(pages["huge"]) < 6_000_000
    assert len(pages["damaged"]) < 200_000


operation = TableOperations("table ID", "Orders", 3, 2, 1)
finding = Finding("chain-break", "fail")


@pytest.mark.parametrize(
    "too_much",
    [
        {"timeline": Timeline(steps=(Activity(samples.START, 1, 1, 1, 1),) * (POINTS + 1))},
        {"delivery": Delivery(copies=(Bar(1, 1, 1),) * (BARS + 1))},
        {"operations": listed((operation,) * 101)},
        {"coverage": listed((Coverage("s", 1, 0, Listed()),) * 9)},
        {"coverage": listed((Coverage("s", 99, 51, listed((Gap(1, 1),) * 51)),))},
        {"findings": (FindingGroup("chain-break", "fail", 0, listed((finding,) * 26)),)},
    ],
    ids=lambda too_much: next(iter(too_much)),
)
def test_more_than_a_page_holds_is_refused(too_much):
    with pytest.raises(ValueError, match="for the page"):
        replace(samples.empty(), **too_much)


def test_a_list_has_no_more_items_than_its_total():
    with pytest.raises(ValueError, match="total of 1"):
        Listed((1, 2), 1)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("healthy", "Pass, anchored to 12,479 of 12,479"),
        ("unanchored", "Pass, not anchored"),
        ("damaged", "Fail, anchored to 3,999 of 12,479"),
        ("empty", "Pass, no block to judge"),
        ("hostile", "Fail, 0 of 15 strands anchored"),
        ("huge", "Fail, 1,000,000 strands"),
    ],
)
def test_the_verdict_says_how_far_it_is_anchored(pages, name, words):
    assert words in Page(pages[name]).text


def test_a_pass_without_a_digest_says_what_it_is_worth(pages):
    assert "the archive only agrees with itself" in Page(pages["unanchored"]).text
    assert "the archive only agrees with itself" not in Page(pages["healthy"]).text


def test_an_anchor_below_the_last_block_says_so():
    figures = samples.healthy()
    strand = replace(figures.strands.items[0], anchored_to=8_000)

    text = Page(render(replace(figures, strands=listed((strand,))))).text
    assert "confirms its chain up to block 8,000" in text


def test_a_digest_of_the_first_block_is_an_anchor_too():
    figures = samples.healthy()
    strand = replace(figures.strands.items[0], anchored_to=0)

    text = Page(render(replace(figures, strands=listed((strand,))))).text
    assert "Pass, anchored to 0 of 12,479" in text


def test_severities_are_told_by_words(pages):
    text = Page(pages["damaged"]).text

    assert "2 contradictions 3 incomplete (1 known) 9 notes" in text
    for word in ("Contradiction revision-hash-mismatch", "Note redaction-unapplied"):
        assert word in text


def test_findings_name_their_places_and_their_rest(pages):
    text = Page(pages["damaged"]).text

    assert "block 4,211 document 6WXz9yM4kD3CYtEXAMPLE1 version 3 object" in text
    assert "offset 88,120" in text
    assert "expected n5+9ZxWGrIsXWgqQbP4nxv0nTVHrNVNEiDc0VSpTLqc=found bZQk" in text
    assert "1 of 9 shown" in text


def test_findings_link_to_the_documentation_where_its_address_is_given():
    page = Page(render(samples.damaged(), "https://docs.example/findings"))
    links = [found.get("href") for tag, found in page.elements if tag == "a"]

    assert "https://docs.example/findings#chain-break" in links
    assert "docs/findings.md" in Page(render(samples.damaged())).text


def test_every_code_has_words():
    groups = tuple(
        FindingGroup(code, severity, 0, listed((finding,))) for code, severity in SEVERITY.items()
    )

    text = Page(render(replace(samples.empty(), findings=groups))).text
    for meaning in MEANINGS.values():
        assert meaning in text


def test_what_is_not_proven_is_said(pages):
    text = Page(pages["healthy"]).text

    for word in (
        "a block's own time",
        "transaction ID",
        "stream",
        "document ID",
        "transactionInfo",
    ):
        assert word in text.partition("Carried, not proven")[2]


def test_a_page_says_what_was_computed_anew(pages):
    assert (
        "Only what changed was computed anew: 240 blocks, 402 revisions. The verdict is about the "
        "whole lake. Carried over from earlier verifications: 3 findings. --strict was given"
    ) in Page(pages["damaged"]).text
    assert "Everything was computed anew: 12,480 blocks" in Page(pages["healthy"]).text


def test_an_outdated_verdict_says_so(pages):
    assert "The lake has changed since" in Page(pages["damaged"]).text
    assert "The lake has changed since" not in Page(pages["healthy"]).text


def test_no_attribute_is_a_documents_content():
    names = {
        field.name
        for part in (Archive, Ledger, Finding, Redactions, TableOperations, Coverage)
        for field in fields(part)
    }

    assert set() == names & {"data", "ion", "data_json", "data_ion", "statement", "statements"}


def test_colours_are_the_style_sheets(pages):
    svgs = re.findall(r"<svg viewBox.*?</svg>", pages["damaged"], re.DOTALL)

    assert len(svgs) == 6
    assert [found for svg in svgs for found in re.findall(r"#[0-9a-f]{6}\b", svg)] == []
    used = set(re.findall(r"var\((--[a-z-]+)\)", pages["damaged"]))
    assert set() == used - set(re.findall(r"(--[a-z-]+):", pages["damaged"]))


def test_plots_say_what_they_show(pages):
    descriptions = re.findall(r"<desc[^>]*>([^<]*)</desc>", pages["damaged"])

    assert "11,678 blocks of 12,901 are there. 9 gaps." in descriptions
    assert any(each.startswith("From 1 Mar 2023 to 31 May 2023: ") for each in descriptions)
    assert "1: 33,221, 2: 610, 3: 19, 4+: 7" in descriptions


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (datetime.min, datetime.max),
        (datetime.min, datetime.min),
        (datetime.max, datetime.max),
        (datetime(9999, 12, 31), datetime.max),
        (datetime(1969, 12, 31), datetime(1970, 1, 2)),
    ],
)
def test_any_span_of_time_is_drawn(first, last):
    first, last = (each.replace(tzinfo=timezone.utc) for each in (first, last))
    steps = (Activity(first, 1, 0, 0, 1), Activity(last, 0, 1, 0, 1))
    timeline = Timeline(time_step(first, last), steps)

    assert "Activity over time" in render(replace(samples.empty(), timeline=timeline))


@given(st.datetimes(timezones=st.just(timezone.utc)), st.datetimes(timezones=st.just(timezone.utc)))
def test_a_time_step_gives_no_more_points_than_a_page_has(one, other):
    first, last = min(one, other), max(one, other)
    step = time_step(first, last).total_seconds()
    epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)

    buckets = [(each - epoch).total_seconds() // step for each in (first, last)]
    assert buckets[1] - buckets[0] + 1 <= POINTS


@pytest.mark.parametrize(
    ("span", "step"),
    [
        (timedelta(0), timedelta(seconds=1)),
        (timedelta(hours=1), timedelta(minutes=1)),
        (timedelta(days=90), timedelta(days=1)),
        (timedelta(days=3_000), timedelta(days=30)),
    ],
)
def test_time_steps_are_usual_lengths(span, step):
    assert step == time_step(samples.START, samples.START + span)


@pytest.mark.parametrize("last", [0, 1, 2**62])
def test_strands_of_any_length_are_drawn(last):
    coverage = Coverage("s", last, last, listed((Gap(0, last),)))

    assert "Missing blocks" in render(replace(samples.empty(), coverage=listed((coverage,))))


@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_without_its_packages_the_extra_is_named(monkeypatch, package):
    for module in [name for name in sys.modules if name.startswith("qldb_replay.report.plots")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.delitem(sys.modules, "qldb_replay.report.svg", raising=False)
    for module in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delattr("qldb_replay.report.plots")
    _environment.cache_clear()
    with pytest.raises(UsageError, match="extra `report`"):
        render(samples.empty())
