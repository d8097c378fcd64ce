"""How exact the A/B player is: gaps, drift, clicks and loudness, measured in chromium.

    python -m tests.bench.bench_ab_player

prints JSON. The real transport plays chirps, one up and one down, whose every moment is unlike every
other, so that what comes out tells which sound it is and from where. "rendered" is an
OfflineAudioContext; "live" is an AudioContext of ten seconds, recorded by an AudioWorklet while the
page is kept busy now and then. Outside of the ramps every sample is compared with the file's.
"""

import base64
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyloudnorm
import soundfile
import soxr

ROOT = Path(__file__).resolve().parents[2]
HOME = "http://localhost/"  # answered by the test itself: nothing is served
FADE = 0.006  # s, the player's own
PEAK = 0.25


def open_player(browser: Any) -> Any:
    """A page of nothing but the transport and what measures it."""
    files = {path.name: path for path in (ROOT / "components" / "browser").glob("*.js")}
    files["ab_player.js"] = Path(__file__).with_name("ab_player.js")
    page = browser.new_page()
    page.set_default_timeout(120_000)

    def answer(route: Any) -> None:
        name = route.request.url.removeprefix(HOME)
        if name in files:
            route.fulfill(body=files[name].read_text(), content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html><title>player</title>", content_type="text/html")

    page.route(f"{HOME}**", answer)
    page.goto(HOME)
    return page


def call(page: Any, name: str, **wish: Any) -> Any:
    """A function of ab_player.js."""
    return page.evaluate(
        "([name, wish]) => import('/ab_player.js').then((player) => player[name](wish))",
        [name, wish],
    )


def coded(samples: np.ndarray) -> str:
    """Float32 samples as base64."""
    return base64.b64encode(samples.astype("<f4").tobytes()).decode()


def decoded(text: str) -> np.ndarray:
    """The samples that `coded` wrote, as float64."""
    return np.frombuffer(base64.b64decode(text), "<f4").astype(np.float64)


def chirps(rate: int, seconds: float) -> dict[str, np.ndarray]:
    """A rises from 200 to 2000 Hz, B falls: [samples] each, peak 0.25."""
    t = np.arange(round(seconds * rate)) / rate
    sweep = 2 * np.pi * (200 * t + 900 * t**2 / seconds)
    up = PEAK * np.sin(sweep)
    return {"a": up.astype(np.float32), "b": up[::-1].astype(np.float32)}


def judge(
    out: np.ndarray, rate: int, start: int, turns: list[tuple[int, str]], signals: dict
) -> dict[str, float]:
    """What came out against what should have.

    Args:
        out: what came out, [samples].
        start: the sample at which both sounds began.
        turns: (sample, side heard from there on), in order.
    """
    fade, length = round(FADE * rate) + 2, len(signals["a"])
    heard = np.zeros(len(out), int)  # 0: A, 1: B
    for sample, side in turns:
        heard[sample:] = side == "b"
    place = np.arange(len(out)) - start
    inside = (place >= fade) & (place < length)
    expected = np.zeros(len(out))
    for k, side in enumerate("ab"):
        mine = (heard == k) & (place >= 0) & (place < length)
        expected[mine] = signals[side][place[mine]]
    for sample, _ in turns:
        inside[max(0, sample - 2) : sample + fade] = False
    quiet = np.abs(out[start + fade : start + length - fade]) < 1e-4
    own = max(np.abs(np.diff(signals[side].astype(float))).max() for side in "ab")
    steps = np.abs(np.diff(out[start + 2 : start + length - 2]))
    return {
        "turns": len(turns),
        "samples_compared": int(inside.sum()),
        "largest_error": float(np.abs(out - expected)[inside].max()),
        "drift_ms": 1000 * drift(out, expected, inside, rate),
        "longest_silence_ms": 1000 * longest(quiet) / rate,
        "largest_step": float(steps.max()),
        "signals_own_step": float(own),
        "step_allowed": float(own + 2 * PEAK / (FADE * rate)),
    }


def drift(out: np.ndarray, expected: np.ndarray, inside: np.ndarray, rate: int) -> float:
    """The worst position error in seconds, over windows of 40 ms that hold no ramp."""
    window, reach, worst = round(0.04 * rate), round(0.01 * rate), 0
    for from_ in range(reach, len(out) - window - reach, 4 * window):
        if not inside[from_ - reach : from_ + window + reach].all():
            continue
        sound = out[from_ : from_ + window]
        lags = range(-reach, reach + 1, 1)
        errors = [
            np.sum((sound - expected[from_ + lag : from_ + lag + window]) ** 2) for lag in lags
        ]
        worst = max(worst, abs(lags[int(np.argmin(errors))]))
    return worst / rate


def longest(mask: np.ndarray) -> int:
    """The length of the longest run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def measure_rendered(page: Any, *, rate: int = 48000, turns: int = 80) -> dict[str, float]:
    """Ten seconds with many turns, rendered."""
    signals, generator = chirps(rate, 10.0), np.random.default_rng(1)
    moments = 0.3 + np.cumsum(0.05 + generator.random(turns) * 0.12)
    moments = [round(float(m) * rate) / rate for m in moments if m < 9.8]
    sides = ["b" if i % 2 == 0 else "a" for i in range(len(moments))]
    orders = [[0.1, "play"], *([m, "turn", s] for m, s in zip(moments, sides, strict=True))]
    out = call(
        page,
        "render",
        a=coded(signals["a"]),
        b=coded(signals["b"]),
        rate=rate,
        seconds=10.2,
        orders=[[at, name, *rest] for at, name, *rest in orders],
    )
    at = [(round(m * rate), s) for m, s in zip(moments, sides, strict=True)]
    return judge(decoded(out), rate, round(0.1 * rate), at, signals)


def measure_live(page: Any) -> dict[str, float]:
    """Ten seconds of a real AudioContext, turned over by hand as it were."""
    rate = int(call(page, "deviceRate"))
    signals, generator = chirps(rate, 10.5), np.random.default_rng(2)
    turns = [float(m) for m in 0.4 + np.cumsum(0.08 + generator.random(60) * 0.3) if m < 9.8]
    told = call(
        page, "live", a=coded(signals["a"]), b=coded(signals["b"]), seconds=10.1, turns=turns
    )
    out, first = decoded(told["samples"]), told["first"]
    at = [(round(moment * rate) - first, side) for moment, side in told["log"]]
    start = round(told["started"] * rate) - first
    out = out[: start + round(10.0 * rate)]
    found = judge(out, rate, start, [(s, side) for s, side in at if s < len(out)], signals)
    begun = first + int(np.flatnonzero(np.abs(out) > 1e-6)[0])  # by ear: the first sample heard
    clock = max(abs(place - (moment - begun / rate)) for moment, place in told["places"])
    return {**found, "rate": rate, "clock_ms": 1000 * clock}


def measure_loudness(page: Any, *, rate: int = 48000) -> dict[str, float]:
    """Two 16 kHz files 11 LU apart, decoded and played at 48 kHz with the gain they are given."""
    generator = np.random.default_rng(3)
    t = np.arange(16000 * 6) / 16000
    quiet = 0.05 * np.sin(2 * np.pi * 330 * t) + 0.01 * generator.normal(size=t.size)
    loud = 0.12 * generator.normal(size=t.size) * (0.4 + 0.6 * np.sin(2 * np.pi * 0.5 * t) ** 2)
    meter = pyloudnorm.Meter(rate)  # at 16 kHz its own filters bend: 0.2 LU in white noise
    lufs = {
        side: meter.integrated_loudness(soxr.resample(x, 16000, rate))
        for side, x in (("a", quiet), ("b", loud))
    }
    low = min(lufs.values())
    gains = {side: low - value for side, value in lufs.items()}
    files = [wav_of(x, 16000) for x in (quiet, loud)]
    heard = {}
    for side in "ab":
        out = call(
            page,
            "renderFiles",
            files=files,
            rates=[16000, 16000],
            rate=rate,
            seconds=6.05,
            gains=gains,
            side=side,
        )
        heard[side] = pyloudnorm.Meter(rate).integrated_loudness(decoded(out)[round(0.05 * rate) :])
    return {
        "files_apart_lu": abs(lufs["a"] - lufs["b"]),
        "heard_apart_lu": abs(heard["a"] - heard["b"]),
    }


def wav_of(samples: np.ndarray, rate: int) -> str:
    """A 16-bit WAV file as base64."""
    file = io.BytesIO()
    soundfile.write(file, samples.astype(np.float32), rate, format="WAV", subtype="PCM_16")
    return base64.b64encode(file.getvalue()).decode()


def main() -> None:
    """Measure all, print all."""
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import ARGUMENTS, CHROMIUM

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, headless=True, args=ARGUMENTS)
        page = open_player(browser)
        found = {
            "rendered": measure_rendered(page),
            "live": measure_live(page),
            "loudness": measure_loudness(page),
        }
        browser.close()
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
