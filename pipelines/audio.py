"""One audio contract: float32 [channels, samples] beside a sample rate in Hz; read, write, level."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.errors import StudioError

MAX_SECONDS = 600  # longest file that is read, so that an upload cannot fill the memory
FORMATS = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_16")}


def read_audio(path: str | Path, *, sample_rate: int | None = None) -> tuple[np.ndarray, int]:
    """The sound in a file, resampled (soxr HQ) when a rate is asked for.

    Args:
        path: WAV, FLAC, OGG or MP3, at most 600 s.
        sample_rate: Hz to resample to; None keeps the file's own.

    Returns:
        float32 [channels, samples], and its sample rate in Hz.

    Raises:
        StudioError: no such file, not audio, too long, empty.
    """
    import soundfile

    path = Path(path)
    if not path.is_file():
        raise StudioError(f"There is no file {path}; give the path of a WAV, FLAC, OGG or MP3.")
    try:
        with soundfile.SoundFile(path) as sound:
            if sound.frames > MAX_SECONDS * sound.samplerate:
                raise StudioError(
                    f"{path.name} lasts {sound.frames / sound.samplerate:.0f} s; "
                    f"at most {MAX_SECONDS} s are read. Cut it first."
                )
            audio, rate = sound.read(dtype="float32", always_2d=True).T, sound.samplerate
    except soundfile.LibsndfileError as error:
        raise StudioError(
            f"{path.name} is not audio that can be read ({error.error_string}); "
            "give a WAV, FLAC, OGG or MP3."
        ) from error
    if audio.shape[1] == 0:
        raise StudioError(f"{path.name} holds no samples; give a file with sound in it.")
    if sample_rate is None or sample_rate == rate:
        return np.ascontiguousarray(audio), rate
    return resample(audio, rate, sample_rate), sample_rate


def resample(audio: np.ndarray, rate: int, to_rate: int) -> np.ndarray:
    """The same sound at another rate, by soxr HQ. [channels, samples] in and out."""
    import soxr

    return np.ascontiguousarray(soxr.resample(audio.T, rate, to_rate, quality="HQ").T)


def write_audio(
    path: str | Path, audio: np.ndarray, sample_rate: int, *, settings: dict[str, Any] | None = None
) -> Path:
    """Write 16-bit WAV or FLAC, by the suffix, with the settings as JSON in the comment field.

    The file appears whole or not at all. Samples beyond [-1, 1] are clipped.

    Args:
        path: ends in .wav or .flac.
        audio: [channels, samples] in [-1, 1].
        sample_rate: Hz.
        settings: plain values to embed; read them back with `read_settings`.

    Raises:
        StudioError: another suffix, samples that are not numbers, no room on the disk.
    """
    import soundfile

    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise StudioError(f"Cannot write {path.suffix or 'no suffix'}; choose .wav or .flac.")
    if audio.ndim != 2 or not np.isfinite(audio).all():
        raise StudioError("The sound holds values that are not numbers; nothing was written.")
    container, subtype = FORMATS[path.suffix.lower()]
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with soundfile.SoundFile(
            part, "w", sample_rate, audio.shape[0], subtype=subtype, format=container
        ) as sound:
            if settings is not None:
                sound.comment = json.dumps(settings, sort_keys=True, ensure_ascii=False)
            sound.write(np.clip(audio, -1.0, 1.0).T)
        part.replace(path)
    except (OSError, soundfile.LibsndfileError) as error:
        part.unlink(missing_ok=True)
        raise StudioError(
            f"{path.name} could not be written ({error}); free some disk space or choose "
            "another folder."
        ) from error
    return path


def read_settings(path: str | Path) -> dict[str, Any] | None:
    """The settings that `write_audio` embedded, or None when the file carries none."""
    import soundfile

    with soundfile.SoundFile(Path(path)) as sound:
        comment = sound.comment
    try:
        found = json.loads(comment) if comment else None
    except json.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def mono(audio: np.ndarray) -> np.ndarray:
    """The mean of the channels, [samples]."""
    return audio.mean(axis=0)


def fit_length(audio: np.ndarray, samples: int) -> np.ndarray:
    """Cut, or pad with silence at the end, to exactly `samples` on the last axis."""
    short = samples - audio.shape[-1]
    if short <= 0:
        return audio[..., :samples]
    return np.pad(audio, [(0, 0)] * (audio.ndim - 1) + [(0, short)])
