import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from kineograph import __version__, cli, provenance, video
from kineograph.system import find

HERE = Path(__file__).parent
TOY = ("--system", "flipbook", "--preset", "toy")
START = f"""
import os, resource, signal, sys
from kineograph import systems
systems.__path__.append({str(HERE / "fakes")!r})
from kineograph.cli import main
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(capfd: pytest.CaptureFixture):
    """Runs a command in this process: exit code, lines of standard output, standard error."""

    def runner(*words: str) -> tuple[int, list[str], str]:
        code = cli.main(words)
        out, err = capfd.readouterr()
        return code, out.splitlines(), err

    return runner


def process(script: str, *words: str) -> subprocess.CompletedProcess:
    """Runs a command in a process of its own, after what the script prepares."""
    env = os.environ | {"PYTHONPATH": str(HERE.parent)}
    command = [sys.executable, "-c", START + script + "\nsys.exit(main())", *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def refused(result: tuple[int, list[str], str], code: int, words: str) -> None:
    """The exit code is right, and one line on standard error says why."""
    assert result[0] == code
    assert result[1] == []
    assert words in result[2]
    assert len(result[2].splitlines()) == 1
    assert "Traceback" not in result[2]


def test_a_prompt_becomes_a_film_whose_path_is_the_last_line(run):
    code, out, err = run("generate", "A bear swims | a fish", *TOY, "--seed", "7", "--num_frames=6", "-o", "film.mp4")
    assert (code, out, err) == (0, ["film.mp4"], "")
    assert video.read("film.mp4").frames.shape == (12, 3, 16, 16)
    options = video.metadata("film.mp4")["options"]
    assert (options["prompt"], options["seed"], options["num_frames"]) == ("A bear swims | a fish", 7, 6)


@pytest.mark.parametrize("flag", ["-o", "--output", "--output-path", "--output_path"])
def test_the_output_has_its_customary_names(flag: str, run):
    assert run("generate", *TOY, flag, "film.gif", "--prompt", "a bear")[1] == ["film.gif"]


def test_the_default_name_is_the_prompts_and_the_seeds(run):
    _, out, _ = run("generate", "A bear swims", *TOY)
    assert out[-1].startswith("a-bear-swims-1024-")
    assert Path(out[-1]).exists()
    refused(run("generate", "A bear swims", *TOY), 1, "exists and is kept; give --overwrite")
    assert run("generate", "A bear swims", *TOY, "--overwrite")[1] == out


def test_a_prompt_may_hold_anything(run):
    prompt = """it's "a $HOME | `bear`; \\n' % {} <b> 小熊 --seed 3"""
    assert run("generate", f"--prompt={prompt}", *TOY, "-o", "film.mp4")[0] == 0
    assert video.metadata("film.mp4")["prompt"] == prompt


def test_a_yaml_story_becomes_timed_shots(run):
    Path("story.yaml").write_text("- {prompt: a bear, seconds: 0.5}\n- {prompt: a fish, seconds: 1}\n")
    assert run("generate", "--story", "story.yaml", *TOY, "-o", "film.mp4")[0] == 0
    assert video.metadata("film.mp4")["prompt"] == "0-0.5s: a bear | 0.5-1.5s: a fish"
    assert len(video.read("film.mp4").frames) == 12


def test_a_file_of_prompts_becomes_films_and_those_there_are_kept(run):
    Path("prompts.txt").write_text("a bear\n\n a fish\n")
    words = ("generate", "--prompt-path", "prompts.txt", *TOY, "-o", "films")
    _, out, _ = run(*words)
    assert [Path(line).exists() for line in out] == [True, True]
    code, again, err = run(*words)
    assert (code, again) == (0, [])
    assert err.count("exists and is kept") == 2
    refused(
        run(*words[:-1], "prompts.txt"), 2, "must be a folder for the films of --prompt-path; prompts.txt is a file"
    )
    assert run(*words, "--sheet", "sheet.png")[1] == ["sheet.png"]
    assert Image.open("sheet.png").height > 2 * 16
    refused(run(*words, "--sheet", "sheet.png"), 1, "sheet.png exists and is kept")


def test_weights_from_a_folder_name_their_system(run):
    find("flipbook").preset("toy").save("weights")
    for flag in ("--checkpoint", "--model-path"):
        assert run("generate", "a bear", flag, "weights", "-o", "film.mp4", "--overwrite")[0] == 0
    assert len(video.metadata("film.mp4")["weights"]) == 64
    assert run("regenerate", "film.mp4", "--checkpoint", "weights")[0] == 0
    refused(run("regenerate", "film.mp4"), 1, "no weights of flipbook are bundled")


def test_info_prints_the_record_and_regenerate_makes_the_same_frames(run):
    run("generate", "a bear", *TOY, "-o", "film.mp4")
    _, out, _ = run("info", "film.mp4")
    record = json.loads("\n".join(out))
    assert record["generator"] == f"kineograph {__version__}"
    code, out, _ = run("regenerate", "film.mp4", "-o", "again.mp4")
    assert code == 0
    assert record["frames_sha256"] in out[0]
    assert out[-1] == "again.mp4"
    assert Path("again.mp4").read_bytes() == Path("film.mp4").read_bytes()


def test_regenerate_fails_where_a_frame_differs(run, monkeypatch: pytest.MonkeyPatch):
    run("generate", "a bear", *TOY, "-o", "film.mp4")
    monkeypatch.setattr(provenance, "remake", lambda *_: find("flipbook").preset("world"))
    refused(run("regenerate", "film.mp4"), 1, "was made with weights untrained t")
    changed = find("flipbook").preset("toy")
    torch.nn.init.ones_(changed.painter.mix.bias)
    monkeypatch.setattr(provenance, "remake", lambda *_: changed)
    refused(run("regenerate", "film.mp4", "-o", "again.mp4"), 1, "the frames differ")
    assert not Path("again.mp4").exists()


@pytest.mark.parametrize(
    ("words", "code", "problem"),
    [
        ((), 2, 'no prompt is given; say kineograph generate "a bear swims"'),
        (("a", "--prompt", "b"), 2, "more than one prompt is given"),
        (("",), 1, "the prompt is empty"),
        (("a |",), 1, "a prompt of the story is empty"),
        (("x" * 4097,), 1, "at most 4,096 characters; this one has 4,097"),
        (("0-2s: a | 1-3s: b",), 1, "overlaps"),
        (("a", "--height", "8"), 1, "height must be at least 16; got 8"),
        (("a", "--width", "18"), 1, "width must be a multiple of 4, such as 16 or 20; got 18"),
        (("a", "--num-frames", "0"), 1, "num_frames must be at least 1; got 0"),
        (("a", "--num-inference-steps", "0"), 1, "num_inference_steps must be at least 1; got 0"),
        (("a", "--num-frames", "many"), 2, "must be a whole number; got 'many'"),
        (("a", "--seed", "-1"), 1, "seed must be at least 0; got -1"),
        (("a", "--guidance-scale", "nan"), 1, "guidance_scale must be a finite number; got nan"),
        (("a", "--frobnicate"), 2, "unrecognized arguments: --frobnicate"),
        (("a", "--preset", "tooy"), 1, "no preset of flipbook 'tooy'; did you mean toy?"),
        (("a", "--system", "flipbok"), 1, "no system 'flipbok'; did you mean flipbook?"),
        (("a", "--preset", "toy", "--checkpoint", "weights"), 1, "there is no folder weights"),
        (("a", "--checkpoint", "file"), 1, "file is a file; weights are a folder"),
        (("a", "-o", "film.avi"), 1, "ends in .mp4, .gif, .webp, .png; got 'film.avi'"),
        (("a", "-o", "none/film.mp4"), 1, "there is no folder none to write in"),
        (("a", "-o", "folder.mp4"), 1, "folder.mp4 is a folder; a file is wanted"),
        (("a", "-o", "film.mp4"), 1, "film.mp4 exists and is kept; give --overwrite"),
        (("--story", "none.yaml"), 1, "No such file or directory: none.yaml"),
        (("--story", "folder.mp4"), 1, "Is a directory: folder.mp4"),
        (("--story", "file"), 1, "file must hold a list of shots"),
        (("--prompt-path", "empty"), 1, "empty holds no prompts"),
        (("--prompt-path", "film.mp4"), 1, "film.mp4 is not a text file"),
    ],
)
def test_what_cannot_be_generated_is_said_in_one_line(words: tuple, code: int, problem: str, run):
    Path("folder.mp4").mkdir()
    Path("film.mp4").write_bytes(b"\xff\xfe mine")
    Path("file").write_text("text")
    Path("empty").write_text("\n")
    before = sorted(os.listdir())
    system = () if "--system" in words or "--checkpoint" in words else ("--system", "flipbook")
    refused(run("generate", *words, *system), code, problem)
    assert sorted(os.listdir()) == before
    assert Path("film.mp4").read_bytes() == b"\xff\xfe mine"


@pytest.mark.parametrize("command", ["info", "regenerate"])
@pytest.mark.parametrize(
    ("name", "problem"),
    [("cut.mp4", "not a video"), ("none.mp4", "there is no file"), (".", "not a file"), ("text.png", "not an image")],
)
def test_files_that_are_no_films_are_refused(command: str, name: str, problem: str, run):
    run("generate", "a bear", *TOY, "-o", "film.mp4")
    Path("cut.mp4").write_bytes(Path("film.mp4").read_bytes()[:300])
    Path("text.png").write_text("hello")
    refused(run(command, name), 1, problem)


def test_damaged_weights_are_refused(run):
    find("flipbook").preset("toy").save("weights")
    part = Path("weights/codec.safetensors")
    part.write_bytes(part.read_bytes()[:-10])
    refused(run("generate", "a", "--checkpoint", "weights"), 1, "weights/codec.safetensors is damaged")


def test_commands_are_listed_and_near_ones_offered(run):
    assert run("--version")[1] == [__version__]
    code, out, _ = run("--help")
    assert code == 0
    assert all(f"kineograph {name} " in "\n".join(out) for name in ("generate", "train", "world", "evaluate", "bench"))
    assert run()[0] == 2
    refused(run("generat"), 2, "no command 'generat'; did you mean generate")
    refused(run("systems", "flipbok"), 1, "no system 'flipbok'; did you mean flipbook")


def test_a_system_tells_what_it_can_do(run):
    code, out, _ = run("systems", "flipbook")
    assert code == 0
    text = "\n".join(out)
    assert text.startswith("Flipbook (Tests, 2026)")
    assert "weights: none bundled" in text
    assert all(stage in text for stage in find("flipbook").stages())
    assert "--num-frames" in text
    assert "[4]" in text
    assert "weights: bundled" in "\n".join(run("systems", "text2video_zero")[1])


@pytest.mark.parametrize("command", ["generate", "systems", "info", "regenerate"])
def test_every_command_helps(command: str, capsys: pytest.CaptureFixture):
    with pytest.raises(SystemExit) as end:
        cli.main([command, "--help", *(("--system", "flipbook") if command == "generate" else ())])
    assert end.value.code == 0
    assert f"kineograph {command}" in capsys.readouterr().out


def test_flags_of_generate_are_the_options_of_the_system(capsys: pytest.CaptureFixture):
    with pytest.raises(SystemExit):
        cli.main(["generate", "--help", "--system", "flipbook"])
    text = capsys.readouterr().out
    assert all(f"--{name}" in text for name in ("num-frames", "guidance-scale", "negative-prompt", "seed", "fps"))
    assert "frames of each untimed shot [4]" in text


def test_a_delegate_brings_its_arguments_and_its_work(run, monkeypatch: pytest.MonkeyPatch):
    module = type(sys)("sheet")
    module.add_arguments = lambda parser: parser.add_argument("--how-many", type=int)
    module.main = lambda args: print(args.how_many)
    monkeypatch.setitem(sys.modules, "kineograph.data.world.sheet", module)
    assert run("world", "--how_many", "3")[:2] == (0, ["3"])


def test_a_missing_package_names_the_extra(run, monkeypatch: pytest.MonkeyPatch):
    def fail(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name="skia")

    monkeypatch.setattr(cli.importlib, "import_module", fail)
    refused(run("world"), 1, "pip install 'kineograph[world]'")


@pytest.mark.parametrize(
    ("failure", "code", "words"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 1, "not enough memory"),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes"), 1, "not enough memory"),
        (OSError(28, "No space left on device", "film.mp4"), 1, "No space left on device: film.mp4"),
        (ValueError("two\n  lines"), 1, "two lines"),
    ],
)
def test_failures_in_the_middle_are_one_line(failure: BaseException, code: int, words: str, run, monkeypatch):
    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr(provenance, "make", fail)
    refused(run("generate", "a", *TOY), code, words)
    assert os.listdir() == []


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_in_the_middle_of_writing_leaves_no_half_file(name: str, code: int):
    script = f"""
