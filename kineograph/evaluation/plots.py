"""Figures as pictures, drawn with Pillow."""

from collections import Counter
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

CELL, GAP = 22, 6


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
