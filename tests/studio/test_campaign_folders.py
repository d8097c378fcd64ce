import numpy as np
import pytest

from pipelines.audio import write_audio
from pipelines.errors import StudioError
from pipelines.loudness import integrated_lufs
from studio.services.campaign_folders import check_alike, read_shelves, take_order
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
