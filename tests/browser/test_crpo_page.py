"""CRPO as people use it: counted, begun, stopped, resumed, heard by iteration, kept, compared. Slow."""

import json
from collections.abc import Iterator

import pytest

from tests.browser.axe import fetch, serious_findings
from tests.browser.served import Studio
from tests.browser.test_finetune_page import PATIENCE, fits, open_tab
from tests.studio.fake_improving import CRPO_PACE

pytestmark = pytest.mark.slow
LINES = "a dog barks followed by rain falling\na cat meows then a bell rings\na siren wails"
FIELDS = {"Iterations": 2, "Candidates (N)": 2, "β": 500}
FOLDED = {"Length of an iteration": 2, "Pairs in a step": 2, "Rank of the adapter": 2, "Seed": 5}


@pytest.fixture
def studio(tmp_path, server) -> Iterator[Studio]:
    """A studio that listens to a run by one prompt, and knows how fast this machine is."""
    served = Studio(server, tmp_path / "data")
    served.held_out = 1
    paces = tmp_path / "data" / "runs" / "paces.json"
    paces.parent.mkdir(parents=True)
    kind = "embedded on the best device, CRPO, an adapter, not guided"
    paces.write_text(json.dumps({kind: CRPO_PACE}))
    served.open()
    yield served
    served.close()


def fill(page) -> None:
    """Three prompts of one's own, two iterations of two steps."""
    page.click(".bs-fine-recipes label:has-text('CRPO')")
    page.select_option("select[aria-label=Prompts]", "lines")
    page.wait_for_selector(".bs-fine-time:has-text('Write prompts, one per line.')")
    page.fill("textarea[aria-label^=Prompts]", LINES)
    page.click("summary:has-text('How it is optimised')")
    for name, value in (FIELDS | FOLDED).items():
        page.fill(f"#finetune input[aria-label='{name}']:visible", str(value))
    page.fill("#finetune input[aria-label=Title]", "Mine")
    page.wait_for_selector(".bs-fine-time:has-text('for 12 candidates and 4 steps')")


def test_a_model_improves_by_its_own_candidates(watch, studio, tmp_path):
    """The embedded model itself; stopped once its base is heard, reloaded, resumed to the end."""
    axe = fetch(tmp_path)
    seen = open_tab(watch)
    page = seen.page
    fill(page)
    assert "12 candidates in all, for 3 prompts" in page.inner_text(".bs-fine-estimate")
    page.click("#finetune-button")
    page.wait_for_selector("[role=columnheader]:has-text('base')", timeout=PATIENCE)
    page.click("baton-finetune .bs-stop:visible")
    page.wait_for_selector("baton-finetune .bs-status:has-text('Stopped')", timeout=PATIENCE)

    page.goto(f"{studio.address}?tab=finetune")  # without its name: the last one is shown
    page.click("baton-finetune button:has-text('Resume')")
    page.wait_for_selector(".bs-fine-done", timeout=PATIENCE)
    heads = page.locator("[role=columnheader]").all_inner_texts()
    assert heads == ["Prompt", "base", "iteration 1", "iteration 2"]
    page.click(".bs-fine-row:nth-child(2) [aria-label^='Play iteration 1']")
    page.wait_for_selector(".bs-fine-cell .bs-play.is-playing")
    rows = page.locator("[aria-label=Iterations] tbody tr")
    assert rows.count() == 2 and "“Mine”" in rows.nth(1).inner_text()
    for title in ("Rewards of winners and losers", "Winning and losing loss", "Margin"):
        figure = page.locator(f".bs-res-figure:has-text('{title}')")
        figure.scroll_into_view_if_needed()
        figure.locator(".main-svg >> nth=0").wait_for()
    for theme in ("dark", "light"):
        page.evaluate("(is) => document.body.classList.toggle('dark', is)", theme == "dark")
        page.wait_for_timeout(400)  # colours glide to their values
        assert serious_findings(page, axe) == [], theme
    page.set_viewport_size({"width": 390, "height": 844})
    assert fits(page)

    page.select_option("select[aria-label='Side A']", "1")
    page.click("[aria-label='Iterations of this run'] button:has-text('Compare')")  # keeps it first
    chosen = "document.querySelector('#model-b input')?.value === 'Mine'"
    page.wait_for_function(chosen, timeout=PATIENCE)
    assert page.input_value("#model-a input") == "Mine, iteration 1"
    assert (seen.complaints, seen.foreign) == ([], [])
