"""A published model written once as a diffusers folder: one subfolder per part, read without rules."""

import shutil
from collections.abc import Callable
from pathlib import Path

from pipelines.errors import StudioError
from pipelines.generate.checkpoints import CATALOGUE, folders_of, weights_bytes
from pipelines.generate.layouts import INDEX, function_of, layout_of

Writer = Callable[[Path, Path], None]  # from a published folder, into an empty one


def convert(name: str, target: Path) -> Path:
    """Write a published model as a diffusers folder, in float32, and give that folder.

    It appears under its name once it is whole; a card beside it says where it came from and on
    what terms, which are the same.

    Args:
        name: of a published model, or the path of its folder.
        target: a folder that is not there yet.

    Raises:
        StudioError: what `checkpoints.load` refuses, a target that is there, a folder that needs
            no conversion, or too little disk.
    """
    if target.exists():
        raise StudioError(f"{target} is there already; give a folder that is not.")
    source = folders_of(name)[0]
    found = layout_of(source)
    if found is None or found.writer is None:
        kind = "is a diffusers folder already" if (source / INDEX).is_file() else "is not published"
        raise StudioError(
            f"{source} {kind}, so there is nothing to convert; give the folder of a published "
            f"model, or one of {', '.join(CATALOGUE)}."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    needed, free = weights_bytes(source), shutil.disk_usage(target.parent).free
    if needed > free:
        raise StudioError(
            f"The converted folder takes {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free in "
            f"{target.parent}; make room, or give a folder on another disk."
        )
    write: Writer = function_of(found.writer)
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        write(source, part)
        (part / "README.md").write_text(card(name, found.licence))
        part.replace(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def card(name: str, licence: str) -> str:
    """The model card of a converted folder."""
    model = CATALOGUE.get(name)
    title, page = (model.title, f" ({model.page})") if model else (Path(name).name, "")
    return (
        f"---\nlicense: other\nlicense_name: {licence}\n---\n\n# {title}\n\nThe published weights of "
        f"{title}{page} as a diffusers folder; the values are unchanged, and so are the terms: "
        f"{licence}.\n"
    )
