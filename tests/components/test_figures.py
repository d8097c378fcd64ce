import base64

import numpy as np
import plotly.graph_objects as go
import pytest

from components.figures import Heard, candidate_figure, pair_figures, tick_step
from components.spectrogram import BANDS, band_centres, hz_of_mel, mel_of_hz, mel_spectrogram

RATE = 16000


def tone(hz: float, seconds: float, level: float = 0.5) -> np.ndarray:
    """A sine, [1, samples]."""
    t = np.arange(round(seconds * RATE)) / RATE
    return (level * np.sin(2 * np.pi * hz * t)).astype(np.float32)[None]


@pytest.mark.parametrize("hz", [220.0, 1000.0, 5000.0])
def test_a_tone_lights_its_own_band(hz):
    """The loudest band is the one whose centre is nearest in mel."""
    decibels, _ = mel_spectrogram(tone(hz, 1.0), RATE)
    loudest = decibels[:, decibels.shape[1] // 2].argmax()
    assert abs(mel_of_hz(band_centres(RATE)[loudest]) - mel_of_hz(hz)) < mel_of_hz(RATE / 2) / BANDS


def test_ten_decibels_are_ten_decibels():
    """A tone 20 dB quieter is 20 dB darker; silence is at the floor of -100 dB."""
    loud, quiet = (mel_spectrogram(tone(1000, 1.0, level), RATE)[0].max() for level in (0.5, 0.05))
    assert loud - quiet == 20
    assert (mel_spectrogram(np.zeros((1, RATE), np.float32), RATE)[0] == -100).all()


def test_mel_and_hz_are_inverse():
    """1000 Hz is 1000 mel, nearly, by HTK's formula; and the way back is exact."""
    assert mel_of_hz(1000.0) == pytest.approx(999.99, abs=0.01)
    assert hz_of_mel(mel_of_hz(440.0)) == pytest.approx(440.0)


@pytest.mark.parametrize("seconds", [0.01, 0.5, 10.24, 60.0])
def test_columns_cover_the_sound_whatever_its_length(seconds):
    """The first column is at 0, the last near the end, and there are never many."""
    decibels, times = mel_spectrogram(tone(500, seconds), RATE)
    assert decibels.shape == (BANDS, len(times))
    assert times[0] == 0
    assert seconds - 0.15 <= times[-1] <= seconds
    assert len(times) <= 482


def test_the_timeline_stands_on_the_time_axis_of_the_picture():
    """Bars begin and end where the events do, on the one x axis; plotly takes the figure."""
    events = [["Dog", 0.0, 1.5], ["Rain", 2.0, 4.0], ["Dog", 3.0, 3.5]]
    figure = candidate_figure(tone(500, 5.0), RATE, events)
    go.Figure(figure)
    heat, dogs, rain = figure["data"]
    assert heat["type"] == "heatmap"
    assert (dogs["base"], dogs["x"], dogs["xaxis"]) == ([0.0, 3.0], [1.5, 0.5], "x")
    assert (rain["base"], rain["x"], rain["y"]) == ([2.0], [2.0], [1])
    assert figure["layout"]["xaxis"]["range"] == [0, 5.0]
    assert figure["layout"]["yaxis"]["domain"][0] > figure["layout"]["yaxis2"]["domain"][1]


def test_axes_read_seconds_and_hertz():
    """Ticks are in Hz though the axis is in mel; none lies beyond half the sample rate."""
    layout = candidate_figure(tone(500, 5.0), RATE, None)["layout"]
    assert layout["xaxis"]["title"]["text"] == "seconds"
    assert layout["yaxis"]["title"]["text"] == "Hz"
    assert layout["yaxis"]["ticktext"] == ["100", "250", "500", "1k", "2k", "4k", "8k"]
    assert layout["yaxis"]["tickvals"][3] == pytest.approx(mel_of_hz(1000))
    assert "yaxis2" not in layout


def test_the_picture_is_sent_as_bytes():
    """The decibels arrive as they are, one byte each."""
    audio = tone(500, 5.0)
    packed = candidate_figure(audio, RATE, [])["data"][0]["z"]
    sent = np.frombuffer(base64.b64decode(packed["bdata"]), np.int8)
    np.testing.assert_array_equal(sent.reshape(BANDS, -1), mel_spectrogram(audio, RATE)[0])


def test_ticks_stay_few():
    """Five to eleven of them for the lengths that are made here."""
    for seconds in (1, 3, 5, 10, 10.24, 30):
        assert 4 <= seconds / tick_step(seconds) <= 11


def unpacked(figure) -> np.ndarray:
    """The decibels of a picture, [bands, columns]."""
    packed = figure["data"][0]["z"]
    rows, columns = map(int, packed["shape"].split(", "))
    return np.frombuffer(base64.b64decode(packed["bdata"]), np.int8).reshape(rows, columns)


def heard(audio, rate=RATE, gain_db=0.0, events=None) -> Heard:
    """One side."""
    return Heard(audio=audio, sample_rate=rate, gain_db=gain_db, events=events)


def test_a_pair_has_one_scale_and_a_difference_around_nought():
    """The same tone 20 dB apart: pictures on one scale, the difference -20 dB where it sounds."""
    found = pair_figures(heard(tone(1000, 2.0, 0.5)), heard(tone(1000, 2.0, 0.05)))
    a, b, apart = (found[name]["data"][0] for name in ("a", "b", "difference"))
    assert (a["zmin"], a["zmax"]) == (b["zmin"], b["zmax"])
    assert found["scale"] == {"zmin": a["zmin"], "zmax": a["zmax"], "reach": apart["zmax"]}
    assert apart["zmin"] == -apart["zmax"]
    loudest = unpacked(found["a"])[:, 50].argmax()
    assert unpacked(found["difference"])[loudest, 50] == -20
    go.Figure(found["difference"])


def test_a_pair_is_drawn_as_loud_as_it_is_heard():
    """With a gain of -20 dB the two tones are one, and nothing parts them."""
    found = pair_figures(heard(tone(1000, 2.0, 0.5), gain_db=-20), heard(tone(1000, 2.0, 0.05)))
    assert (np.abs(unpacked(found["difference"])) <= 1).all()
    assert found["scale"]["reach"] == 12


def test_a_pair_shares_its_axes_whatever_lengths_and_rates():
    """2 s at 16 kHz beside 5 s at 44.1 kHz: the same columns and bands; the tone in the same place.

    Where the slower rate has nothing to show there is no difference either; and what lasts longer
    is louder at the end.
    """
    t = np.arange(5 * 44100) / 44100
    other = (0.5 * np.sin(2 * np.pi * 1000 * t)).astype(np.float32)[None].repeat(2, axis=0)
    found = pair_figures(heard(tone(1000, 2.0)), heard(other, 44100))
    a, b, apart = (unpacked(found[name]) for name in ("a", "b", "difference"))
    assert a.shape == b.shape
    assert apart.shape[1] == a.shape[1]
    layouts = [found[name]["layout"] for name in ("a", "b", "difference")]
    assert {str(layout["xaxis"]["range"]) for layout in layouts} == {"[0, 5.0]"}
    assert layouts[0]["yaxis"]["range"] == layouts[1]["yaxis"]["range"]
    assert "16k" in layouts[0]["yaxis"]["ticktext"]
    band = a[:, 60].argmax()
    assert b[:, 60].argmax() == band
    assert abs(int(a[band, 60]) - int(b[band, 60])) <= 1
    assert apart[band, 60] == pytest.approx(0, abs=1)
    assert apart[band, -40] > 40
    assert apart.shape[0] < a.shape[0]
    assert (a[apart.shape[0] + 3 :] == -100).all()


def test_a_label_has_one_lane_and_one_colour_on_both_sides():
    """Rain comes first in B, so it has the first lane in both; A, which has none, keeps it free."""
    found = pair_figures(
        heard(tone(500, 5.0), events=[["Dog", 1.0, 2.0]]),
        heard(tone(500, 5.0), events=[["Rain", 0.5, 2.0], ["Dog", 3.0, 4.0]]),
    )
    names = [[trace["name"] for trace in found[side]["data"][1:]] for side in ("a", "b")]
    assert names == [["Rain", "Dog"], ["Rain", "Dog"]]
    assert found["a"]["data"][1]["base"] == []
    assert found["b"]["data"][1]["base"] == [0.5]
    assert found["a"]["layout"]["yaxis2"] == found["b"]["layout"]["yaxis2"]
    assert "yaxis2" not in found["difference"]["layout"]
    for side in ("a", "b"):
        go.Figure(found[side])


def test_timelines_wait_for_both():
    """One that was listened to alone would stand lower than the other."""
    found = pair_figures(heard(tone(500, 1.0), events=[["Dog", 0, 1]]), heard(tone(500, 1.0)))
    assert all("yaxis2" not in found[side]["layout"] for side in ("a", "b"))


def test_a_pair_of_silences_is_drawn():
    """Nothing differs, and no scale is empty."""
    found = pair_figures(
        heard(np.zeros((1, RATE), np.float32)), heard(np.zeros((1, 160), np.float32))
    )
    assert not unpacked(found["difference"]).any()
    go.Figure(found["a"])
