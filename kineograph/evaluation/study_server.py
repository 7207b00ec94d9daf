"""`kineograph study serve`: one page, and the votes that come from it. The key is never opened here.

GET  /               the page
GET  /next?rater=R   the first pair R has not finished: what is shown, what R answered of it, how many are done
GET  /media/NAME     a clip, in parts if asked
POST /votes          {rater, pair, question, choice}; answered when the vote is on the disk
"""

import ipaddress
import json
import re
import socket
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from kineograph.evaluation.study import Study, order, read
from kineograph.evaluation.votes import Vote, Votes, named

LARGEST = 10_000  # bytes of a vote
INLINE = "'unsafe-inline'"
POLICY = (
    f"default-src 'none'; img-src data:; style-src {INLINE}; script-src {INLINE}; media-src 'self'; connect-src 'self'"
)


class Server(ThreadingHTTPServer):
    """The page and the votes of a study, at an address."""

    daemon_threads = True

    def __init__(self, folder: Path, host: str = "127.0.0.1", port: int = 0):
        if not 0 <= port <= 65535:
            raise ValueError(f"--port must be 0 to 65535; got {port}")
        self.folder, self.study, self.host = folder, read(folder), host
        self.media = {name for pair in self.study.pairs for name in (pair.left, pair.right)}
        self.page = resources.files("kineograph.evaluation").joinpath("study.html").read_bytes()
        if ":" in host:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((host, port), Handler)
        except OSError as error:
            raise ValueError(f"cannot listen on {host}, port {port}: {error.strerror}") from error
        self.votes = Votes(folder / "votes.sqlite")

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.server_port}/"

    def server_close(self) -> None:
        super().server_close()
        self.votes.close()

    def welcomes(self, host: str) -> bool:
        """Whether a Host header names this server, and not a page elsewhere whose name was pointed at it."""
        name = (urlsplit(f"//{host}").hostname or "").removesuffix(".")
        if name in ("localhost", "127.0.0.1", "::1", self.host):
            return True
        return self.host in ("0.0.0.0", "::") and (is_address(name) or name == socket.gethostname().lower())


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        self.answer(self.get)

    def do_POST(self) -> None:
        self.answer(self.post)

    def answer(self, how: Callable[[], None]) -> None:
        """What `how` sends; a ValueError is the asker's mistake, told in one line."""
        try:
            if not self.server.welcomes(self.headers.get("Host", "")):
                self.close_connection = True  # a body may be left unread
                return self.send(b"this server goes by another name\n", "text/plain", HTTPStatus.MISDIRECTED_REQUEST)
            return how()
        except ValueError as error:
            self.close_connection = True
            return self.send_json({"error": str(error)}, HTTPStatus.BAD_REQUEST)
        except ConnectionError:
            self.close_connection = True  # the asker has left

    def get(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/":
            return self.send(self.server.page, "text/html; charset=utf-8")
        if url.path == "/next":
            rater = parse_qs(url.query).get("rater", [""])[0]
            return self.send_json(following(self.server.study, self.server.votes, rater))
        name = url.path.removeprefix("/media/")
        if name in self.server.media:
            return self.send_part((self.server.folder / "media" / name).read_bytes())
        return self.send(b"there is no such page\n", "text/plain", HTTPStatus.NOT_FOUND)

    def post(self) -> None:
        if urlsplit(self.path).path != "/votes":
            raise ValueError("votes are sent to /votes")
        if self.headers.get_content_type() != "application/json":  # which no form of another page can send
            raise ValueError("a vote is sent as application/json")
        size = int(self.headers.get("Content-Length") or 0)
        if not 0 < size <= LARGEST:
            raise ValueError(f"a vote has 1 to {LARGEST} bytes; got {size}")
        vote = checked(self.server.study, json.loads(self.rfile.read(size)))
        self.server.votes.add(vote)
        self.send_json({"kept": True})

    def send_json(self, data: object, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send(json.dumps(data).encode(), "application/json", status)

    def send_part(self, body: bytes) -> None:
        """A clip, or the bytes of it that were asked for."""
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if not asked or not any(asked.groups()):
            return self.send(body, "video/mp4", more={"Accept-Ranges": "bytes"})
        first, last = asked.groups()
        start = int(first) if first else max(0, len(body) - int(last))
        end = min(int(last), len(body) - 1) if first and last else len(body) - 1
        if start > end:
            more = {"Content-Range": f"bytes */{len(body)}"}
            return self.send(b"", "video/mp4", HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, more)
        more = {"Accept-Ranges": "bytes", "Content-Range": f"bytes {start}-{end}/{len(body)}"}
        return self.send(body[start : end + 1], "video/mp4", HTTPStatus.PARTIAL_CONTENT, more)

    def send(self, body: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK, more: dict | None = None) -> None:
        self.send_response(status)
        same = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
        sizes = {"Content-Type": kind, "Content-Length": str(len(body))}
        for name, value in (sizes | same | (more or {})).items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: the page tells what is wrong to whom it concerns."""


def following(study: Study, votes: Votes, rater: str) -> dict:
    """What a rater is shown next; `pair` is None after the last."""
    answers: dict[int, dict[str, str]] = {}
    for vote in votes.of(rater):
        answers.setdefault(vote.pair, {})[vote.question] = vote.choice
    todo = [i for i in order(len(study.pairs), named(rater)) if set(answers.get(i, {})) < set(study.questions)]
    state = {"done": len(study.pairs) - len(todo), "total": len(study.pairs), "questions": study.questions}
    if not todo:
        return state | {"pair": None}
    pair = study.pairs[todo[0]]
    shown = {"pair": todo[0], "prompt": pair.prompt, "left": pair.left, "right": pair.right}
    return state | shown | {"answers": answers.get(todo[0], {})}


def checked(study: Study, data: object) -> Vote:
    """A vote as it was sent; ValueError where it is none of this study."""
    kinds = {"rater": str, "pair": int, "question": str, "choice": str}
    if not isinstance(data, dict) or any(type(data.get(k)) is not kind for k, kind in kinds.items()):
        raise ValueError("a vote is {rater, pair, question, choice}: a name, a number, two words")
    if not 0 <= data["pair"] < len(study.pairs) or data["question"] not in study.questions:
        raise ValueError(f"this study has {len(study.pairs)} pairs and asks {', '.join(study.questions)}")
    return Vote(*(data[k] for k in kinds))


def is_address(name: str) -> bool:
    """Whether a host's name is a number."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def serve(folder: Path, host: str, port: int) -> int:
    """Serves until interrupted."""
    with Server(folder, host, port) as server:
        print(f"{len(server.study.pairs)} pairs at {server.url}; Ctrl-C ends, votes stay", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
    return 0
