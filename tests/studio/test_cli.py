import json
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from pipelines.audio import read_settings
from studio import cli
from studio.services.services import Services
from studio.services.sound_folders import sounds_in, told_captions
from tests.studio.sine_engines import SineEngines

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(tmp_path, capsys):
    """Runs a verb over engines of sines: exit code, lines of JSON, what was said on the side."""

    def verb(*arguments):
        code = cli.main(
            ["--data", str(tmp_path / "data"), *map(str, arguments)],
            lambda config: Services(config, SineEngines(config)),
        )
        said = capsys.readouterr()
        return code, [json.loads(line) for line in said.out.splitlines()], said.err

    return verb


def test_generate_prints_one_line_per_candidate(run, tmp_path):
    """All that the issue names is on the line, and the file is where it says."""
    code, lines, said = run(
        "generate", "a dog barks then rain falls", "--count", 2, "--seed", 5, "--seconds", 1,
        "--steps", 9, "--guidance", 3, "--out", tmp_path / "out", "--format", "flac",
    )  # fmt: skip
    assert code == 0
    assert [line["seed"] for line in lines] == [5, 6]
    assert set(lines[0]) == {
        "id",
        "path",
        "prompt",
        "seed",
        "scores",
        "settings",
        "timings",
        "clip",
        "ranking",
    }
    assert sorted(line["ranking"]["place"] for line in lines) == [1, 2]
    assert lines[0]["ranking"]["by"] == "CLAP"
    assert lines[0]["scores"]["integrity"] is True
    assert lines[0]["scores"]["clap"] > 0
    assert (lines[0]["settings"]["steps"], lines[0]["settings"]["guidance"]) == (9, 3.0)
    path = Path(lines[0]["path"])
    assert path == tmp_path / "out" / f"baton-{lines[0]['id']}.flac"
    assert read_settings(path)["seed"] == 5
    assert soundfile.info(path).duration == 1.0
    assert "%  " in said


def test_without_out_the_path_is_the_stored_clip(run):
    """And it is named by the hash that the line gives."""
    _, [line], _ = run("generate", "a dog", "--seconds", 1, "--no-scores")
    assert Path(line["path"]).name == f"{line['clip']}.wav"
    assert Path(line["path"]).is_file()
    assert line["scores"] == {"clap": None} and line["ranking"] is None


def test_the_same_command_gives_the_same_bytes(run):
    """Twice the same seed, in two openings of the store: one candidate, one clip."""
    first, second = (run("generate", "a dog", "--seed", 1, "--seconds", 1)[1][0] for _ in "ab")
    assert (first["id"], first["clip"]) == (second["id"], second["clip"])


def test_prompts_come_from_a_list_too(run, tmp_path):
    """A CSV beside the words on the command line."""
    table = tmp_path / "list.csv"
    table.write_text("caption\nrain falls\n")
    _, lines, _ = run("generate", "a dog", "--prompts", table, "--seconds", 1)
    assert [line["prompt"] for line in lines] == ["a dog", "rain falls"]


def test_listen_and_score_take_any_file(run, tmp_path):
    """Events with times, verdicts on a prompt, and CLAP's number."""
    _, [made], _ = run("generate", "a dog", "--seconds", 2, "--out", tmp_path)
    _, [heard], _ = run("listen", made["path"], "--prompt", "rain then a dog")
    assert [event["label"] for event in heard["events"]] == ["Dog", "Rain"]
    assert (heard["integrity"], heard["order"]) == (True, False)
    _, [scored], _ = run("score", made["path"], "--prompt", "a dog")
    assert scored["clap"] > 0
    _, [other], _ = run("score", made["path"], "--prompt", "a dog", "--clap", "evaluation")
    assert other["judge"].startswith("evaluation ") and other["engine"] == "transformers"
    for flags, words in (
        (["--clap", "x.pt"], "There is no file x.pt"),
        (["--engine", "laion"], "reads LAION's own files"),
        (["--engine", "msclap"], "choose transformers or laion"),
    ):
        code, lines, said = run("score", made["path"], "--prompt", "a dog", *flags)
        assert (code, lines) == (2, []) and words in said


def test_models_are_listed(run):
    """One line each."""
    code, lines, _ = run("models")
    assert (code, [line["name"] for line in lines]) == (0, ["embedded", "embedded-clean", "broken"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fly"], "invalid choice: 'fly'"),
        ([], "required: VERB"),
        (["generate"], "The prompt is empty"),
        (["generate", "a dog", "--count", "none"], "'none' is not a number"),
        (["generate", "a dog", "--seconds", "nan"], "The duration is nan s; give a number"),
        (["generate", "a dog", "--seed", "-1"], "The seed is -1; it must be"),
        (["generate", "a dog", "--model", "broken"], "checkpoint of broken cannot be read"),
        (["generate", "a dog", "--model", "brken"], "There is no model 'brken'; choose embedded, "),
        (["generate", "a dog", "--seconds", "1", "--format", "mp3", "--out", "x"], "choose wav or flac"),
        (["listen", "nowhere.wav"], "There is no file nowhere.wav"),
        (["score", "nowhere.wav", "--prompt", " "], "The prompt is empty"),
        (["world", "render", "--out", "x.wav"], "Give a CAPTION in quotes, or --scene SEED"),
    ],
)  # fmt: skip
def test_bad_input_is_exit_code_2_and_one_sentence(run, arguments, words):
    """Nothing on standard output; the sentence on standard error."""
    code, lines, said = run(*arguments)
    assert (code, lines) == (2, [])
    assert words in said
    assert "Traceback" not in said


