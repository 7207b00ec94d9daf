"""A brush that knows the drawing style: shapes on a Skia canvas in a space of 100 x 100 units, y pointing down."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import skia

Colour = tuple[int, int, int]
Point = tuple[float, float]

COLOURS: dict[str, Colour] = {
    "red": (222, 60, 54),
    "orange": (242, 140, 40),
    "yellow": (250, 208, 60),
    "green": (86, 176, 80),
    "blue": (62, 120, 220),
    "purple": (150, 90, 200),
    "pink": (244, 140, 180),
    "white": (245, 245, 245),
    "black": (56, 56, 64),
    "brown": (160, 104, 60),
    "grey": (150, 152, 160),
}
BRIGHT = ("red", "orange", "yellow", "green", "blue", "purple", "pink")
INK: Colour = (28, 24, 32)
WHITE: Colour = (250, 250, 250)
PAPER: Colour = (246, 245, 240)
LEAD: Colour = (84, 84, 88)  # of a pencil


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """`a` with a share of `b` in it, 0 <= share <= 1."""
    return tuple(round(x + (y - x) * share) for x, y in zip(a, b, strict=True))


def dark(colour: Colour, share: float = 0.45) -> Colour:
    return mix(colour, (20, 16, 24), share)


def light(colour: Colour, share: float = 0.45) -> Colour:
    return mix(colour, (255, 255, 255), share)


def luma(colour: Colour) -> float:
    """Brightness of a colour, 0 .. 255 (ITU-R BT.601)."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


