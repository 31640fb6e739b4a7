"""The explorer in a real browser: Debian's Chromium, driven by Playwright. Without one these tests are skipped."""

import json
import re
import subprocess
from contextlib import ExitStack
from urllib.parse import urljoin
from urllib.request import urlopen

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from app.settings import ROOT
from tests.bench import pack
from tests.bench.process import Server, fasti
from tests.cluster import until
from tests.serving import CHROMIUM

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed here: the explorer is not tested")
VIEWS = ["", "?view=estimates", "?view=people", "?view=search&q=the", "?record={record}"]
WIDTHS = [360, 800, 1440]
# As long as Playwright waits for all else: Swagger UI takes its time on a slow machine.
expect.set_options(timeout=30_000)
MANY = 2_000
EMPTY = """
pack: {id: none, title: Nothing yet, description: An empty base., licence: CC0-1.0, citation: Nobody.}
sources: [{id: leaf, name: A leaf, type: note, licence: CC0-1.0, summary: Made up., cite: [Nothing is]}]
"""
RECORDS = {"seed": "great-leap-famine", "ides": "fire", "many": "liu-shaoqi", "empty": "leaf"}


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Starts `fasti serve` over a base when it is first asked for, and gives its URL."""
    folder = tmp_path_factory.mktemp("explorer")
    started = {}

    def start(base):
        if base not in started:
            command = fasti("serve", "--port", "{port}", *["--no-load"] * (base == "nothing"))
            database = {"FASTI_DATABASE_URL": f"sqlite:///{folder / base}.db"}
            started[base] = stack.enter_context(
                Server(base, command, "/", folder / f"{base}.log", database | seed(base, folder))
            )
        return started[base].url

    with ExitStack() as stack:
        yield start


def seed(base, folder):
    """Where the packs of a base are: written here, where the repository has none."""
    at = {"seed": ROOT / "seed", "ides": ROOT / "tests" / "packs"}.get(base, folder / base)
    if base == "many":
        pack.write(at / "bench", MANY)
    if base == "empty":
        (at / "none").mkdir(parents=True)
        (at / "none" / "pack.yaml").write_text(EMPTY, "utf-8")
        (at / "none" / "source.txt").write_text("Nothing is said here.", "utf-8")
        subprocess.run(fasti("cite", str(at / "none")), cwd=ROOT, check=True, capture_output=True)
    return {"FASTI_SEED_DIR": str(at), "FASTI_SOURCE_DIR": str(at / "bench") if base == "many" else ""}


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, servers):
    """Opens a page of the explorer. In the end nothing may have failed in it, and no other host been asked."""
    contexts, said = [], []

    def visit(query="", base="seed", *, faults=False, width=1280, ready=".requests", **given):
        # What waited is faded for a moment more: who asks for no motion sees it as it will stand.
        still = {"viewport": {"width": width, "height": 860}, "reduced_motion": "reduce"}
        context = chromium.new_context(**still, **given)
        contexts.append(context)
        page = context.new_page()
        host = servers(base)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("console", lambda line: None if faults or line.type != "error" else said.append(line.text))
        page.on("request", lambda sent: None if sent.url.removeprefix("blob:").startswith(host) else said.append(sent))
        page.goto(f"{host}/{query}")
        if ready:
            page.wait_for_selector(f"main {ready}")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert said == []


def ask(page, path):
    with urlopen(urljoin(page.url, path)) as answer:
        return json.load(answer)


def violations(page):
    found = Axe().run(page).response["violations"]
    return [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("base", ["seed", "ides", "empty", "many"])
def test_no_view_has_what_axe_finds_fault_with(visit, base, theme):
    for view in VIEWS:
        page = visit(view.format(record=RECORDS[base]), base, color_scheme=theme, faults=base == "many")
        if "record=" in view:
            page.wait_for_selector("#panel .requests")
        assert violations(page) == [], view


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("view", VIEWS)
def test_nothing_is_wider_than_the_window(visit, view, width):
    page = visit(view.format(record="great-leap-famine"), width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_what_is_dated_is_on_the_axis_and_what_is_not_in_the_tray(visit):
    page = visit()
    events, policies = (ask(page, f"/v1/{name}?limit=200")["items"] for name in ("events", "policies"))
    bound = {each["id"] for each in events + policies if each["date"] and each["date"]["days"]}
    assert {each.get_attribute("data-id") for each in page.locator("li.item").all()} == bound
    others = {each["id"] for each in events + policies} - bound
    assert {each.get_attribute("data-id") for each in page.locator(".tray a").all()} == others
    for words in page.locator(".tray em").all_inner_texts():
        assert words.strip() in {each["date"]["text"] for each in events + policies if each["date"]}


def parts(page, record):
    return page.locator(f'li.item[data-id="{record}"] .bar i').evaluate_all("all => all.map(each => each.className)")


def test_a_date_is_drawn_as_what_it_is(visit):
    page = visit()
    assert parts(page, "mao-resignation") == ["possible"]
    assert parts(page, "great-leap-failures") == ["open-left", "possible"]
    assert parts(page, "cultural-revolution-under-way") == ["possible", "open-right"]
    assert parts(page, "peking-university-student-action") == ["possible", "certain"]


def box(page, record, part="possible"):
    return page.locator(f'li.item[data-id="{record}"] .{part}').bounding_box()


def test_bars_stand_where_their_years_are(visit):
    page = visit()
    resigned, announced = box(page, "mao-resignation"), box(page, "great-leap-forward-announcement")
    assert resigned["x"] - announced["x"] == pytest.approx(2 * resigned["width"], rel=0.01)
    bound = box(page, "great-leap-failures")
    # By 1961: it ends with that year, three years after the first day of 1959.
    assert bound["x"] + bound["width"] == pytest.approx(resigned["x"] + 3 * resigned["width"], abs=6)
    assert box(page, "great-leap-failures", "open-left")["x"] < bound["x"]


def test_causes_are_arcs_solid_or_dashed_each_with_its_words(visit):
    page = visit()
    shown = ask(page, "/v1/relations?causality=explicit&causality=implied&limit=200")["items"]
    for causality in ("explicit", "implied"):
        number = len([each for each in shown if each["causality"] == causality])
        assert page.locator(f".arcs .arc.{causality}[d]").count() == number > 0
    dashes = "all => [...new Set(all.map(each => getComputedStyle(each).strokeDasharray))]"
    assert page.locator(".arc.explicit").evaluate_all(dashes) == ["none"]
    assert page.locator(".arc.implied").evaluate_all(dashes) != ["none"]
    assert page.locator(".causes li").count() == len(shown)
    expect(page.locator(".causes li", has_text="Famine of the Great Leap Forward")).to_contain_text(
        "that resulted from"
    )


def test_filters_are_the_api_s_and_stand_in_the_url(visit):
    page = visit()
    page.get_by_label("Policies").uncheck()
    page.wait_for_url("**/?kind=event")
    expect(page.locator(".pill.kind-policy input")).to_be_focused()
    page.get_by_label("Person").select_option("liu-shaoqi")
    page.wait_for_url("**/?kind=event&person=liu-shaoqi")
    wanted = {each["id"] for each in ask(page, "/v1/events?person=liu-shaoqi&limit=200")["items"]}
    expect(page.locator(".stage [data-id]:not(.label)")).to_have_count(len(wanted))
    assert {each.get_attribute("data-id") for each in page.locator(".stage [data-id]").all()} == wanted
    page.get_by_label("From", exact=True).fill("1959")
    page.get_by_label("To", exact=True).fill("1959")
    page.get_by_label("To", exact=True).press("Enter")
    page.wait_for_url("**from=1959&to=1959")
    expect(page.locator(".requests .url").first).to_contain_text("match=possible")
    for _ in ("to", "from", "person"):
        page.go_back()
    expect(page.get_by_label("Person")).to_have_value("")


def test_a_wrong_year_is_told_in_the_api_s_words(visit):
    page = visit("?from=lately", faults=True)
    expect(page.get_by_role("alert")).to_contain_text("From: 'lately' is not")
    # Where it was written it can be mended.
    year = page.get_by_label("From", exact=True)
    expect(year).to_have_value("lately")
    year.fill("1959")
    year.press("Enter")
    page.wait_for_url("**from=1959")
    expect(page.get_by_role("alert")).to_have_count(0)
    assert page.locator(".bar").count() > 0


@pytest.mark.parametrize("query", ["?view=people&who=nobody-at-all", "?record=nobody-at-all"])
def test_who_asks_for_what_is_not_there_is_led_back(visit, query):
    page = visit(query, faults=True)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("nobody-at-all")
    alert.get_by_role("link", name="Show all instead").click()
    expect(alert).to_have_count(0)


def test_what_is_said_of_two_people_says_whose_word_it_is(visit):
    page = visit("?view=people&who=mao-zedong")
    told = page.locator(".with li li", has_text="criticized")
    expect(told.first).to_contain_text("attributed")
    expect(told.first.get_by_role("link", name="evidence")).to_be_visible()


def test_zoom_and_pan_by_buttons_wheel_mouse_and_keys(visit):
    page = visit()
    chart = page.locator(".scroller")
    whole = chart.evaluate("each => each.scrollWidth")
    page.get_by_role("button", name="Zoom in").click()
    assert chart.evaluate("each => each.scrollWidth") > whole * 1.4
    page.wait_for_url("**window=**")
    at = chart.bounding_box()
    page.mouse.move(at["x"] + 300, at["y"] + 120)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    until(lambda: chart.evaluate("each => each.scrollWidth") > whole * 3)
    before = chart.evaluate("each => each.scrollLeft")
    page.mouse.down()
    page.mouse.move(at["x"] + 100, at["y"] + 120, steps=5)
    page.mouse.up()
    assert chart.evaluate("each => each.scrollLeft") == pytest.approx(before + 200, abs=3)
    assert "record" not in page.url
    chart.focus()
    page.keyboard.press("0")
    page.wait_for_url(lambda url: "window" not in url)
    assert chart.evaluate("each => each.scrollWidth") == whole
    page.keyboard.press("+")
    page.wait_for_url("**window=**")
    before = chart.evaluate("each => each.scrollLeft")
    page.keyboard.press("ArrowRight")
    until(lambda: chart.evaluate("each => each.scrollLeft") > before)


def test_two_fingers_zoom(visit):
    page = visit(has_touch=True, width=800)
    whole = page.locator(".scroller").evaluate("each => each.scrollWidth")
    touch = page.context.new_cdp_session(page)
    at = page.locator(".scroller").bounding_box()
    for kind, apart in (("touchStart", 50), ("touchMove", 80), ("touchMove", 150)):
        points = [{"x": at["x"] + 300 + side * apart, "y": at["y"] + 100} for side in (-1, 1)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert page.locator(".scroller").evaluate("each => each.scrollWidth") > whole * 2


def test_a_link_shows_the_same_thing(visit):
    link = "?window=1957-01-01/1962-12-31&record=great-leap-end"
    page = visit(link)
    page.wait_for_selector("#panel .requests")
    seen = "() => [...document.querySelectorAll('.scroller')].map(each => [each.scrollLeft, each.scrollWidth])"
    before = page.evaluate(seen)
    assert before[0][0] > 0
    axis = page.locator(".axis span").all_inner_texts()
    # Not again, since the window in the URL is by now the one that is seen.
    page.goto(urljoin(page.url, f"/{link}"))
    for part in ("main", "#panel"):
        page.wait_for_selector(f"{part} .requests")
    assert page.evaluate(seen) == before
    assert page.locator(".axis span").all_inner_texts() == axis
    expect(page.locator("#panel h2")).to_have_text("End of the Great Leap Forward")


def test_the_keyboard_is_enough(visit):
    page = visit()
    page.locator(".scroller").focus()
    page.keyboard.press("ArrowDown")
    first = page.evaluate("document.activeElement.dataset.id")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.dataset.id") == first
    page.keyboard.press("Enter")
    expect(page.locator("#panel h2")).to_be_focused()
    assert f"record={first}" in page.url
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    assert page.evaluate("document.activeElement.dataset.id") == first
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()


def test_estimates_are_ranges_on_one_scale_and_targets_stand_apart(visit):
    page = visit("?view=estimates")
    deaths = page.locator("figure", has_text="Deaths")
    china, soviet = (each.bounding_box() for each in deaths.locator(".range").all())
    zero = deaths.locator(".track").first.bounding_box()["x"]
    assert (china["x"] - zero) / (soviet["x"] - zero) == pytest.approx(3, rel=0.02)
    assert china["width"] / soviet["width"] == pytest.approx(15, rel=0.05)
    expect(deaths).to_contain_text("15,000,000 to 45,000,000 persons")
    expect(deaths).to_contain_text("says scholars")
    assert "30,000,000" not in page.content()
    apart = page.locator("section", has=page.get_by_role("heading", name="Targets"))
    expect(apart.locator("li")).to_have_count(1)
    expect(apart).to_contain_text("2 times")
    words = page.locator("section", has=page.get_by_role("heading", name="In words only"))
    assert words.locator(".range").count() == 0
    assert words.locator("li").count() == 2


def test_people_have_offices_over_time_deeds_and_companions(visit):
    page = visit("?view=people")
    rows = page.locator(".offices .row:has(.bar)")
    expect(rows).to_have_count(2)
    parts = rows.locator(".bar").evaluate_all("all => all.map(bar => [...bar.children].map(each => each.className))")
    assert sorted(parts) == [["open-left", "possible"], ["possible", "open-right"]]
    expect(page.locator(".offices")).to_contain_text("Undated: Mao Zedong, chairman of Chinese Communist Party")
    page.get_by_role("navigation", name="People and").get_by_role("link", name="Liu Shaoqi").click()
    page.wait_for_url("**who=liu-shaoqi")
    expect(page.locator(".deeds h2")).to_have_text("Liu Shaoqi")
    expect(page.locator(".with > li").first).to_contain_text("Mao Zedong")
    page.locator(".deeds .cite").first.click()
    expect(page.locator("#panel .cited q").first).not_to_be_empty()


def test_search_answers_while_one_types_and_shows_why(visit):
    page = visit()
    page.locator("#q").press_sequentially("furna")
    page.wait_for_url("**view=search&q=furna")
    # And not what was found for fewer letters.
    expect(page.locator("main .requests .url").first).to_contain_text("q=furna")
    expect(page.locator(".hits li").first).to_contain_text("furnace")
    marked = {text.lower() for text in page.locator(".hits mark").all_inner_texts()}
    assert marked
    assert all(text.startswith("furna") for text in marked)
    page.locator("#q").fill("fammine")
    page.get_by_role("link", name="famine").click()
    expect(page.locator("#q")).to_have_value("famine")
    page.locator(".hits .kind-relation .name").first.click()
    expect(page.locator("#panel .badge")).to_have_text("relation")


def test_a_record_says_all_that_is_said_of_it_and_by_whom(visit):
    page = visit("?record=great-leap-famine")
    panel = page.locator("#panel")
    page.wait_for_selector("#panel .requests")
    relations = ask(page, "/v1/relations?record=great-leap-famine&limit=200")["items"]
    expect(panel.locator(".statements > li")).to_have_count(len(relations))
    for relation in relations:
        line = panel.locator(".statements > li", has_text=f"{relation['subject']['name']} {relation['label']} ")
        voice = relation["attributed_to"]["name"] if relation["attributed_to"] else "the author"
        expect(line.filter(has_text=relation["object"]["name"]).first).to_contain_text(f"says {voice}")
    panel.locator("summary", has_text="man-made famine").click()
    strip = panel.locator(".strip").first
    expect(strip).to_have_attribute("aria-label", re.compile("the cited span from character"))
    expect(panel).to_contain_text("the text is not held here")


def test_where_the_text_is_held_the_cited_words_are_marked_in_it(visit):
    page = visit("?record=fire", "ides")
    page.locator("#panel summary", has_text="a fire consumed the roll house").first.click()
    expect(page.locator("#panel .passage mark").first).to_have_text("a fire consumed the roll house")
    expect(page.locator("#panel .passage p").first).to_contain_text("About 30 BCE")


def test_years_before_1_are_drawn(visit):
    page = visit("", "ides")
    expect(page.locator(".axis .strong").first).to_have_text("30 BCE")
    expect(page.locator(".tray")).to_contain_text("Fleet at Porta")


@pytest.mark.parametrize("view", VIEWS)
def test_the_requests_behind_a_view_are_shown_and_work(visit, view):
    sent = []
    page = visit(ready=None)
    page.on("request", lambda request: sent.append(request.url))
    page.goto(page.url.split("?")[0] + view.format(record="great-leap-famine"))
    page.wait_for_selector("main .requests")
    page.wait_for_load_state("networkidle")
    shown = page.locator(".requests .url a").evaluate_all("all => all.map(each => each.href)")
    about = page.url.split("?")[0] + "v1"
    assert sorted(shown) == sorted(url for url in sent if "/v1" in url and url != about and "cursor=" not in url)
    for url in shown:
        with urlopen(url) as answer:
            assert answer.status == 200
    row = page.locator("main .requests li").first
    for name, start in (("curl", "curl '"), ("fetch", "const response"), ("httpx", "import httpx")):
        row.get_by_role("button", name=name).click()
        expect(row.locator("pre")).to_contain_text(start)
        expect(row.locator("pre")).to_contain_text(shown[0])
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    row.get_by_role("button", name="Copy").click()
    expect(row.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == row.locator("pre").inner_text()


def test_swagger_ui_opens_at_the_operation(visit):
    page = visit("?view=estimates")
    swagger = page.get_by_role("link", name="open in Swagger UI")
    swagger.hover()
    expect(swagger).to_have_attribute("href", "/docs#/estimates/list_estimates")
    with page.expect_popup() as opened:
        swagger.click()
    expect(opened.value.locator(".opblock.is-open")).to_contain_text("/v1/estimates")


def test_what_is_being_written_is_not_lost_when_the_view_is_made_anew(visit):
    page = visit()
    page.get_by_label("From", exact=True).fill("1959")
    page.get_by_label("To", exact=True).press_sequentially("196")
    expect(page.locator(".requests .url").first).to_contain_text("from=1959")
    expect(page.get_by_label("To", exact=True)).to_have_value("196")
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    page.wait_for_url("**from=1959&to=1961")


def test_an_empty_base_says_so(visit):
    page = visit("", "empty")
    expect(page.locator(".empty")).to_contain_text("There is nothing here yet")
    page.get_by_role("link", name="Estimates").click()
    expect(page.locator(".empty")).to_contain_text("No figures")
    page.get_by_role("link", name="People").click()
    expect(page.locator(".empty")).to_contain_text("No people")


def test_without_a_database_the_page_says_what_is_wrong(visit):
    page = visit("", "nothing", faults=True)
    expect(page.get_by_role("alert")).to_contain_text("Try again")
    assert violations(page) == []


@pytest.mark.parametrize("fault", ["away", "wrong", "garbage"])
@pytest.mark.parametrize("view", VIEWS)
def test_when_the_api_fails_there_is_a_message_and_a_retry(visit, view, fault):
    page = visit(ready=None, faults=True)
    answer = {
        "away": lambda route: route.abort(),
        "wrong": lambda route: route.fulfill(status=503, json={"title": "Not available", "detail": "Come again."}),
        "garbage": lambda route: route.fulfill(status=200, body="<html>"),
    }[fault]
    page.route("**/v1/**", answer)
    page.goto(page.url.split("?")[0] + view.format(record="great-leap-famine"))
    alerts = page.get_by_role("alert")
    expect(alerts).to_have_count(2 if "record" in view else 1)
    if fault == "wrong":
        expect(alerts.first).to_contain_text("Come again.")
    page.unroute("**/v1/**")
    for left in reversed(range(alerts.count())):
        alerts.first.get_by_role("button", name="Try again").click()
        expect(alerts).to_have_count(left)
    expect(page.locator("main h2, main .hits").first).to_be_attached()


def test_without_javascript_the_page_leads_on(visit):
    page = visit(ready="noscript", java_script_enabled=False, faults=True)
    links = [each.get_attribute("href") for each in page.locator("main a").all()]
    assert len(links) > 10
    for link in links:
        with urlopen(page.url.rstrip("/") + link) as answer:
            assert answer.status == 200
    page.get_by_label("From the year").fill("1959")
    page.get_by_label("to", exact=True).fill("1959")
    page.get_by_role("button", name="List the events").click()
    page.wait_for_url("**/v1/events?from=1959&to=1959")
    assert "mao-resignation" in page.content()


def test_two_thousand_events_are_all_there_and_panning_makes_nothing_anew(visit):
    page = visit("?kind=event", "many")
    drawn, tray = page.locator("li.item").count(), page.locator(".tray small").inner_text()
    assert drawn + int(tray.split(",")[0]) == MANY
    page.evaluate("""() => {
      window.changes = 0;
      new MutationObserver(seen => window.changes += seen.length).observe(
        document.querySelector('.items'), { childList: true, subtree: true, attributes: true });
    }""")
    page.get_by_role("button", name="Zoom in").click()
    page.wait_for_url("**window=**")
    page.evaluate("window.changes = 0")
    page.locator(".scroller").evaluate("each => { each.scrollLeft -= 100 }")
    page.wait_for_timeout(100)
    assert page.evaluate("window.changes") == 0


def test_the_page_is_small(visit):
    """What is transferred: the page, its styles and modules, and the answers of the first view."""
    page = visit()
    page.wait_for_load_state("networkidle")
    sizes = "performance.getEntries().map(each => each.transferSize ?? 0).reduce((one, other) => one + other)"
    assert 20_000 < page.evaluate(sizes) < 150_000


def test_nothing_inline_runs(visit):
    page = visit(faults=True)
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.ran = 1' }))"
    )
    page.evaluate("document.body.setAttribute('style', 'color: red')")
    assert page.evaluate("window.ran") is None
    assert page.evaluate("getComputedStyle(document.body).color") != "rgb(255, 0, 0)"


def test_it_prints_the_whole(visit):
    page = visit("?window=1957-01-01/1958-12-31&record=great-leap-end")
    page.wait_for_selector("#panel .requests")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".scroller").evaluate("each => each.firstChild.offsetWidth") <= 700
    for hidden in (".filters", "nav.tabs", ".requests", ".close"):
        expect(page.locator(hidden).first).to_be_hidden()
    assert page.pdf()[:5] == b"%PDF-"


def test_swagger_ui_and_redoc_run_under_their_policies(visit):
    page = visit("docs#/events/list_events", ready=None)
    page.locator(".opblock.is-open").get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
    page = visit("redoc", ready=None)
    expect(page.get_by_role("heading", name="Fasti").first).to_be_visible()
    page.locator("input[role=search], input[placeholder^=Search]").first.fill("estimates")
    expect(
        page.locator("[data-role='search:results'] li, .scrollbar-container li[role=menuitem]").first
    ).to_be_visible()
