"""Votes put straight into the table, for tests of what is made of them."""

import uuid
from dataclasses import replace
from typing import Any

from studio.store.candidates import now
from studio.store.servings import Served, Serving
from studio.store.store import Store
from studio.store.votes import PERSON, UNDO, Vote

Sound = str | tuple[str, int]  # a system, or a system and the take


def shown(
    store: Store,
    campaign: str,
    voter: str,
    prompt: int,
    sounds: tuple[Sound, ...],
    kind: str,
    answer: int = -1,
) -> Serving:
    """A serving of these sounds, stored."""
    store.votes.add_voter(voter, PERSON)
    places = [(sound, 0) if isinstance(sound, str) else sound for sound in sounds]
    served = tuple(
        Served(system=system, take=take, clip="", token=uuid.uuid4().hex, seconds=0.2)
        for system, take in places
    )
    with store.database.read() as rows:
        number = rows.exec_driver_sql("select count(*) from servings").scalar()
    serving = Serving(
        id=uuid.uuid4().hex,
        campaign=campaign,
        voter=voter,
        number=number,
        kind=kind,
        prompt=prompt,
        clips=served,
        answer=answer,
        nonce="n",
        created_at=now(),
    )
    store.servings.add(serving)
    return serving


def cast(
    store: Store,
    campaign: str,
    voter: str,
    prompt: int,
    sounds: tuple[Sound, ...],
    outcome: str | None,
    *,
    kind: str = "ab",
    answer: int = -1,
    serving: str | None = None,
    **said: Any,
) -> Vote:
    """A vote on these sounds, on a serving of its own unless one is named."""
    on = (
        store.servings.get(serving)
        if serving
        else shown(store, campaign, voter, prompt, sounds, kind, answer)
    )
    first, second = on.clips[0], on.clips[-1]
    pair = {"system_a": first.system, "take_a": first.take}
    if kind != "set":
        pair |= {"system_b": second.system, "take_b": second.take}
    vote = Vote(
        id=str(uuid.uuid4()), serving=on.id, campaign=campaign, voter=voter, kind=on.kind,
        prompt=prompt, outcome=outcome, **pair, **said,
    )  # fmt: skip
    return store.votes.add(vote, on)


def taken_back(store: Store, vote: Vote) -> Vote:
    """The row that undoes a vote."""
    undo = replace(vote, id=str(uuid.uuid4()), action=UNDO, outcome=None, aspects={}, scores=())
    return store.votes.add(undo, store.servings.get(vote.serving))
