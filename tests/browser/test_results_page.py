"""Results as people read them: verdict, tables and figures; kept up; the owner's orders. Slow."""

import pytest

from studio.store.store import Store
from tests.browser.axe import fetch, serious_findings
from tests.studio.casting import cast
from tests.studio.small_campaign import small_campaign

pytestmark = pytest.mark.slow


@pytest.fixture
def store(studio):
    """The studio's own store, opened beside it."""
    opened = Store(studio.folder)
    yield opened
    opened.close()


def battles(store, **changes) -> str:
    """A campaign in which eight people have voted, one of them always for side A."""
    campaign = small_campaign(store, aspects=["quality"], **changes)
    for voter in range(8):
        for prompt in range(4):
            for at, sides in enumerate((("s0", "s1"), ("s1", "s2"), ("s2", "s0"))):
                outcome = "a" if at < 2 or voter == 0 else "b"
                outcome = "tie" if (voter + prompt + at) % 5 == 0 and voter else outcome
                said = {"aspects": {"quality": "tie"}, "decision_ms": 3000}
                cast(store, campaign, f"v{voter}", prompt, sides, outcome, **said)
    return campaign


def results(watch, campaign: str, **how):
    """The page at a campaign's results, with its board."""
    seen = watch(query=f"&campaign={campaign}&view=results", **how)
    seen.page.wait_for_selector("baton-results .bs-res-table")
    return seen


@pytest.mark.parametrize("width", [1440, 390])
def test_the_board_is_read_and_kept_up(watch, store, width):
    """Verdict, table, figures when in view; a vote more shows without a reload; nothing overflows."""
    campaign = battles(store)
    seen = results(watch, campaign, width=width)
    page = seen.page
    assert "8 voters, 96 votes" in page.inner_text(".bs-res-verdict")
    assert page.inner_text(".bs-res-table tbody th >> nth=0") == "System s0"
    page.locator(".bs-res-figure >> nth=0").scroll_into_view_if_needed()
    page.wait_for_selector(".bs-res-figure >> nth=0 >> .main-svg")
    cast(store, campaign, "late", 0, ("s0", "s1"), "b")
    page.wait_for_selector(".bs-res-verdict:has-text('9 voters, 97 votes')", timeout=20_000)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.evaluate("document.querySelector('section[aria-label=Agreement]').scrollIntoView()")
    page.wait_for_selector(".bs-res-figure:has-text('Krippendorff') .main-svg")
    page.select_option(".bs-res-choices select >> nth=0", "quality")
    page.wait_for_selector(".bs-res-verdict:has-text('8 voters, 96 votes')")
    assert seen.complaints == [] and seen.foreign == []


def test_the_owner_leaves_a_voter_out_and_lets_them_in(watch, store):
    """With a reason, by keys alone; the board follows, and the record says why."""
    campaign = battles(store)
    page = results(watch, campaign).page
    page.click("summary:has-text('Voters')")
    page.wait_for_selector(".bs-res-fold td >> nth=0")
    row = page.locator(".bs-res-fold tbody tr >> nth=0")
    row.locator("button:has-text('Leave out') >> nth=0").press("Enter")
    row.locator("input").fill("always side A")
    row.locator("input").press("Enter")
    page.wait_for_selector(".bs-res-verdict:has-text('7 voters, 84 votes')")
    assert [one.reason for one in store.votes.exclusions(campaign)] == ["always side A"]
    page.wait_for_selector("text=Left out by the owner: 12 votes of excluded voters.")
    row.locator("button:has-text('Let in again') >> nth=0").press("Enter")
    row.locator("input").fill("they were right")
    row.locator("input").press("Enter")
    page.wait_for_selector(".bs-res-verdict:has-text('8 voters, 96 votes')")


def test_disputed_items_are_shown_only_after_a_word(watch, store):
    """And the controlled board is made and drawn."""
    campaign = battles(store)
    page = results(watch, campaign).page
    page.click("summary:has-text('Disputed items')")
    page.click("text=I shall not vote here; show them")
    page.wait_for_selector("[aria-label='Disputed items'] td")
    page.click("summary:has-text('As heard, and controlled')")
    page.click(".bs-res-fold button:has-text('Make it')")
    page.wait_for_selector("[aria-label='As heard and controlled'] td", timeout=20_000)
    page.locator(".bs-res-owner .bs-res-figure").scroll_into_view_if_needed()
    page.wait_for_selector(".bs-res-owner .main-svg")


def test_one_vote_asks_for_nothing_that_is_not_there(watch, store):
    """No figure of agreement before two people judged the same; the sentence says why."""
    campaign = small_campaign(store)
    cast(store, campaign, "ann", 0, ("s0", "s1"), "a")
    seen = results(watch, campaign)
    seen.page.evaluate("document.querySelector('section[aria-label=Agreement]').scrollIntoView()")
    seen.page.wait_for_selector("text=two people or more judged 0 items")
    assert seen.complaints == []


@pytest.mark.parametrize("task", ["mos", "ovl_rel", "integrity"])
def test_scores_have_tables_and_figures(watch, store, task):
    """Each task's table, and what is simulated says so."""
    systems = 1 if task == "integrity" else 3
    campaign = small_campaign(store, task, systems, takes=3, voters="simulated")
    aspects = store.campaigns.get(campaign).definition["aspects"]
    for voter in ("a", "b", "c"):
        for prompt in range(4):
            sounds = tuple(("s0", n) if systems == 1 else (f"s{n}", 0) for n in range(3))
            values = ((1, 0, None), (5, 3, 2), (90, 50, 20))[
                ("integrity", "mos", "ovl_rel").index(task)
            ]
            scores = tuple((n, name, v) for n, v in enumerate(values) for name in aspects)
            cast(store, campaign, voter, prompt, sounds, None, kind="set", scores=scores)
    page = results(watch, campaign).page
    assert "simulated listeners, not people" in page.inner_text(".bs-res-verdict")
    assert page.locator(".bs-res-tables table").count() == len(aspects)
    page.locator(".bs-res-figure >> nth=0").scroll_into_view_if_needed()
    page.wait_for_selector(".bs-res-figure >> nth=0 >> .main-svg")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_results_have_no_serious_findings(watch, store, theme, tmp_path_factory):
    """axe-core on the whole view with every fold open."""
    axe = fetch(tmp_path_factory.mktemp("axe"))
    page = results(watch, battles(store), theme=theme).page
    page.wait_for_selector("summary:has-text('Voters')")
    for fold in page.locator(".bs-res-owner > summary").all():
        fold.click()
    page.wait_for_selector("[aria-label='Voters'] td")
    page.wait_for_timeout(500)
    assert serious_findings(page, axe) == []
