"""The explorer page in Chromium, over a service of one process and a tiny model."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
expect = sync_api.expect
expect.set_options(timeout=60_000)

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
EXPLORER = Path(__file__).parents[2] / "serve" / "explorer"
VIEWS = ("explore", "fidelity", "risk", "backtest", "stress", "screen", "models")
SHOCK = "view=stress&shocks=ABLE%3D-0.02%405&stress-horizon=10&pool=5000"
SCREEN = "view=screen&screen-paths=600&screen-horizon=10"
pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


@pytest.fixture(scope="module")
def address(store, tmp_path_factory):
    """Where a plain service of the store listens."""
    state = tmp_path_factory.mktemp("state")
    command = [sys.executable, "-m", "serve", "--plain", "--port", "0", "--store", str(store)]
    service = subprocess.Popen(
        [*command, "--set", f'state="{state}"'],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        cwd=EXPLORER.parents[1],
    )
    assert service.stderr is not None
    said = []
    for line in service.stderr:
        said.append(line)
        if found := re.search(r"serves on (http://\S+)", line):
            break
    else:
        pytest.fail("".join(said))
    sink = subprocess.Popen(["cat"], stdin=service.stderr, stdout=subprocess.DEVNULL)
    yield found[1]
    service.terminate()
    service.wait(30)
    service.stderr.close()
    sink.wait(30)


@pytest.fixture(scope="module")
def browser():
    """Chromium without a window."""
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


class Explorer:
    """A page that remembers what the browser complained of."""

    def __init__(self, browser, address, **context):
        self.address, self.complaints = address, []
        self.context = browser.new_context(viewport={"width": 1280, "height": 900}, **context)
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _on_console(self, message):
        is_refusal = "Failed to load resource" in message.text  # shown on the page in words
        if message.type in ("error", "warning") and not is_refusal:
            self.complaints.append(message.text)

    def open(self, state):
        self.page.goto("about:blank")
        self.page.goto(f"{self.address}/#{state}")
        return self.page

    def answers(self, jobs, reference="tiny@2"):
        """Let jobs of a version have ended with recorded results, by kind."""
        listed = [record(kind, name, reference) for kind, name in jobs.items()]
        self.page.route("**/v1/jobs", lambda route: route.fulfill(json={"jobs": listed}))
        for job, name in zip(listed, jobs.values(), strict=True):
            body = (EXPLORER / "fixtures" / name).read_text()
            self.page.route(f"**/v1/jobs/{job['id']}", fulfilling(json.dumps(job)))
            self.page.route(f"**{job['result']}", fulfilling(body))

    def lists(self, **changed):
        """Let every model of the listing be one of which other things are said."""

        def fulfil(route):
            listing = route.fetch().json()
            listing["models"] = [one | changed for one in listing["models"]]
            route.fulfill(json=listing)

        self.page.route("**/v1/models", fulfil)

    def serious(self):
        """What axe-core finds serious, with everything unfolded."""
        self.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        found = axe.Axe().run(self.page).response["violations"]
        return [
            (one["id"], one["nodes"][0]["html"])
            for one in found
            if one["impact"] in ("serious", "critical")
        ]


def record(kind, name, reference="tiny@2"):
    identity = f"job_{name.removesuffix('.json'):0<16}"
    return {
        "id": identity,
        "kind": kind,
        "model": "tiny",
        "reference": reference,
        "state": "succeeded",
        "progress": None,
        "created": "2026-01-01T00:00:00+00:00",
        "started": None,
        "ended": None,
        "problem": None,
        "result": f"/v1/jobs/{identity}/result",
    }


def fulfilling(body):
    return lambda route: route.fulfill(body=body, content_type="application/json")


@pytest.fixture
def explorer(browser, address):
    """A fresh page; whatever the console complained of fails the test."""
    explorer = Explorer(browser, address)
    yield explorer
    explorer.context.close()
    assert explorer.complaints == []


def heading(page, name):
    return page.get_by_role("heading", name=name)


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_opens_and_fits_a_phone(browser, address, view):
    explorer = Explorer(browser, address)
    page = explorer.open(f"view={view}")
    expect(page.locator("main .panel").first).to_be_visible()
    expect(page.locator("nav [aria-current=page]")).to_have_count(1)
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_load_state("networkidle")
    width = page.evaluate("document.documentElement.scrollWidth")
    explorer.context.close()
    assert explorer.complaints == []
    assert width <= 390


def test_a_shock_is_drawn_and_its_link_opens_the_same_figures(explorer):
    page = explorer.open(SHOCK)
    page.get_by_role("button", name="Draw the shock").click()
    expect(heading(page, "How plausible is it?")).to_be_visible()
    first = page.locator(".key-figure-value").all_inner_texts()
    assert all("±" in figure for figure in first[:3])
    expect(page.get_by_role("img", name=re.compile("Model-implied probability"))).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("effective paths"))).to_be_visible()
    expect(
        page.get_by_role("img", name=re.compile("Distribution of the portfolio"))
    ).to_be_visible()
    page.reload()
    expect(heading(page, "How plausible is it?")).to_be_visible()
    assert page.locator(".key-figure-value").all_inner_texts() == first


def test_a_slider_changes_the_shock_and_the_answer_is_marked_as_the_one_before(explorer):
    page = explorer.open(f"{SHOCK}&shock-asked=true")
    expect(heading(page, "How plausible is it?")).to_be_visible()
    page.get_by_role("slider", name="Move of ABLE, percent").press("ArrowRight")
    expect(page.get_by_text("answer the question before")).to_be_visible()
    assert "-0.015" in page.url


def test_a_shock_that_no_path_meets_is_refused_in_words(explorer):
    page = explorer.open("view=stress&shocks=ABLE%3D-0.95%401&pool=2000&shock-asked=true")
    expect(page.get_by_role("alert")).to_contain_text("effective paths must meet the shock")


def test_kinds_of_stress_are_reached_by_arrow_keys(explorer):
    page = explorer.open("view=stress")
    page.get_by_role("tab", name="A shock").press("ArrowRight")
    expect(page.get_by_role("tab", name="A crisis once more")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(heading(page, "How may so much be lost?")).to_be_visible()
    assert "stress=reverse" in page.url


def test_a_crisis_is_replayed_and_one_outside_the_data_refused(explorer):
    page = explorer.open("view=stress&stress=replay&window=2015-china&replay-asked=true")
    expect(heading(page, re.compile("Devaluation of the renminbi"))).to_be_visible()
    expect(page.get_by_text("happened once").first).to_be_visible()
    page.get_by_label("Crisis", exact=True).select_option("2008-lehman")
    page.get_by_role("button", name="Replay it").click()
    expect(page.get_by_role("alert")).to_contain_text("2008")


def test_ways_to_lose_stand_with_their_probability(explorer):
    page = explorer.open("view=stress&stress=reverse&loss=0.03&stress-horizon=10&pool=5000")
    page.get_by_role("button", name="Find the ways").click()
    expect(heading(page, re.compile("Losing 3 % within 10 days"))).to_be_visible()
    expect(heading(page, re.compile(r"(Part|Way) 1:"))).to_be_visible()
    assert "±" in page.locator(".dial-words").inner_text()


def test_fidelity_shows_gates_and_the_last_evaluation(explorer):
    explorer.answers({"evaluate": "evaluate.json"})
    page = explorer.open("view=fidelity")
    expect(heading(page, "Is it fit for use?")).to_be_visible()
    assert page.locator(".gates li").count() == 10
    expect(page.get_by_text(re.compile("Of 14 scores the model is better"))).to_be_visible()
    assert explorer.serious() == []


def test_a_backtest_shows_lights_tests_and_ranking(explorer):
    explorer.answers({"backtest": "backtest.json"})
    page = explorer.open("view=backtest")
    expect(page.get_by_role("img", name=re.compile("Losses and VaR"))).to_be_visible()
    assert page.locator(".lights li").count() == 3
    expect(page.get_by_text("Traffic light of the last 250 days")).to_be_visible()
    page.get_by_role("button", name="99 %").click()
    expect(heading(page, "Tests at 99.0 %")).to_be_visible()
    expect(page.get_by_text("fewer than 5 violations").first).to_be_attached()
    assert "level=0.99" in page.url
    assert explorer.serious() == []


def test_figures_of_one_version_do_not_stand_under_another(explorer):
    explorer.answers({"backtest": "backtest.json"}, reference="tiny@1")
    page = explorer.open("view=backtest&model=tiny")
    expect(page.get_by_text("No backtest of this model is on record")).to_be_visible()
    page = explorer.open("view=backtest&model=tiny@1")
    expect(page.get_by_text("Traffic light of the last 250 days")).to_be_visible()
    named = record("backtest", "backtest.json")["id"]
    page = explorer.open(f"view=backtest&model=tiny&backtest-job={named}")
    expect(page.get_by_text("these figures are of tiny@1")).to_be_visible()


def test_the_page_learns_of_a_version_by_its_first_answer(explorer):
    page = explorer.open("view=risk&model=tiny")
    expect(heading(page, "Every measure")).to_be_visible()
    expect(page.locator(".facts")).to_contain_text("tiny@2")

    def renamed(listing):
        return [one | {"model": "tiny@3"} if one["is_served"] else one for one in listing]

    def later(route):
        listing = route.fetch().json()
        route.fulfill(json=listing | {"models": renamed(listing["models"])})

    def answered(route):
        answer = route.fetch()
        route.fulfill(response=answer, headers=answer.headers | {"x-fingan-model": "tiny@3"})

    page.route("**/v1/models", later)
    page.route("**/v1/risk", answered)
    page.get_by_label("Seed").fill("5")
    page.keyboard.press("Tab")
    expect(page.locator(".facts")).to_contain_text("tiny@3")


def test_a_baseline_has_no_evaluation_of_its_own(explorer):
    page = explorer.open("view=fidelity&model=fhs-gjr")
    expect(page.get_by_text("is a classical baseline")).to_be_visible()
    expect(page.get_by_role("button", name="Evaluate")).to_have_count(0)
    page = explorer.open("view=backtest&model=fhs-gjr")
    expect(page.get_by_text("A baseline is fitted anew")).to_be_visible()


def test_a_backtest_that_cannot_be_made_fails_in_words(explorer):
    page = explorer.open("view=backtest")
    expect(page.get_by_text("No backtest of this model is on record")).to_be_visible()
    page.get_by_role("button", name="Backtest", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text(re.compile("rows|days"))


def test_a_model_is_put_to_the_test_on_what_followed_its_training(explorer):
    explorer.lists(source="sp500-20", fitted_until="2014-12-31")
    page = explorer.open("view=backtest")
    expect(page.get_by_label("Prices")).to_have_value("sp500-20")
    with page.expect_request(lambda request: request.method == "POST") as asked:
        page.get_by_role("button", name="Backtest", exact=True).click()
    assert asked.value.post_data_json["request"]["prices"] == "sp500-20"


def test_a_model_whose_prices_end_with_its_training_says_what_a_test_needs(explorer):
    page = explorer.open("view=fidelity")
    expect(page.get_by_text("It needs prices beyond")).to_be_visible()
    expect(page.get_by_label("Prices")).to_have_value("")


def test_the_best_of_many_trials_says_why_it_is_a_candidate(explorer):
    explorer.lists(status="candidate", gates_failed=[], gates_passed=9, n_trials=12)
    page = explorer.open("view=explore")
    expect(page.locator(".facts .chip")).to_have_text("candidate, 9 of 9 gates, best of 12 trials")


def test_a_screen_is_ranked_judged_and_unvalidated(explorer):
    page = explorer.open(SCREEN)
    page.get_by_role("button", name="Screen", exact=True).click()
    table = page.get_by_role("table", name="Candidates, best first")
    expect(table.locator("tbody tr")).to_have_count(4)
    assert re.search(r"pass|fail|undecided", table.inner_text())
    expect(page.locator(".chip", has_text="unvalidated").first).to_be_visible()
    page.get_by_role("spinbutton", name="Limit of criterion 1, percent").fill("1")
    page.keyboard.press("Tab")
    expect(page.get_by_text("the table answers the question before")).to_be_visible()
    page.get_by_role("button", name="Screen", exact=True).click()
    expect(heading(page, "Expected shortfall at 97.5 %: at most 1.0 %")).to_be_visible()
    assert "0.01@0.95" in page.evaluate("decodeURIComponent(location.hash)")


def test_a_validation_answers_its_questions(explorer):
    explorer.answers({"screen-validation": "validation.json"})
    page = explorer.open(f"{SCREEN}&screen-asked=true")
    expect(page.get_by_text("Does it order outcomes?")).to_be_visible()
    assert page.locator(".questions li").count() == 7
    assert explorer.serious() == []


def test_axe_finds_nothing_serious_in_the_dark(browser, address):
    explorer = Explorer(browser, address, color_scheme="dark")
    found = {}
    for view in ("explore", "risk", f"{SHOCK[5:]}&shock-asked=true", "models"):
        page = explorer.open(f"view={view}")
        expect(page.locator("main .panel").first).to_be_visible()
        page.wait_for_load_state("networkidle")
        found[view] = explorer.serious()
    explorer.context.close()
    assert not any(found.values()), found


def test_the_page_paints_soon_and_is_small(explorer):
    page = explorer.open("view=stress")
    expect(page.locator("main .panel").first).to_be_visible()
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    assert paint < 3_000  # a second on a machine that does nothing else
    assert sum(file.stat().st_size for file in (EXPLORER / "dist").rglob("*.*")) < 1_500_000
