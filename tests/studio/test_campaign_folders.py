import zipfile
from pathlib import Path

import numpy as np
import pytest

from pipelines.audio import write_audio
from pipelines.errors import StudioError
from pipelines.loudness import integrated_lufs
from studio.services.campaigns.folders import check_alike, read_shelves, take_order
from studio.visitors import HERE

RATE = 16000


def write(folder, name, *, prompt=None, seconds=1.0, rate=RATE, level=0.2, channels=1):
    """A noise in a file, with or without its prompt inside."""
    seed = sum(map(ord, f"{folder}{name}"))
    audio = np.random.default_rng(seed).normal(0, level, (channels, round(seconds * rate)))
    settings = None if prompt is None else {"prompt": prompt}
    return write_audio(folder / name, audio.astype(np.float32).clip(-1, 1), rate, settings=settings)


@pytest.fixture
def folders(tmp_path):
    """Ours, with prompts inside, and another model's, with nothing but the same names."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for number, prompt in enumerate(("a dog barks", "rain falls")):
        for take in range(2):
            write(ours, f"p{number}_{take}.wav", prompt=prompt)
            write(theirs, f"p{number}_{take}.flac", rate=44100, level=0.02, seconds=1.5, channels=2)
    return {"Ours": ours, "Theirs": theirs}


def make(services, folders, **wishes):
    """A pairwise campaign out of folders."""
    told = {"task": "pairwise", "gold": 0.0, "seed": 1, **wishes}
    return services.campaign_folders.create_now(HERE, folders, lambda share, note: None, **told)


def test_any_models_sounds_are_put_to_the_vote(services, folders):
    """Prompts from inside the files and by equal names; takes counted; all made fair."""
    found = make(services, folders)
    assert (found["status"], found["prompts"], found["takes"]) == ("open", 2, 2)
    assert [(s["name"], s["title"], s["kind"]) for s in found["systems"]] == [
        ("ours", "Ours", "folder"), ("theirs", "Theirs", "folder"),
    ]  # fmt: skip
    told = services.store.campaigns.get(found["id"]).definition["prompts"]
    assert [(prompt["text"], prompt["seconds"]) for prompt in told] == [
        ("a dog barks", 1.5), ("rain falls", 1.5),
    ]  # fmt: skip
    clips = services.store.campaigns.clips(found["id"])
    assert len(clips) == 8 and all(clip.candidate is None for clip in clips)
    sounds = [services.store.clips.read(clip.clip) for clip in clips]
    assert {(audio.shape, rate) for audio, rate in sounds} == {((2, 66150), 44100)}
    loud = [integrated_lufs(*sound) for sound in sounds]
    assert max(loud) - min(loud) < 0.1
    assert {clip.measures["seconds"] for clip in clips} == {1.0, 1.5}
    assert all(services.store.clips.path(clip.source).is_file() for clip in clips)


def test_a_list_of_captions_goes_before_what_files_tell(services, folders, tmp_path):
    """And the same prompt in two files is two takes."""
    listed = tmp_path / "captions.csv"
    rows = [f"p{n}_{take},the same scene" for n in (0, 1) for take in (0, 1)]
    listed.write_text("\n".join(["file,caption", *rows]))
    found = make(services, folders, captions=listed)
    assert (found["prompts"], found["takes"]) == (1, 4)


def test_templates_take_folders_too(services, folders):
    """The number of takes is that of the files, whatever the template says."""
    found = make(services, {"Ours": folders["Ours"]}, template="baton-integrity", task=None)
    assert (found["task"], found["takes"], found["status"]) == ("integrity", 2, "open")


def test_takes_are_in_the_order_of_their_numbers(tmp_path):
    """dog_2 before dog_10; names without a number by the alphabet."""
    assert sorted(["dog_10", "dog_2", "cat", "dog"], key=take_order) == [
        "cat", "dog", "dog_2", "dog_10",
    ]  # fmt: skip


def test_unequal_sets_are_refused_by_name(folders):
    """A prompt that one lacks, or has another number of sounds of."""
    write(folders["Ours"], "p2_0.wav", prompt="a bell rings")
    with pytest.raises(StudioError, match="Theirs has no sound for “a bell rings”; give every"):
        check_alike(read_shelves(folders, None))
    write(folders["Theirs"], "p2_0.wav")
    with pytest.raises(StudioError, match="Ours has 1 sounds for “a bell rings” and there are 2"):
        check_alike(read_shelves(folders, None))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            lambda f: write(f, "odd.wav"),
            "Nothing tells the prompt of odd.wav .Ours.; give --captions",
        ),
        (lambda f: (f / "p0_0.wav").write_text("no sound"), "p0_0.wav"),
        (lambda f: write(f, "p0_0.wav", prompt="a dog barks", seconds=61), "lasts 61 s; a voter"),
        (lambda f: write(f, "p0_0.wav", prompt="a dog barks", channels=3), "3 channels; give one"),
        (lambda f: [path.unlink() for path in f.iterdir()], "holds no sounds"),
    ],
)
def test_what_cannot_be_heard_is_refused(services, folders, spoil, words):
    """In a sentence that names the file; no campaign is left behind."""
    spoil(folders["Ours"])
    with pytest.raises(StudioError, match=words):
        make(services, folders)
    assert services.campaigns.listing(HERE) == []


def zipped(tmp_path, files):
    """A zip of these files by their names in it; values are paths or bytes."""
    path = tmp_path / "sounds.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in files.items():
            bundle.writestr(name, content.read_bytes() if isinstance(content, Path) else content)
    return path


def test_a_zip_from_the_page_becomes_a_campaign(services, work, folders, tmp_path):
    """A folder for each system, however deep; made in the background; what macOS hides is left."""
    files = {f"my sounds/{title}/{path.name}": path
             for title, folder in folders.items() for path in folder.iterdir()}  # fmt: skip
    files |= {"__MACOSX/._x.wav": b"x", "my sounds/.DS_Store": b"x", "my sounds/notes.txt": b"x"}
    path = zipped(tmp_path, files)
    campaign = services.campaign_folders.create(HERE, path, template="pairwise", takes=9)
    assert services.campaigns.view(campaign, HERE)["status"] == "building"
    work(services)
    found = services.campaigns.view(campaign, HERE)
    assert (found["status"], found["prompts"], found["takes"]) == ("open", 2, 2)
    assert sorted(system["title"] for system in found["systems"]) == ["Ours", "Theirs"]


def test_captions_may_lie_in_the_zip(services, work, folders, tmp_path):
    """One CSV, wherever it lies."""
    files = {f"{title}/p0_0{path.suffix}": path
             for title, folder in folders.items() for path in folder.glob("p0_0.*")}  # fmt: skip
    files["list.csv"] = b"file,caption\np0_0,a quiet hum\n"
    campaign = services.campaign_folders.create(HERE, zipped(tmp_path, files), task="mos")
    work(services)
    told = services.store.campaigns.get(campaign).definition["prompts"]
    assert [prompt["text"] for prompt in told] == ["a quiet hum"]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a.wav": b"x"}, "must hold a folder for each system"),
        ({"../../a.wav": b"x"}, "must hold a folder"),
        ({"/a.wav": b"x"}, "must hold a folder"),
        ({"x/a.csv": b"x", "y/b.csv": b"x"}, "2 CSV files; leave one"),
        ({"x/notes.txt": b"x"}, "must hold a folder"),
        ({f"x/{n}.wav": b"x" for n in range(601)}, "601 sounds; at most 600"),
        ({"x/s/a.wav": b"x", "y/s/b.wav": b"x"}, "Two folders of the zip have one name"),
        ({f"x/{'a' * 130}.wav": b"x"}, "A name in the zip has 134 characters"),
        ({"x/a.wav": b"not audio"}, "not audio that can be read"),
    ],
)
def test_a_zip_is_not_trusted(services, tmp_path, files, words):
    """Paths are not followed, counts and names have limits, every sound is decoded."""
    before = set(tmp_path.parent.iterdir()) | set(tmp_path.iterdir())
    path = zipped(tmp_path, files)
    with pytest.raises(StudioError, match=words):
        services.campaign_folders.create(HERE, path, task="integrity")
    after = set(tmp_path.parent.iterdir()) | set(tmp_path.iterdir())
    assert after - before == {path}
    assert services.campaigns.listing(HERE) == []


def test_a_zip_that_swells_is_stopped(services, tmp_path, monkeypatch):
    """By what comes out of it, not by what it says; and a file that is no zip is told."""
    monkeypatch.setattr("studio.services.sound_zip.MOST_BYTES", 2_000_000)
    path = zipped(tmp_path, {"x/a.wav": bytes(3_000_000)})
    assert path.stat().st_size < 10_000
    with pytest.raises(StudioError, match="more than 2 MB; give fewer"):
        services.campaign_folders.create(HERE, path, task="integrity")
    path.write_bytes(b"no zip")
    with pytest.raises(StudioError, match="sounds.zip is no zip that can be read"):
        services.campaign_folders.create(HERE, path, task="integrity")
