"""Stand-ins for libraries that a peer imports and does not need for what is timed."""

import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import ModuleType, SimpleNamespace


@contextmanager
def absent(*names: str) -> Iterator[None]:
    """While the block runs, libraries that are not installed can be imported, and hold nothing that works."""
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    there = set(sys.modules)
    finder = SimpleNamespace(find_spec=partial(spec_of, roots=missing))
    sys.meta_path.append(finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in {m for m in set(sys.modules) - there if m.partition(".")[0] in missing}:
            del sys.modules[name]


def spec_of(
    name: str, path: object = None, target: object = None, *, roots: list[str]
) -> importlib.machinery.ModuleSpec | None:
    """How an empty module in the place of a missing one is loaded."""
    if name.partition(".")[0] not in roots:
        return None
    return importlib.machinery.ModuleSpec(name, Empty, is_package=True)


class Empty(ModuleType):
    """A module that has every name; and the loader of such modules."""

    @staticmethod
    def create_module(spec: importlib.machinery.ModuleSpec) -> "Empty":
        return Empty(spec.name)

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        """There is nothing to run."""

    def __getattr__(self, name: str) -> type:
        return Anything.called(name)


class Anything(type):
    """A class that has every name, each such a class again, and that can be called with anything."""

    @classmethod
    def called(cls, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return cls(name, (), {"__init__": lambda self, *args, **kwargs: None})

    def __getattr__(cls, name: str) -> type:
        return Anything.called(name)
