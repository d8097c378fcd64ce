"""The A/B player in a browser: one clock, no gap, no click, equal loudness. Slow: a real browser."""

import numpy as np
import pytest

from tests.bench import bench_ab_player as bench

pytestmark = pytest.mark.slow
RATE = 48000


@pytest.fixture(scope="module")
def page(browser):
    """A page of nothing but the transport."""
    opened = bench.open_player(browser)
    yield opened
    opened.close()


def rendered(page, orders, *, seconds=3.0, signals=None, **wish) -> np.ndarray:
    """What comes out when these orders are given to a transport that stands at nought."""
    signals = signals or bench.chirps(RATE, 2.0)
    told = {side: bench.coded(signal) for side, signal in signals.items()}
    return bench.decoded(
        bench.call(page, "render", **told, rate=RATE, seconds=seconds, orders=orders, **wish)
    )


def check(found: dict) -> None:
    """Sample by sample what the files hold, and no step steeper than the signals' own and a ramp's."""
    assert found["largest_error"] < 1e-6
    assert found["drift_ms"] == 0
    assert found["longest_silence_ms"] < 1
    assert found["largest_step"] <= found["step_allowed"]


def test_ten_seconds_with_eighty_turns_hold_every_sample(page):
    """Rendered: outside of the 6 ms ramps each sample is that of the side and the place told."""
    found = bench.measure_rendered(page)
    assert found["turns"] == 80
    assert found["samples_compared"] > 440_000
    check(found)


def test_ten_live_seconds_do_not_drift(page):
    """Live, with a busy page: the same, and the clock that draws the playhead agrees."""
    found = bench.measure_live(page)
    assert found["turns"] >= 30
    assert found["samples_compared"] > 400_000
    check(found)
    assert found["clock_ms"] < 1


def test_the_two_are_heard_equally_loud(page):
    """16 kHz files 10.5 LU apart, played at 48 kHz: less than 0.1 LU apart after their gains."""
    found = bench.measure_loudness(page)
    assert found["files_apart_lu"] > 10
    assert found["heard_apart_lu"] < 0.1


def test_a_loop_repeats_exactly_and_its_joint_does_not_click(page):
    """Loop from 0.5 s to about 0.9 s, where the wave is farthest from that at 0.5 s; four rounds."""
    signals = bench.chirps(RATE, 2.0)
    start, near = RATE // 2, round(0.9 * RATE)
    end = near + int(np.abs(signals["a"][near : near + 200] - signals["a"][start]).argmax())
    orders = [[0, "setLoop", 0.5, end / RATE], [0.1, "play"]]
    out = rendered(page, orders, seconds=2.0, signals=signals)
    for again in range(4):
        here, place = round(0.2 * RATE) + again * (end - start), round(0.6 * RATE)
        assert np.abs(out[here : here + 9600] - signals["a"][place : place + 9600]).max() < 1e-6
    own = np.abs(np.diff(signals["a"])).max()
    assert np.abs(np.diff(out[round(0.11 * RATE) :])).max() < own + 2 * bench.PEAK / (0.006 * RATE)


def test_seeking_while_it_plays_lands_on_the_place(page):
    """Half a second in it is sent to 1.5 s: a ramp later that is what sounds, on both sides."""
    signals = bench.chirps(RATE, 2.0)
    orders = [[0, "play"], [0.5, "seek", 1.5], [0.7, "turn", "b"]]
    out = rendered(page, orders, seconds=0.9, signals=signals)
    for from_, place, side in ((0.51, 1.51, "a"), (0.71, 1.71, "b")):
        here, there = round(from_ * RATE), round(place * RATE)
        assert np.abs(out[here : here + 8000] - signals[side][there : there + 8000]).max() < 1e-6


def test_the_shorter_side_is_followed_by_silence(page):
    """A of 1 s beside B of 2 s: nothing is heard of A from 1 s on, and B goes on under it."""
    signals = bench.chirps(RATE, 2.0)
    signals["a"] = signals["a"][:RATE]
    out = rendered(page, [[0, "play"], [1.5, "turn", "b"]], seconds=1.9, signals=signals)
    assert np.abs(out[RATE : round(1.5 * RATE)]).max() == 0
    here = round(1.51 * RATE)
    assert np.abs(out[here : here + 9600] - signals["b"][here : here + 9600]).max() < 1e-6


def test_the_gain_is_applied_and_only_to_its_side(page):
    """-6.02 dB halves B and leaves A."""
    signals = bench.chirps(RATE, 2.0)
    gains = {"a": 0, "b": -20 * np.log10(2)}
    out = rendered(
        page, [[0, "play"], [1.0, "turn", "b"]], seconds=1.9, signals=signals, gains=gains
    )
    first, second = slice(4800, 40000), slice(round(1.01 * RATE), round(1.9 * RATE))
    assert np.abs(out[first] - signals["a"][first]).max() < 1e-6
    assert np.abs(out[second] - signals["b"][second] / 2).max() < 1e-6


@pytest.mark.parametrize("to", [44100, 48000, 8000])
def test_another_rate_keeps_what_both_rates_can_hold(page, to):
    """A sine of 3 kHz at 16 kHz is the same sine at another rate, to a ten-thousandth; one of 6 kHz
    is too, and is gone where the band ends at 4 kHz."""
    for hertz in (3000, 6000):
        sine = np.sin(2 * np.pi * hertz * np.arange(16000) / 16000)
        out = bench.decoded(
            bench.call(page, "resample", samples=bench.coded(sine), to=to, **{"from": 16000})
        )
        assert len(out) == to
        expected = np.sin(2 * np.pi * hertz * np.arange(to) / to) if hertz < to / 2 else 0
        inner = slice(to // 10, -to // 10)
        assert np.abs(out - expected)[inner].max() < 1e-4
