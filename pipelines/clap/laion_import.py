"""Importing laion_clap 1.1.7 without what it drags along; nothing else in the process sees it.

It imports torchvision for an image tower that CLAP does not have, asks the Hub for three
tokenizers, puts its own folder on the module path, and reaches librosa, which compiles for a
quarter of a minute at its first use. Each is dealt with while it is imported or built, no longer.
"""

import contextlib
import importlib.util
import sys
import threading
import types
from collections.abc import Iterator, Mapping
from importlib.machinery import ModuleSpec
from typing import Any

import numpy as np
from torch import nn

from pipelines.errors import StudioError

IMAGE_NAMES = ("Normalize", "Compose", "RandomResizedCrop", "InterpolationMode", "ToTensor",
               "Resize", "CenterCrop")  # fmt: skip
TOKENIZERS = ("BertTokenizer", "RobertaTokenizer", "BartTokenizer")
IMPORTING = threading.Lock()


def import_laion_clap() -> types.ModuleType:
    """laion_clap's module of models, imported once, leaving path and modules as they were.

    Raises:
        StudioError: laion_clap is not installed.
    """
    with IMPORTING:
        if "laion_clap" not in sys.modules:
            if importlib.util.find_spec("laion_clap") is None:
                raise StudioError(
                    "laion-clap is not installed; pip install it (requirements.txt), or use "
                    'engine="transformers", which reads the same files.'
                )
            from transformers.utils import is_torchvision_available

            is_torchvision_available()  # remembered now, so that stand-ins are not taken for it
            with same_path(), image_stand_ins(), no_tokenizers():
                import laion_clap  # noqa: F401
        return sys.modules["clap_module"]


@contextlib.contextmanager
def image_stand_ins() -> Iterator[None]:
    """Empty modules under the names of torchvision that laion_clap imports, if it is absent."""
    if importlib.util.find_spec("torchvision") is not None:
        yield
        return
    held = {
        "torchvision": {},
        "torchvision.ops": {},
        "torchvision.ops.misc": {"FrozenBatchNorm2d": nn.Module},
        "torchvision.transforms": dict.fromkeys(IMAGE_NAMES, object),
        "torchvision.datasets": {},
    }
    for name, values in held.items():
        module = types.ModuleType(name)
        module.__spec__ = ModuleSpec(name, None, is_package=True)
        module.__path__ = []
        vars(module).update(values)
        sys.modules[name] = module
        parent, _, own = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], own, module)
    try:
        yield
    finally:
        for name in held:
            sys.modules.pop(name, None)


@contextlib.contextmanager
def no_tokenizers() -> Iterator[None]:
    """laion_clap's three tokenizers are not fetched; other threads still get theirs."""
    import transformers

    importer = threading.get_ident()
    kinds = {getattr(transformers, name) for name in TOKENIZERS}  # two may be one class
    usual = transformers.PreTrainedTokenizerBase.from_pretrained.__func__

    def from_pretrained(cls: type, *args: Any, **settings: Any) -> Any:
        if threading.get_ident() == importer:
            return None
        return usual(cls, *args, **settings)

    for kind in kinds:
        kind.from_pretrained = classmethod(from_pretrained)
    try:
        yield
    finally:
        for kind in kinds:
            del kind.from_pretrained  # uncovers the one that it inherits


@contextlib.contextmanager
def same_path() -> Iterator[None]:
    """Leave the module path as it was."""
    before = list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = before


@contextlib.contextmanager
def swapped(owner: types.ModuleType, names: Mapping[str, Any]) -> Iterator[None]:
    """Other values under these names of a module, for a while."""
    before = {name: vars(owner).get(name) for name in names}
    vars(owner).update(names)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                vars(owner).pop(name)
            else:
                vars(owner)[name] = value


def filters_stand_in() -> types.SimpleNamespace:
    """The three functions of librosa that laion_clap's spectrogram is built with.

    The window is librosa's own, the filters are within 2e-9 of librosa's (of at most 0.018); and a
    checkpoint brings both along anyway.
    """
    from scipy.signal import get_window
    from transformers.audio_utils import mel_filter_bank

    def mel(*, sr: int, n_fft: int, n_mels: int, fmin: float, fmax: float) -> np.ndarray:
        bank = mel_filter_bank(
            n_fft // 2 + 1, n_mels, fmin, fmax, sr, norm="slaney", mel_scale="slaney"
        )
        return bank.T.astype(np.float32)  # [mels, bins]

    def pad_center(window: np.ndarray, *, size: int) -> np.ndarray:
        left = (size - len(window)) // 2
        return np.pad(window, (left, size - len(window) - left))

    return types.SimpleNamespace(
        filters=types.SimpleNamespace(get_window=get_window, mel=mel),
        util=types.SimpleNamespace(pad_center=pad_center),
    )
