"""Figures as pictures, drawn with Pillow."""

from collections import Counter
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

CELL, GAP = 22, 6
Span = tuple[float, float, float]  # a share and its interval


def confusion(pairs: Sequence[tuple[str, str]], values: Sequence[str], title: str) -> Image.Image:
    """A matrix of (asked, read) pairs: a row for each value asked, a column for each read, darker the larger its share.

    Values that never come are left out; the order is that of `values`.
    """
    counts, totals = Counter(pairs), Counter(asked for asked, _ in pairs)
    come = [v for v in values if any(v in pair for pair in counts)]
    font, small = ImageFont.load_default(12), ImageFont.load_default(10)
    margin = 2 * GAP + int(max([font.getlength(v or "none") for v in come], default=0))
    top, side = margin + 24, CELL * len(come)
    page = Image.new("RGB", (max(margin + side, int(font.getlength(title))) + 2 * GAP, top + side + GAP), "white")
    draw = ImageDraw.Draw(page)
    draw.text((GAP, GAP), title, "black", font)
    for place, value in enumerate(come):
        start = CELL * place
        draw.text((margin - GAP, top + start + CELL / 2), value or "none", "black", font, anchor="rm")
        label = Image.new("RGB", (margin, CELL), "white")
        ImageDraw.Draw(label).text((GAP, CELL / 2), value or "none", "black", font, anchor="lm")
        page.paste(label.rotate(90, expand=True), (margin + start, top - margin))
    for row, asked in enumerate(come):
        for column, read in enumerate(come):
            count = counts[asked, read]
            share = count / max(totals[asked], 1)
            shade = tuple(
                round(255 + share * (dark - 255)) for dark in ((16, 64, 128) if row == column else (170, 20, 20))
            )
            x, y = margin + CELL * column, top + CELL * row
            draw.rectangle((x, y, x + CELL, y + CELL), fill=shade, outline=(225, 225, 225))
            if count:
                ink = "white" if share > 0.5 else "black"
                draw.text((x + CELL / 2, y + CELL / 2), str(count), ink, small, anchor="mm")
    return page


def intervals(rows: Sequence[tuple[str, Span, Span | None]], title: str) -> Image.Image:
    """Shares from 0 to 1 with their intervals, a line each: (name, share, another share beneath it in grey)."""
    font, wide = ImageFont.load_default(12), 360
    margin = 3 * GAP + int(max(font.getlength(name) for name, _, _ in rows))
    page = Image.new("RGB", (margin + wide + 4 * GAP, 30 + CELL * len(rows) + 24), "white")
    draw = ImageDraw.Draw(page)
    draw.text((GAP, GAP), title, "black", font)
    bottom = 30 + CELL * len(rows)
    for tenth in range(0, 11, 2):
        x = margin + wide * tenth / 10
        draw.line((x, 30, x, bottom), fill=(225, 225, 225))
        draw.text((x, bottom + GAP), f"{tenth * 10} %", "black", font, anchor="mt")
    for row, (name, share, beneath) in enumerate(rows):
        y = 30 + CELL * row + CELL / 2
        draw.text((margin - GAP, y), name, "black", font, anchor="rm")
        for values, down, ink in ((beneath, 4, (170, 170, 170)), (share, -4, (16, 64, 128))):
            if values:
                value, low, high = (margin + wide * v for v in values)
                draw.line((low, y + down, high, y + down), fill=ink, width=2)
                draw.ellipse((value - 3, y + down - 3, value + 3, y + down + 3), fill=ink)
    return page
