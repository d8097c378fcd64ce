import numpy as np
import pyloudnorm
import pytest

from pipelines.audio import resample
from pipelines.compare.loudness import matched
from pipelines.loudness import integrated_lufs, turned

RATE = 48000


def tone(level: float, seconds: float = 3.0, hz: float = 997.0, rate: int = RATE) -> np.ndarray:
    """A sine, [1, samples]."""
    t = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * hz * t)).astype(np.float32)[None]


def test_a_full_sine_on_both_sides_is_0_lufs():
    """BS.1770: 997 Hz at 0 dBFS in one channel reads -3.01 LKFS; on both sides 0."""
    assert integrated_lufs(tone(1.0), RATE) == pytest.approx(0.0, abs=0.05)
    one_side = np.concatenate([tone(1.0), np.zeros_like(tone(1.0))])
    assert integrated_lufs(one_side, RATE) == pytest.approx(-3.01, abs=0.05)


def test_a_low_rate_is_measured_as_the_same_sound_at_48_khz():
    """White noise up to 8 kHz: without resampling, 16 kHz reads 0.24 LU away from what is heard."""
    noise = np.random.default_rng(0).normal(0, 0.1, (1, 5 * 16000)).astype(np.float32)
    at_48k = resample(noise, 16000, RATE)
    assert integrated_lufs(noise, 16000) == pytest.approx(integrated_lufs(at_48k, RATE), abs=1e-6)
    bent = pyloudnorm.Meter(16000).integrated_loudness(np.repeat(noise, 2, axis=0).T)
    assert abs(bent - integrated_lufs(noise, 16000)) > 0.15


def test_mono_and_the_same_on_two_channels_are_equally_loud():
    """As a browser plays them."""
    found = matched(tone(0.3), RATE, np.repeat(tone(0.3), 2, axis=0), RATE)
    assert (found.gain_a, found.gain_b) == (0.0, 0.0)
    assert found.lufs_a == found.lufs_b


def test_twice_the_amplitude_is_turned_down_by_six_decibels():
    """20 log10(2) = 6.02 dB; the quieter stays as it is, whichever side it is on."""
    found = matched(tone(0.5), RATE, tone(0.25), RATE)
    assert (found.gain_a, found.gain_b) == (pytest.approx(-6.02, abs=0.01), 0.0)
    turned_round = matched(tone(0.25), RATE, tone(0.5), RATE)
    assert (turned_round.gain_a, turned_round.gain_b) == (0.0, pytest.approx(-6.02, abs=0.01))
    assert found.unmatched is None


@pytest.mark.parametrize("seed", range(4))
def test_after_the_gains_the_difference_is_under_a_tenth(seed):
    """Different sounds, rates and levels, one of them mostly near the gate of -70 LUFS."""
    rng = np.random.default_rng(seed)
    a = rng.normal(0, 0.2, (2, RATE * 4)).astype(np.float32)
    a[:, RATE:] *= 10 ** (-rng.uniform(5, 45) / 20)
    b = tone(10 ** (-rng.uniform(20, 60) / 20), 2.0, 300.0, 16000)
    found = matched(a, RATE, b, 16000)
    heard_a = integrated_lufs(turned(a, found.gain_a), RATE)
    heard_b = integrated_lufs(turned(b, found.gain_b), 16000)
    assert abs(heard_a - heard_b) < 0.1
    assert max(found.gain_a, found.gain_b) == 0.0


def test_the_gate_is_reckoned_with():
    """The second half lies 11 dB under the first: still counted, about 2.5 LU under the first alone.

    Brought to -62 LUFS by the plain difference, the second half falls under the gate of -70 LUFS,
    no longer counts, and the clip reads about -59.5: a second round of measuring sees to that.
    """
    loud, quiet = tone(0.07, 2.0), tone(0.07 * 10 ** (-11 / 20), 2.0)
    a = np.concatenate([loud, quiet], axis=1)
    b = tone(10 ** (-62 / 20))
    found = matched(a, RATE, b, RATE)
    assert found.unmatched is None
    heard = integrated_lufs(turned(a, found.gain_a), RATE)
    assert abs(heard - found.lufs_b) < 0.1
    plain = integrated_lufs(turned(a, found.lufs_b - found.lufs_a), RATE)
    assert abs(plain - found.lufs_b) > 2


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        (tone(0.3), tone(0.3, 0.3), "Not made equally loud: B is shorter than 0.4 s."),
        (np.zeros((1, RATE), np.float32), tone(0.3), "Not made equally loud: A is silent."),
        (tone(0.3), tone(1e-5), "Not made equally loud: B is silent."),
        (
            np.zeros((1, RATE), np.float32),
            tone(0.3, 0.1),
            "Not made equally loud: A is silent and B is shorter than 0.4 s.",
        ),
    ],
)
def test_what_has_no_loudness_is_said_and_left_as_it_is(a, b, words):
    """No gain then on either side."""
    found = matched(a, RATE, b, RATE)
    assert found.unmatched == words
    assert (found.gain_a, found.gain_b) == (0.0, 0.0)
