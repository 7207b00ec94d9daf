from pathlib import Path

import pytest

from kineograph.story import LONGEST_PROMPT, Shot, Story


def test_one_prompt_is_a_story_of_one_shot():
    assert Story.parse("  a bear swims ") == Story((Shot("a bear swims"),))


def test_prompts_are_shots_in_order():
    assert [shot.prompt for shot in Story.parse("a | b c |d")] == ["a", "b c", "d"]


def test_timed_prompts_give_seconds():
    story = Story.parse("0-2s: a bear | 2s - 4.5s: it dives: deep | 4.5\u20135s: gone")
    assert story.shots == (Shot("a bear", 2.0), Shot("it dives: deep", 2.5), Shot("gone", 0.5))


@pytest.mark.parametrize("text", ["2001: a space odyssey", "1990s: a street", "a clock shows 0-2s: late", "3 bears"])
def test_numbers_in_a_prompt_are_not_times(text: str):
    assert Story.parse(text).shots == (Shot(text),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("a | | b", "a prompt of the story is empty"),
        ("0-2s: | 2-4s: b", "empty"),
        ("x" * 4097, "at most 4,096 characters; this one has 4,097"),
        ("0-2s: a | 3-4s: b", "the shot 3-4s leaves a gap: the film is at 2s"),
        ("1-2s: a", "leaves a gap: the film is at 0s"),
        ("0-2s: a | 1-4s: b", "the shot 1-4s overlaps the shot before it, which ends at 2s"),
        ("0-2s: a | 2-1s: b", "the shot 2-1s ends before it has begun"),
        ("0-0s: a", "ends before"),
        ("-1-2s: a", "times are written"),
        ("0-2: a", "times are written"),
        ("0-2s: a | b", "either every shot"),
        ("0-9999s: a", "at most 3600 seconds; got 9999"),
        ("a\0b", "plain text"),
        ("a \ud800", "plain text"),
    ],
)
def test_what_is_no_story_is_said_clearly(text: str, words: str):
    with pytest.raises(ValueError, match=words):
        Story.parse(text)


def test_the_longest_prompt_is_allowed_and_stories_have_no_such_limit():
    assert len(Story.parse(" | ".join(["x" * LONGEST_PROMPT] * 3))) == 3


def test_yaml_tells_shots_and_the_text_tells_them_again(tmp_path: Path):
    path = tmp_path / "story.yaml"
    path.write_text(
        "- prompt: a bear\n  seconds: 2\n- {prompt: 'it\n    dives', seconds: 1.1}\n- {prompt: b, seconds: 0.1}\n"
    )
    story = Story.parse(path)
    assert story.text == "0-2s: a bear | 2-3.1s: it dives | 3.1-3.2s: b"
    assert Story.parse(story.text) == story
    path.write_text("- a bear\n- a fish\n")
    assert Story.from_yaml(path).text == "a bear | a fish"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a list of shots"),
        ("prompt: a", "a list of shots"),
        ("- {prompt: [", "not a YAML file"),
        ("- {seconds: 2}", "a shot is written"),
        ("- {prompt: a, length: 2}", "no length"),
        ("- {prompt: a, seconds: two}", "seconds must be a number"),
        ("- {prompt: a, seconds: 2}\n- b", "either every shot"),
        ("- {prompt: 'a | b'}", "neither"),
        ("- {prompt: ''}", "empty"),
        ("- {prompt: a, seconds: .nan}", "seconds"),
        ("- !!python/object/apply:os.system ['true']", "not a YAML file"),
    ],
)
def test_yaml_that_is_no_story_is_said_clearly(text: str, words: str, tmp_path: Path):
    path = tmp_path / "story.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=words) as error:
        Story.from_yaml(path)
    assert "story.yaml" in str(error.value)


def test_rounding_does_not_add_up():
    story = Story(tuple(Shot("a", 0.3) for _ in range(100)))
    counts = story.frames(num_frames=16, fps=8)
    assert sum(counts) == 240
    assert set(counts) == {2, 3}
    assert Story.parse("a | b").frames(num_frames=5, fps=8) == (5, 5)
    assert Story((Shot("a", 0.001),)).frames(num_frames=5, fps=8) == (1,)
