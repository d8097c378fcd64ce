"""A creator's zip of sounds and captions: what is taken, what is left out, what is refused."""

import io
import zipfile

import numpy as np
import pytest
import soundfile

from pipelines.errors import StudioError
from studio.config import Config
from studio.refusals import Unknown
from studio.services.finetune import folders as module
from studio.services.finetune.folders import Folders
from studio.visitors import HERE
from tests.studio.fake_training import kept, trained_here

RATE = 8000


def wav(pitch: float, *, seconds: float = 0.2, channels: int = 1) -> bytes:
    """A tone as the bytes of a WAV; of pitch 0 silence."""
    t = np.arange(int(seconds * RATE)) / RATE
    out = io.BytesIO()
    tone = 0.3 * np.sin(2 * np.pi * pitch * t)
    soundfile.write(out, np.stack([tone] * channels, axis=1), RATE, format="WAV")
    return out.getvalue()


def zipped(folder, files) -> object:
    path = folder / "my sounds.zip"
    with zipfile.ZipFile(path, "w") as bundle:
        for name, content in files.items():
            bundle.writestr(name, content)
    return path


@pytest.fixture
def folders(tmp_path):
    return Folders(Config(data=tmp_path / "data"))


LIST = "file,caption\nrain.wav,rain falls\nwind.wav,wind  blows\n"
GOOD = {
    "rain.wav": wav(300),
    "deep/er/wind.wav": wav(400, channels=2),
    "dog.wav": wav(500),
    "dog.txt": "a dog\n barks",
    "captions.csv": LIST,
    "__MACOSX/._dog.wav": b"x",
}


def test_captions_come_from_a_text_beside_or_from_the_list(folders, tmp_path):
    """At any depth; what systems hide in zips is not read; sounds are kept as WAV under numbers."""
    told = folders.add(HERE, zipped(tmp_path, GOOD))
    assert {k: told[k] for k in ("title", "sounds", "captions", "left_out")} == {
        "title": "my sounds", "sounds": 3, "captions": 3, "left_out": {},
    }  # fmt: skip
    assert told["seconds"] == pytest.approx(0.6)
    card = folders.card(HERE, told["id"])
    found = {row["name"]: row["caption"] for row in card["rows"]}
    assert found == {"rain.wav": "rain falls", "wind.wav": "wind blows", "dog.wav": "a dog barks"}
    for row in card["rows"]:
        assert (folders.config.data / folders.file(told["id"], row)).is_file()


def test_what_cannot_teach_is_left_out_and_counted(folders, tmp_path):
    """No caption, silence, the same twice, one that is broken: the others are taken all the same."""
    files = {**GOOD, "none.wav": wav(600), "still.wav": wav(0), "twin.wav": wav(300)}
    files |= {"broken.wav": b"not audio", "broken.txt": "wind", "three.wav": wav(300, channels=3)}
    files["captions.csv"] = LIST + "still.wav,silence\ntwin.wav,rain falls\n"
    told = folders.add(HERE, zipped(tmp_path, files), "Weather")
    assert told["sounds"] == 3
    assert told["left_out"] == {
        "without a caption": 1,
        "silent": 1,
        "there twice": 1,
        "with more than two channels, or samples that are not numbers": 1,
        "that cannot be read as sound, such as broken.wav": 1,
    }
    assert told["title"] == "Weather"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a.txt": "words"}, "holds no sounds"),
        ({"a.wav": wav(300)}, "None of the sounds .* 1 without a caption"),
        ({"a.wav": b"not audio", "a.txt": "a"}, "1 that cannot be read as sound, such as a.wav"),
        ({"a.wav": wav(300, channels=3), "a.txt": "a"}, "1 with more than two channels"),
        ({"a.wav": wav(300), "a.txt": b"\xff\xfe\x00"}, "a.txt is no caption in UTF-8"),
        ({"a.wav": wav(300), "a.csv": "file,caption\n", "b.csv": "x"}, "2 CSV files"),
        ({"a.wav": wav(300), "a.csv": "sound,words\na.wav,x\n"}, "has the columns"),
        ({f"{n}.wav": wav(300) for n in range(4)}, "holds 4 sounds; at most 3"),
        ({"a" * 130 + ".wav": wav(300)}, "has 134 characters"),
    ],
)
def test_each_fault_of_a_zip_has_a_sentence(folders, tmp_path, monkeypatch, files, said):
    """And nothing of it is kept."""
    monkeypatch.setattr(module, "MOST_SOUNDS", 3)
    with pytest.raises(StudioError, match=said):
        folders.add(HERE, zipped(tmp_path, files))
    assert folders.listing(HERE) == []
    assert not list((folders.config.data / "folders").glob("*"))


