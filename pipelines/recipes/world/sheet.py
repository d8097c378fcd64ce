"""The spectrogram sheet: every event rendered and, beside it, generated, as one picture."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pipelines.records import Prompt, Settings
from pipelines.seeds import numpy_generator
from pipelines.soundworld.events import LABELS, render_event
from pipelines.soundworld.lexicon import phrases

SECONDS = 4.0
CELL = (200, 88)  # pixels of one spectrogram
COLUMNS = 4
COLOURS = np.array(  # from dark to light, interpolated
    [[8, 8, 24], [60, 20, 90], [150, 40, 110], [225, 90, 80], [250, 170, 90], [255, 245, 200]]
)


def picture_of(sound: np.ndarray) -> Image.Image:
    """A sound [samples] at 16 kHz as a picture: 0 to 8 kHz upwards on a warped axis, 70 dB deep."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(sound, 512), 1024)[::160]
    power = np.abs(np.fft.rfft(frames * np.hanning(1024), axis=1)) ** 2
    decibels = 10 * np.log10(power + 1e-10)
    share = np.clip((decibels - decibels.max() + 70) / 70, 0, 1)  # [frames, bins]
    rows = (np.linspace(1, 0, CELL[1]) ** 1.8 * 511).astype(int)
    columns = np.linspace(0, len(share) - 1, CELL[0]).astype(int)
    value = share[columns][:, rows].T
    colour = np.stack(
        [np.interp(value, np.linspace(0, 1, len(COLOURS)), COLOURS[:, c]) for c in range(3)], axis=2
    )
    return Image.fromarray(colour.astype(np.uint8))


def draw_sheet(assets: Path, *, generate: bool = True) -> Path:
    """Write assets/events.png: for each event, a render on the left, a generated one on the right.

    Args:
        assets: holds the embedded model and receives the picture.
        generate: whether to fill the right half.
    """
    made = _generated() if generate else {}
    wide, high = 2 * CELL[0] + 18, CELL[1] + 30
    rows = -(-len(LABELS) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * wide + 18, rows * high + 14), (18, 18, 28))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for number, label in enumerate(LABELS):
        x, y = 18 + number % COLUMNS * wide, 10 + number // COLUMNS * high
        pen.text((x, y), label, fill=(235, 235, 240), font=font)
        render = render_event(label, numpy_generator(1, "sheet", label), SECONDS)
        sheet.paste(picture_of(render), (x, y + 20))
        if label in made:
            sheet.paste(picture_of(made[label]), (x + CELL[0] + 4, y + 20))
    path = assets / "events.png"
    sheet.quantize(128).save(path, optimize=True)
    return path


def _generated() -> dict[str, np.ndarray]:
    from pipelines.generate.checkpoints import load
    from pipelines.generate.sampling import generate

    backend = load("embedded")
    prompts = [Prompt(text=phrases(label)[0].finite, seconds=SECONDS) for label in LABELS]
    settings = Settings(seed=1, steps=backend.default_steps, guidance=backend.default_guidance)
    found = generate(backend, prompts, settings=settings)
    return {label: c.audio[0] for label, c in zip(LABELS, found, strict=True)}
