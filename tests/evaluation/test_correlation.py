import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from kineograph import cli
from kineograph.clip import Clip
from kineograph.evaluation import correlation
from kineograph.evaluation.correlation import Pooled, correlate, cosines, displacement, of_pixels


def changing(frames: int = 6, height: int = 24, width: int = 32, seed: int = 0) -> Clip:
    """A clip that drifts from one picture to another."""
    rng = torch.Generator().manual_seed(seed)
    a, b = torch.rand(2, 3, height // 4, width // 4, generator=rng).repeat_interleave(4, 2).repeat_interleave(4, 3)
    share = torch.linspace(0, 1, frames).reshape(-1, 1, 1, 1)
    return Clip(((a + share * (b - a)) * 255).to(torch.uint8), 8.0)


def test_pixels_correlate_as_numpy_says_block_by_block(monkeypatch):
    frames = torch.randint(0, 256, (7, 3, 9, 11), dtype=torch.uint8)
    monkeypatch.setattr(correlation, "BLOCK", 50)
    found = of_pixels(frames)
    np.testing.assert_allclose(found.numpy(), np.corrcoef(frames.flatten(1).numpy().astype(float)), atol=1e-12)
    assert torch.equal(found, found.T)
    assert found.diagonal().tolist() == [1] * 7


def test_a_brighter_frame_correlates_wholly_and_a_negative_one_not_at_all():
    picture = torch.randint(20, 100, (3, 8, 8), dtype=torch.uint8)
    found = of_pixels(torch.stack([picture, picture * 2 + 10, 255 - picture]))
    assert found[0].tolist() == pytest.approx([1, 1, -1])


def test_a_frame_of_one_value_has_no_correlation():
    frames = torch.randint(0, 256, (3, 3, 8, 8), dtype=torch.uint8)
    frames[1] = 77
    found = of_pixels(frames)
    assert found.isnan().tolist() == [[False, True, False], [True, True, True], [False, True, False]]


def test_embeddings_are_compared_by_cosine():
    vectors = torch.randn(5, 9)
    wanted = torch.nn.functional.cosine_similarity(vectors[:, None], vectors[None], dim=2)
    torch.testing.assert_close(cosines(vectors).float(), wanted)
    assert cosines(vectors).diagonal().tolist() == [1] * 5
    assert bool(cosines(torch.zeros(2, 3)).isnan().all())


def test_displacements_are_from_row_to_column_and_add_up():
    vectors = torch.randn(4, 6, dtype=torch.float64)
    d = displacement(vectors)
    torch.testing.assert_close(d[1, 3], vectors[3] - vectors[1])
    torch.testing.assert_close(d, -d.transpose(0, 1))
    torch.testing.assert_close(d[0, 2] + d[2, 3], d[0, 3])
    assert not d.diagonal().any()


def test_a_drift_goes_straight_and_away():
    found = correlate(changing(), Pooled(), batch=4)
    torch.testing.assert_close(found.lengths, displacement(found.vectors).norm(dim=2))
    assert bool((found.pixels[0].diff() < 0).all())
    assert bool((found.lengths[0].diff() > 0).all())
    steps = found.neighbours["displacement"]
    assert max(steps) < 1.2 * min(steps)
    assert found.neighbours["embedding"] == found.embedding.diagonal(1).tolist()
    whole = Pooled(2)(torch.full((1, 3, 8, 8), 255, dtype=torch.uint8))
    assert whole.tolist() == [[1] * 12]
    assert "nothing learned" in Pooled().name


def test_an_embedding_that_is_no_number_names_its_frame():
    def broken(frames: Tensor) -> Tensor:
        out = frames.float().mean((2, 3))
        out[2] = torch.nan
        return out

    with pytest.raises(ValueError, match="the embedding of frame 2 is not finite"):
        correlate(changing(), broken)
    with pytest.raises(ValueError, match="two frames or more"):
        correlate(Clip(changing().frames[:1]), Pooled())


@pytest.fixture
def film(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return changing(frames=10, height=48, width=64).save(tmp_path / "film.mp4")


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_the_command_writes_figures_and_tables(film: Path, capsys: pytest.CaptureFixture):
    assert cli.main(["correlate", str(film), "--tensor", "--size", "32", "--frames", "8"]) == 0
    assert capsys.readouterr().out.split() == ["film-correlation"]
    folder = Path("film-correlation")
    told = json.loads((folder / "correlation.json").read_text())
    assert (told["frames"], told["height"], told["width"], told["fps"]) == (8, 24, 32, 8)
    assert told["embedder"] == "pixels averaged to 16 x 16 (nothing learned)"
    assert len(told["sha256"]) == 64
    for name in ("pixels", "embedding", "displacement"):
        head, *body = rows(folder / f"{name}.csv")
        assert head == ["frame", *map(str, range(8))]
        matrix = np.array(body, float)[:, 1:]
        assert matrix.shape == (8, 8)
        assert np.array_equal(matrix, matrix.T)
        assert np.diag(matrix).tolist() == [float(name != "displacement")] * 8
    head, *body = rows(folder / "neighbours.csv")
    assert head == ["frame", "seconds", "pixels", "embedding", "displacement"]
    assert [float(row[1]) for row in body] == pytest.approx([i / 8 for i in range(7)])
    assert told["neighbour_means"]["pixels"] == pytest.approx(np.mean([float(row[2]) for row in body]), abs=1e-5)
    vectors = np.array(rows(folder / "vectors.csv")[1:], float)[:, 1:]
    tensor = np.load(folder / "displacement.npy")
    assert tensor.shape == (8, 8, 768)
    np.testing.assert_allclose(tensor[2, 5], vectors[5] - vectors[2], atol=1e-5)
    with Image.open(folder / "matrices.png") as wide, Image.open(folder / "neighbours.png") as narrow:
        assert wide.size == (3 * narrow.width, narrow.height)
        assert len(wide.getcolors(10**6)) > 20
    assert not list(folder.glob(".*"))


def test_a_folder_that_is_there_is_kept_unless_told(film: Path, capsys: pytest.CaptureFixture):
    args = ["correlate", str(film), "--output-dir", "out", "--fps", "4", "--start", "0.25"]
    assert cli.main([*args, "--tensor"]) == 0
    assert json.loads(Path("out/correlation.json").read_text())["frames"] == 4
    assert cli.main(args) == 1
    assert "out holds a correlation and is kept; give --overwrite" in capsys.readouterr().err
    assert cli.main([*args, "--overwrite"]) == 0
    assert not Path("out/displacement.npy").exists()


class Colours(nn.Module):
    def forward(self, pictures: Tensor) -> Tensor:
        assert pictures.shape[-2] == 20
        return pictures.mean((2, 3))


def test_an_embedder_of_the_users_own(film: Path):
    torch.jit.script(Colours()).save("colours.pt")
    args = ["correlate", str(film), "--embedder", "colours.pt", "--embedder-size", "20", "--tensor"]
    assert cli.main(args) == 0
    told = json.loads(Path("film-correlation/correlation.json").read_text())
    assert told["embedder"].startswith("TorchScript colours.pt at 20 x 20, sha256 ")
    assert np.load("film-correlation/displacement.npy").shape == (10, 10, 3)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["none.mp4"], "there is no file none.mp4"),
        (["film.mp4", "--frames", "1"], "--frames must be 2 to 1024; got 1"),
        (["film.mp4", "--size", "4000"], "--size must be 16 to 512; got 4000"),
        (["film.mp4", "--output-dir", "film.mp4"], "film.mp4 is a file; a folder is wanted"),
        (["film.mp4", "--output-dir", "a/b"], "there is no folder a to write in"),
        (["film.mp4", "--embedder", "no.pt"], "there is no file no.pt, which correlate needs"),
        (["text.mp4"], "cannot read text.mp4"),
        (["film.mp4", "--start", "60"], "film.mp4 has no frame at 60 s"),
    ],
)
def test_bad_input_is_said_in_a_line(film: Path, capsys: pytest.CaptureFixture, args: list[str], words: str):
    Path("text.mp4").write_text("no video")
    assert cli.main(["correlate", *args]) == 1
    assert words in capsys.readouterr().err
    assert not Path("film-correlation").exists()


def test_frames_without_correlation_leave_gaps(tmp_path):
    frames = changing(frames=4).frames.clone()
    frames[2] = 9
    found = correlate(Clip(frames), Pooled())
    correlation.write(tmp_path / "out", found, {"fps": 8.0})
    assert rows(tmp_path / "out" / "pixels.csv")[3][1:] == [""] * 4
    told = json.loads((tmp_path / "out" / "correlation.json").read_text())
    assert told["neighbour_means"]["pixels"] == pytest.approx(found.neighbours["pixels"][0])
    with Image.open(tmp_path / "out" / "matrices.png") as page:
        assert page.getpixel((correlation.MARGIN + 200, correlation.MARGIN + 10)) == correlation.VOID
