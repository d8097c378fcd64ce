"""The embedders that can be opened by name, and what each of them needs."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from pipelines.embedders.interface import Embedder
from pipelines.errors import StudioError


@dataclass(frozen=True, kw_only=True)
class Known:
    """One embedder by its short name."""

    module: str  # of pipelines.embedders; its `open_this(key, weights, device)` makes the embedder
    title: str  # the name in results
    is_classifier: bool = False  # whether KL and IS can use it
    published: str | None = None  # the weights to fetch: file and where; None: they are in assets


KNOWN = {
    "clap-evaluation": Known(module="clap", title="CLAP-evaluation"),
    "clap-reward": Known(module="clap", title="CLAP-reward"),
    "clap": Known(
        module="clap",
        title="CLAP-<name>",
        published="e.g. 630k-audioset-best.pt from https://huggingface.co/lukewys/laion_clap, or a "
        "folder in transformers' layout",
    ),
}


def open_embedder(name: str, *, weights: str | Path | None = None, device: str = "cpu") -> Embedder:
    """The embedder of this short name, ready to embed.

    Args:
        name: a key of `KNOWN`.
        weights: the published file (or folder) on this disk; not for those in our assets.
        device: where it computes.

    Raises:
        StudioError: an unknown name; weights that are not given, not there, or not this model's.
    """
    if name not in KNOWN:
        raise StudioError(f"There is no embedder {name!r}; choose one of {', '.join(KNOWN)}.")
    known = KNOWN[name]
    if known.published is None and weights is not None:
        raise StudioError(f"The embedder {name} has its weights in our assets; give no others.")
    if known.published is not None and weights is None:
        raise StudioError(
            f"The embedder {name} needs its published weights: {known.published}. Fetch them and "
            f"give the path: {name}=PATH on the command line, weights=PATH in Python."
        )
    module = import_module(f"pipelines.embedders.{known.module}")
    return module.open_this(name, weights, device)
