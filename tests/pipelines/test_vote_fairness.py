import doctest

import numpy as np
import pytest

from pipelines.loudness import integrated_lufs
from pipelines.vote import fairness
from pipelines.vote.degraded import degraded
from pipelines.vote.fairness import common_target, made_fair, peak_dbfs, silence_share
from studio.store.clips import ClipFolder


def tone(level: float, seconds: float, rate: int, channels: int = 1, hz: float = 440.0):
    """A sine on every channel."""
    t = np.arange(round(seconds * rate)) / rate
    return np.repeat(level * np.sin(2 * np.pi * hz * t)[None], channels, axis=0).astype(np.float32)


def noise(seed: int, level: float, seconds: float, rate: int, channels: int = 1):
    """White noise."""
    samples = np.random.default_rng(seed).normal(0, level, (channels, round(seconds * rate)))
    return samples.clip(-1, 1).astype(np.float32)


def clicks(seconds: float, rate: int):
    """Full-scale clicks, quiet on the whole: the peak decides how loud they can be."""
    audio = np.zeros((1, round(seconds * rate)), np.float32)
    audio[:, :: rate // 2] = 1.0
    return audio


UNEQUAL = [
    (tone(0.9, 2.0, 44100), 44100),
    (noise(1, 0.01, 3.0, 16000), 16000),
    (noise(2, 0.2, 1.5, 48000, channels=2), 48000),
    (tone(0.05, 0.3, 22050, hz=900), 22050),
]


def test_the_examples_hold():
    """The docstrings are worked examples."""
    assert doctest.testmod(fairness).failed == 0


def test_unequal_sounds_leave_alike_and_equally_loud(tmp_path):
    """Four rates, lengths, levels and channel counts: one of each, within 0.1 LU, as stored files.

    The files have one length in bytes and one header, so that neither tells them apart; and the
    header is the 44 bytes that a WAV needs, so that no text is in it.
    """
    made, rate = made_fair(UNEQUAL)
    assert rate == 48000
    assert {clip.audio.shape for clip in made} == {(2, 3 * 48000)}
    folder = ClipFolder(tmp_path)
    kept = [folder.put(clip.audio, rate) for clip in made]
    files = [folder.path(clip.sha256).read_bytes() for clip in kept]
    assert len({len(file) for file in files}) == 1
    assert len({file[:44] for file in files}) == 1
    assert len(files[0]) == 44 + 2 * 2 * 3 * 48000 and files[0][36:40] == b"data"
    heard = [integrated_lufs(*folder.read(clip.sha256)) for clip in kept]
    assert max(heard) - min(heard) < 0.1
    assert all(clip.unmatched is None for clip in made)


def test_the_target_is_23_lufs_unless_a_peak_forbids_it():
    """Noise and tones reach -23; beside clicks of full scale all come down to what clicks can be."""
    made, rate = made_fair(UNEQUAL)
    assert integrated_lufs(made[0].audio, rate) == pytest.approx(-23, abs=0.05)
    made, rate = made_fair([*UNEQUAL, (clicks(3.0, 48000), 48000)])
    heard = [integrated_lufs(clip.audio, rate) for clip in made]
    assert max(heard) - min(heard) < 0.1 and heard[0] < -25
    assert max(peak_dbfs(clip.audio) for clip in made) <= -1 + 1e-3
    assert common_target([None, None], [None, None]) == -23


def test_what_was_done_is_told():
    """Twice the amplitude needs 6.02 dB less; the second half of a sound that stops is silence."""
    loud, quiet = made_fair([(tone(0.5, 1, 16000), 16000), (tone(0.25, 1, 16000), 16000)])[0]
    assert quiet.gain_db - loud.gain_db == pytest.approx(6.02, abs=0.02)
    assert loud.lufs - quiet.lufs == pytest.approx(6.02, abs=0.02)
    assert loud.peak_dbfs == pytest.approx(-6.02, abs=0.01)
    half = np.concatenate([tone(0.5, 1, 16000), np.zeros((1, 16000), np.float32)], axis=1)
    assert silence_share(half, 16000) == pytest.approx(0.5, abs=0.02)
    assert (loud.silence, loud.seconds) == (0.0, 1.0)
    assert set(loud.measures) == {"gain_db", "lufs", "peak_dbfs", "silence", "seconds"}


def test_silence_is_said_and_left_as_it_is():
    """No gain, no loudness; the others are matched among themselves."""
    silent = np.zeros((1, 16000), np.float32)
    made, rate = made_fair([(silent, 16000), (tone(0.5, 1, 16000), 16000)])
    assert made[0].unmatched == "It is silent." and not made[0].audio.any()
    assert made[0].measures["unmatched"] == "It is silent."
    assert (made[0].lufs, made[0].gain_db, made[0].silence) == (None, 0.0, 1.0)
    assert integrated_lufs(made[1].audio, rate) == pytest.approx(-23, abs=0.05)


def test_sounds_shorter_than_a_block_are_said():
    """With nothing longer beside them they have no loudness."""
    made, _ = made_fair([(tone(0.5, 0.3, 16000), 16000), (tone(0.1, 0.3, 16000), 16000)])
    assert [clip.unmatched for clip in made] == ["It is shorter than 0.4 s."] * 2
    assert [clip.gain_db for clip in made] == [0.0, 0.0]


def test_padding_begins_without_a_click_and_only_then_fades():
    """A tone that stops at its height goes down over 10 ms; one that has died away is untouched."""
    stopping, dying = tone(0.5, 1.0, 16000), tone(0.5, 1.0, 16000)
    stopping[:, -1] = 0.5
    dying[:, -400:] = 0
    made, _ = made_fair([(x, 16000) for x in (stopping, dying, tone(0.5, 2.0, 16000))])
    steps = np.abs(np.diff(made[0].audio[0, 15800:16200] / 10 ** (made[0].gain_db / 20)))
    assert steps.max() < 0.15  # of a sine's own steps, 0.09
    back = made[1].audio[:, :16000] / 10 ** (made[1].gain_db / 20)
    assert np.allclose(back, dying, atol=1e-6)
    assert not made[0].audio[:, 16000:].any()


@pytest.mark.parametrize("kind", ["tone", "hum", "noise", "knocks", "silence"])
def test_a_spoiled_twin_differs_plainly_and_is_the_same_each_time(kind):
    """Far from its source in every case, as long, and from the same seed the same bytes."""
    source = {
        "tone": tone(0.3, 4, 16000),
        "hum": tone(0.3, 4, 16000, hz=90),
        "noise": noise(3, 0.1, 4, 16000),
        "knocks": clicks(4, 16000),
        "silence": np.zeros((1, 64000), np.float32),
    }[kind]
    twin = degraded(source, 16000, seed=5)
    assert twin.shape == source.shape and np.abs(twin).max() <= 1
    assert np.array_equal(twin, degraded(source, 16000, seed=5))
    assert not np.array_equal(twin, degraded(source, 16000, seed=6))
    apart = np.square(twin - source).mean() / max(1e-9, np.square(source).mean())
    assert apart > 0.05
    holes = silence_share(twin, 16000)
    assert 0.12 < holes < 0.5


def test_little_is_left_above_the_low_pass_of_a_spoiled_twin():
    """Of white noise above 5 kHz, only the hiss: its -12 dB under the loudest is 6 % of the power."""
    source = noise(4, 0.2, 4, 44100)
    twin = degraded(source, 44100, seed=1)
    kept = [np.abs(np.fft.rfft(sound[0])) ** 2 for sound in (source, twin)]
    high = np.fft.rfftfreq(source.shape[1], 1 / 44100) > 5000
    assert kept[1][high].sum() < 0.15 * kept[0][high].sum()
