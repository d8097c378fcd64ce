import base64

import numpy as np
import plotly.graph_objects as go
import pytest

from components.figures import candidate_figure, tick_step
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
