import pytest
import torch

from kineograph.evaluation import damage
from kineograph.evaluation.damage import COLUMNS, UNTOUCHED, WRONG, Damaged, figures_of, key, spoilt, table
from kineograph.evaluation.metrics import Figure, Manner
from kineograph.evaluation.networks import Networks

OF_PIXELS = COLUMNS[:-1]


@pytest.fixture(scope="module")
def columns() -> dict[str, list[Figure]]:
    """What needs no network says of six small clips."""
    pytest.importorskip("skia")
    networks = {"random": Networks(features="random", frames=8)}
    return {
        how: figures_of(
            spoilt(6, how, frames=8, size=32), networks, Manner(resamples=20, force=True),
            ("frechet", "motion", "reconstruction"),
        )
        for how in OF_PIXELS
    }  # fmt: skip


def value(columns: dict[str, list[Figure]], how: str, name: str) -> float:
    return next(f.value for f in columns[how] if key(f)[1] == name)


@pytest.mark.slow
def test_each_damage_is_seen_by_the_metric_meant_for_it(columns):
    def order(name: str, *hows: str) -> bool:
        values = [value(columns, how, name) for how in hows]
        return values == sorted(values) and len(set(values)) == len(values)

    assert value(columns, "frozen", "frozen") == 1
    assert value(columns, "frozen", "dynamic") == 0
    for how in ("noise", "blur", "shuffled", UNTOUCHED):
        assert value(columns, how, "frozen") == 0
        assert value(columns, how, "dynamic") == 1
    assert order("flicker", UNTOUCHED, "shuffled", "noise")
    assert order("warping error", UNTOUCHED, "shuffled", "noise")
    for how in ("noise", "blur", "frozen"):
        assert value(columns, how, "distance of random features") > 1.2 * value(
            columns, UNTOUCHED, "distance of random features"
        )
    for how in OF_PIXELS[1:]:
        assert value(columns, how, "PSNR") < value(columns, UNTOUCHED, "PSNR") == 100
        assert value(columns, how, "SSIM (luma)") < value(columns, UNTOUCHED, "SSIM (luma)") == pytest.approx(1)
    rows = table(columns)
    frozen = next(row for row in rows if row.startswith("| motion: flicker"))
    assert "**none**" in frozen
    assert not any("fidelity" in row or "World" in row for row in rows)


def test_a_wrong_caption_is_the_next_clips():
    subject = spoilt(3, WRONG)
    right = spoilt(3, UNTOUCHED)
    assert subject.clips.captions == [*right.clips.captions[1:], right.clips.captions[0]]
    assert [wish.prompt for wish in subject.wishes] == subject.clips.captions
    assert right.real.captions[0] not in right.clips.captions


def test_damages_do_what_they_are_called():
    frames = torch.rand(8, 3, 16, 16) * 255
    rng = torch.Generator().manual_seed(0)
    assert 15 < float((damage.noise(frames, rng) - frames).std()) < 25
    assert float(damage.blur(frames, rng).std()) < 0.5 * float(frames.std())
    mixed = damage.shuffled(frames, rng)
    assert not torch.equal(mixed, frames)
    torch.testing.assert_close(mixed.sum(0), frames.sum(0))
    assert (damage.frozen(frames, rng) == frames[:1]).all()


def test_a_table_is_written_between_its_marks_and_nowhere_else(tmp_path, monkeypatch):
    file = tmp_path / "metrics.md"
    file.write_text(f"before\n{damage.BEGIN}\nold\n{damage.END}\nafter\n")
    own = Figure("motion", "frozen", 0.0, 0.0, 0.1, 64, "by eye", share=True)
    found = {how: [own] for how in COLUMNS}
    found["frozen"] = [Figure("motion", "frozen", 1.0, 0.9, 1.0, 64, "by eye", share=True)]
    monkeypatch.setattr(damage, "figures_of", lambda subject, *rest: list(found[subject.clips.how]))
    monkeypatch.setattr(damage, "OF_CAPTIONS", ("motion",))
    assert damage.main([str(file), "--count", "64"]) == 0
    text = file.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "| motion: frozen | 0.0% (0.0% to 10.0%) |" in text
    assert "**100.0% (90.0% to 100.0%)**" in text
    assert damage.main([str(file), "--count", "64"]) == 0
    assert file.read_text() == text
    with pytest.raises(SystemExit):
        damage.main([str(tmp_path / "metrics.md"), "--count", "3"])


def test_spoilt_clips_are_the_same_each_time():
    pytest.importorskip("skia")
    clips = spoilt(2, "noise", frames=2, size=32).clips
    assert isinstance(clips, Damaged)
    assert clips.clip(1).digest == clips.clip(1).digest != clips.clips.clip(1).digest
