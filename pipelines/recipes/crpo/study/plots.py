"""The figures of a page as SVG: lines by iteration with their intervals, points beside a diagonal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 34, 44  # pixels around what is drawn
COLOURS = ("#2563eb", "#d97706", "#059669", "#9333ea", "#dc2626")
TICKS = 4


@dataclass(frozen=True)
class Point:
    """A figure at a place; the interval may be missing."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


def lines(title: str, series: Mapping[str, Sequence[Point]], *, x_label: str, y_label: str) -> str:
    """A chart of lines, one colour each, whiskers where there are intervals.

    Args:
        title: over the chart.
        series: points from left to right, by name; those without points are left out.
        x_label, y_label: what the axes are.

    >>> lines("t", {"a": [Point(1, 2)]}, x_label="x", y_label="y").startswith("<svg")
    True
    """
    drawn = {name: points for name, points in series.items() if points}
    every = [point for points in drawn.values() for point in points]
    xs = sorted({point.x for point in every})
    ys = [v for p in every for v in (p.y, p.low, p.high) if v is not None]
    frame = _Frame(min(xs), max(xs), min(ys), max(ys))
    parts = [_head(title, x_label, y_label), frame.axes(xs)]
    for n, (name, points) in enumerate(drawn.items()):
        colour = COLOURS[n % len(COLOURS)]
        path = " ".join(f"{frame.x(p.x):.1f},{frame.y(p.y):.1f}" for p in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for p in points:
            parts.append(
                f'<circle cx="{frame.x(p.x):.1f}" cy="{frame.y(p.y):.1f}" r="3" fill="{colour}"/>'
            )
            if p.low is not None and p.high is not None:
                at = frame.x(p.x) + 4 * n  # beside those of the series before
                parts.append(
                    f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{frame.y(p.low):.1f}" '
                    f'y2="{frame.y(p.high):.1f}" stroke="{colour}" stroke-opacity=".45"/>'
                )
        place = LEFT + 8 + 132 * (n % 3), TOP + 8 + 14 * (n // 3)
        parts.append(
            f'<text x="{place[0]}" y="{place[1]}" fill="{colour}" font-size="11">{escape(name)}</text>'
        )
    return "\n".join([*parts, "</svg>\n"])


@dataclass(frozen=True)
class _Frame:
    """From figures to pixels; a tenth of room above and below."""

    left: float
    right: float
    bottom: float
    top: float

    def x(self, value: float) -> float:
        span = (self.right - self.left) or 1.0
        inner = WIDTH - LEFT - RIGHT - 24
        return LEFT + 12 + inner * ((value - self.left) / span if self.right > self.left else 0.5)

    def y(self, value: float) -> float:
        span = (self.top - self.bottom) or max(abs(self.top), 1e-9)
        low, high = self.bottom - 0.1 * span, self.top + 0.25 * span
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - low) / (high - low))

    def axes(self, xs: Sequence[float]) -> str:
        """Both axes with their ticks."""
        floor = HEIGHT - BOTTOM
        parts = [
            f'<path d="M{LEFT} {TOP}V{floor}H{WIDTH - RIGHT}" fill="none" stroke="#888"/>',
            *(
                f'<text x="{self.x(x):.1f}" y="{floor + 15}" text-anchor="middle">{x:g}</text>'
                for x in xs
            ),
        ]
        span = self.top - self.bottom
        for n in range(TICKS + 1):
            value = self.bottom + span * n / TICKS
            parts.append(
                f'<text x="{LEFT - 6}" y="{self.y(value) + 4:.1f}" text-anchor="end">{value:.4g}</text>'
            )
            if not span:
                break
        return "\n".join(parts)


def _head(title: str, x_label: str, y_label: str) -> str:
    """The opening of a chart; its words are read out as the title."""
    middle = (LEFT + WIDTH - RIGHT) / 2
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="sans-serif" font-size="11" fill="#666">\n<title>{escape(title)}</title>\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>\n'
        f'<text x="{middle}" y="18" text-anchor="middle" font-size="13" fill="#333">{escape(title)}'
        f'</text>\n<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x_label)}</text>\n'
        f'<text x="14" y="{HEIGHT / 2}" text-anchor="middle" '
        f'transform="rotate(-90 14 {HEIGHT / 2})">{escape(y_label)}</text>'
    )
