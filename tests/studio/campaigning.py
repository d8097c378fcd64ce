"""Asking for a campaign in a studio of sines, and looking at what it made."""

from studio.visitors import HERE

TWO = ("embedded", "embedded-clean")
DOG = "a dog barks then rain falls"


def ask_campaign(services, prompts=DOG, owner=HERE, **wishes):
    """Put a campaign in the row; its id."""
    usual = {"template": "pairwise", "systems": TWO, "seconds": 0.5, "seed": 7}
    return services.campaigns.create(
        owner, services.campaigns.check(prompts, **{**usual, **wishes})
    )


def made_campaign(services, work, *arguments, **wishes):
    """Ask, work, and look."""
    campaign = ask_campaign(services, *arguments, **wishes)
    work(services)
    return services.campaigns.view(campaign, HERE)