def test_no_zip_and_hostile_names(folders, tmp_path):
    """Paths of the zip are never followed; those that climb are passed over."""
    path = tmp_path / "no.zip"
    path.write_bytes(b"PK no zip")
    with pytest.raises(StudioError, match="no zip that can be read"):
        folders.add(HERE, path)
    files = {
        "../../out.wav": wav(300),
        "../../out.txt": "out",
        "/abs.wav": wav(400),
        "/abs.txt": "wind",
    }
    told = folders.add(HERE, zipped(tmp_path, files))
    assert told["sounds"] == 1
    assert not list(tmp_path.parent.rglob("out.wav"))


@pytest.mark.parametrize("packing", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_rare_packing_is_refused_before_it_is_unpacked(folders, tmp_path, packing):
    """A broken one would end in a fault that is no sentence."""
    path = tmp_path / "rare.zip"
    with zipfile.ZipFile(path, "w", packing) as bundle:
        bundle.writestr("a.wav", wav(300))
        bundle.writestr("a.txt", "a tone")
    content = bytearray(path.read_bytes())
    content[60:160] = bytes(255 - byte for byte in content[60:160])
    path.write_bytes(content)
    with pytest.raises(StudioError, match="packed in a way that is not read here"):
        folders.add(HERE, path)
    assert not list((folders.config.data / "folders").glob("*"))


def test_of_a_long_sound_a_minute_is_kept(folders, tmp_path):
    """No model hears more, and a zip of a few MB could hold hours."""
    files = {"a.wav": wav(300, seconds=61.5), "a.txt": "a tone"}
    told = folders.add(HERE, zipped(tmp_path, files))
    assert told["seconds"] == 60.0
    [row] = folders.card(HERE, told["id"])["rows"]
    path = folders.config.data / folders.file(told["id"], row)
    assert soundfile.info(path).frames == 60 * RATE
    assert row["seconds"] == 60.0


def test_sounds_that_were_taken_in_are_not_kept_in_memory(tmp_path):
    """Of each a hash tells whether it is there twice: a folder may be larger than the memory."""
    import tracemalloc

    sounds = []
    for n in range(30):
        (tmp_path / f"{n}.wav").write_bytes(wav(300 + n, seconds=10))
        sounds.append(module.Sound(path=tmp_path / f"{n}.wav", name=f"{n}.wav", caption="a tone"))
    tracemalloc.start()
    rows, _ = module.take_in(sounds, tmp_path / "kept")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(rows) == 30
    assert peak < 10 * 10 * RATE * 4  # float32 of a third of them


def test_a_folder_is_its_owners_alone(folders, tmp_path, monkeypatch):
    """Listed, read and removed by them; only so many each."""
    told = folders.add(HERE, zipped(tmp_path, GOOD))
    other = "e" * 32
    assert folders.listing(other) == []
    for folder in (told["id"], "0" * 32, "../../etc"):
        with pytest.raises(Unknown):
            folders.card(other, folder)
        with pytest.raises(Unknown):
            folders.remove(other, folder)
    monkeypatch.setattr(module, "MOST_FOLDERS", 1)
    with pytest.raises(StudioError, match="remove one"):
        folders.add(HERE, zipped(tmp_path, GOOD))
    folders.remove(HERE, told["id"])
    assert folders.listing(HERE) == []


def test_a_folder_is_fine_tuned_on(services, work, tmp_path):
    """Every sound counts 1; the model's recipe and title say what it is."""
    told = services.finetune.add_folder(HERE, zipped(tmp_path, GOOD), "Weather")
    asked = {"recipe": "supervised", "folder": told["id"], "settings": {"seed": 1}}
    with trained_here(services):
        found = services.finetune.estimate(HERE, asked)
        assert (found["data"]["human"], found["data"]["folder"]) == (3, 3)
        assert found["data"]["pretrain"] == 0
        run = services.finetune.start(HERE, asked)
        work(services)
    view = services.finetune.views.view(run, HERE)
    assert (view["status"], view["title"]) == ("done", "Sine, tuned on Weather")
    rows = services.finetune.run.folder(run).read("rows.json")
    assert [row["weight"] for row in rows] == [1.0] * 3
    assert all((services.config.data / row["file"]).is_file() for row in rows)
    [model] = kept(services)
    assert "judgements" not in model.note
    with pytest.raises(Unknown, match="no such folder of yours"):
        services.finetune.start(HERE, {**asked, "folder": "0" * 32})
