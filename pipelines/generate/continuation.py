"""Sounds longer than a model's window: window after window, each made to go on from the last.

A window begins with frames that the one before it ended with. While it is sampled those frames are
held to what they are, noised to each step's level (inpainting), so that what comes after them
follows. The last frames of a window know that the sound ends there (what is encoded after them is
padding), so they are dropped where it goes on. The latents are then one sequence, decoded as one,
so that the waveform has no seams.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from pipelines.errors import StudioError
from pipelines.generate.codec import Codec
from pipelines.records import Prompt, Settings
from pipelines.seeds import fork

OVERLAP = 0.25  # of a window that the next one begins with: 7.5 s of TangoFlux
EDGE = 1  # reaches of the decoder that are dropped where a window ends and the sound does not
MOST_WINDOWS = 10  # times the window: five minutes of TangoFlux

# (prompts, settings, known latents or None, told after every step) -> latents [B, frames, channels]
MakeWindow = Callable[
    [Sequence[Prompt], Sequence[Settings], Tensor | None, Callable[[int], None]], Tensor
]


class Windowed(Protocol):
    """What a backend needs for long sounds."""

    codec: Codec
    max_seconds: float
    latent_shape: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Where the windows of a sound begin, in latent frames.

    Args:
        frames: of one window.
        overlap: frames that a window begins with and the one before it made.
        dropped: frames at the end of every window but the last.
        needed: frames of the whole sound.
    """

    frames: int
    overlap: int
    dropped: int
    needed: int

    @property
    def hop(self) -> int:
        """From the first frame of a window to that of the next."""
        return self.frames - self.overlap - self.dropped

    @property
    def starts(self) -> list[int]:
        """The first frame of each window; the last window reaches the end of the sound."""
        beyond = max(0, self.needed - self.frames)
        return [self.hop * place for place in range(1 + -(-beyond // self.hop))]


def windows_of(backend: Windowed, samples: int) -> Windows:
    """The windows of a sound of so many samples."""
    frames, codec = backend.latent_shape[0], backend.codec
    return Windows(
        frames=frames,
        overlap=max(1, int(frames * OVERLAP)),
        dropped=EDGE * codec.look_ahead,
        needed=-(-samples // codec.hop),
    )


def make_long(
    backend: Windowed,
    prompts: Sequence[Prompt],
    settings: Sequence[Settings],
    make_window: MakeWindow,
    on_step: Callable[[int, int], None] | None = None,
) -> list[Tensor]:
    """Latents [frames, channels] of each sound, some of them longer than the window.

    The first window is the sound that the prompt gives at the model's full length, from the same
    seed; the words are told to every window. Later windows draw their noise from forks of the seed.

    Args:
        backend: its codec and its window.
        prompts: B of them.
        settings: one per prompt; steps are shared.
        make_window: samples one batch of windows.
        on_step: told of the steps done and of all, over all windows.
    """
    rate = backend.codec.sample_rate
    plans = [windows_of(backend, int(prompt.seconds * rate)) for prompt in prompts]
    most, steps = max(len(plan.starts) for plan in plans), settings[0].steps
    made: list[Tensor] = [torch.empty(0)] * len(prompts)
    for place in range(most):
        rows = [row for row, plan in enumerate(plans) if place < len(plan.starts)]
        asked = [
            replace(prompts[row], seconds=left(backend, prompts[row], plans[row].starts[place]))
            for row in rows
        ]
        seeded = [replace(settings[row], seed=seed_of(settings[row].seed, place)) for row in rows]
        known = torch.stack([made[row][-plans[row].overlap :] for row in rows]) if place else None

        def told(done: int, place: int = place) -> None:
            if on_step is not None:
                on_step(place * steps + done, most * steps)

        for row, latents in zip(rows, make_window(asked, seeded, known, told), strict=True):
            plan = plans[row]
            is_last = place + 1 == len(plan.starts)
            fresh = latents if is_last else latents[: plan.frames - plan.dropped]
            made[row] = torch.cat([made[row], fresh[plan.overlap :]]) if place else fresh
    return made


def left(backend: Windowed, prompt: Prompt, start: int) -> float:
    """The seconds that a window which begins at this frame is asked for."""
    gone = start * backend.codec.hop / backend.codec.sample_rate
    return min(backend.max_seconds, prompt.seconds - gone)


def seed_of(seed: int, place: int) -> int:
    """The seed of a window: the first has the sound's own."""
    return fork(seed, "window", place) if place else seed


def decode_long(
    backend: Windowed, latents: Tensor, samples: int, decode: Callable[[Tensor, int], Tensor]
) -> Tensor:
    """The sound of one long sequence of latents, float32 [channels, samples].

    The first window is decoded as it is alone, up to where the second begins, so that these bytes
    are those of the plain sound; the rest with all the frames that reach into it.

    Args:
        backend: its codec and its window.
        latents: [frames, channels].
        samples: how many to give.
        decode: latents [1, T, C] and samples to sound [1, channels, samples].
    """
    codec, plan = backend.codec, windows_of(backend, samples)
    first, reach = latents[None, : plan.frames], codec.look_ahead
    pieces = [decode(first, plan.frames * codec.hop)[0, :, : plan.hop * codec.hop]]
    for start in range(plan.hop, plan.needed, plan.hop):
        back = max(0, start - reach)
        heard = min(start + plan.hop, len(latents)) - back
        around = latents[None, back : back + heard + reach]
        piece = decode(around, heard * codec.hop)[0]
        pieces.append(piece[:, (start - back) * codec.hop :])
    return torch.cat(pieces, dim=-1)[:, :samples]


def check_reach(backend: Windowed, name: str) -> None:
    """Nothing, or a StudioError where the overlap is too short for a decoder without seams."""
    plan = windows_of(backend, 0)
    if plan.overlap < backend.codec.look_ahead or plan.hop < 1:
        raise StudioError(
            f"{name} has windows of {backend.latent_shape[0]} frames, too short to be joined "
            f"without seams; ask for at most {backend.max_seconds:g} s."
        )
