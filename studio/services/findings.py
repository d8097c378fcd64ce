"""What the statistics of a campaign's task say of its ballots, with the counts they stand on."""

from typing import Any

import numpy as np

from pipelines.vote import board
from studio.services import pairwise_results, score_results
from studio.services.ballots import Ballots, distinct, groups
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
        "by_kind": pairwise_results.counts(ballots),
        "left_out": ballots.left_out,
        "excluded": len(ballots.excluded),
    }
    told = {"counts": counts, "seed": ballots.seed, "titles": titles}
    is_simulated = definition["voters"] == "simulated"
    whose, who = ([SIMULATED], "simulated voter") if is_simulated else ([], "voter")
    if definition["task"] != "pairwise":
        tables = tables_of(store, ballots)
        verdict = score_results.verdict(definition["task"], tables, titles, who)
        told |= {"method": score_results.METHOD, "tables": tables}
        return told | {"verdict": verdict, "notes": whose}
    made = pairwise_results.board_of(ballots, intervals=intervals, outcome=outcome)
    notes = [*made["notes"], *pairwise_results.sides_said(made["sides"])] if made else []
    told |= {"method": board.METHOD, "board": made, "notes": [*whose, *notes]}
    return told | {"verdict": pairwise_results.verdict(made, titles, who)}


def tables_of(store: Store, ballots: Ballots) -> list[dict[str, Any]]:
    """The tables of a task that scores or labels each sound."""
    definition = ballots.campaign.definition
    if definition["task"] == "ovl_rel":
        return score_results.score_tables(store, ballots)
    if definition["task"] == "mos":
        return score_results.opinion_tables(store, ballots)
    return score_results.label_tables(store, ballots, distinct(groups(definition)))
