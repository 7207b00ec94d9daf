"""Dataclasses as the one source of options: to and from JSON, to command-line flags, to JSON schema."""

import argparse
import math
import types
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, asdict, field, fields, is_dataclass, replace
from typing import Any, Union, get_args, get_origin, get_type_hints


def option(
    default: Any,
    help: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple | None = None,
    multiple_of: int | None = None,
) -> Any:
    """A dataclass field that knows its help and its limits; for text the limits count characters.

    `default` may be `dataclasses.MISSING`: then the field must be given.
    """
    limits = {"minimum": minimum, "maximum": maximum, "choices": choices, "multiple_of": multiple_of}
    return field(default=default, metadata={"help": help} | {k: v for k, v in limits.items() if v is not None})


def check(options: Any) -> None:
    """ValueError, naming what was given and what is allowed, where a field breaks its type or its limits."""
    hints = get_type_hints(type(options))
    for f in fields(options):
        value = getattr(options, f.name)
        read(hints[f.name], value, f.name)
        if problem := broken(f.metadata, value):
            raise ValueError(f"{f.name} {problem}")


def broken(limits: Any, value: Any) -> str:
    """What a value breaks of a field's limits, in words; nothing if it keeps them."""
    if "choices" in limits and value not in limits["choices"]:
        return f"must be one of {', '.join(map(str, limits['choices']))}; got {value}"
    size: float
    if isinstance(value, str):
        size, of, given = len(value), " characters", f"{len(value)} characters"
    elif isinstance(value, (int, float)):
        size, of, given = value, "", str(value)
    else:
        return ""
    low, high, step = limits.get("minimum"), limits.get("maximum"), limits.get("multiple_of")
    if low is not None and size < low:
        return "is empty" if value == "" and low == 1 else f"must be at least {low:,}{of}; got {given}"
    if high is not None and size > high:
        return f"must be at most {high:,}{of}; got {given}"
    if step is not None and size % step:
        below = size // step * step
        return f"must be a multiple of {step}, such as {max(below, step)} or {below + step}; got {given}"
    return ""


def load(cls: type, data: Any) -> Any:
    """Plain JSON data -> an instance of a (nested) dataclass; unknown keys, missing keys and wrong types are errors."""
    if not isinstance(data, dict):
        raise ValueError(f"{cls.__name__} is read from a JSON object; got {data!r}")
    hints = {f.name: get_type_hints(cls)[f.name] for f in fields(cls)}
    if unknown := set(data) - set(hints):
        raise ValueError(f"{cls.__name__} has no {', '.join(sorted(unknown))}; it has {', '.join(hints)}")
    if missing := [f.name for f in fields(cls) if required(f) and f.name not in data]:
        raise ValueError(f"{cls.__name__} needs {', '.join(missing)}")
    return cls(**{name: read(hints[name], value, name) for name, value in data.items()})


def dump(value: Any) -> dict:
    """An instance of a (nested) dataclass -> plain data for JSON."""
    return asdict(value)


def required(f: Field) -> bool:
    """Whether a field must be given."""
    return f.default is MISSING and f.default_factory is MISSING


def read(kind: Any, value: Any, name: str) -> Any:
    """One JSON value as a field's type; ValueError names the field."""
    if optional(kind):
        return None if value is None else read(get_args(kind)[0], value, name)
    if isinstance(kind, type) and is_dataclass(kind):
        return value if isinstance(value, kind) else load(kind, value)
    if get_origin(kind) is tuple:
        if not isinstance(value, (list, tuple)):
            raise ValueError(f"{name} must be a list; got {value!r}")
        return tuple(read(k, v, name) for k, v in zip(items(kind, len(value)), value, strict=True))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{name} must be {words(kind)}; got {value!r}")
    if kind is float and not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number; got {value}")
    return value


def parse(kind: Any, text: str) -> Any:
    """A field's value from a flag's text; ValueError says what was wanted."""
    if optional(kind):
        return None if text == "none" else parse(get_args(kind)[0], text)
    if get_origin(kind) is tuple:
        parts = text.split(",") if text else []
        return tuple(parse(k, part) for k, part in zip(items(kind, len(parts)), parts, strict=True))
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise ValueError(f"must be true or false; got {text!r}")
        return text.lower() == "true"
    try:
        return kind(text)
    except ValueError as error:
        raise ValueError(f"must be {words(kind)}; got {text!r}") from error


