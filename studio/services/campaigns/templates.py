"""Campaigns ready to be made: a blind arena, and the listening studies of two papers."""

from collections.abc import Mapping
from typing import Any

from pipelines.errors import StudioError

# What a campaign of each task is unless it is asked for otherwise.
USUAL: dict[str, dict[str, Any]] = {
    "pairwise": {"takes": 2, "votes_wanted": 10, "reveals": "on request"},
    "integrity": {"takes": 5, "votes_wanted": 1, "reveals": "never"},
    "temporal": {"takes": 5, "votes_wanted": 1, "reveals": "never"},
    "mos": {"takes": 1, "votes_wanted": 20, "reveals": "never", "rubric": "general"},
    "ovl_rel": {"takes": 1, "votes_wanted": 4, "reveals": "never"},
}
# Every voter reads the title, so it names no system.
TITLES = {
    "pairwise": "A against B",
    "integrity": "Is everything there?",
    "temporal": "Is everything there, and in order?",
    "mos": "Alignment and quality",
    "ovl_rel": "Overall quality and relevance",
}
TEMPLATES: list[dict[str, Any]] = [
    {
        "name": "pairwise",
        "title": "A against B",
        "about": "Two sounds of one prompt, blind: A, B, tie or both bad. For two or more models; "
        "gives a board with intervals, and pairs to train on.",
        "wishes": {"task": "pairwise", "aspects": ["quality", "relevance"], **USUAL["pairwise"]},
    },
    {
        "name": "baton-integrity",
        "title": "BATON labels: integrity",
        "about": "Five sounds of one model per prompt, each labelled 1, 0 or uncertain: is every "
        "named sound there? After BATON, D.1; for prompts of two events. Made without guidance, to "
        "be learned from.",
        "wishes": {"task": "integrity", "study": "BATON labels", **USUAL["integrity"]},
        "prompt_set": "integrity",
    },
    {
        "name": "baton-temporal",
        "title": "BATON labels: order",
        "about": "Five sounds of one model per prompt, each labelled 1, 0 or uncertain: is every "
        "named sound there, and in order? After BATON, D.1; for prompts of three events in order. "
        "Made without guidance, to be learned from.",
        "wishes": {"task": "temporal", "study": "BATON labels", **USUAL["temporal"]},
        "prompt_set": "temporal",
    },
    {
        "name": "baton-mos-integrity",
        "title": "BATON opinion scores: integrity",
        "about": "Alignment and quality from 1 to 5 for several systems, on prompts of two events. "
        "After BATON, D.2 and Table 12; 20 listeners.",
        "wishes": {**USUAL["mos"], "task": "mos", "rubric": "integrity"},
        "prompt_set": "integrity",
    },
    {
        "name": "baton-mos-temporal",
        "title": "BATON opinion scores: order",
        "about": "Alignment and quality from 1 to 5 for several systems, on prompts of three events "
        "in order. After BATON, D.2 and Table 12; 20 listeners.",
        "wishes": {**USUAL["mos"], "task": "mos", "rubric": "temporal"},
        "prompt_set": "temporal",
    },
    {
        "name": "tangoflux-study",
        "title": "TangoFlux's study: OVL and REL",
        "about": "Overall quality and relevance from 0 to 100 for four systems on fifty demanding "
        "prompts; 20 prompts for each listener, four listeners for each sound. After TangoFlux, A.12.",
        "wishes": {"task": "ovl_rel", "most_per_voter": 20, **USUAL["ovl_rel"]},
        "prompt_set": "demanding",
    },
]


def template_of(name: str) -> dict[str, Any]:
    """The template of this name.

    Raises:
        StudioError: there is none.
    """
    for template in TEMPLATES:
        if template["name"] == name:
            return template
    known = ", ".join(template["name"] for template in TEMPLATES)
    raise StudioError(f"There is no template {str(name)[:40]!r}; choose from {known}.")


def with_usual(
    task: str | None, template: str | None, wishes: Mapping[str, Any]
) -> tuple[str | None, dict[str, Any]]:
    """The task and all wishes: what is usual for the task, over it the template's, over it one's own.

    A wish that is None was not made.
    """
    own = {key: value for key, value in wishes.items() if value is not None}
    told = template_of(template)["wishes"] if template else {}
    task = task or told.get("task")
    usual = USUAL.get(task, {}) if isinstance(task, str) else {}
    found = {**usual, **told, **own}
    found.pop("task", None)
    usual_title = template_of(template)["title"] if template else TITLES.get(str(task))
    found.setdefault("title", usual_title)
    return task, found