def test_world_render_writes_a_file_with_its_labels(run, tmp_path):
    """The real sound world: a dog, then rain, where the labels say."""
    pytest.importorskip("pipelines.soundworld.scenes")
    path = tmp_path / "scene.wav"
    code, [line], _ = run("world", "render", "a dog barks followed by rain falling", "--out", path)
    assert code == 0
    assert [event["label"] for event in line["events"]] == ["Dog", "Rain"]
    assert line["events"][0]["offset"] <= line["events"][1]["onset"]
    assert soundfile.info(path).duration == pytest.approx(line["seconds"], abs=0.01)
    _, [scene], _ = run("world", "render", "--scene", 3, "--out", tmp_path / "b.flac")
    _, [same], _ = run("world", "render", "--scene", 3, "--out", tmp_path / "c.flac")
    assert (scene["caption"], scene["events"]) == (same["caption"], same["events"])
    assert (tmp_path / "b.flac").read_bytes() == (tmp_path / "c.flac").read_bytes()


def test_the_module_runs_as_a_program():
    """`python -m studio.cli` with an unknown verb: exit code 2 and one line."""
    done = subprocess.run(
        [sys.executable, "-m", "studio.cli", "fly"], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


def test_compare_prints_one_line_per_pair_and_writes_a_folder(run, tmp_path):
    """Scores and the path of each side; last the summary; report, table, page and sounds on disk."""
    prompts, out = tmp_path / "prompts.csv", tmp_path / "out"
    prompts.write_text("prompt,kind\na dog barks then rain falls,x\nrain falls,x\n")
    code, lines, said = run(
        "compare", "embedded", "embedded-clean", "--prompts", prompts, "--out", out,
        "--seed", 5, "--seconds", 1, "--steps", 9, "--guidance-b", 3, "--battle",
    )  # fmt: skip
    assert code == 0
    first, second, last, battle = lines
    assert battle["link"] == f"/?campaign={battle['campaign']}"
    assert battle["link"] in said and "they need 10 pairs, and there are 2" in said
    assert (first["seed"], second["seed"]) == (5, 6)
    assert first["a"]["path"] == str(out / "sounds" / "a" / "001.wav")
    assert read_settings(first["b"]["path"])["guidance"] == 3.0
    assert read_settings(first["a"]["path"])["guidance"] == 4.5
    assert (last["pairs"], last["status"], last["shares_noise"]) == (2, "done", True)
    assert last["request"]["a"]["steps"] == last["request"]["b"]["steps"] == 9
    assert last["summary"]["measures"][0]["difference"]["count"] == 2
    assert "CLAP score: A is higher" in said
    report = json.loads((out / "report.json").read_text())
    assert report["summary"] == last["summary"]
    names = {path.name for path in out.iterdir()}
    tables = {"report.json", "pairs.csv", "measures.csv", "summary.md"}
    assert names == {*tables, "sounds", "page", "index.html"}
    assert "| CLAP score | CLAP-evaluation |" in (out / "summary.md").read_text()
    for side in "ab":  # as `evaluate` takes them: one name on both sides, the caption inside
        sounds = told_captions(sounds_in(out / "sounds" / side))
        assert [(sound.name, sound.caption) for sound in sounds] == [
            ("001", "a dog barks then rain falls"),
            ("002", "rain falls"),
        ]


def test_the_same_comparison_gives_the_same_bytes(run, tmp_path):
    """Twice, into two folders: the same candidates, the same sounds."""
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("a dog\nrain\n")
    flags = ["--prompts", prompts, "--seed", 5, "--seconds", 1]
    for name in ("one", "two"):
        run("compare", "embedded", "embedded-clean", *flags, "--out", tmp_path / name)
    first, again = (tmp_path / name / "sounds" for name in ("one", "two"))
    names = [path.relative_to(first) for path in first.rglob("*.wav")]
    assert len(names) == 4
    assert all((first / name).read_bytes() == (again / name).read_bytes() for name in names)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["embedded", "embedded"], "A and B are the same"),
        (["embedded", "embedded", "--steps-b", "25"], "A and B are the same"),
        (["embedded", "broken"], "checkpoint of broken cannot be read"),
        (["embedded", "embedded-clean", "--steps-b", "0"], "Side B: The number of steps is 0"),
        (["embedded", "embedded-clean", "--sampler-a", "x"], "Side A: The sampler is 'x'"),
        (["embedded", "embedded-clean", "--guidance", "nan"], "Side A: The guidance is nan"),
    ],
)
def test_a_comparison_that_cannot_be_made_is_one_sentence(run, tmp_path, flags, words):
    """Exit code 2, whichever way it is found out."""
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("a dog\n")
    code, lines, said = run("compare", *flags, "--prompts", prompts, "--out", tmp_path / "out")
    assert code == 2
    assert words in said
    assert "Traceback" not in said


def test_world_writes_the_prompt_sets(run, tmp_path):
    """One line per set, and a list that can be compared as it is."""
    code, lines, _ = run("world", "prompts", "--out", tmp_path / "sets")
    assert code == 0
    assert [line["prompts"] for line in lines] == [24, 12, 26, 20, 24, 48]
    assert all(Path(line["path"]).is_file() for line in lines)
