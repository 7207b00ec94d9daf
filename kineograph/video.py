"""Video files: read whatever PyAV reads; write mp4, gif, webp and sheets of frames, whole or not at all."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch
from PIL import ExifTags, Image, ImageDraw, ImageFont, PngImagePlugin

from kineograph.clip import Clip

BT709 = 1  # the code of these colours in H.264 and of swscale's matrix


def read(
    path: str | Path,
    *,
    fps: float | None = None,
    size: int | tuple[int, int] | None = None,
    start: float = 0.0,
    frames: int | None = None,
) -> Clip:
    """A clip from a video or picture file, decoding no more than it needs and keeping only the frames it returns.

    fps: resampled to this rate, each frame the one on screen at its time; else the file's frames one for one.
    size: side, or (height, width): the centre is cropped to that shape, then resized. start: seconds into the file.
    frames: at most so many.
    """
    path = Path(path)
    if fps is not None and not 0 < fps <= 1000:
        raise ValueError(f"fps must be between 0 and 1000; got {fps}")
    if start < 0 or (frames is not None and frames < 1):
        raise ValueError(f"start must be 0 or more and frames 1 or more; got {start} and {frames}")
    with opened(path) as container:
        stream = container.streams.video[0]
        rate = float(stream.average_rate or stream.guessed_rate or 25)
        tick = min(float(stream.time_base or 0), 0.25 / rate)
        wanted = sampled(timed(container, path, start), start, fps, tick)
        arrays: list[np.ndarray] = []
        last = None
        for frame in wanted:
            arrays.append(arrays[-1] if frame is last else pixels(frame, size))
            last = frame
            if len(arrays) == frames:
                break
    if not arrays:
        why = "it is shorter" if start else "it is damaged or cut off"
        raise ValueError(f"{path} has no frame at {start:g} s: {why}")
    return Clip(torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).contiguous(), fps or rate)  # t h w c -> t c h w


@contextmanager
def opened(path: Path) -> Iterator[av.container.InputContainer]:
    """The file as PyAV sees it; anything that goes wrong inside becomes a ValueError that names it."""
    if not path.exists():
        raise ValueError(f"there is no file {path}")
    if not path.is_file():
        raise ValueError(f"{path} is not a file; a video is wanted")
    # a file object and local files only: no name of ours is ever taken for an address or a list of files
    with path.open("rb") as file:
        try:
            with av.open(file, options={"protocol_whitelist": "file"}) as container:
                if not container.streams.video or container.format.name == "tty":
                    raise ValueError(f"{path} is not a video")
                container.streams.video[0].thread_type = "AUTO"
                yield container
        except (av.error.FFmpegError, OSError, UnicodeDecodeError) as error:
            why = str(getattr(error, "strerror", "") or error).lower()
            raise ValueError(f"cannot read {path}: not a video, or damaged ({why})") from error


def timed(
    container: av.container.InputContainer, path: Path, start: float
) -> Iterator[tuple[float, float, av.VideoFrame]]:
    """(begin, end, frame) in seconds from the file's first frame, from the frame on screen at `start` or before."""
    stream = container.streams.video[0]
    base, step = stream.time_base or Fraction(1, 25), 1 / float(stream.average_rate or stream.guessed_rate or 25)
    origin = float((stream.start_time or 0) * base)
    sought = start > 1
    if sought:
        container.seek(int((start + origin) / base), stream=stream)
    count, end = 0, 0.0
    for packet in container.demux(stream):
        if packet.is_corrupt:
            raise ValueError(f"{path} is damaged or cut off after {end:.2f} s")
        for frame in packet.decode():
            begin = count * step if frame.pts is None else float(frame.pts * base) - origin
            if sought and count == 0 and begin > start + 1e-6:  # this file cannot be sought: decode up to there
                container.seek(int(origin / base), stream=stream)
                sought = False
                yield from timed(container, path, 0.0)
                return
            count, end = count + 1, begin + (float(frame.duration * base) if frame.duration else step)
            yield begin, end, frame
    promised = float(stream.duration * base) if stream.duration else 0.0
    if count and end < promised - max(0.25, 2 * step):
        raise ValueError(f"{path} is cut off: it promises {promised:.2f} s and holds {end:.2f} s")


def sampled(
    shown: Iterator[tuple[float, float, av.VideoFrame]], start: float, fps: float | None, tick: float
) -> Iterator[av.VideoFrame]:
    """The frame on screen at start, start + 1 / fps, ...; without fps, every frame that ends after start.

    tick: how coarsely the file writes its times, which may be late by as much.
    """
    count, held, over = 0, None, 0.0
    for begin, end, frame in shown:
        if fps is None:
            if end > start + tick:
                yield frame
            continue
        while held is not None and start + count / fps < begin - tick:
            yield held
            count += 1
        held, over = frame, end
    while held is not None and fps is not None and start + count / fps < over - tick:
        yield held
        count += 1