def optional(kind: Any) -> bool:
    """Whether a type is X | None."""
    return get_origin(kind) in (Union, types.UnionType)


def items(kind: Any, count: int) -> tuple:
    """The types of a tuple's items: tuple[int, ...] has as many as there are values."""
    args = get_args(kind)
    if len(args) == 2 and args[1] is Ellipsis:
        return args[:1] * count
    if len(args) != count:
        raise ValueError(f"{len(args)} values are wanted; got {count}")
    return args


def words(kind: type) -> str:
    """A type as people say it."""
    return {int: "a whole number", float: "a number", str: "text", bool: "true or false"}.get(kind, str(kind))


def set_path(config: Any, path: str, text: str) -> Any:
    """`set_path(config, "unet.widths", "32,64")` -> a copy of config with that field read from text."""
    name, _, rest = path.partition(".")
    hints = get_type_hints(type(config))
    if name not in hints:
        raise ValueError(f"{type(config).__name__} has no {name}; it has {', '.join(hints)}")
    if bool(rest) != is_dataclass(hints[name]):
        raise ValueError(f"{type(config).__name__}.{name} {'has no fields' if rest else 'is set field by field'}")
    value = set_path(getattr(config, name), rest, text) if rest else parse(hints[name], text)
    return replace(config, **{name: value})


def set_pairs(config: Any, pairs: Sequence[str]) -> Any:
    """A copy of config with each of the values of --set, such as "unet.widths=32,64"."""
    for pair in pairs:
        path, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"--set takes PATH=VALUE; got {pair!r}")
        config = set_path(config, path, value)
    return config


def add_flags(parser: argparse.ArgumentParser, cls: type, *, skip: tuple[str, ...] = ()) -> None:
    """One flag per field of a dataclass, with the field's help; flags not given are absent from what is parsed."""
    hints = get_type_hints(cls)
    for f in fields(cls):
        if f.name in skip:
            continue
        parser.add_argument(
            f"--{f.name.replace('_', '-')}",
            type=flag_type(hints[f.name]),
            required=required(f),
            default=argparse.SUPPRESS,
            help=explained(f).replace("%", "%%"),
            metavar=f.name.split("_")[-1].upper(),
        )


def explained(f: Field) -> str:
    """A field's help, with its default where it has one to speak of."""
    note = "" if required(f) or f.default in ("", None) else f" [{f.default}]"
    return f"{f.metadata.get('help', '')}{note}"


def flag_type(kind: Any) -> Callable[[str], Any]:
    """argparse's reader for a type, whose error is the whole story."""

    def reader(text: str) -> Any:
        try:
            return parse(kind, text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return reader


def schema(cls: type) -> dict:
    """A dataclass as a JSON schema, limits and help included."""
    hints = get_type_hints(cls)
    return {
        "type": "object",
        "title": cls.__name__,
        "properties": {f.name: describe(hints[f.name], f) for f in fields(cls)},
        "required": [f.name for f in fields(cls) if required(f)],
        "additionalProperties": False,
    }


def describe(kind: Any, f: Field) -> dict:
    """One field in JSON schema."""
    text = kind is str
    names = {
        "help": "description",
        "choices": "enum",
        "multiple_of": "multipleOf",
        "minimum": "minLength" if text else "minimum",
        "maximum": "maxLength" if text else "maximum",
    }
    out = json_type(kind) | {names[k]: list(v) if k == "choices" else v for k, v in f.metadata.items() if k in names}
    if f.default is not MISSING and not is_dataclass(f.default):
        out["default"] = list(f.default) if isinstance(f.default, tuple) else f.default
    return out


def json_type(kind: Any) -> dict:
    """A Python type in JSON schema."""
    if optional(kind):
        return {"anyOf": [json_type(get_args(kind)[0]), {"type": "null"}]}
    if isinstance(kind, type) and is_dataclass(kind):
        return schema(kind)
    if get_origin(kind) is tuple:
        return {"type": "array", "items": json_type(get_args(kind)[0])}
    return {"type": {int: "integer", float: "number", str: "string", bool: "boolean"}[kind]}
