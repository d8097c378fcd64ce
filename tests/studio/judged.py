"""Campaigns that have been labelled or voted in, for tests of what is learned from them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.seeds import numpy_generator
from studio.store.store import Store
from studio.visitors import HERE
from tests.studio.casting import cast
from tests.studio.sine_engines import SineClap, SineEngines
from tests.studio.small_campaign import small_campaign

LOW = 1200  # Hz; sines lie between 200 and 2200


@dataclass
class BandClap(SineClap):
    """Hears how loud each of 16 bands is, so that low sines lie together; words lie anywhere."""

    dimensions: int = 16

    def embed_audio(self, audio: Sequence[np.ndarray], sample_rate: int) -> np.ndarray:
        found = []
        for clip in audio:
            spectrum = np.abs(np.fft.rfft(clip[0], sample_rate))[: sample_rate // 7]
            bands = np.array([part.max() for part in np.array_split(spectrum, self.dimensions)])
            found.append(bands / max(np.linalg.norm(bands), 1e-9))
        return np.array(found, np.float32)

    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        rows = [numpy_generator(0, "text", text).normal(size=self.dimensions) for text in texts]
        return np.array([row / np.linalg.norm(row) for row in rows], np.float32)


class BandEngines(SineEngines):
    """Sines, with a CLAP that can tell high ones from low ones."""

    def _load_clap(self, name: str) -> SineClap:
        super()._load_clap(name)
        return BandClap(revision=f"bands {name}")


def labelled(
    store: Store,
    task: str = "integrity",
    prompts: int = 12,
    systems: int = 5,
    *,
    voters: tuple[str, ...] = ("ann",),
    slips: float = 0.1,
    owner: str = HERE,
    voters_are: str = "people",
    prompts_as: list[dict] | None = None,
    **changes,
) -> str:
    """A campaign of sines in which low ones were called aligned; its id.

    Args:
        prompts: how many; each asks for other events.
        systems: sounds of each prompt.
        voters: who labelled all of it.
        slips: the share of labels that are turned round.
        voters_are: "people" or "simulated".
        prompts_as: the prompts themselves, as a definition has them.
    """
    changes = {"voters": voters_are, **changes}
    asked = prompts_as or prompts
    campaign = small_campaign(store, task, systems, asked, owner=owner, **changes)
    low = lows(store, campaign)
    draws = numpy_generator(1, "slips")
    for voter in voters:
        for (prompt, system), is_low in low.items():
            said = float(is_low != (draws.random() < slips))
            cast(
                store, campaign, voter, prompt, (system,), None, kind="set",
                scores=((0, task, said),),
            )  # fmt: skip
    return campaign


def preferred(
    store: Store, prompts: int = 12, systems: int = 4, *, voters=("ann",), owner=HERE, **changes
) -> str:
    """A pairwise campaign in which the lower of two sines won; its id."""
    campaign = small_campaign(store, "pairwise", systems, prompts, owner=owner, **changes)
    low = lows(store, campaign)
    for voter in voters:
        for prompt in range(prompts):
            for one in range(systems - 1):
                sides = (f"s{one}", f"s{one + 1}")
                a, b = (low[prompt, side] for side in sides)
                outcome = "tie" if a == b else "a" if a else "b"
                cast(store, campaign, voter, prompt, sides, outcome)
    return campaign


def lows(store: Store, campaign: str) -> dict[tuple[int, str], bool]:
    """Whether each sine is a low one, by prompt and system."""
    found = {}
    for clip in store.campaigns.clips(campaign):
        audio, rate = store.clips.read(clip.source)
        loudest = np.abs(np.fft.rfft(audio[0])).argmax() * rate / audio.shape[1]
        found[clip.prompt, clip.system] = loudest < LOW
    return found
