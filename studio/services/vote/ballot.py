"""What a client may send as a vote: each field checked, each fault one sentence."""

import re
from collections.abc import Mapping
from typing import Any

from pipelines.errors import StudioError
from pipelines.vote.battles import OUTCOMES
from studio.services.vote.standing import LABELS, SKIPPED, item_of
from studio.store.servings import Serving
from studio.store.votes import CAST, UNDO, Vote

FIELDS = (
    "id serving nonce action outcome aspects reason scores heard first_played decision_ms interface"
).split()
UUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}")
MOST_REASON, MOST_INTERFACE = 1000, 80  # characters
MOST_MS = 24 * 3600 * 1000  # a day; whoever takes longer was away
MOST_NUMBER = 2**53  # whole numbers are exact up to here
LOWEST_MOS, HIGHEST_MOS, HIGHEST_SHARE = 1, 5, 100


def read_vote(sent: Mapping[str, Any], serving: Serving, definition: Mapping[str, Any]) -> Vote:
    """The vote that these fields make, checked against what the campaign asks.

    Raises:
        StudioError: an unknown field, or a value that is not allowed.
    """
    base = base_of(sent, serving, definition["task"])
    if base["action"] == UNDO:
        return Vote(**base)
    is_battle = serving.kind != "set"
    outcome = sent.get("outcome")
    allowed = OUTCOMES if is_battle else (None, SKIPPED)
    if outcome not in allowed:
        named = ", ".join(str(one) for one in allowed)
        raise StudioError(f"The outcome is {shown(outcome)}; allowed are {named}.")
    scored = not is_battle and outcome != SKIPPED
    return Vote(
        **base,
        outcome=outcome,
        aspects=read_aspects(sent.get("aspects"), definition["aspects"]) if is_battle else {},
        reason=read_text(sent.get("reason"), "reason", MOST_REASON) or None,
        scores=read_scores(sent.get("scores"), serving, definition) if scored else (),
        heard=read_heard(sent.get("heard"), len(serving.clips)),
        first_played=read_number(
            sent.get("first_played"), "first_played", len(serving.clips) - 1, may_lack=True
        ),
        decision_ms=read_number(sent.get("decision_ms"), "decision_ms", MOST_MS, may_lack=True),
        interface=read_text(sent.get("interface"), "interface", MOST_INTERFACE),
    )


def base_of(sent: Mapping[str, Any], serving: Serving, task: str) -> dict[str, Any]:
    """The fields that every row of a serving has: ids, action, and what was judged."""
    unknown = sorted(sent.keys() - set(FIELDS))
    if unknown:
        raise StudioError(f"{shown(unknown[0])} is no field of a vote; known: {', '.join(FIELDS)}.")
    action = sent.get("action", CAST)
    if action not in (CAST, UNDO):
        raise StudioError(f"The action is {shown(action)}; allowed are {CAST} and {UNDO}.")
    base = {
        "id": read_id(sent.get("id")),
        "serving": serving.id,
        "campaign": serving.campaign,
        "voter": serving.voter,
        "action": action,
        "kind": serving.kind,
        "prompt": serving.prompt,
    }
    first = serving.clips[0]
    if serving.kind == "set":
        _, system, take = item_of(task, serving.prompt, first.system, first.take)
        return {**base, "system_a": system, "take_a": take}
    second = serving.clips[1]
    systems = {"system_a": first.system, "system_b": second.system}
    return {**base, **systems, "take_a": first.take, "take_b": second.take}


def read_id(given: Any) -> str:
    """The vote's id, in small letters."""
    text = given.lower() if isinstance(given, str) else ""
    if not UUID.fullmatch(text):
        raise StudioError(f"The vote's id is {shown(given)}; make a random UUID for each vote.")
    return text


