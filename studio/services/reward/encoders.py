"""What a reward model reads sounds and prompts by, and a kept one as a scorer of other sounds."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import StudioError
from studio.services.engines import Engines
from studio.services.reward.request import CLAP_TEXT, IN_STRETCHES, T5_TEXT, Settings

if TYPE_CHECKING:
    from pipelines.clap.interface import TextAudioEmbedder
    from pipelines.reward.embeddings import Encoder
    from pipelines.reward.head import HeadConfig
    from pipelines.reward.scorers import HeadScorer
    from pipelines.reward.stretches import Stretches


def audio_encoder(engines: Engines, hears: str) -> "TextAudioEmbedder":
    """The reward CLAP, or its stretches."""
    from pipelines.recipes.baton.text import stretched

    return stretched(engines.clap()) if hears == IN_STRETCHES else engines.clap()


def layout_of(engines: Engines, hears: str) -> "Stretches | None":
    """How the vectors of stretches are laid out; None where sounds are heard as a whole."""
    from pipelines.reward.stretches import Stretched

    ears = audio_encoder(engines, hears)
    return ears.layout if isinstance(ears, Stretched) else None


def text_encoder(engines: Engines, settings: Settings) -> "Encoder":
    """The encoder of prompts that is asked for; a T5 is that of the usual model.

    Raises:
        StudioError: the usual model has no T5, or CLAP or the model is not there.
    """
    from pipelines.recipes.baton.text import t5_of
    from pipelines.reward.embeddings import side_by_side, text_of

    own = text_of(audio_encoder(engines, settings.hears))
    if settings.text == CLAP_TEXT:
        return own
    t5 = t5_of(with_t5(engines))
    return t5 if settings.text == T5_TEXT else side_by_side(own, t5)


def with_t5(engines: Engines) -> Any:
    """The usual model, whose T5 can read prompts.

    Raises:
        StudioError: it has none.
    """
    backend = engines.backend(engines.config.model)
    if not hasattr(backend, "pipe"):
        raise StudioError(
            f"The model {backend.name} has no T5 that could read prompts; choose clap as the text."
        )
    return backend


def shape_of(
    settings: Settings, text_size: int, audio_size: int, layout: "Stretches | None"
) -> "HeadConfig":
    """The head to train: the paper's plain one, or ours, which starts as CLAP.

    A T5 alone has no cosine with a sound, so there ours starts from nothing.

    Args:
        settings: with the text encoder chosen.
        text_size: numbers of a prompt's vector.
        audio_size: numbers of a sound's.
        layout: of both, where sounds are heard in stretches.
    """
    from pipelines.reward.head import HeadConfig, our_shape

    plain = HeadConfig(
        text_size=text_size, audio_size=audio_size, hidden=settings.hidden, stretches=layout
    )
    if settings.preset == "paper":
        return plain
    if settings.text == T5_TEXT:
        return replace(plain, standardised=True)
    return replace(our_shape(text_size, audio_size, layout), hidden=settings.hidden)


def scorer_in(folder: Path, engines: Engines) -> "HeadScorer":
    """The reward model that lies in a folder, ready to score.

    Raises:
        StudioError: files that are missing or broken, or other encoders than it was trained on.
    """
    from pipelines.recipes.baton.text import scorer_of
    from pipelines.reward.saved import load_head

    return scorer_of(*load_head(folder), engines.clap(), lambda: with_t5(engines))
