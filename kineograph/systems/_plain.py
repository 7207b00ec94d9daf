"""Labels in plain words: `plain` has the phrases of each of the first labels' values, such as "in the ocean"."""

from collections.abc import Sequence

from torch import Tensor

from kineograph.models.text import WORD


def sentence(labels: Tensor, plain: Sequence[Sequence[str]]) -> str:
    """The first labels, 1 k, as a prompt: who, doing what, where."""
    return " ".join(phrases[value] for phrases, value in zip(plain, labels[0].tolist(), strict=False))


def unnamed(earlier: Tensor | None, read: Tensor, prompt: str, plain: Sequence[Sequence[str]]) -> Tensor | None:
    """An earlier shot's labels, 1 k, with -1 for those of which this shot's prompt names another value: who reads
    "fireworks" in it is no longer on Mars, whatever goes together.  read: 1 k, what the prompt is likeliest to mean.
    """
    if earlier is None:
        return None
    words, left = set(WORD.findall(prompt.lower())), earlier.clone()
    for i, phrases in enumerate(plain):
        named = WORD.findall(phrases[read[0, i]].lower())[-1]  # the word that matters stands last
        if named in words and read[0, i] != earlier[0, i]:
            left[0, i] = -1
    return left
