"""Reward as people use it: trained for real, reloaded in the middle, read, heard, removed. Slow."""

from collections.abc import Iterator

import pytest

from pipelines.seeds import numpy_generator
from studio.store.store import Store
from tests.browser.axe import fetch, serious_findings
from tests.browser.served import Studio
from tests.studio.casting import cast
from tests.studio.judged import lows
from tests.studio.small_campaign import small_campaign

pytestmark = pytest.mark.slow
PATIENCE = 180_000  # ms for a training of seconds, on a machine that is busy with other things


@pytest.fixture
def studio(tmp_path, server) -> Iterator[Studio]:
    """A studio of sines whose CLAP tells high ones from low ones."""
    served = Studio(server, tmp_path / "data")
    served.bands = True
    served.open()
    yield served
    served.close()


@pytest.fixture
def store(studio):
    """The studio's own store, opened beside it."""
    opened = Store(studio.folder)
    yield opened
    opened.close()


def simulated(store: Store, **changes) -> str:
    """A campaign of BATON labels in which a simulated listener calls low sines aligned, mostly."""
    campaign = small_campaign(
        store, "integrity", 5, 12, seconds=0.5, voters="simulated", title="Low ones", **changes
    )
    draws = numpy_generator(1, "slips")
    for (prompt, system), is_low in lows(store, campaign).items():
        said = float(is_low != (draws.random() < 0.1))
        cast(
            store, campaign, "sim", prompt, (system,), None, kind="set",
            scores=((0, "integrity", said),),
        )  # fmt: skip
    return campaign


def train(page, epochs: int) -> None:
    """Press Train, as in the paper but with so many epochs, and wait until it is under way."""
    page.wait_for_selector(".bs-reward-sources input:checked")
    page.click(".bs-reward-settings summary")
    page.select_option(".bs-reward-row:has-text('Preset') select", "paper")
    page.fill(".bs-reward-row:has-text('Epochs') input", str(epochs))
    page.click("#reward-button")
    page.wait_for_selector("baton-reward .bs-stop:visible")


def verdict(page) -> str:
    """What it says once it is trained."""
    page.wait_for_selector("baton-reward .bs-bar.is-over", timeout=PATIENCE)
    page.wait_for_selector("baton-reward .bs-res-verdict p")
    return page.inner_text("baton-reward .bs-res-verdict")


def fits(page) -> bool:
    """Whether nothing is wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_reward_model_is_trained_reloaded_and_read(watch, store):
    """Progress survives the reload; the verdict, its figures, a sound; the address opens it again."""
    simulated(store)
    seen = watch(query="&tab=reward")
    page = seen.page
    page.wait_for_selector(".bs-reward-sources .bs-res-simulated")
    assert "60 labels" in page.inner_text(".bs-reward-sources")
    train(page, 60)
    assert "reward=" in page.url
    page.reload()
    said = verdict(page)
    assert "simulated listeners, not people" in said
    assert "puts the aligned one first in" in said and "CLAP alone in" in said
    heads = page.locator("baton-reward .bs-res-tables thead th").all_inner_texts()
    assert heads[1:] == ["This model [95 %]", "CLAP alone", "Difference", "n"]
    for title in ("Rewards by what was said", "Calibration", "Losses by epoch"):
        drawn = page.locator(f".bs-res-figure:has-text('{title}')")
        drawn.scroll_into_view_if_needed()
        drawn.locator(".main-svg >> nth=0").wait_for()
    page.click(".bs-reward-sound .bs-play >> nth=0")
    assert seen.plays()
    go = page.get_attribute(".bs-reward-next a", "href")
    assert go.startswith("?tab=finetune&reward=")
    assert "simulated listeners" in page.inner_text("baton-rewards .bs-run")
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(300)
    assert fits(page)
    assert seen.complaints == [] and seen.foreign == []
    page.click("baton-reward .bs-act:has-text('Remove')")
    page.click("baton-reward .bs-reward-sure")
    page.wait_for_selector("text=No reward model yet.")
    assert "reward=" not in page.url


def test_what_cannot_teach_says_why_and_leads_to_where_it_is_mended(watch, store):
    """An unlabelled campaign is no choice; people's and simulated ones are not mixed; a wrong rate is told."""
    simulated(store)
    empty = small_campaign(store, "integrity", 5, 3, title="Nobody yet")
    people = small_campaign(store, "pairwise", 3, 4, title="By people")
    cast(store, people, "ann", 0, ("s0", "s1"), "a")
    page = watch(query="&tab=reward", width=390).page
    row = page.locator(f".bs-reward-sources li[data-id='{empty}']")
    row.wait_for()
    assert row.locator("input").is_disabled()
    assert "Nobody has voted in it yet" in row.inner_text()
    page.check(f".bs-reward-sources li[data-id='{people}'] input")
    page.check(".bs-reward-sources li:has-text('Low ones') input")
    page.wait_for_selector("text=are never mixed")
    assert page.locator("#reward-button").is_disabled()
    page.uncheck(f".bs-reward-sources li[data-id='{people}'] input")
    page.click(".bs-reward-settings summary")
    page.fill(".bs-reward-row:has-text('Learning rate') input", "-1")
    page.press(".bs-reward-row:has-text('Learning rate') input", "Control+Enter")
    page.wait_for_function("document.querySelector('baton-reward-form .bs-wrong').textContent")
    assert "-1" in page.inner_text("baton-reward-form .bs-wrong")
    assert fits(page)
    page.reload()
    page.wait_for_selector(".bs-reward-sources li:has-text('Low ones') input:checked")
    row.locator("button").click()
    page.wait_for_selector("#vote h2:has-text('Nobody yet')")
    assert "tab=" not in page.url and f"campaign={empty}" in page.url


def test_reward_has_no_serious_findings(watch, store, tmp_path_factory):
    """axe-core while nothing is there, and on a trained model with every fold open; day and night."""
    axe, found = fetch(tmp_path_factory.mktemp("axe")), {}
    page = watch(query="&tab=reward").page

    def look(state: str) -> None:
        for theme in ("dark", "light"):
            page.evaluate("(is) => document.body.classList.toggle('dark', is)", theme == "dark")
            page.wait_for_timeout(300)  # colours glide to their values
            found[f"{state}, {theme}"] = serious_findings(page, axe)

    page.wait_for_selector("text=No reward model yet.")
    look("empty")
    simulated(store)
    page.reload()
    train(page, 10)
    verdict(page)
    page.click("baton-reward .bs-res-owner summary")
    look("trained")
    assert {state: faults for state, faults in found.items() if faults} == {}
