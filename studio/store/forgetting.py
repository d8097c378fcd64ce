"""All rows of one voter are deleted at once; their name stays, so that no backup brings them back."""

from sqlalchemy import Connection, text

from studio.store.campaigns import insert
from studio.store.candidates import now
from studio.store.database import Database
from studio.store.segments import mark_stale
from studio.store.votes import LIVE

THEIR_SERVINGS = "(select id from servings where voter = :voter)"
THEIR_VOTES = "(select id from votes where voter = :voter)"
ABOUT_THEM = f"voter = :voter or vote in {THEIR_VOTES}"
# Which rows of which table, what names others before what is named.
THEIRS = {
    "drafts": f"serving in {THEIR_SERVINGS}",
    "exclusions": f"{ABOUT_THEM} or lifts in (select id from exclusions where {ABOUT_THEM})",
    "reveals": f"serving in {THEIR_SERVINGS}",
    "vote_scores": f"vote in {THEIR_VOTES}",
    "vote_aspects": f"vote in {THEIR_VOTES}",
    "votes": "voter = :voter",
    "hearings": f"serving in {THEIR_SERVINGS}",
    "servings": "voter = :voter",
    "joins": "voter = :voter",
    "voters": "id = :voter",
}


def forget(database: Database, voter: str) -> int:
    """Delete everything of this voter in one transaction; how many votes counted until now."""
    values = {"voter": voter}
    is_sqlite = database.engine.dialect.name == "sqlite"
    with database.write() as rows:
        hold_voter(rows, voter, is_sqlite)
        live = text(f"select count(*) from votes v where v.voter = :voter and {LIVE}")
        count = rows.execute(live, values).scalar()
        if is_sqlite:
            mark_stale(rows, {table: places(rows, table, voter) for table in THEIRS})
        for table, where in THEIRS.items():
            rows.execute(text(f"delete from {table} where {where}"), values)
        insert(rows, "forgotten", voter=voter, created_at=now())
    database.sweep()
    return count


def hold_voter(rows: Connection, voter: str, is_sqlite: bool) -> None:
    """Nobody votes in this name while it is deleted, and what is deleted is overwritten."""
    if is_sqlite:
        rows.exec_driver_sql("pragma secure_delete=on")
        return
    for table, column in (("voters", "id"), ("servings", "voter")):
        question = text(f"select 1 from {table} where {column} = :voter for update")
        rows.execute(question, {"voter": voter})


def places(rows: Connection, table: str, voter: str) -> list[int]:
    """Where the voter's rows of a table are; drafts are in no backup."""
    if table == "drafts":
        return []
    question = text(f"select position from {table} where {THEIRS[table]}")
    return list(rows.execute(question, {"voter": voter}).scalars())
