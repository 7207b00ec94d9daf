"""Votes in a file of SQLite: each is on the disk before it is confirmed, and a repeated one replaces the first."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CHOICES = ("left", "right", "tie")
LONGEST = 64  # letters of a rater's name
TABLE = """
CREATE TABLE IF NOT EXISTS votes (
    rater TEXT NOT NULL, pair INTEGER NOT NULL, question TEXT NOT NULL, choice TEXT NOT NULL, time REAL NOT NULL,
    PRIMARY KEY (rater, pair, question)
) WITHOUT ROWID
"""
WRITE = """
INSERT INTO votes VALUES (?, ?, ?, ?, ?)
ON CONFLICT (rater, pair, question) DO UPDATE SET choice = excluded.choice, time = excluded.time
"""


@dataclass(frozen=True)
class Vote:
    """What a rater answered to a question about a pair."""

    rater: str
    pair: int
    question: str
    choice: str


class Votes:
    """The votes of a study, for many threads at once."""

    def __init__(self, path: Path):
        self.lock = threading.Lock()
        try:
            self.file = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self.file.execute("PRAGMA journal_mode = WAL")
            self.file.execute("PRAGMA synchronous = FULL")
            self.file.execute(TABLE)
        except sqlite3.Error as error:
            raise ValueError(f"{path} is no file of votes: {error}") from error

    def add(self, vote: Vote) -> None:
        """Writes a vote; it is on the disk when this returns."""
        if vote.choice not in CHOICES:
            raise ValueError(f"a choice is one of {', '.join(CHOICES)}; got {vote.choice!r}")
        row = (named(vote.rater), vote.pair, vote.question, vote.choice, time.time())
        with self.lock:
            self.file.execute(WRITE, row)

    def of(self, rater: str) -> list[Vote]:
        """A rater's votes."""
        return [vote for vote in self.all() if vote.rater == named(rater)]

    def all(self) -> list[Vote]:
        """Every vote."""
        with self.lock:
            rows = self.file.execute("SELECT rater, pair, question, choice FROM votes ORDER BY 1, 2, 3").fetchall()
        return [Vote(*row) for row in rows]

    def close(self) -> None:
        self.file.close()


@contextmanager
def opened(path: Path) -> Iterator[Votes]:
    """The votes of a file, closed after use."""
    votes = Votes(path)
    try:
        yield votes
    finally:
        votes.close()


def named(rater: str) -> str:
    """A rater's name as it is kept: without spaces too many; ValueError where it is empty or too long."""
    name = " ".join(rater.split())
    if not 0 < len(name) <= LONGEST or not name.isprintable():
        raise ValueError(f"a rater's name has 1 to {LONGEST} letters; got {name[: LONGEST + 1]!r}")
    return name
