"""Voters and what they send, as the page sends it, for tests of voting."""

import secrets
import uuid

from studio.services.services import Services
from studio.store.votes import PERSON
from studio.voters import Voter


def new_voter(kind: str = PERSON) -> Voter:
    return Voter(id=secrets.token_hex(16), kind=kind)


def joined(services: Services, campaign: str, kind: str = PERSON) -> Voter:
    voter = new_voter(kind)
    services.voting.join(campaign, voter)
    return voter


def ballot(serving: dict, **changes) -> dict:
    """A vote as the page sends it: A, or 1 for everything."""
    sent = {"id": str(uuid.uuid4()), "serving": serving["id"], "nonce": serving["nonce"]}
    sent |= {"action": "cast", "heard": [200] * len(serving["sounds"]), "interface": "test 1"}
    return {**sent, "outcome": "a", **changes}


def undo(serving: dict) -> dict:
    sent = ballot(serving, action="undo")
    return {name: sent[name] for name in ("id", "serving", "nonce", "action")}


def scores(serving: dict, aspects: list[str], value: float | None = 1) -> list[dict]:
    places = range(len(serving["sounds"]))
    return [{"place": p, "aspect": a, "value": value} for p in places for a in aspects]


def shown_to(services: Services, campaign: str, voter: Voter) -> dict:
    return services.voting.next(campaign, voter)["serving"]