def read_aspects(given: Any, asked: list[str]) -> dict[str, str]:
    """Aspect and outcome of a battle; none has to be answered."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise StudioError(f"The aspects are {shown(given)}; give an object, aspect to outcome.")
    said = [outcome for outcome in OUTCOMES if outcome != SKIPPED]
    for aspect, outcome in given.items():
        if aspect not in asked:
            raise StudioError(
                f"{shown(aspect)} is no aspect of this campaign; it asks for "
                f"{', '.join(asked) or 'none'}."
            )
        if outcome not in said:
            raise StudioError(
                f"{aspect} is {shown(outcome)}; allowed are {', '.join(said)}, or leave it out."
            )
    return dict(given)


def read_scores(
    given: Any, serving: Serving, definition: Mapping[str, Any]
) -> tuple[tuple[int, str, float | None], ...]:
    """Place, aspect and value of a set; every sound needs every aspect, once."""
    if not isinstance(given, list) or not all(isinstance(one, Mapping) for one in given):
        raise StudioError(f"The scores are {shown(given)}; give a list of place, aspect, value.")
    found: dict[tuple[int, str], float | None] = {}
    places, aspects = range(len(serving.clips)), definition["aspects"]
    for one in given:
        place, aspect = one.get("place"), one.get("aspect")
        if not is_number(place) or place not in places or aspect not in aspects:
            raise StudioError(
                f"A score is for place {shown(place)} and aspect {shown(aspect)}; places are 0 to "
                f"{len(places) - 1}, aspects {', '.join(aspects)}."
            )
        if (int(place), aspect) in found:
            raise StudioError(f"Sound {int(place) + 1} has two scores of {aspect}; give one.")
        if "value" not in one:
            raise StudioError(f"The score of sound {int(place) + 1} for {aspect} has no value.")
        found[(int(place), aspect)] = read_value(one["value"], definition)
    for place in places:
        for aspect in aspects:
            if (place, aspect) not in found:
                raise StudioError(
                    f"Sound {place + 1} has no score of {aspect} yet; every sound needs one."
                )
    return tuple((*where, found[where]) for where in sorted(found))


def read_value(given: Any, definition: Mapping[str, Any]) -> float | None:
    """One score on the task's scale; None is a label's "uncertain"."""
    task = definition["task"]
    if task in LABELS:
        if given is None or (is_number(given) and given in (0, 1)):
            return None if given is None else float(given)
        raise StudioError(f"A label is {shown(given)}; allowed are 1, 0, and null for uncertain.")
    if not is_number(given):
        raise StudioError(f"A score is {shown(given)}; it must be a number.")
    if task == "mos":
        step = 0.5 if definition["half_steps"] else 1
        if not LOWEST_MOS <= given <= HIGHEST_MOS or given % step:
            raise StudioError(
                f"A score is {shown(given)}; it must be {LOWEST_MOS} to {HIGHEST_MOS} in steps "
                f"of {step}."
            )
    elif not 0 <= given <= HIGHEST_SHARE:
        raise StudioError(f"A score is {shown(given)}; it must be 0 to {HIGHEST_SHARE}.")
    return float(given)


def read_heard(given: Any, sounds: int) -> tuple[int, ...]:
    """Milliseconds of each sound that were played."""
    if not isinstance(given, list) or len(given) != sounds:
        raise StudioError(f"What was heard is {shown(given)}; give the ms of {sounds} sounds.")
    return tuple(read_number(one, "heard", MOST_MS) for one in given)


def read_number(given: Any, name: str, highest: int, *, may_lack: bool = False) -> int | None:
    """A whole number from 0 to `highest`."""
    if given is None and may_lack:
        return None
    if not is_number(given) or not 0 <= given <= highest or int(given) != given:
        raise StudioError(f"{name} is {shown(given)}; it must be a whole number, 0 to {highest}.")
    return int(given)


def is_number(given: Any) -> bool:
    """Whether it is a number that a float holds, and no truth value; JSON may bring 400 digits."""
    is_one = isinstance(given, int | float) and not isinstance(given, bool)
    return is_one and abs(given) <= MOST_NUMBER


def read_text(given: Any, name: str, most: int) -> str:
    """Words as they can be stored anywhere; nothing given is no words."""
    if given is None:
        return ""
    if not isinstance(given, str) or len(given) > most:
        raise StudioError(f"The {name} is {shown(given)}; give at most {most} characters.")
    return given.replace("\x00", "").encode("utf-8", "replace").decode()


def shown(given: Any) -> str:
    """What was given, short enough for a sentence."""
    text = repr(given)
    return text if len(text) <= 60 else f"{text[:57]}…"
