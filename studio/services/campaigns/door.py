"""Which campaign is asked about, and whether it is theirs who ask."""

import re

from studio.refusals import NotAllowed, Unknown
from studio.store.campaigns import REMOVED, Campaign
from studio.store.store import Store

ID = re.compile(r"[0-9a-f]{32}")


def campaign_of(store: Store, campaign: str) -> Campaign:
    """The campaign of this id.

    Raises:
        Unknown: there is none; also for what cannot be an id, which no database is asked about.
    """
    found = store.campaigns.get(campaign) if ID.fullmatch(str(campaign)) else None
    if found is None or found.status == REMOVED:
        raise Unknown("There is no such campaign here; check the link, or ask who sent it.")
    return found


def own_campaign(store: Store, owner: str, campaign: str) -> Campaign:
    """The campaign, if it is this person's.

    Raises:
        Unknown: there is none.
        NotAllowed: it is somebody else's.
    """
    found = campaign_of(store, campaign)
    if found.owner != owner:
        raise NotAllowed("Only who made this campaign may do that.")
    return found
