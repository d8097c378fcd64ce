import dataclasses
import threading

import pytest

from studio.services.services import Services
from studio.store.store import Store
from studio.visitors import HERE
from tests.studio.sine_engines import SineEngines

pytestmark = pytest.mark.slow


def test_the_whole_store_works_on_postgresql(config, work, postgres_url):
    """Four open it at once; then a run, favourites, variation, stop and same again."""
    openers = [
        threading.Thread(target=lambda: Store(config.data, postgres_url).close(), daemon=True)
        for _ in range(4)
    ]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join()
    config = dataclasses.replace(config, database=postgres_url)
    services = Services(config, SineEngines(config))
    job = services.generate(HERE, services.check("a dog barks then rain", count=3, seconds=1))
    work(services)
    cards = services.views.job(job, HERE)["cards"]
    assert [card["hearing"]["order"] for card in cards] == [True] * 3
    services.set_favourite(HERE, cards[0]["id"], True)
    assert [card["id"] for card in services.views.favourites(HERE)] == [cards[0]["id"]]
    stopped = services.vary(HERE, cards[0]["id"], 2)
    services.stop(HERE, stopped)
    again = services.same_again(HERE, cards[1]["id"])
    work(services)
    assert services.views.job(stopped, HERE)["status"] == "stopped"
    assert "byte for byte" in services.views.job(again, HERE)["notices"][0]
    assert [run["id"] for run in services.views.history(HERE)][:3] == [again, stopped, job]
    wish = services.check_comparison(
        "a dog\nrain", a={"model": "embedded"}, b={"model": "embedded", "steps": 9}, seconds=1
    )
    comparison = services.compare(HERE, wish)
    work(services)
    assert len(services.comparisons.view(comparison)["pairs"]) == 2
    assert [one["id"] for one in services.comparisons.latest(HERE)] == [comparison]
    services.close()