def pixels(frame: av.VideoFrame, size: int | tuple[int, int] | None) -> np.ndarray:
    """A decoded frame as h w 3 uint8: upright, its centre cropped to the shape of size, resized."""
    turns = round(frame.rotation / 90) % 4  # counterclockwise quarters
    if size is None:
        return np.rot90(frame.to_ndarray(format="rgb24"), turns)
    height, width = (size, size) if isinstance(size, int) else size
    if min(height, width) < 1:
        raise ValueError(f"size must be positive; got {size}")
    if turns % 2:
        height, width = width, height
    scale = max(height / frame.height, width / frame.width)
    covering = max(height, round(frame.height * scale)), max(width, round(frame.width * scale))
    image = frame.to_ndarray(
        format="rgb24", height=covering[0], width=covering[1], interpolation="AREA" if scale < 1 else "BICUBIC"
    )
    top, left = (covering[0] - height) // 2, (covering[1] - width) // 2
    return np.rot90(image[top : top + height, left : left + width], turns)


def target(path: str | Path, *, overwrite: bool = False) -> Path:
    """The path, if a clip may be written there; ValueError says why not. To be asked before the work, too."""
    path = Path(path)
    if path.suffix.lower() not in WRITERS:
        raise ValueError(f"a film is written to a file that ends in {', '.join(WRITERS)}; got {str(path)!r}")
    if path.is_dir():
        raise ValueError(f"{path} is a folder; a file is wanted")
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {path.parent} to write in")
    if path.exists() and not overwrite:
        raise ValueError(f"{path} exists and is kept; give --overwrite, or another name")
    return path


def write(path: str | Path, clip: Clip, metadata: dict | None = None, *, overwrite: bool = False) -> Path:
    """Writes .mp4 (H.264, yuv420p, faststart), .gif, .webp or .png (a sheet), with metadata as JSON in the file.

    The same clip gives the same bytes. The file appears whole, under its name, or not at all.
    """
    path = target(path, overwrite=overwrite)
    writer = WRITERS[path.suffix.lower()]
    height, width = clip.frames.shape[-2:]
    if writer is write_mp4 and (height % 2 or width % 2):
        raise ValueError(f"an mp4 needs even sides; got {width} x {height}: take even ones, or write a .gif or .webp")
    note = json.dumps(metadata or {}, sort_keys=True)  # ASCII, which every format can hold
    with replacing(path) as partial:
        writer(partial, clip, note)
        target(path, overwrite=overwrite)  # another may have come meanwhile
    return path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside the path, moved there when the block ends well, and removed when it does not."""
    handle, name = tempfile.mkstemp(prefix=f".{path.stem[:32]}-", suffix=f".partial{path.suffix}", dir=path.parent)
    os.fchmod(handle, 0o666 & ~umask())
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except av.error.FFmpegError as error:
        raise OSError(error.errno, f"cannot write {path}: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


def umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_mp4(path: Path, clip: Clip, note: str) -> None:
    """H.264 in yuv420p with the index in front, so that any player shows it and a browser before it is all there."""
    flags = {"movflags": "+faststart+use_metadata_tags", "fflags": "+bitexact"}
    rate = Fraction(clip.fps).limit_denominator(1001)
    with av.open(str(path), "w", format="mp4", options=flags) as container:
        container.metadata["comment"] = note
        # one thread, for x264's choices depend on how many there are
        stream = container.add_stream(
            "libx264", rate=rate, options={"crf": "17", "preset": "medium", "flags": "+bitexact"}
        )
        stream.height, stream.width = clip.frames.shape[-2:]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        for name in ("color_primaries", "color_trc", "colorspace", "color_range"):
            setattr(stream.codec_context, name, BT709)  # color_range 1: limited
        for image in images(clip):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            container.mux(stream.encode(frame.reformat(format="yuv420p", dst_colorspace=BT709, dst_color_range=BT709)))
        container.mux(stream.encode())


def write_gif(path: Path, clip: Clip, note: str) -> None:
    """A gif that loops; its times are hundredths of a second, rounded so that they add up."""
    first, *rest = (Image.fromarray(image) for image in images(clip))
    ends = [10 * round(100 * (i + 1) / clip.fps) for i in range(len(rest) + 1)]
    lasts = [max(20, b - a) for a, b in zip([0, *ends], ends, strict=False)]
    first.save(path, "GIF", save_all=True, append_images=rest, duration=lasts, loop=0, comment=note.encode())


def write_webp(path: Path, clip: Clip, note: str) -> None:
    """An animated webp that loops."""
    first, *rest = (Image.fromarray(image) for image in images(clip))
    ends = [round(1000 * (i + 1) / clip.fps) for i in range(len(rest) + 1)]
    lasts = [b - a for a, b in zip([0, *ends], ends, strict=False)]
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = note
    options = {"duration": lasts, "loop": 0, "quality": 90, "method": 4, "exif": exif.tobytes()}
    first.save(path, "WEBP", save_all=True, append_images=rest, **options)


def write_png(path: Path, clip: Clip, note: str) -> None:
    """A sheet of the clip's frames."""
    info = PngImagePlugin.PngInfo()
    info.add_itxt("comment", note)
    sheet([clip]).save(path, "PNG", pnginfo=info)


