"""The open store: one database and one folder of clips, brought up to the present schema."""

from pathlib import Path

from studio.store.campaigns import CampaignTable
from studio.store.candidates import CandidateTable
from studio.store.clips import ClipFolder
from studio.store.database import Database, local_url
from studio.store.jobs import JobTable
from studio.store.migrations import migrate
from studio.store.servings import ServingTable
from studio.store.vote_columns import VoteColumns
from studio.store.votes import VoteTable


class Store:
    """All that the studio remembers.

    Args:
        folder: where clips lie, and the SQLite database when no URL is given.
        url: SQLAlchemy URL of another database, such as PostgreSQL.
    """

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self.folder = Path(folder)
        self.database = Database(url or local_url(self.folder))
        migrate(self.database)
        self.clips = ClipFolder(self.folder / "clips")
        self.candidates = CandidateTable(self.database)
        self.jobs = JobTable(self.database)
        self.campaigns = CampaignTable(self.database)
        self.servings = ServingTable(self.database)
        self.votes = VoteTable(self.database)
        self.columns = VoteColumns(self.database)

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()
