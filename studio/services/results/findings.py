"""What the statistics of a campaign's task say of its ballots, with the counts they stand on."""

from typing import Any

import numpy as np

from pipelines.vote import board
from studio.services.results import pairwise, scores
from studio.services.results.counted import Ballots, distinct, groups
from studio.store.store import Store

SIMULATED = "The voters are simulated listeners, for tests and demos; no person voted here."


def found(
    store: Store, ballots: Ballots, intervals: str, outcome: np.ndarray | None
) -> dict[str, Any]:
    """Counts, verdict, notes, and the board or the tables, as plain values.

    Args:
        store: where scores are.
        ballots: whose statistics.
        intervals: of a board, see `board.evaluate`.
        outcome: [votes] of an aspect; None for the vote itself.
    """
    columns, definition = ballots.columns, ballots.campaign.definition
    titles = ballots.titles
    counts = {
        "votes": int(ballots.counts.sum()),
        "voters": int(np.count_nonzero(np.bincount(columns.voter[ballots.counts]))),
        "by_kind": pairwise.counts(ballots),
        "left_out": ballots.left_out,
        "excluded": len(ballots.excluded),
    }
    told = {"counts": counts, "seed": ballots.seed, "titles": titles}
    is_simulated = definition["voters"] == "simulated"
    whose, who = ([SIMULATED], "simulated voter") if is_simulated else ([], "voter")
    if definition["task"] != "pairwise":
        tables = tables_of(store, ballots)
        verdict = scores.verdict(definition["task"], tables, titles, who)
        told |= {"method": scores.METHOD, "tables": tables}
        return told | {"verdict": verdict, "notes": whose}
    made = pairwise.board_of(ballots, intervals=intervals, outcome=outcome)
    notes = [*made["notes"], *pairwise.sides_said(made["sides"])] if made else []
    told |= {"method": board.METHOD, "board": made, "notes": [*whose, *notes]}
    return told | {"verdict": pairwise.verdict(made, titles, who)}


def tables_of(store: Store, ballots: Ballots) -> list[dict[str, Any]]:
    """The tables of a task that scores or labels each sound."""
    definition = ballots.campaign.definition
    if definition["task"] == "ovl_rel":
        return scores.score_tables(store, ballots)
    if definition["task"] == "mos":
        return scores.opinion_tables(store, ballots)
    return scores.label_tables(store, ballots, distinct(groups(definition)))
