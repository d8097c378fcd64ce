"""Votes out and in: who may take what away, in which form, and what may be brought."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import StudioError
from studio.refusals import NotAllowed
from studio.services.campaigns.door import campaign_of, own_campaign
from studio.services.downloads import Downloads
from studio.services.vote_data.export import Writer, path_of
from studio.services.vote_data.formats import check_wish, forms_of
from studio.services.vote_data.importing import import_votes
from studio.services.vote_data.material import PAIRWISE, read_material
from studio.services.vote_data.push import push_folder
from studio.services.vote_data.tables import SCORES, VOTES, write_scores, write_votes
from studio.services.zip_streams import zip_stream
from studio.store.campaigns import OPEN
from studio.store.store import Store


@dataclass(frozen=True)
class VoteData:
    """Writes a campaign's votes and sounds for others, and reads theirs."""

    store: Store
    downloads: Downloads

    def forms(self, campaign: str) -> list[str]:
        """The forms that this campaign's votes have."""
        return forms_of(campaign_of(self.store, campaign).definition["task"])

    def export(self, owner: str, campaign: str, folder: Path, **wishes: Any) -> dict[str, Any]:
        """Write the votes into a folder; what it holds, and what was left out.

        Args:
            wishes: fields of `studio.services.vote_data.formats.Wish`.

        Raises:
            NotAllowed: it is somebody else's campaign.
            StudioError: a wish that cannot be met, no room, a folder with something else in it.
        """
        found = own_campaign(self.store, owner, campaign)
        wish = check_wish(found.definition, **wishes)
        refuse_used(folder)
        material = read_material(self.store, found, fair=wish.fair)
        writer = Writer(material=material, wish=wish, clips=self.store.clips, folder=folder)
        return {**writer.write(), "folder": str(folder)}

    def export_zip(self, owner: str, campaign: str, **wishes: Any) -> Iterator[bytes]:
        """The same as a zip, piece by piece; its sounds go out as they lie, however many.

        What is wrong is told before the first piece.
        """
        found = own_campaign(self.store, owner, campaign)
        wish = check_wish(found.definition, **wishes)
        material = read_material(self.store, found, fair=wish.fair)
        folder = self.downloads.new_folder()
        try:
            writer = Writer(
                material=material, wish=wish, clips=self.store.clips, folder=folder, copies=False
            )
            writer.write()
            top = f"votes-{found.id[:8]}"
            rows = [path for path in sorted(folder.rglob("*")) if path.is_file()]
            files = {f"{top}/{path.relative_to(folder)}": path for path in rows}
            files |= {
                f"{top}/{path_of(s)}": self.store.clips.path(s) for s in sorted(writer.sounds)
            }
            pieces = zip_stream(files)
        except StudioError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return sent(pieces, folder)

    def votes_table(self, owner: str, campaign: str) -> Path:
        """One CSV: a row per battle, or per score where sounds are scored.

        Others than the owner get it once a listed campaign is closed.

        They get it without voters' words, and without what could tell a voter which sound is whose.
        """
        found = campaign_of(self.store, campaign)
        is_mine = found.owner == owner
        if not is_mine and not found.definition["is_listed"]:
            raise NotAllowed("Only who made this campaign may take its votes away.")
        if not is_mine and found.status == OPEN:
            raise NotAllowed(
                "While this campaign is open, only who made it may take its votes away: they would "
                "tell voters what they are hearing. Come back when it is closed."
            )
        material = read_material(self.store, found, fair=False)
        is_battle = material.task == PAIRWISE
        name, write = (VOTES, write_votes) if is_battle else (SCORES, write_scores)
        path = self.downloads.new_folder() / f"{found.id[:8]}-{name}"
        write(material, path, is_public=not is_mine)
        return path

    def push(
        self,
        owner: str,
        campaign: str,
        repository: str,
        environment: Mapping[str, str],
        *,
        is_public: bool = False,
        **wishes: Any,
    ) -> dict[str, Any]:
        """Put the votes, as `datasets` reads them, on the Hugging Face Hub; private unless asked.

        Args:
            repository: organisation/name.
            environment: holds HF_TOKEN.
        """
        folder = self.downloads.new_folder()
        try:
            told = self.export(owner, campaign, folder / "data", **{**wishes, "form": "datasets"})
            at = push_folder(folder / "data", repository, environment, is_public=is_public)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return {**{k: v for k, v in told.items() if k != "folder"}, **at}

    def bring(self, owner: str, path: Path, **wishes: Any) -> dict[str, Any]:
        """Votes of another studio, or a preference set, as a campaign to read; what was taken.

        Args:
            path: a folder or zip that a studio exported, or a JSON file with sounds.
            wishes: sounds, task and title, see `studio.services.vote_data.importing.import_votes`.
        """
        return import_votes(self.store, owner, path, **wishes)


def refuse_used(folder: Path) -> None:
    """Only a new or an empty folder is written into: old rows must not lie beside new ones."""
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise StudioError(f"{folder} is not empty; name a new folder, so that nothing is mixed up.")


def sent(pieces: Iterator[bytes], folder: Path) -> Iterator[bytes]:
    """The pieces; the folder is gone after the last, or when nobody wants more."""
    try:
        yield from pieces
    finally:
        shutil.rmtree(folder, ignore_errors=True)