from kineograph import video
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin without it
def half(path, clip, note):
    path.write_text("half")
    os.kill(os.getpid(), signal.{name})
    sum(range(10**8))
video.WRITERS[".mp4"] = half
"""
    Path("film.mp4").write_text("mine")
    done = process(script, "generate", "a bear", *TOY, "-o", "film.mp4", "--overwrite")
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert os.listdir() == ["film.mp4"]
    assert Path("film.mp4").read_text() == "mine"


@pytest.mark.parametrize("suffix", [".mp4", ".gif", ".webp", ".png"])
def test_a_disk_with_no_room_leaves_nothing(suffix: str):
    script = "resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700))"
    done = process(script, "generate", "a bear", *TOY, "--height=64", "--width=64", "-o", f"film{suffix}")
    assert (done.returncode, done.stdout) == (1, "")
    assert "File too large" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert os.listdir() == []


def test_the_catalogue_and_the_package_need_no_torch():
    script = """
import kineograph
code = main(["systems"])
heavy = {"torch", "numpy", "av", "PIL", "yaml", "safetensors", "tqdm"} & set(sys.modules)
sys.exit(f"imports {heavy}" if heavy else code)
"""
    done = process(script)
    assert done.returncode == 0, done.stderr
    assert "Flipbook (Tests, 2026)" in done.stdout


def test_the_module_is_the_command():
    env = os.environ | {"PYTHONPATH": str(HERE.parent)}
    words = [sys.executable, "-m", "kineograph", "--version"]
    assert subprocess.run(words, env=env, capture_output=True, text=True, check=True).stdout.strip() == __version__


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_shows_on_a_terminal_once_a_second_has_passed(monkeypatch: pytest.MonkeyPatch):
    for delay, stream, shows in ((0, Terminal(), True), (60, Terminal(), False), (0, io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setattr(cli, "PATIENCE", delay)
        with cli.Bar() as bar:
            bar(0.25, "drawing")
            bar(0.5, "drawing")
        assert ("drawing" in stream.getvalue()) == shows
        assert shows or not stream.getvalue()
