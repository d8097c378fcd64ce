"""axe-core on every state of the page, by day and by night. Slow: a real page, and npm."""

import pytest

from studio.store.store import Store
from tests.browser.axe import fetch, serious_findings
from tests.studio.small_campaign import small_campaign

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def axe(tmp_path_factory) -> str:
    """The source of axe-core."""
    return fetch(tmp_path_factory.mktemp("axe"))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_state_of_the_page_has_serious_findings(watch, axe, theme):
    """Generate empty and with cards; Compare empty, with one pair, with a loop, and with a batch."""
    seen, found = watch(theme=theme), {}
    page = seen.page

    def look(state: str) -> None:
        page.wait_for_timeout(400)  # colours glide to their values; axe reads them as they are
        found[state] = serious_findings(page, axe)

    look("Generate, empty")
    seen.generate("a dog barks then rain falls")
    seen.finish()
    page.wait_for_function("() => document.querySelectorAll('.bs-card .is-drawn').length === 4")
    look("Generate, cards")
    page.get_by_role("tab", name="Compare").click()
    page.wait_for_selector("baton-bench .bs-empty")
    look("Compare, empty")
    seen.compare("a dog barks")
    seen.compared()
    seen.see_drawn()
    page.keyboard.press("l")
    look("Compare, one pair and a loop")
    seen.compare("a dog barks then rain falls\nrain falls\na dog barks", guidance=None)
    page.wait_for_selector(".bs-pairs li >> nth=2")
    seen.compared()
    page.wait_for_selector(".bs-measure")
    look("Compare, a batch")
    assert {state: faults for state, faults in found.items() if faults} == {}


def test_no_state_of_vote_has_serious_findings(watch, studio, axe):
    """First card, a pair that waits, opens and is voted on, data, list and form, scores; day and night."""
    store, found = Store(studio.folder), {}
    pair = small_campaign(store, seconds=0.2, heard_share=0.8, aspects=["quality", "relevance"])
    scores = small_campaign(store, "mos", 2, seconds=0.2, half_steps=True)
    numbers = small_campaign(store, "ovl_rel", 2, seconds=0.2)
    store.close()
    page = watch(query=f"&campaign={pair}").page

    def look(state: str) -> None:
        for theme in ("dark", "light"):
            page.evaluate("(is) => document.body.classList.toggle('dark', is)", theme == "dark")
            page.wait_for_timeout(300)  # colours glide to their values
            found[f"{state}, {theme}"] = serious_findings(page, axe)

    page.wait_for_selector(".bs-vote-before")
    look("Vote, before")
    page.keyboard.press("Enter")
    page.wait_for_selector(".bs-vote-strip")
    page.click(".bs-vote-more summary")
    look("Vote, a pair that waits")
    for letter in "ab":
        page.keyboard.press(letter)
        page.wait_for_selector(f"[data-side={letter}] .bs-vote-heard.is-done")
        page.wait_for_selector(".bs-vote-transport .bs-play:not(.is-playing)")
    look("Vote, a pair")
    page.keyboard.press("3")
    page.wait_for_selector(".bs-vote-stored")
    look("Vote, voted")
    page.click("[data-view=data]")
    page.wait_for_selector(".bs-vote-files li >> nth=3")
    look("Vote, data")
    page.click("text=All campaigns")
    page.wait_for_selector(".bs-vote-list li[data-id]")
    page.click("#campaign-form > button")
    page.click("#campaign-judging > button")
    look("Vote, the list and the form")
    for name, campaign in (("scores", scores), ("numbers", numbers)):
        page.goto(f"{studio.address}?__theme=light&campaign={campaign}")
        page.wait_for_selector(".bs-vote-before")
        page.keyboard.press("Enter")
        page.wait_for_selector(".bs-vote-cell")
        page.keyboard.press("4")
        look(f"Vote, {name}")
    assert {state: faults for state, faults in found.items() if faults} == {}
