"""Prompts retold, and what a prompt's own words take a story to."""

import torch

from kineograph.systems._plain import sentence, unnamed

PLAIN = (("a bear", "an owl"), ("walking", "watching fireworks"), ("on Mars", "under the fireworks", "in a meadow"))


def test_labels_are_told_in_plain_words():
    assert sentence(torch.tensor([[1, 0, 2, 7]]), PLAIN) == "an owl walking in a meadow"


def test_a_word_that_names_a_value_takes_the_story_there():
    earlier = torch.tensor([[0, 0, 0, 5]])
    fireworks = unnamed(earlier, torch.tensor([[0, 1, 1, 5]]), "The bear watches Fireworks!", PLAIN)
    assert fireworks.tolist() == [[0, -1, -1, 5]]
    assert earlier.tolist() == [[0, 0, 0, 5]]
    assert unnamed(earlier, torch.tensor([[0, 1, 2, 4]]), "the bear sleeps", PLAIN).tolist() == [[0, 0, 0, 5]]
    same = unnamed(earlier, torch.tensor([[0, 0, 0, 5]]), "the bear walks on mars", PLAIN)
    assert same.tolist() == [[0, 0, 0, 5]], "what is named again goes on"
    assert unnamed(None, torch.tensor([[0, 0, 0, 5]]), "a bear", PLAIN) is None
