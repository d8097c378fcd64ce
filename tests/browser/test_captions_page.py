"""Captions written, looked over and put before listeners, all from the page. Slow."""

import pytest

pytestmark = pytest.mark.slow


def test_captions_are_reviewed_and_become_a_campaign(watch, tmp_path):
    """Six written, one reworded, its order said, one dropped; a reload keeps all; 25 sounds to label."""
    watched = watch(query="&tab=vote")
    page = watched.page
    page.click("#captions-new")
    page.click("input[value=temporal]")
    page.fill("#captions-count", "6")
    page.fill("#captions-seed", "3")
    page.click("#captions-write")
    page.wait_for_selector(".bs-cap >> nth=5")
    page.fill(
        "[data-number='2'] textarea", "wind gusts, afterwards a telephone rings, a woman talks"
    )
    page.press("[data-number='2'] textarea", "Enter")
    page.wait_for_selector("[data-number='2'] .bs-cap-mark:has-text('“afterwards”')")
    page.click("[data-number='4'] button:has-text('Drop')")
    page.wait_for_selector("[data-number='4'].is-dropped")
    page.click("#captions-campaign")
    page.wait_for_selector(".bs-note:has-text('which order caption 2 promises')")
    page.reload()
    page.wait_for_selector("[data-number='4'].is-dropped")
    assert page.input_value("[data-number='2'] textarea").startswith("wind gusts, afterwards")
    order = page.locator("[data-number='2'] select")
    order.focus()
    assert order.locator("option").count() == 20  # 19 orders, and the question
    order.select_option(label="Wind, then Telephone bell ringing, then Female speech")
    page.wait_for_selector("[data-number='2'] .bs-cap-promise:has-text('Wind, then')")
    page.fill("#captions-seconds", "1")
    page.screenshot(path=tmp_path / "review.png", full_page=True)
    assert page.inner_text("#captions-campaign") == "Make 25 sounds to label"
    page.click("#captions-campaign")
    page.wait_for_selector(".bs-vote-before")  # made, open, and asking
    assert "in order" in page.inner_text("baton-vote .bs-status")
    assert page.locator("#captions").is_hidden()
    assert watched.foreign == []
