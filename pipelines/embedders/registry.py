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


OPENL3 = "torchopenl3_mel256_env_512.pth.tar from https://github.com/torchopenl3/torchopenl3-models"
KNOWN = {
    "clap-evaluation": Known(module="clap", title="CLAP-evaluation"),
    "clap-reward": Known(module="clap", title="CLAP-reward"),
    "clap": Known(
        module="clap",
        title="CLAP-<name>",
        published="e.g. 630k-audioset-best.pt from https://huggingface.co/lukewys/laion_clap, or a "
        "folder in transformers' layout",
    ),
    "panns": Known(
        module="panns",
        title="PANNs-16k or PANNs-32k",
        is_classifier=True,
        published="Cnn14_16k_mAP=0.438.pth or Cnn14_mAP=0.431.pth from "
        "https://zenodo.org/records/3987831",
    ),
    "vggish": Known(
        module="vggish",
        title="VGGish",
        published="vggish-10086976.pth from https://github.com/harritaylor/torchvggish/releases",
    ),
    "ast": Known(
        module="ast",
        title="AST",
        is_classifier=True,
        published="a folder with the files of "
        "https://huggingface.co/MIT/ast-finetuned-audioset-10-10-0.4593",
    ),
    "passt": Known(
        module="passt",
        title="PaSST",
        is_classifier=True,
        published="passt-s-f128-p16-s10-ap.476-swa.pt from "
        "https://github.com/kkoutini/PaSST/releases",
    ),
    "openl3": Known(
        module="openl3",
        title="OpenL3-mel256-env-512",
        published=OPENL3,
    ),
    "openl3-stereo": Known(
        module="openl3",
        title="OpenL3-mel256-env-512-stereo",
        published=OPENL3,
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
