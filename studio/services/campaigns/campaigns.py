"""Campaigns: what is asked of whom, made out of prompts and models, or of folders of sounds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import StudioError
from studio.config import Config
from studio.jobs import Worker
from studio.refusals import Conflict
from studio.services.campaigns.build import plan_of
from studio.services.campaigns.door import own_campaign
from studio.services.campaigns.request import CampaignRequest, check_campaign
from studio.services.campaigns.systems import MADE
from studio.services.campaigns.templates import TEMPLATES, template_of, with_usual
from studio.services.campaigns.views import CampaignViews, standing
from studio.services.engines import Engines
from studio.services.generate.batches import CAMPAIGN
from studio.services.prompt_sets import prompts_of
from studio.store.campaigns import BUILDING, CLOSED, OPEN, Campaign
from studio.store.jobs import WAITING
from studio.store.store import Store
from studio.voters import Voter


@dataclass(frozen=True)
class Campaigns:
    """Checks, makes, shows, closes and opens campaigns."""

    config: Config
    store: Store
    engines: Engines
    views: CampaignViews
    worker: Callable[[], Worker]  # asked for when needed: the worker knows this work too

    def templates(self) -> list[dict[str, Any]]:
        """Name, title, what it is for, and the wishes of each; some with a prompt set."""
        return TEMPLATES

    def check(
        self,
        prompts: Any,
        *,
        task: str | None = None,
        systems: Sequence[Any],
        template: str | None = None,
        **wishes: Any,
    ) -> CampaignRequest:
        """The campaign, checked against the limits.

        Args:
            prompts: one per line, a list of them, or rows with text, seconds, labels, tags; nothing
                takes the prompt set of the template.
            task: of pipelines.vote.rubrics.TASKS; None for the template's.
            systems: models by name, or rows with model, steps, guidance, sampler and title.
            template: the name of one of `templates`.
            wishes: fields of `studio.services.campaigns.request.Wishes`; None for the usual.

        Raises:
            StudioError: the first thing that is wrong.
        """
        task, asked = with_usual(task, template, wishes)
        if not prompts and template and "prompt_set" in template_of(template):
            prompts = prompts_of(template_of(template)["prompt_set"])
        return check_campaign(
            self.config,
            prompts,
            task=task,
            systems=systems,
            defaults=self.engines.defaults,
            title_of=self.engines.title,
            **asked,
        )

    def create(self, owner: str, request: CampaignRequest) -> str:
        """Remember the campaign and put the making of its sounds in the row; its id.

        Raises:
            StudioError: a model that is not on the list.
        """
        self._check_models(request)
        return self.submit(owner, request)

    def submit(
        self, owner: str, request: CampaignRequest, sources: Mapping[str, Any] | None = None
    ) -> str:
        """The same without a look at the models; `sources` are clips of sounds that are there."""
        found = self.store.campaigns.add(owner, request.plain())
        self.worker().submit(CAMPAIGN, owner, self._plan(found, sources), job=found.id)
        return found.id

    def create_now(
        self,
        owner: str,
        request: CampaignRequest,
        on_progress: Callable[[float, str], None],
        sources: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Make a campaign here and now, as the command line does; its view.

        Here a model may also be the path of a folder.

        Raises:
            StudioError: a model that is neither on the list nor a folder.
        """
        self._check_models(request, is_page=False)
        found = self.store.campaigns.add(owner, request.plain())
        self.worker().run_now(
            CAMPAIGN,
            owner,
            self._plan(found, sources),
            lambda desk: on_progress(desk.progress, desk.note),
            job=found.id,
        )
        return self.view(found.id, owner)

    def view(self, campaign: str, owner: str, voter: Voter | None = None) -> dict[str, Any]:
        """A campaign as it stands."""
        return self.views.view(campaign, owner, voter)

    def listing(self, owner: str, voter: Voter | None = None) -> list[dict[str, Any]]:
        """The listed campaigns and one's own, the newest first."""
        return self.views.listing(owner, voter)

    def close(self, owner: str, campaign: str) -> None:
        """Take no more votes, and make no more sounds.

        Raises:
            NotAllowed: it is somebody else's.
            Conflict: it is closed.
        """
        found = own_campaign(self.store, owner, campaign)
        if found.status == CLOSED:
            raise Conflict("This campaign is closed already.")
        self.store.jobs.ask_stop(campaign, owner)
        self.store.campaigns.say(campaign, CLOSED, "Closed by who made it.")

    def remove(self, owner: str, campaign: str) -> None:
        """Take a campaign that nobody has voted in off every list, and make no more of its sounds.

        Raises:
            NotAllowed: it is somebody else's.
            Conflict: it has votes, which are never thrown away.
        """
        found = own_campaign(self.store, owner, campaign)
        self.store.jobs.ask_stop(found.id, owner)
        if votes := self.store.campaigns.remove(found.id):
            raise Conflict(
                f"This campaign has {votes} {'vote' if votes == 1 else 'votes'}, skips and undone "
                "among them, and votes are kept; close it instead."
            )

    def open(self, owner: str, campaign: str) -> None:
        """Take votes again; where sounds are missing, make them first.

        Raises:
            NotAllowed: it is somebody else's.
            Conflict: it is open, or its votes came from elsewhere.
        """
        found = own_campaign(self.store, owner, campaign)
        status, _ = standing(found, self.store.jobs.get(campaign))
        if "origin" in found.definition:
            raise Conflict("This campaign was imported and is for reading; it takes no votes.")
        if status in {OPEN, BUILDING}:
            raise Conflict(f"This campaign is {status} already.")
        if self.views.is_whole(found):
            self.store.campaigns.say(campaign, OPEN)
        else:
            self._make_again(found)

    def _make_again(self, found: Campaign) -> None:
        """Put the making of a campaign's sounds in the row once more, from where it stopped."""
        job = self.store.jobs.get(found.id)
        is_made_here = all(system["kind"] == MADE for system in found.definition["systems"])
        if job is None and not is_made_here:
            raise Conflict(
                "The sounds of this campaign came from folders that are not here any more; make "
                "it again from them."
            )
        if job is not None and not job.is_over:
            raise Conflict("Its making is still being stopped; try again in a moment.")
        self.store.campaigns.say(found.id, BUILDING)
        if job is None:
            self.worker().submit(CAMPAIGN, found.owner, self._plan(found), job=found.id)
        else:
            self.store.jobs.change(
                found.id, status=WAITING, phase=0, attempts=0, stop_asked=0, error=None,
                finished_at=None, note="waiting for its turn",
            )  # fmt: skip
            self.worker().called.set()

    def _plan(self, found: Campaign, sources: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return plan_of(found.id, found.definition, dict(sources or {}))

    def _check_models(self, request: CampaignRequest, *, is_page: bool = True) -> None:
        """Refuse what is not on the list; folders are for the command line alone."""
        known = {model.name for model in self.engines.models()} | {self.config.model}
        for system in request.systems:
            if system["kind"] != MADE:
                if is_page:
                    raise StudioError(
                        "Folders of sounds are put to the vote from the command line: "
                        "`python -m studio.cli vote new --folders`."
                    )
            elif system["model"] not in known and (is_page or not Path(system["model"]).is_dir()):
                raise StudioError(
                    f"There is no model {system['model'][:80]!r}; choose from "
                    f"{', '.join(sorted(known))}{'' if is_page else ', or give the path of a model folder'}."
                )