WRITERS: dict[str, Callable[[Path, Clip, str], None]] = {
    ".mp4": write_mp4,
    ".gif": write_gif,
    ".webp": write_webp,
    ".png": write_png,
}


def images(clip: Clip) -> Iterator[np.ndarray]:
    """The clip's frames as h w 3 uint8, one at a time."""
    return (np.ascontiguousarray(frame.permute(1, 2, 0).numpy()) for frame in clip.frames)  # c h w -> h w c


def sheet(clips: Sequence[Clip], columns: int = 8) -> Image.Image:
    """A contact sheet: a row for each clip, its frames evenly in time, its caption above it."""
    gap, line = 4, 18
    font = ImageFont.load_default(13)
    pairs = [(clip, pick(len(clip.frames), columns)) for clip in clips]
    width = max(len(picked) * (clip.frames.shape[-1] + gap) + gap for clip, picked in pairs)
    captions = [wrapped(clip.caption, font, width - 2 * gap) for clip in clips]
    heights = [len(c) * line + clip.frames.shape[-2] + 2 * gap for c, clip in zip(captions, clips, strict=True)]
    page = Image.new("RGB", (width, sum(heights) + gap), "white")
    draw, top = ImageDraw.Draw(page), gap
    for (clip, picked), caption, height in zip(pairs, captions, heights, strict=True):
        for row, text in enumerate(caption):
            draw.text((gap, top + row * line), text, fill="black", font=font)
        for column, index in enumerate(picked):
            image = Image.fromarray(clip.frames[index].permute(1, 2, 0).numpy())  # c h w -> h w c
            page.paste(image, (gap + column * (image.width + gap), top + len(caption) * line))
        top += height
    return page


def write_sheet(path: str | Path, clips: Sequence[Clip], *, columns: int = 8, overwrite: bool = False) -> Path:
    """Writes a contact sheet as a PNG, whole or not at all."""
    path = target(path, overwrite=overwrite)
    if path.suffix.lower() != ".png":
        raise ValueError(f"a sheet is written to a .png; got {str(path)!r}")
    with replacing(path) as partial:
        sheet(clips, columns).save(partial, "PNG", optimize=True)
    return path


def pick(frames: int, columns: int) -> list[int]:
    """Which frames stand in the columns: the first, the last, and those evenly between."""
    if columns < 1:
        raise ValueError(f"a sheet has at least one column; got {columns}")
    if frames <= columns:
        return list(range(frames))
    return [round(i * (frames - 1) / max(columns - 1, 1)) for i in range(columns)]


def wrapped(text: str, font: ImageFont.ImageFont, width: int) -> list[str]:
    """Text in lines no wider than width, four at most."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines if len(lines) <= 4 else [*lines[:3], lines[3] + " ..."]


def metadata(path: str | Path) -> dict:
    """The JSON that `write` left in a file; ValueError where there is none."""
    path = Path(path)
    if path.suffix.lower() in (".gif", ".webp", ".png"):
        note = image_note(path)
    else:
        with opened(path) as container:
            note = container.metadata.get("comment", "")
    try:
        data = json.loads(note)
    except ValueError:
        data = None
    if not isinstance(data, dict) or not data:
        raise ValueError(f"{path} does not say how it was made: kineograph has left no record in it")
    return data


def image_note(path: Path) -> str:
    """The comment in a gif, webp or png."""
    try:
        with Image.open(path) as image:
            exif = image.getexif().get(ExifTags.Base.ImageDescription, "")
            note = image.info.get("comment", exif)
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(f"cannot read {path}: not an image, or damaged") from error
    return note.decode(errors="replace") if isinstance(note, bytes) else note