class Brush:
    """Draws outlined shapes; the style decides what a colour and an outline look like.

    style: "cartoon" fills and outlines; "pencil" leaves grey strokes on paper; "watercolour" fills softly without
    outlines; "pixel art" draws without antialiasing; "black and white" keeps only brightness.
    """

    def __init__(self, canvas: skia.Canvas, style: str = "cartoon", stroke: float = 0.9):
        smooth = style != "pixel art"
        self.canvas, self.style, self.stroke = canvas, style, stroke
        self.fill = skia.Paint(AntiAlias=smooth)
        self.pen = skia.Paint(AntiAlias=smooth, Style=skia.Paint.kStroke_Style)
        self.pen.setStrokeJoin(skia.Paint.kRound_Join)
        self.pen.setStrokeCap(skia.Paint.kRound_Cap)
        self.outlines = style != "watercolour"
        self.washed: dict[Colour, Colour] = {}

    def tint(self, colour: Colour) -> Colour:
        """The colour as the style shows it."""
        found = self.washed.get(colour)
        if found is None:
            if self.style == "pencil":
                v = round(150 + 0.4 * luma(colour))
                found = LEAD if colour == INK else (v, v, max(v - 4, 0))
            elif self.style == "black and white":
                found = (round(luma(colour)),) * 3
            elif self.style == "watercolour":
                found = mix(mix(colour, (round(luma(colour)),) * 3, 0.12), (252, 246, 236), 0.38)
            else:
                found = colour
            self.washed[colour] = found
        return found

    def edge(self, colour: Colour) -> Colour:
        """The outline that goes with a fill."""
        return LEAD if self.style == "pencil" else self.tint(dark(colour))

    @contextmanager
    def at(
        self, x: float = 0, y: float = 0, *, rotate: float = 0, scale: float = 1, stretch: float = 1
    ) -> Iterator["Brush"]:
        """Moves the origin to (x, y), turns clockwise by `rotate` degrees, scales; `stretch`: x alone, -1 mirrors."""
        self.canvas.save()
        self.canvas.translate(x, y)
        if rotate:
            self.canvas.rotate(rotate)
        if scale != 1 or stretch != 1:
            self.canvas.scale(scale * stretch, scale)
        try:
            yield self
        finally:
            self.canvas.restore()

    def path(self, path: skia.Path, colour: Colour, *, alpha: int = 255, outline: bool = True) -> None:
        self.fill.setColor(skia.Color(*self.tint(colour), alpha))
        self.canvas.drawPath(path, self.fill)
        if outline and self.outlines:
            self.pen.setColor(skia.Color(*self.edge(colour), alpha))
            self.pen.setStrokeWidth(self.stroke)
            self.canvas.drawPath(path, self.pen)

    def oval(
        self, x: float, y: float, rx: float, ry: float, colour: Colour, *, alpha: int = 255, outline: bool = True,
        rotate: float = 0,
    ) -> None:  # fmt: skip
        """An ellipse around (x, y) with radii rx, ry."""
        rect = skia.Rect.MakeLTRB(x - rx, y - ry, x + rx, y + ry)
        if rotate:
            self.canvas.save()
            self.canvas.rotate(rotate, x, y)
        self.fill.setColor(skia.Color(*self.tint(colour), alpha))
        self.canvas.drawOval(rect, self.fill)
        if outline and self.outlines:
            self.pen.setColor(skia.Color(*self.edge(colour), alpha))
            self.pen.setStrokeWidth(self.stroke)
            self.canvas.drawOval(rect, self.pen)
        if rotate:
            self.canvas.restore()

    def circle(self, x: float, y: float, r: float, colour: Colour, *, alpha: int = 255, outline: bool = True) -> None:
        self.oval(x, y, r, r, colour, alpha=alpha, outline=outline)

    def box(
        self, x: float, y: float, width: float, height: float, colour: Colour, *, radius: float = 0, alpha: int = 255,
        outline: bool = True,
    ) -> None:  # fmt: skip
        """A rectangle whose left upper corner is (x, y), with rounded corners."""
        rect = skia.Rect.MakeXYWH(x, y, width, height)
        self.fill.setColor(skia.Color(*self.tint(colour), alpha))
        self.canvas.drawRoundRect(rect, radius, radius, self.fill)
        if outline and self.outlines:
            self.pen.setColor(skia.Color(*self.edge(colour), alpha))
            self.pen.setStrokeWidth(self.stroke)
            self.canvas.drawRoundRect(rect, radius, radius, self.pen)

    def polygon(self, points: Sequence[Point], colour: Colour, *, alpha: int = 255, outline: bool = True) -> None:
        self.path(polyline(points, closed=True), colour, alpha=alpha, outline=outline)

    def blob(self, points: Sequence[Point], colour: Colour, *, alpha: int = 255, outline: bool = True) -> None:
        """A smooth closed shape through the middles of the edges of a polygon."""
        self.path(rounded(points), colour, alpha=alpha, outline=outline)

    def line(self, points: Sequence[Point], width: float, colour: Colour, *, alpha: int = 255) -> None:
        """A stroke without an outline."""
        self.pen.setColor(skia.Color(*self.tint(colour), alpha))
        self.pen.setStrokeWidth(width)
        self.canvas.drawPath(polyline(points), self.pen)

    def limb(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """A thick outlined stroke: an arm, a leg, a tail, a trunk."""
        path = polyline(points)
        if self.outlines:
            self.pen.setColor(skia.Color(*self.edge(colour)))
            self.pen.setStrokeWidth(width + 1.5 * self.stroke)
            self.canvas.drawPath(path, self.pen)
        self.pen.setColor(skia.Color(*self.tint(colour)))
        self.pen.setStrokeWidth(width)
        self.canvas.drawPath(path, self.pen)

    def arc(
        self, x: float, y: float, rx: float, ry: float, start: float, sweep: float, width: float, colour: Colour
    ) -> None:
        """A piece of an ellipse's rim, angles in degrees clockwise from +x: a smile, a wheel arch, a rainbow."""
        self.pen.setColor(skia.Color(*self.tint(colour)))
        self.pen.setStrokeWidth(width)
        self.canvas.drawArc(skia.Rect.MakeLTRB(x - rx, y - ry, x + rx, y + ry), start, sweep, False, self.pen)

    def gradient(self, left: float, top: float, right: float, bottom: float, upper: Colour, lower: Colour) -> None:
        """A rectangle that shades from one colour at its top to another at its bottom: a sky, the sea."""
        pair = (PAPER, PAPER) if self.style == "pencil" else (self.tint(upper), self.tint(lower))
        shades = [skia.Color(*shade) for shade in pair]
        shader = skia.GradientShader.MakeLinear([skia.Point(0, top), skia.Point(0, bottom)], shades)
        self.canvas.drawRect(skia.Rect.MakeLTRB(left, top, right, bottom), skia.Paint(Shader=shader))


def polyline(points: Sequence[Point], *, closed: bool = False) -> skia.Path:
    return skia.Path.Polygon([skia.Point(x, y) for x, y in points], closed)


def rounded(points: Sequence[Point]) -> skia.Path:
    """A closed path of quadratic curves whose control points are `points`."""
    builder = skia.PathBuilder() if hasattr(skia, "PathBuilder") else skia.Path()
    middle = [((x + u) / 2, (y + v) / 2) for (x, y), (u, v) in zip(points, [*points[1:], points[0]], strict=True)]
    builder.moveTo(*middle[-1])
    for (x, y), (u, v) in zip(points, middle, strict=True):
        builder.quadTo(x, y, u, v)
    builder.close()
    return builder.detach() if hasattr(builder, "detach") else builder


def joint(x: float, y: float, angle: float, upper: float, lower: float, bend: float) -> list[Point]:
    """A limb of two bones from (x, y), `angle` radians from hanging towards +x, `bend` more at the middle joint."""
    u, v = x + math.sin(angle) * upper, y + math.cos(angle) * upper
    return [(x, y), (u, v), (u + math.sin(angle + bend) * lower, v + math.cos(angle + bend) * lower)]
