"""Text-audio embeddings: one interface, two engines, fixed windows, never random crops.

`load` opens one of our two small CLAPs, a folder in transformers' layout, a model on the Hub, or a
checkpoint file as LAION publishes it; `engine` says whether transformers or laion-clap reads it.
"""

from pipelines.clap.interface import TextAudioEmbedder
from pipelines.clap.loading import BUILT_IN, load
from pipelines.clap.model import LONGEST_TEXT, Clap
from pipelines.clap.small import Kind, build, small_clap_config
from pipelines.clap.windows import fixed_windows

__all__ = [
    "BUILT_IN",
    "LONGEST_TEXT",
    "Clap",
    "Kind",
    "TextAudioEmbedder",
    "build",
    "fixed_windows",
    "load",
    "small_clap_config",
]
