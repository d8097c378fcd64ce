"""From a link with two models to a blind vote of their sounds. Slow: a real page."""

import pytest

from tests.browser.served import Studio
from tests.studio.sine_engines import LATER

pytestmark = pytest.mark.slow
WORDS = "\n".join(f"a dog barks then rain falls {n}" for n in range(10))


@pytest.fixture
def studio(tmp_path, server):
    """A studio of sines in no time."""
    served = Studio(server, tmp_path / "data")
    served.pause = 0.0
    served.open()
    yield served
    served.close()


def model_of(page, side: str) -> str:
    """The title that stands in the choice of a side."""
    return page.input_value(f"#model-{side} input")


def test_from_a_link_to_a_blind_vote(watch, studio):
    """Both models preselected; a verdict, distances, what could be found; one click to the vote."""
    seen = watch(query="&tab=compare&a=embedded-clean&b=embedded")
    page = seen.page
    page.wait_for_function("() => document.querySelector('#model-a input')?.value === 'Clean sine'")
    assert model_of(page, "b") == "Sine"
    assert "Nothing to compare yet" in page.inner_text("baton-bench")
    page.fill("#compare-prompts textarea", WORDS)
    page.wait_for_selector("#compare-beforehand:has-text('10 pairs find a gain of')")
    page.fill("#compare-seconds input[type=number]", "1")
    page.press("#compare-prompts textarea", "Control+Enter")
    page.wait_for_selector("baton-bench .bs-bar.is-over")
    page.wait_for_selector('[data-measure="diversity"]')
    assert "CLAP score" in page.inner_text(".bs-verdict")
    assert "smallest difference" in page.inner_text(".bs-verdict").lower()

    page.click(".bs-battle-open")
    page.wait_for_selector(".bs-battle-vote")
    assert "0 of 10 votes" in page.inner_text(".bs-battle")
    page.click(".bs-battle-vote")
    page.wait_for_selector("baton-vote h2:has-text('A against B')")
    campaign = page.url.partition("campaign=")[2][:32]
    assert seen.complaints == []
    page.goto(f"{studio.address}?campaign={campaign}&view=results")
    seen.complaints.clear()  # a page that is left misses the answers that it no longer gets
    page.click("a:has-text('The comparison')")
    page.wait_for_selector(".bs-verdict")
    assert (seen.complaints, seen.foreign) == ([], [])


def choose(page, field: str, title: str) -> None:
    """Choose what may be on its way yet: look into the list until it is there."""
    option = page.locator(f"[role=option]:has-text('{title}')")
    for _ in range(60):
        page.click(field)
        page.wait_for_timeout(500)
        if option.is_visible():
            option.click()
            return
        page.keyboard.press("Escape")
        page.locator(field).blur()
    raise AssertionError(f"{title} did not come into the list of {field}")


def test_a_model_kept_meanwhile_can_be_chosen_without_a_reload(watch, studio):
    """On Compare and on Generate, as soon as the tab is opened; what was chosen stays."""
    seen = watch()
    page = seen.page
    (studio.folder / LATER).write_text("rain-lover\n")
    for tab, choice in (("Compare", "#model-b"), ("Generate", "#model")):
        page.get_by_role("tab", name=tab).click()
        if tab == "Generate":
            page.click("#making > button")
        page.wait_for_selector(f"{choice} input")
        before = page.input_value(f"{choice} input")
        choose(page, f"{choice} input", "Rain-Lover")
        assert before != page.input_value(f"{choice} input") == "Rain-Lover"
    assert (seen.complaints, seen.foreign) == ([], [])
