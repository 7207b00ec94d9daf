import argparse
import json
from dataclasses import MISSING, dataclass, field

import pytest

from kineograph import config
from kineograph.config import option


@dataclass(frozen=True)
class Net:
    widths: tuple[int, ...] = (8, 16)
    rate: float = 0.5


@dataclass(frozen=True)
class Model:
    net: Net = field(default_factory=Net)
    name: str = "model"
    limit: int | None = None
    causal: bool = False
    pair: tuple[int, float] = (1, 2.0)


@dataclass(frozen=True)
class Ask:
    prompt: str = option(MISSING, "what to show", minimum=1, maximum=10)
    size: int = option(64, "in 100% pixels", minimum=16, maximum=256, multiple_of=8)
    kind: str = option("fast", "how", choices=("fast", "slow"))

    def __post_init__(self) -> None:
        config.check(self)


def test_a_nested_config_survives_json():
    model = Model(Net((1, 2, 3), 1.5), limit=4, causal=True)
    assert config.load(Model, json.loads(json.dumps(config.dump(model)))) == model


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"nett": {}}, "has no nett; it has net"),
        ({"net": {"rate": "fast"}}, "rate must be a number"),
        ({"net": 3}, "JSON object"),
        ({"causal": 1}, "causal must be true or false"),
        ({"limit": True}, "limit must be a whole number"),
        ({"limit": 1.5}, "limit must be a whole number"),
        ({"net": {"widths": 3}}, "widths must be a list"),
        ({"net": {"rate": float("nan")}}, "rate must be a finite number"),
        ({"pair": [1]}, "2 values"),
        ([], "JSON object"),
    ],
)
def test_foreign_data_is_refused_by_name(data: object, words: str):
    with pytest.raises(ValueError, match=words):
        config.load(Model, data)


def test_a_missing_field_is_named():
    with pytest.raises(ValueError, match="Ask needs prompt"):
        config.load(Ask, {"size": 64})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"prompt": ""}, "prompt is empty"),
        ({"prompt": "x" * 11}, "prompt must be at most 10 characters; got 11 characters"),
        ({"size": 8}, "size must be at least 16; got 8"),
        ({"size": 1000}, "size must be at most 256; got 1000"),
        ({"size": 60}, "size must be a multiple of 8, such as 56 or 64; got 60"),
        ({"size": 64.5}, "size must be a whole number"),
        ({"kind": "best"}, "kind must be one of fast, slow; got best"),
    ],
)
def test_limits_name_what_was_given_and_what_is_allowed(given: dict, words: str):
    with pytest.raises(ValueError, match=words):
        Ask(**({"prompt": "a"} | given))


def test_set_path_reaches_into_a_config_and_leaves_the_old_one():
    old = Model()
    new = config.set_path(config.set_path(old, "net.widths", "32,64,128"), "limit", "none")
    assert new.net.widths == (32, 64, 128)
    assert old == Model()
    for path, words in (("net.depth", "has no depth"), ("net", "field by field"), ("name.x", "has no fields")):
        with pytest.raises(ValueError, match=words):
            config.set_path(old, path, "1")


def test_flags_are_the_fields_and_absent_when_not_given():
    parser = argparse.ArgumentParser(exit_on_error=False)
    config.add_flags(parser, Ask, skip=("prompt",))
    assert vars(parser.parse_args(["--size", "128"])) == {"size": 128}
    assert "100% pixels [64]" in parser.format_help()
    with pytest.raises(argparse.ArgumentError, match="must be a whole number; got 'big'"):
        parser.parse_args(["--size", "big"])


def test_flags_of_every_type_are_read():
    assert config.parse(tuple[int, ...], "") == ()
    assert config.parse(tuple[int, float], "1,2") == (1, 2.0)
    assert config.parse(int | None, "3") == 3
    assert config.parse(bool, "True") is True
    with pytest.raises(ValueError, match="true or false"):
        config.parse(bool, "yes")


def test_the_schema_tells_types_limits_and_help():
    schema = config.schema(Ask)
    assert schema["required"] == ["prompt"]
    assert schema["properties"]["prompt"] == {
        "type": "string", "description": "what to show", "minLength": 1, "maxLength": 10,
    }  # fmt: skip
    assert schema["properties"]["size"]["multipleOf"] == 8
    assert schema["properties"]["kind"]["enum"] == ["fast", "slow"]
    nested = config.schema(Model)["properties"]
    assert nested["net"]["properties"]["widths"]["items"] == {"type": "integer"}
    assert nested["limit"]["anyOf"][1] == {"type": "null"}
    json.dumps(config.schema(Model))
