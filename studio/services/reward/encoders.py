"""What a reward model reads sounds and prompts by, and a kept one as a scorer of other sounds."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import StudioError
from studio.services.engines import Engines
from studio.services.reward.request import BOTH_TEXTS, CLAP_TEXT, T5_TEXT, Settings

if TYPE_CHECKING:
    from pipelines.reward.embeddings import Encoder
    from pipelines.reward.head import HeadConfig
    from pipelines.reward.scorers import HeadScorer


def text_encoder(engines: Engines, text: str) -> "Encoder":
    """The encoder of prompts of this name; a T5 is that of the usual model.

    Args:
        text: of TEXTS.

    Raises:
        StudioError: the usual model has no T5, or CLAP or the model is not there.
    """
    from pipelines.reward.embeddings import side_by_side, text_of

    if text == CLAP_TEXT:
        return text_of(engines.clap())
    backend = engines.backend(engines.config.model)
    if not hasattr(backend, "pipe"):
        raise StudioError(
            f"The model {backend.name} has no T5 that could read prompts; choose clap as the text."
        )
    from pipelines.recipes.baton.text import t5_of

    t5 = t5_of(backend)
    return t5 if text == T5_TEXT else side_by_side(text_of(engines.clap()), t5)


def shape_of(settings: Settings, text_size: int, audio_size: int) -> "HeadConfig":
    """The head to train: the paper's plain one, or ours, which starts as CLAP.

    A T5 alone has no cosine with a sound, so there ours starts from nothing.

    Args:
        settings: with the text encoder chosen.
        text_size: numbers of a prompt's vector.
        audio_size: numbers of a sound's.
    """
    from pipelines.reward.head import HeadConfig, our_shape

    plain = HeadConfig(text_size=text_size, audio_size=audio_size, hidden=settings.hidden)
    if settings.preset == "paper":
        return plain
    if settings.text == T5_TEXT:
        return replace(plain, standardised=True)
    return replace(our_shape(text_size, audio_size), hidden=settings.hidden)


def scorer_in(folder: Path, engines: Engines) -> "HeadScorer":
    """The reward model that lies in a folder, ready to score.

    Raises:
        StudioError: files that are missing or broken, or other encoders than it was trained on.
    """
    from pipelines.reward.saved import load_head
    from pipelines.reward.scorers import HeadScorer

    head, ground = load_head(folder)
    text = ground.trained_on.get("settings", {}).get("text", CLAP_TEXT)
    if text not in (CLAP_TEXT, BOTH_TEXTS, T5_TEXT):
        raise StudioError(
            f"The reward model in {folder.name} reads prompts by {str(text)[:40]!r}, which is not "
            "known here; train it again."
        )
    return HeadScorer(head, ground, engines.clap(), text=text_encoder(engines, text))
