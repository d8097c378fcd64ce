"""The job that has a language model word the captions of a list, a few at a time."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from pipelines.errors import Cancelled, StudioError
from pipelines.prompts.instructions import Answer
from pipelines.prompts.rewording import LanguageModel, reword
from pipelines.seeds import fork
from studio.config import Config
from studio.jobs import Desk, Work
from studio.services.prompt_writing.captions import answered, caption_from, plain
from studio.services.prompt_writing.drafts import Draft, Drafts
from studio.services.prompt_writing.label_source import source_from
from studio.store.jobs import Job

KIND = "captions"
TOGETHER = 5  # captions in one request: others' sounds need not wait long for the answer


def configured_model(config: Config) -> LanguageModel:
    """The language model that the settings name.

    Raises:
        StudioError: none, or an address that is none.
    """
    if not config.llm_model:
        raise StudioError("No language model is configured; set BATON_LLM_MODEL.")
    if config.llm_url:
        from pipelines.prompts.endpoint import Endpoint

        return Endpoint(url=config.llm_url, name=config.llm_model, key=config.llm_key)
    from pipelines.prompts.local_model import LocalModel

    return LocalModel(config.llm_model, config.device)


@dataclass
class ModelWording:
    """Does the job: its request names the list and its owner."""

    config: Config
    drafts: Drafts
    open_model: Callable[[Config], LanguageModel] = configured_model
    held: dict[str, LanguageModel] = field(default_factory=dict)  # by job, while it is at work

    @property
    def work(self) -> Work:
        """The phases, for the worker: the words come second and go behind others' first sounds."""
        return Work(kind=KIND, phases=(self.check, self.word))

    def check(self, job: Job, desk: Desk) -> bool:
        """Phase one: is there a model that can be asked?"""
        desk.tell(0.0, "looking for the language model")
        self.open_model(self.config)
        return True

    def word(self, job: Job, desk: Desk) -> bool:
        """Phase two: a few captions after the other, each kept as soon as it is there."""
        model = self.held.setdefault(job.id, self.open_model(self.config))
        is_over = True
        try:
            while waiting := self._waiting(job):
                if desk.should_stop():
                    raise Cancelled()
                if desk.should_give_way():
                    is_over = False
                    return False
                total = job.request["count"]
                done = max(total - len(waiting), 0)
                desk.tell(done / total, f"{model.name} words caption {done + 1} of {total}")
                self._word_some(job, waiting[:TOGETHER], model, desk)
            return True
        finally:
            if is_over:
                del self.held[job.id]  # a model on this machine takes memory that others need

    def _waiting(self, job: Job) -> list[dict[str, Any]]:
        draft = self.drafts.get(job.owner, job.request["draft"])
        return [one for one in draft["captions"] if one["awaits_model"] and not one["is_dropped"]]

    def _word_some(
        self, job: Job, waiting: list[dict[str, Any]], model: LanguageModel, desk: Desk
    ) -> None:
        draft = self.drafts.get(job.owner, job.request["draft"])
        captions = [caption_from(one) for one in waiting]
        source = source_from(draft["labels"])
        answers = reword(
            [one.ask(draft["task"]) for one in captions],
            model,
            source.read,
            seed=fork(draft["seed"], "words", job.id, captions[0].number),
            should_stop=desk.should_stop,
        )
        said = {one.number: answer for one, answer in zip(captions, answers, strict=True)}

        def keep(found: Draft) -> Draft:
            now = [caption_from(one) for one in found["captions"]]
            taken = {one.text.casefold() for one in now if not one.is_dropped}
            kept = []
            for one in now:
                new = answered(one, said[one.number]) if one.number in said else one
                if new.text != one.text and new.text.casefold() in taken:
                    new = answered(one, twice(said[one.number]))
                taken.add(new.text.casefold())
                kept.append(new)
            return {**found, "captions": plain(kept)}

        self.drafts.change(job.owner, draft["id"], keep)


def twice(answer: Answer) -> Answer:
    """The answer, refused because another caption has its words."""
    return replace(answer, fault="Another caption has the same words.")
