"""`evaluate`: what the inputs allow is measured, what they do not is said; embeddings are kept."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pipelines import embedders
from pipelines.audio import write_audio
from pipelines.compare.results import KEYS
from pipelines.embedders.clap import ClapEmbedder
from pipelines.errors import StudioError
from studio import cli
from studio.services.compare.embedding_store import EmbeddingStore
from studio.services.compare.evaluation import Evaluation
from studio.services.compare.measuring import METRICS, Wish
from studio.services.services import Services
from studio.services.sound_folders import Sound, captioned, read_captions, sounds_in
from tests.studio.sine_engines import SineEngines

RATE = 8000


def bands(clip, count=4):
    """How loud a clip is in each of a few bands: the vector of the embedders here."""
    power = np.abs(np.fft.rfft(clip.mean(axis=0)))
    return np.array([np.log(1 + part.mean()) for part in np.array_split(power, count)])


class Bands:
    """An embedder and classifier without weights; counts the clips that it is given."""

    name, revision, sample_rate, dimensions, row_seconds = "Bands", "b1", RATE, 4, None
    classes, embedded, settings = 4, 0, {"bands": 4}

    def embed(self, clips, sample_rate):
        self.embedded += len(clips)
        return np.stack([bands(clip) for clip in clips]).astype(np.float32)

    def logits(self, clips, sample_rate):
        return self.embed(clips, sample_rate)


class Halves:
    """Two rows a clip, and no classes."""

    name, revision, sample_rate, dimensions, row_seconds = "Halves", "h1", RATE, 4, 0.25
    settings = {"bands": 4}

    def embed(self, clips, sample_rate):
        halves = [half for clip in clips for half in np.array_split(clip, 2, axis=1)]
        return np.stack([bands(half) for half in halves]).astype(np.float32)


class Words(SimpleNamespace):
    """A CLAP that puts every text in one place."""

    engine, revision, sample_rate, window, dimensions = "none", "w1", RATE, RATE, 4
    as_16_bit = False

    def embed_text(self, texts):
        return np.ones((len(texts), 4), np.float32)

    def embed_audio(self, clips, sample_rate):
        return np.stack([bands(clip) for clip in clips]).astype(np.float32)


@pytest.fixture
def opened(monkeypatch):
    """What `open_embedder` gives here, by name."""
    made = {"clap-evaluation": ClapEmbedder("CLAP-evaluation", Words()), "bands": Bands(),
            "halves": Halves()}  # fmt: skip
    monkeypatch.setattr(embedders, "open_embedder", lambda name, **_: made[name])
    return made


@pytest.fixture
def evaluation(config):
    """The use-case over engines of sines."""
    return Evaluation(SineEngines(config), config.data)


def write_folder(folder: Path, count: int, seed: int, *, prompt="a dog then rain", rate=RATE):
    """Noise of a slope of its own in every file, named s00, s01 and so on."""
    draws = np.random.default_rng(seed)
    for place in range(count):
        noise = np.cumsum(draws.normal(size=rate // 2)) * draws.uniform(0, 0.01)
        sound = np.clip(noise + 0.05 * draws.normal(size=rate // 2), -1, 1)
        told = None if prompt is None else {"prompt": prompt}
        write_audio(folder / f"s{place:02d}.wav", sound[None].astype(np.float32), rate,
                    settings=told)  # fmt: skip
    return folder


def sounds(folder: Path, caption=None):
    """The sounds of a folder, all of one caption."""
    return [Sound(path=s.path, name=s.name, caption=caption) for s in sounds_in(folder)]


def names(report):
    """The metrics in a report."""
    return [found["metric"] for found in report["results"]]


def test_all_that_the_inputs_allow(evaluation, opened, tmp_path):
    """A reference, captions and a classifier: every metric but the change, in the one shape."""
    generated = sounds(write_folder(tmp_path / "a", 24, 1), "a dog then rain")
    reference = sounds(write_folder(tmp_path / "b", 24, 2))
    told = []
    report = evaluation.evaluate(
        generated, reference, Wish(embedders=("clap-evaluation", "bands")),
        on_progress=lambda share, note: told.append(share),
    )  # fmt: skip
    assert names(report) == [
        "FD-CLAP-evaluation", "FD-Bands", "KAD-CLAP-evaluation", "KAD-Bands", "KL-Bands",
        "IS-Bands", "CLAP-score-evaluation", "diversity-CLAP-evaluation", "diversity-Bands",
        "integrity-annotator (simulated)", "order-annotator (simulated)",
    ]  # fmt: skip
    assert all(tuple(found) == KEYS for found in report["results"])
    assert report["results"][1]["judge"] == {
        "name": "Bands", "revision": "b1", "settings": {"bands": 4}
    }  # fmt: skip
    assert report["left_out"][0]["metric"] == "fd-change"
    assert (report["notices"], report["settings"]["seed"]) == ([], 0)
    assert report["sets"]["reference"]["count"] == 24 and "torch" in report["versions"]
    assert told == sorted(told) and told[-1] == 1.0
    assert json.loads(json.dumps(report))["results"] == report["results"]


def test_a_second_run_embeds_nothing(evaluation, opened, tmp_path, config):
    """By content and embedder: other names do not matter, other weights and a cut file do."""
    wish = Wish(embedders=("bands",), metrics=("fd", "is"))
    generated = sounds(write_folder(tmp_path / "a", 20, 1))
    reference = sounds(write_folder(tmp_path / "b", 20, 2))
    first = evaluation.evaluate(generated, reference, wish)
    assert opened["bands"].embedded == 60  # rows of both, and logits of the generated
    again = Evaluation(SineEngines(config), config.data).evaluate(generated, reference, wish)
    assert opened["bands"].embedded == 60
    assert again["results"] == first["results"]

    moved = tmp_path / "moved"
    (tmp_path / "a").rename(moved)
    assert evaluation.evaluate(sounds(moved), reference, wish)["results"] == first["results"]
    next((config.data / "embeddings").glob("*.npy")).write_bytes(b"cut")
    assert evaluation.evaluate(sounds(moved), reference, wish)["results"] == first["results"]
    assert opened["bands"].embedded == 61
    opened["bands"].revision = "b2"
    evaluation.evaluate(sounds(moved), reference, wish)
    assert opened["bands"].embedded == 121


def test_rows_know_their_clips(opened, tmp_path, config):
    """Two rows a clip: FD counts both, and diversity says why it cannot be had."""
    generated = sounds(write_folder(tmp_path / "a", 12, 1))
    reference = sounds(write_folder(tmp_path / "b", 11, 2))
    kept = EmbeddingStore(config.data / "embeddings")
    rows, clips = kept.rows(opened["halves"], generated, lambda note: None)
    assert rows.shape == (24, 4) and clips.tolist() == sorted([*range(12), *range(12)])
    evaluation = Evaluation(SineEngines(config), config.data)
    report = evaluation.evaluate(generated, reference, Wish(embedders=("halves",)))
    counts = report["results"][0]["counts"]
    assert (counts["generated_rows"], counts["generated_clips"]) == (24, 12)
    assert "unbiased" in report["results"][0]["detail"]
    why = {left["metric"]: left["why"] for left in report["left_out"]}
    assert "one row a sound; Halves gives several" in why["diversity"]
    assert "needs a classifier" in why["kl"]


def test_pairs_go_by_name(evaluation, opened, tmp_path):
    """KL pairs s00 with s00, whatever the order; a set against itself is 0."""
    generated = sounds(write_folder(tmp_path / "a", 12, 1))
    wish = Wish(embedders=("bands",), metrics=("kl",))
    [found] = evaluation.evaluate(generated, generated[::-1], wish)["results"]
    assert found["value"] == pytest.approx(0, abs=1e-5)
    assert found["counts"]["pairs"] == 12


def test_a_change_goes_against_another_model(evaluation, opened, tmp_path):
    """Against itself nothing changes; against louder sounds it does, with the right sign."""
    generated = sounds(write_folder(tmp_path / "a", 12, 1))
    reference = sounds(write_folder(tmp_path / "b", 12, 2))
    wish = Wish(embedders=("bands",), metrics=("fd-change",))
    [same] = evaluation.evaluate(generated, reference, wish, against=generated[::-1])["results"]
    assert (same["value"], same["low"], same["high"]) == (0, 0, 0)
    far = tmp_path / "far"
    for place in range(12):
        hiss = np.random.default_rng(place).uniform(-1, 1, (1, RATE // 2)).astype(np.float32)
        write_audio(far / f"s{place:02d}.wav", hiss, RATE)
    [better] = evaluation.evaluate(generated, reference, wish, against=sounds(far))["results"]
    assert better["high"] < 0


def test_silence_and_other_rates_are_told(evaluation, opened, tmp_path):
    """One silent sound is measured and named; sets at 8 and 16 kHz are set apart in a sentence."""
    generated = write_folder(tmp_path / "a", 12, 1)
    write_audio(generated / "s03.wav", np.zeros((1, RATE), np.float32), RATE)
    reference = write_folder(tmp_path / "b", 12, 2, rate=2 * RATE)
    wish = Wish(embedders=("bands",), metrics=("fd",))
    report = evaluation.evaluate(sounds(generated), sounds(reference), wish)
    assert report["sets"]["generated"]["silent"] == ("s03",)
    assert "1 of 12 generated sounds are silent" in report["notices"][0]
    assert "generated 8000 Hz; reference 16000 Hz" in report["notices"][1]


def test_a_metric_that_fails_alone_is_left_out(evaluation, opened, tmp_path):
    """One generated clip: no distance, no interval, but integrity is measured."""
    generated = sounds(write_folder(tmp_path / "a", 1, 1), "a bell and a dog")
    reference = sounds(write_folder(tmp_path / "b", 12, 2))
    report = evaluation.evaluate(generated, reference, Wish(embedders=("bands",)))
    assert names(report) == ["integrity-annotator (simulated)"]
    assert report["results"][0]["value"] == 0
    why = {left["metric"]: left["why"] for left in report["left_out"]}
    assert "The generated set holds 1 clips; at least 2 are needed" in why["fd"]
    assert "states an order" in why["order"]


def test_nothing_at_all_is_no_report(evaluation, opened, tmp_path):
    """One sound without a caption: the first reason is told instead of an empty list."""
    with pytest.raises(StudioError, match="A distance needs a reference"):
        evaluation.evaluate(sounds(write_folder(tmp_path / "a", 1, 1, prompt=None)))


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (Wish(metrics=("diversity", "fd")), "A distance needs a reference"),
        (Wish(metrics=("fad",)), "no metric 'fad'; choose from fd, fd-change, kad"),
        (Wish(metrics=("fd",)), "A distance needs a reference"),
        (Wish(metrics=("kl",)), "KL needs a reference"),
        (Wish(metrics=("fd-change",)), "needs a reference and another model's"),
        (Wish(metrics=("is",)), "IS needs a classifier .* ast=WEIGHTS"),
        (Wish(metrics=("is",), embedders=("bands",), splits=7), "12 clips cannot be cut into 7"),
        (Wish(metrics=("clap",), embedders=("bands",)), "needs a CLAP among the embedders"),
        (Wish(metrics=("clap",)), "12 of 12 sounds have none"),
        (Wish(metrics=("order",)), "Order needs captions"),
        (Wish(metrics=("diversity",), embedders=("halves",)), "one row a sound"),
        (Wish(embedders=()), "No embedder is named"),
        (Wish(seed=-1), "The seed is -1"),
    ],
)
def test_what_was_asked_for_by_name_is_measured_or_refused(
    evaluation, opened, tmp_path, wish, message
):
    """One sentence each, that says what is missing."""
    with pytest.raises(StudioError, match=message):
        evaluation.evaluate(sounds(write_folder(tmp_path / "a", 12, 1, prompt=None)), (), wish)


def test_different_counts_or_names_are_no_pairs(evaluation, opened, tmp_path):
    """KL of 12 against 11, and of 12 against 12 of other names."""
    generated = sounds(write_folder(tmp_path / "a", 12, 1))
    wish = Wish(embedders=("bands",), metrics=("kl",))
    with pytest.raises(StudioError, match="12 generated and 11 reference sounds; s11 is in one"):
        evaluation.evaluate(generated, generated[:11], wish)
    renamed = [Sound(path=s.path, name=f"x{s.name}") for s in generated]
    with pytest.raises(StudioError, match="s00 is in one alone; give each pair one name"):
        evaluation.evaluate(generated, renamed, wish)


def test_captions_go_by_file_name(tmp_path):
    """With or without the suffix; a sound without a line, two lines for one, and other columns."""
    folder = write_folder(tmp_path / "a", 2, 1)
    table = tmp_path / "captions.csv"
    table.write_text("File,Caption\nsub/s00.wav, a  dog\ns01,rain\n")
    found = captioned(sounds_in(folder), read_captions(table))
    assert [sound.caption for sound in found] == ["a dog", "rain"]
    table.write_text("file,caption\ns00.wav,a dog\n")
    with pytest.raises(StudioError, match=r"1 of 2 sounds have no caption .* first s01.wav"):
        captioned(sounds_in(folder), read_captions(table))
    table.write_text("file,caption\ns00.wav,a dog\ns00.wav,rain\n")
    with pytest.raises(StudioError, match=r"gives s00.wav two captions"):
        read_captions(table)
    table.write_text("who,what\n1,2\n")
    with pytest.raises(StudioError, match="has the columns who, what; give one named file or"):
        read_captions(table)
    with pytest.raises(StudioError, match="cannot be read"):
        read_captions(tmp_path / "nowhere.csv")


@pytest.fixture
def run(tmp_path, capsys, opened):
    """Runs `evaluate`: exit code, lines of JSON, what was said on the side."""

    def verb(*arguments):
        code = cli.main(
            ["--data", str(tmp_path / "data"), "evaluate", *map(str, arguments)],
            lambda config: Services(config, SineEngines(config)),
        )
        said = capsys.readouterr()
        return code, [json.loads(line) for line in said.out.splitlines()], said.err

    return verb


def test_the_command_prints_one_line_per_metric(run, tmp_path):
    """JSON on standard output, a table and what was left out on the side, the report in a file."""
    generated = write_folder(tmp_path / "a", 12, 1)
    reference = write_folder(tmp_path / "b", 12, 2, prompt=None)
    out = tmp_path / "report.json"
    code, lines, said = run(generated, "--reference", reference, "--out", out)
    assert code == 0
    assert [line["metric"] for line in lines] == [
        "FD-CLAP-evaluation", "KAD-CLAP-evaluation", "CLAP-score-evaluation",
        "diversity-CLAP-evaluation", "integrity-annotator (simulated)",
        "order-annotator (simulated)",
    ]  # fmt: skip
    report = json.loads(out.read_text())
    assert report["results"] == lines
    assert report["folders"]["reference"] == str(reference)
    assert "12 clips against 12; without its bias" in said
    assert "kl left out: KL needs a classifier" in said


def test_captions_and_metrics_by_flag(run, tmp_path):
    """A CSV in place of the prompts inside the files; two metrics of nine."""
    generated = write_folder(tmp_path / "a", 3, 1)
    table = tmp_path / "captions.csv"
    table.write_text("file,prompt\n" + "".join(f"s{i:02d}.wav,a bell\n" for i in range(3)))
    _, lines, _ = run(generated, "--captions", table, "--metric", "integrity", "--metric", "clap")
    assert [line["value"] for line in lines][0] == 0
    assert lines[0]["detail"]["missed_by_label"]["Bell"]["count"] == 3
    assert len(lines) == 2


def bad_folders(tmp_path: Path) -> dict[str, Path]:
    """A folder of each kind that cannot be measured."""
    found = {name: tmp_path / name for name in ("empty", "text", "silent", "twice", "nan")}
    for folder in found.values():
        folder.mkdir()
    (found["empty"] / "notes.txt").write_text("no sound")
    (found["text"] / "a.wav").write_text("no sound")
    for name in "ab":
        write_audio(found["silent"] / f"{name}.wav", np.zeros((1, 800), np.float32), RATE)
    for kind in ("wav", "flac"):
        write_audio(found["twice"] / f"a.{kind}", np.ones((1, 800), np.float32) / 2, RATE)
    import soundfile

    soundfile.write(found["nan"] / "a.wav", np.full(800, np.nan, np.float32), RATE, "FLOAT")
    return {**found, "nowhere": tmp_path / "nowhere", "one": write_folder(tmp_path / "one", 1, 1)}


@pytest.mark.parametrize(
    ("folder", "flags", "message"),
    [
        ("empty", [], "holds no sounds"),
        ("nowhere", [], "There is no folder"),
        ("text", [], "a.wav is not audio that can be read"),
        ("silent", [], "All 2 generated sounds are silent"),
        ("twice", [], "holds a more than once"),
        ("nan", [], "a.wav holds samples that are not numbers"),
        ("one", ["--metric", "diversity"], "holds 1 clips; at least 2"),
        ("one", ["--metric", "mos"], "There is no metric 'mos'; choose from fd"),
        ("one", ["--reference", "nowhere"], "There is no folder nowhere"),
        ("one", ["--metric", "integrity", "--out", "nowhere/x.json"], "cannot be written"),
    ],
)
def test_bad_input_is_exit_code_2_and_one_sentence(run, tmp_path, folder, flags, message):
    """Nothing is measured; the sentence is on standard error."""
    code, lines, said = run(bad_folders(tmp_path)[folder], *flags)
    assert code == 2
    assert message in said.splitlines()[-1] and "Traceback" not in said
    if "--out" not in flags:
        assert lines == []


def test_an_embedder_without_weights_says_where_they_are(tmp_path, capsys):
    """The registry's own sentence, unchanged, exit code 2."""
    folder = write_folder(tmp_path / "a", 2, 1)
    code = cli.main(
        ["--data", str(tmp_path / "data"), "evaluate", str(folder), "--embedder", "panns"],
        lambda config: Services(config, SineEngines(config)),
    )
    said = capsys.readouterr().err
    assert code == 2
    assert "The embedder panns needs its published weights" in said and "panns=PATH" in said


def test_every_metric_of_the_issue_has_a_name():
    """What the help lists."""
    assert set(METRICS) == {
        "fd", "fd-change", "kad", "kl", "is", "clap", "diversity", "integrity", "order"
    }  # fmt: skip
