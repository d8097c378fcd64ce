"""The spoiled twin of a sound, for gold battles: anyone who listens hears which of the two it is."""

import numpy as np

from pipelines.seeds import numpy_generator

LOW_PASS_HZ = 3_500  # the anchor of listening tests (ITU-R BS.1534): dull as an old telephone
ORDER = 8  # steep enough that hardly anything is left an octave above
GAP_SECONDS = (0.12, 0.25)  # long enough to be heard as holes, also in steady rain
EVERY_SECONDS = 0.7  # a hole about so often, so that some fall where something sounds
NOISE_DB = -12.0  # hiss under the sound's own loud moments: plain, and the sound still known
LEAST_NOISE = 10 ** (-45 / 20)  # a silent sound gets a hiss too


def degraded(audio: np.ndarray, sample_rate: int, seed: int) -> np.ndarray:
    """The sound dulled, full of holes and hissing; same length, channels and rate.

    One fault would not do for every sound: dulling is not heard in a low hum, hiss not in rain,
    holes not in knocks; the three together spare none.

    Args:
        audio: float32 [channels, samples].
        sample_rate: Hz.
        seed: of the holes and the hiss.
    """
    from scipy.signal import butter, sosfilt

    sound = audio.astype(np.float64)
    if sample_rate > 2 * LOW_PASS_HZ:
        sound = sosfilt(butter(ORDER, LOW_PASS_HZ, fs=sample_rate, output="sos"), sound, axis=1)
    hiss = numpy_generator(seed, "hiss").normal(size=sound.shape[1])
    level = max(LEAST_NOISE, loud_rms(sound, sample_rate) * 10 ** (NOISE_DB / 20))
    # Holes are cut out of the hiss as well: a steady hiss would fill them.
    spoiled = (sound + level * hiss) * holes(sound.shape[1], sample_rate, seed)
    highest = np.abs(spoiled).max(initial=1.0)
    return (spoiled / highest).astype(np.float32)


def holes(samples: int, sample_rate: int, seed: int) -> np.ndarray:
    """1 where sound is let through and 0 in the holes, [samples]; edges are hard on purpose."""
    draws = numpy_generator(seed, "holes")
    kept = np.ones(samples)
    step = EVERY_SECONDS * sample_rate
    for number in range(int(np.ceil(samples / step))):
        start = int((number + draws.uniform(0, 0.6)) * step)
        length = int(draws.uniform(*GAP_SECONDS) * sample_rate)
        kept[start : start + length] = 0
    return kept


def loud_rms(audio: np.ndarray, sample_rate: int) -> float:
    """The level of a sound's loudest 0.2 s, as a root mean square over all channels."""
    size = min(audio.shape[1], max(1, round(0.2 * sample_rate)))
    power = np.square(audio).mean(axis=0)
    running = np.convolve(power, np.ones(size) / size, mode="valid")
    return float(np.sqrt(max(0.0, running.max(initial=0.0))))
