"""From a matplotlib figure to SVG that stands in a page and takes part in it.

Text stays text and takes the page's font; colours are the page's variables, so that a plot follows
its light or dark scheme; IDs are unique in the page; nothing refers to anything outside. The same
figure gives the same text.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape

from matplotlib import style
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK, MUTED, LINE, GROUND = "#010101", "#020202", "#030303", "#040404"
INSERT, UPDATE, DELETE, BLOCK = "#050505", "#060606", "#070707", "#080808"
PRESENT, ABSENT, GOOD, BAD = "#090909", "#0a0a0a", "#0b0b0b", "#0c0c0c"
"""Stand for colours of the page's style sheet while matplotlib draws."""

_VARIABLES = {
    INK: "ink",
    MUTED: "muted",
    LINE: "line",
    GROUND: "surface",
    INSERT: "insert",
    UPDATE: "update",
    DELETE: "delete",
    BLOCK: "block",
    PRESENT: "present",
    ABSENT: "incomplete",
    GOOD: "pass",
    BAD: "fail",
}
FONT = 11
_SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "qldb-replay",
    "font.size": FONT,
    "axes.edgecolor": LINE,
    "axes.facecolor": "none",
    "axes.labelcolor": MUTED,
    "axes.linewidth": 1,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "figure.facecolor": "none",
    "grid.color": LINE,
    "grid.linewidth": 1,
    "hatch.color": ABSENT,
    "hatch.linewidth": 1.5,
    "path.simplify": False,
    "text.color": MUTED,
    "xtick.color": LINE,
    "xtick.labelcolor": MUTED,
    "xtick.labelsize": FONT,
    "ytick.color": LINE,
    "ytick.labelcolor": MUTED,
    "ytick.labelsize": FONT,
    "ytick.left": False,
}


@dataclass(frozen=True)
class Size:
    """How large a plot is, in the pixels that it has where nothing scales it.

    Attributes:
        width: its width.
        height: its height.
        marks: most marks on its horizontal axis.
    """

    width: int
    height: int
    marks: int


@contextmanager
def drawing(size: Size) -> Iterator[Figure]:
    """Gives an empty figure, and our settings while it is drawn, whatever the process's own are."""
    with style.context(["default", _SETTINGS]):
        yield Figure(figsize=(size.width / 72, size.height / 72), dpi=72)


def inline_svg(figure: Figure, name: str, title: str, description: str) -> str:
    """Writes a figure for a page; to be called within its `drawing`.

    Args:
        figure: the figure.
        name: what its IDs begin with, unique in the page, letters and hyphens.
        title: what it is, for those who do not see it.
        description: what it shows.

    Returns:
        An `svg` element.
    """
    out = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    FigureCanvasSVG(figure).print_figure(out, format="svg", metadata=nothing)
    text = out.getvalue()
    view = re.search(r'viewBox="[^"]+"', text)
    body = re.search(r"<svg[^>]*>(.*)</svg>", text, re.DOTALL)
    if view is None or body is None:
        raise RuntimeError("matplotlib wrote no SVG")
    head = (
        f'<svg {view[0]} role="img" aria-labelledby="{name}-title {name}-text">'
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-text">{escape(description)}</desc>'
    )
    return f"{head}{_within_page(body[1], name)}</svg>"


def _within_page(body: str, name: str) -> str:
    body = re.sub(r"<!--.*?-->\n?", "", body, flags=re.DOTALL)
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'<style type="text/css">.*?</style>', "", body, flags=re.DOTALL)
    body = re.sub(r' xmlns(:\w+)?="[^"]*"', "", body)
    body = body.replace("xlink:href=", "href=")
    body = re.sub(r'<g id="[^"]*"(/?)>', r"<g\1>", body).replace("<g/>", "")
    body = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{name}-", body)
    body = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", body)
    for colour, variable in _VARIABLES.items():
        body = body.replace(colour, f"var(--{variable})")
    return re.sub(r"\n\s*", "\n", body).strip()
