"""The page: one HTML file that needs nothing else, no network and no scripts.

Whatever an archive controls is escaped by the template engine, isolated from the text around it,
and cut in view. A Content-Security-Policy in the page forbids all that it does not need, so that
even what slipped through could load nothing and run nothing.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

from qldb_replay.errors import UsageError
from qldb_replay.journal.findings import MEANINGS
from qldb_replay.report import shown, wording
from qldb_replay.report.figures import Coverage, Delivery, Figures, Timeline

DOCUMENTATION = "docs/findings.md"


def render(figures: Figures, documentation: str | None = None) -> str:
    """Writes the page.

    Args:
        figures: all that it shows. The same figures give the same page.
        documentation: address of the documentation's page on findings, to link to; without one the
            page names it.

    Returns:
        HTML.

    Raises:
        UsageError: the template engine or the plotting library is not installed.
    """
    plots = _plots()
    template = _environment().get_template("report.html")
    page: str = template.render(
        figures=figures,
        headline=wording.headline(figures),
        severities=_severities(figures),
        activity=_activity(plots, figures.timeline),
        coverage=[
            _coverage(plots, figures, index, each)
            for index, each in enumerate(figures.coverage.items)
        ],
        delivery=_delivery(plots, figures.delivery),
        meanings=MEANINGS,
        documentation=documentation,
        documentation_name=DOCUMENTATION,
    )
    return page


def check_installed() -> None:
    """Checks that what the page is made with is there.

    Raises:
        UsageError: the template engine or the plotting library is not installed.
    """
    _plots()
    _environment()


_FILTERS = (
    *(shown.number, shown.count, shown.share, shown.percent, shown.size, shown.base64),
    *(shown.day, shown.moment, shown.duration, shown.visible, shown.name, shown.title),
)
_MISSING = "the page needs jinja2 and matplotlib: install qldb-replay with the extra `report`"


def _plots() -> ModuleType:
    try:
        from qldb_replay.report import plots
    except ImportError:
        raise UsageError(_MISSING) from None
    return plots


@cache
def _environment() -> Any:
    try:
        import jinja2
    except ImportError:
        raise UsageError(_MISSING) from None
    environment = jinja2.Environment(
        autoescape=True,
        loader=jinja2.PackageLoader("qldb_replay.report", "templates"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals["wording"] = wording
    environment.filters.update({f"as_{each.__name__}": each for each in _FILTERS})
    return environment


def _markup(svg: str) -> Any:
    from markupsafe import Markup

    # Plots are made of our own words and of numbers.
    return Markup(svg)  # noqa: S704


def _severities(figures: Figures) -> list[tuple[str, int, int]]:
    """Gives severities with how many findings they have, and how many of these are known."""
    return [
        (
            severity,
            sum(each.findings.total for each in figures.findings if each.severity == severity),
            sum(each.acknowledged for each in figures.findings if each.severity == severity),
        )
        for severity in wording.SEVERITY
    ]


def _activity(plots: ModuleType, timeline: Timeline) -> list[tuple[str, Any]]:
    if not timeline.steps:
        return []
    return [
        (form, _markup(plots.activity_plot(timeline, size, f"activity-{form}")))
        for form, size in (("wide", plots.WIDE), ("narrow", plots.NARROW))
    ]


def _coverage(plots: ModuleType, figures: Figures, index: int, coverage: Coverage) -> Any:
    digests = [each for each in figures.digests.items if each.strand_id == coverage.strand_id]
    drawn = [
        (form, _markup(plots.coverage_plot(coverage, digests, size, f"strand-{index}-{form}")))
        for form, size in (("wide", plots.WIDE_STRIP), ("narrow", plots.NARROW_STRIP))
    ]
    return coverage, drawn


def _delivery(plots: ModuleType, delivery: Delivery) -> list[tuple[str, str, Any]]:
    histograms = (
        (delivery.copies, wording.copies_label, "copies", "Copies of each block and revision"),
        (delivery.lateness, wording.lateness_label, "lateness", "Lateness of records, in blocks"),
    )
    return [
        (
            name,
            title,
            _markup(plots.histogram_plot(bars, [label(bar) for bar in bars], name, title)),
        )
        for bars, label, name, title in histograms
        if bars
    ]
