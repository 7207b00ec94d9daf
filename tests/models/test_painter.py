"""Figures laid over scenery: where they are put, what they leave alone, that they can be learnt."""

import pytest
import torch
from torch import Tensor

from kineograph.models.painter import CRISP, MIDDLE, REACH, Painter, PainterConfig, around, covered

HERE = (1.0, 0.25, 0.5, 1.0, 1.0, 0.0, 1.0)  # known, x, y, size, stretch, sine, cosine


@pytest.fixture(scope="module")
def painter() -> Painter:
    torch.manual_seed(0)
    net = Painter(PainterConfig()).eval().requires_grad_(False)
    net.leave.bias.view(4, 4)[3] = 1.0  # it covers what it paints on
    return net


def layout(t: int = 1, *, other: float = 0.0, **changes: float) -> Tensor:
    """1 t 14: of an actor, and of another of this size on the left."""
    row = dict(zip(("known", "x", "y", "size", "stretch", "sine", "cosine"), HERE, strict=True)) | changes
    return torch.tensor([*row.values(), -0.5, 0.5, other, 1.0, 0.0, 1.0, 0.3])[None, None].repeat(1, t, 1)


LABELS = torch.tensor([[1, 2]])


def touched(painter: Painter, given: Tensor, labels: Tensor = LABELS) -> Tensor:
    """Where figures are: t h w bool."""
    grey = torch.zeros(1, given.shape[1], 3, 64, 64)
    return (painter(grey, labels, given) != 0).any(2)[0]


def test_a_figure_covers_its_own_window_and_nothing_else(painter: Painter):
    rows, columns = touched(painter, layout(size=0.5))[0].nonzero().unbind(1)
    x, y = 0.25 + 0.2 * MIDDLE[0], 0.5 + 0.2 * MIDDLE[1]
    for places, middle, reach in ((columns, x, 0.2 * REACH[0]), (rows, y, 0.2 * REACH[1])):
        at = (places + 0.5) / 32 - 1
        assert at.min().item() == pytest.approx(middle - reach, abs=0.06)
        assert at.max().item() == pytest.approx(middle + reach, abs=0.06)


def test_it_moves_with_the_layout_and_mirrors(painter: Painter):
    def shown(**changes: float) -> Tensor:
        given = layout(size=0.4, **changes)
        figure = painter.figures(LABELS, layout(size=0.4), 0)
        return painter.placed(figure, given, 0, 64)[0, 0]

    still = shown(x=0.0)
    assert torch.allclose(shown(x=0.25)[..., 8:], still[..., :-8], atol=1e-4)
    assert torch.allclose(shown(x=0.0, stretch=-1.0), still.flip(-1), atol=1e-4)
    assert torch.allclose(shown(x=0.0, y=0.25)[:, 8:], shown(x=0.0, y=0.0)[:, :-8], atol=1e-4)


def test_who_is_not_there_is_not_painted(painter: Painter):
    grey = torch.rand(1, 2, 3, 64, 64)
    for nobody in (layout(2, size=0.0), layout(2, known=0.0, other=1.0), torch.zeros(1, 2, 14)):
        assert torch.equal(painter(grey, LABELS, nobody), grey)
    both = touched(painter, layout(size=0.3, other=0.3))
    assert both[..., :24].any()
    assert not touched(painter, layout(size=0.3))[..., :24].any()


def test_frames_and_clips_are_painted_by_themselves(painter: Painter):
    given = torch.cat([layout(3), layout(3, x=0.0)])
    given[0, 1, -1] = 0.9  # its pose
    labels = torch.tensor([[1, 2], [3, 0]])
    grey = torch.zeros(2, 3, 3, 32, 32)
    whole = painter(grey, labels, given)
    alone = painter(grey[1:, 2:], labels[1:], given[1:, 2:])
    assert torch.allclose(whole[1, 2], alone[0, 0], atol=1e-5)
    assert torch.allclose(whole[0, 0], whole[0, 2])
    assert not torch.allclose(whole[0, 0], whole[0, 1])


def test_what_an_actor_sees_around_itself_is_what_it_paints(painter: Painter):
    given = layout(size=0.6, sine=0.5, cosine=0.866, stretch=-1.0)
    figure = painter.figures(LABELS, given, 0)
    placed = painter.placed(figure, given, 0, 512)[:, 0]
    again = around(placed, given[0], 0, figure.shape[-2:])
    inner = (slice(None), slice(None), slice(1, -1), slice(1, -1))
    assert (again - figure[:, 0])[inner].abs().mean() < 0.05 * figure.std()


def test_a_place_where_another_stands_is_not_judged():
    given = layout(other=1.0)
    assert covered(given[0], 1, 64).any()
    assert not covered(layout()[0], 1, 64).any()


def test_it_learns_what_differs_between_frames_with_and_without_actors():
    torch.manual_seed(0)
    net, given = Painter(PainterConfig()), layout(x=0.0, y=0.3, size=0.7)
    empty = torch.linspace(-1, 1, 48).expand(1, 1, 3, 48, 48).clone()
    whole = empty.clone()
    whole[..., 16:32, 20:28] = torch.tensor([0.8, -0.5, 0.1])[:, None, None]
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for _ in range(120):
        loss = net.loss(whole, empty, LABELS, given)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    painted = net(empty, LABELS, given)
    assert (painted - whole).abs().mean() < 0.35 * (empty - whole).abs().mean()


def test_nothing_to_paint_is_no_loss():
    net, frames = Painter(PainterConfig()), torch.rand(1, 2, 3, 32, 32)
    assert net.loss(frames, frames, LABELS, torch.zeros(1, 2, 14)) == 0


def test_the_second_actor_has_labels_of_its_own():
    painter = Painter(PainterConfig(second=((0, 1, (2, -1, -1, 0)), (1, 0, (3, 1, 0)))))
    assert painter.second(torch.tensor([[0, 1], [1, 1], [3, 1]])).tolist() == [[1, 2], [1, 1], [1, 0]]
    given = layout(other=1.0)
    first, second = (painter.figures(torch.tensor([[0, 1]]), given, actor) for actor in (0, 1))
    assert not torch.allclose(first, second)


def test_pictures_are_squares_where_a_label_says_so(painter: Painter):
    coarse = Painter(PainterConfig(grain=(1, 2, 8))).eval().requires_grad_(False)
    coarse.load_state_dict(painter.state_dict())
    scenery, given, labels = torch.rand(2, 3, 3, 32, 32), layout(3).repeat(2, 1, 1), torch.tensor([[1, 2], [1, 0]])
    plain, squares = painter(scenery, labels, given), coarse(scenery, labels, given)
    drawn, middles = squares[0, ..., ::4, ::4], plain[0, ..., 2::4, 2::4]
    assert torch.equal(squares[0], drawn.repeat_interleave(4, 2).repeat_interleave(4, 3))
    around = middles[..., 2:5, 3:6].mean((2, 3))
    crisper = middles[..., 3, 4] + CRISP * (middles[..., 3, 4] - around)
    assert torch.allclose(drawn[..., 3, 4], crisper.clamp(-1, 1), atol=1e-6)
    assert torch.equal(squares[1], plain[1])
    small = torch.rand(1, 3, 3, 20, 20)  # which eight squares do not divide
    assert torch.equal(coarse(small, labels[:1], given[:1]), painter(small, labels[:1], given[:1]))
