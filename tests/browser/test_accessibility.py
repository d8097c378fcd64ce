"""axe-core on every state of the page, by day and by night. Slow: a real page, and npm."""

import pytest

from tests.browser.axe import fetch, serious_findings

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
