"""The page's plots. What they write is numbers and times; no name from an archive enters one."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.ticker import FuncFormatter, MaxNLocator

from qldb_replay.journal.verification import MATCH, MISMATCH, Digest
from qldb_replay.report.figures import BARS, Activity, Bar, Coverage, Timeline
from qldb_replay.report.shown import compact, count, day, moment, number
from qldb_replay.report.svg import (
    ABSENT,
    BAD,
    BLOCK,
    DELETE,
    FONT,
    GOOD,
    GROUND,
    INSERT,
    LINE,
    PRESENT,
    UPDATE,
    Size,
    drawing,
    inline_svg,
)
from qldb_replay.report.time_axis import marks, seconds

WIDE, NARROW = Size(1040, 260, 9), Size(330, 230, 4)
"""A page shows one of a plot's two forms: scaled to a phone, text for a desk is too small."""
WIDE_STRIP, NARROW_STRIP = Size(1040, 64, 8), Size(330, 64, 4)
CARD = Size(330, 190, BARS)


def activity_plot(timeline: Timeline, size: Size, name: str) -> str:
    """Draws revisions and blocks over time.

    Args:
        timeline: at least one step.
        size: how large.
        name: for the IDs in it.

    Returns:
        An `svg` element.
    """
    steps, width = timeline.steps, timeline.step.total_seconds()
    places = [seconds(each.start) for each in steps]
    first, last = places[0], places[-1] + width
    with drawing(size) as figure:
        revisions, blocks = figure.subplots(
            2, 1, sharex=True, gridspec_kw={"height_ratios": [3, 1], "hspace": 0.28}
        )
        below = [0] * len(steps)
        for values, colour in (
            ([each.inserts for each in steps], INSERT),
            ([each.updates for each in steps], UPDATE),
            ([each.deletes for each in steps], DELETE),
        ):
            _bars(revisions, places, values, below, width, colour)
            below = [low + value for low, value in zip(below, values, strict=True)]
        _bars(blocks, places, [each.blocks for each in steps], [0] * len(steps), width, BLOCK)
        highest = max(each.blocks for each in steps)
        for axes, label, top, most in (
            (revisions, "Revisions", max(below), 3),
            (blocks, "Blocks", highest, 2),
        ):
            axes.set_title(label, loc="left", fontsize=FONT, pad=4)
            _count_axis(axes, top, most)
        blocks.set_xlim(first, last)
        # A label is centred under its mark, and needs room to the right of it.
        room = (last - first) * 20 / size.width
        chosen = [mark for mark in marks(first, last, size.marks) if mark[0] <= last - room]
        blocks.set_xticks([place for place, _ in chosen], [label for _, label in chosen])
        revisions.tick_params(bottom=False)
        figure.subplots_adjust(
            left=44 / size.width, right=1 - 12 / size.width, top=0.92, bottom=0.12
        )
        return inline_svg(figure, name, "Activity over time", _activity_in_words(steps))


def coverage_plot(coverage: Coverage, digests: Sequence[Digest], size: Size, name: str) -> str:
    """Draws which blocks of a strand are there, and up to where saved digests reach.

    Args:
        coverage: the strand's.
        digests: saved digests of the strand.
        size: how large.
        name: for the IDs in it.

    Returns:
        An `svg` element.
    """
    end = coverage.last + 1
    # What is missing is seen, however small its share of the strand.
    least = end / size.width * 3
    with drawing(size) as figure:
        axes = figure.add_axes((8 / size.width, 0.42, 1 - 16 / size.width, 0.3))
        axes.add_patch(Rectangle((0, 0), end, 1, facecolor=PRESENT))
        for gap in coverage.gaps.items:
            length = max(gap.last + 1 - gap.first, least)
            start = min(gap.first, end - length)
            box = Rectangle((start, 0), length, 1, facecolor=GROUND, edgecolor=ABSENT)
            box.set(hatch="////", linewidth=1)
            axes.add_patch(box)
        for outcome, marker, colour in ((MATCH, "v", GOOD), (MISMATCH, "X", BAD)):
            tips = [each.sequence_no for each in digests if each.outcome == outcome]
            heights = [1.45] * len(tips)
            axes.plot(tips, heights, marker, color=colour, markersize=8, clip_on=False)
        axes.set_xlim(0, max(end, 1))
        axes.set_ylim(0, 1)
        axes.set_yticks([])
        ticks = MaxNLocator(size.marks, integer=True, min_n_ticks=1)
        axes.xaxis.set_major_locator(ticks)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: compact(value)))
        axes.spines["bottom"].set_visible(False)
        described = f"{count(end - coverage.missing, 'block')} of {number(end)} are there."
        if coverage.gaps.total > 0:
            described += f" {count(coverage.gaps.total, 'gap')}."
        return inline_svg(figure, name, "Blocks along the strand", described)


def histogram_plot(bars: Sequence[Bar], labels: Sequence[str], name: str, title: str) -> str:
    """Draws how often which value was there.

    Args:
        bars: at least one.
        labels: what stands under each.
        name: for the IDs in it.
        title: what it is.

    Returns:
        An `svg` element.
    """
    counts = [bar.count for bar in bars]
    with drawing(CARD) as figure:
        axes = figure.add_axes((0.02, 0.16, 0.96, 0.7))
        axes.bar(range(len(bars)), counts, width=0.72, color=INSERT)
        for place, value in enumerate(counts):
            axes.annotate(
                compact(value), (place, value), (0, 4), textcoords="offset points", ha="center"
            )
        axes.set_xticks(range(len(bars)), labels)
        axes.set_xlim(-0.6, max(len(bars), 4) - 0.4)
        axes.set_ylim(0, max([1, *counts]))
        axes.set_yticks([])
        axes.tick_params(bottom=False)
        described = ", ".join(
            f"{label}: {number(value)}" for label, value in zip(labels, counts, strict=True)
        )
        return inline_svg(figure, name, title, described)


def _bars(
    axes: Axes,
    places: Sequence[float],
    values: Sequence[int],
    below: Sequence[int],
    width: float,
    colour: str,
) -> None:
    """Draws bars as one shape: a page of thousands is large."""
    boxes = [
        box
        for left, low, value in zip(places, below, values, strict=True)
        if value > 0
        for box in _box(left, low, width * 0.86, value)
    ]
    if boxes:
        codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
        shape = Path(boxes, codes * (len(boxes) // len(codes)))
        axes.add_patch(PathPatch(shape, facecolor=colour, linewidth=0))


def _box(left: float, low: float, width: float, height: float) -> list[tuple[float, float]]:
    right, high = left + width, low + height
    return [(left, low), (left, high), (right, high), (right, low), (left, low)]


def _count_axis(axes: Axes, highest: int, most: int) -> None:
    axes.yaxis.set_major_locator(MaxNLocator(most, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: compact(value)))
    axes.grid(axis="y", color=LINE)
    axes.set_ylim(0, max(highest, 1) * 1.04)


def _activity_in_words(steps: Sequence[Activity]) -> str:
    totals = [sum(getattr(each, name) for each in steps) for name in ("inserts", "updates")]
    deletes, blocks = (sum(getattr(each, name) for each in steps) for name in ("deletes", "blocks"))
    busiest = max(steps, key=lambda each: (each.inserts + each.updates + each.deletes))
    return (
        f"From {day(steps[0].start)} to {day(steps[-1].start)}: "
        f"{count(totals[0], 'insert')}, {count(totals[1], 'update')}, {count(deletes, 'delete')} "
        f"in {count(blocks, 'block')}; most from {moment(busiest.start)} UTC on."
    )
