#!/usr/bin/env python3
"""The mixing board in a real Chromium, without a display.

    pip install selenium; apt-get install chromium chromium-driver
    board_test.py                                   against the fake server beside this file
    board_test.py --url http://127.0.0.1:8080/      against a server whose presets are terse, happy and formal; nothing is active there
    board_test.py --url ... --admin-key KEY         and a preset swapped on it
    board_test.py --picture board.png [--url ...]   a picture of a comparison

Exit status 77: selenium or the browser is not there.
"""
import argparse
import json
import sys
import time
import unittest
import urllib.parse
import urllib.request

try:
    from selenium import webdriver
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import Select, WebDriverWait
except ImportError:
    print("selenium is not there: skipped")
    sys.exit(77)

from board_fake_server import HOSTILE, FakeServer, digest_of

OPTIONS = argparse.Namespace()


def new_browser():
    options = webdriver.ChromeOptions()
    options.binary_location = OPTIONS.chromium
    for each in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--window-size=1200,900", "--lang=en",
                 "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"):
        options.add_argument(each)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(OPTIONS.chromedriver))


class Page:
    """The board as somebody uses it."""

    def __init__(self, browser, url):
        self.browser, self.url = browser, url

    def open(self, hash="", ready=True):
        self.browser.get("about:blank")
        self.browser.get(self.url + hash)
        if ready:
            self.wait(lambda: self("compare").is_enabled())

    def __call__(self, id):
        return self.browser.find_element(By.ID, id)

    def css(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def js(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def wait(self, holds, seconds=None):
        return WebDriverWait(self.browser, seconds or OPTIONS.patience, poll_frequency=0.05).until(lambda _: holds())

    def dose(self, name, kind="number"):
        return self.css(f'.dose[data-name="{name}"] input[type="{kind}"]')[0]

    def write(self, field, text):
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(str(text))

    def compare(self):
        """@return the two texts"""
        self("compare").click()
        self.wait(lambda: not self("stop").is_enabled())
        return self.texts()

    def texts(self):
        return tuple(self.js("return document.querySelector(arguments[0]).textContent", f"#{id} .text") for id in ("plain", "steered"))

    def facts(self, id="steered"):
        return dict(zip([each.text for each in self.css(f"#{id} dt")], [each.text for each in self.css(f"#{id} dd")]))

    def refusal(self):
        return self("refusal").text


class BoardTest(unittest.TestCase):
    browser = None

    @classmethod
    def setUpClass(cls):
        cls.browser = new_browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.quit()

    def setUp(self):
        for kind in ("browser", "performance"):  # of what came before
            self.browser.get_log(kind)
        self.refusals = set()  # what the browser says of those that this test means to see
        self.begin()

    def begin(self):
        raise NotImplementedError

    def tearDown(self):
        origin = self.page.url
        for entry in self.browser.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = message["params"]["request"]["url"]
                self.assertTrue(url.startswith((origin, "data:", "about:")), f"asked {url}")
        for entry in self.browser.get_log("browser"):
            is_meant = entry["source"] == "network" and any(each in entry["message"] for each in self.refusals)
            self.assertTrue(is_meant, f"on the console: {entry}")


class OnFake(BoardTest):
    def begin(self):
        self.fake = FakeServer()
        self.addCleanup(self.fake.close)
        self.page = Page(self.browser, self.fake.url)

    def sent(self):
        """@return steering of the unsteered and the steered request, in this order"""
        last = [each["steering"] for each in self.fake.bodies[-2:]]
        return sorted(last, key=lambda each: "phase" in each)

    def test_sliders_move_the_answer(self):
        page = self.page
        page.open()
        page.dose("terse", "range").send_keys(Keys.ARROW_RIGHT * 10)
        self.assertEqual(page.dose("terse").get_attribute("value"), "0.5")
        page.write(page.dose("happy"), "0.25")
        self.assertEqual(page.dose("happy", "range").get_attribute("value"), "0.25")
        plain, steered = page.compare()
        self.assertEqual(self.sent(), [{"base": False, "doses": {}}, {"base": True, "doses": {"happy": 0.25, "terse": 0.5}, "phase": "all"}])
        self.assertEqual(self.fake.bodies[-1] | {"steering": 0}, {
            "model": "fake", "messages": [{"role": "user", "content": "How do I keep a basil plant alive indoors?"}], "stream": True,
            "stream_options": {"include_usage": True}, "temperature": 0, "max_tokens": 120, "seed": 1, "steering": 0})
        self.assertGreater(len(plain), len(steered))
        facts = page.facts()
        self.assertEqual(facts["Operator\u2019s preset"], "terse@1")
        self.assertEqual(facts["Doses"].split("\n"), ["1 terse@1", "0.25 happy@1", "0.5 terse@2"])
        self.assertIn("happy: no change that stands out (+0.5 nats, \u00b10.3)", facts["Expected"])
        self.assertIn("terse: such answers about 2.9 times more likely (+1.1 nats, \u00b10.3)", facts["Expected"])
        self.assertIn(f"{len(steered.split())} words, ", facts["Length"])
        self.assertEqual(page("both").text, f"{len(steered.split())} words instead of {len(plain.split())} words.")
        digest = page.css("#steered code")[0]
        self.assertEqual(digest.get_attribute("title"), digest_of(sorted({"terse@1": 1.0, "happy@1": 0.25, "terse@2": 0.5}.items())))
        self.assertEqual(digest.text, digest.get_attribute("title")[:12])
        self.assertEqual(page.facts("plain")["Doses"], "none")

    def test_an_answer_that_is_cut_off_is_said_to_be(self):
        self.page.open("#max_tokens=20&dose.terse=1")
        self.page.compare()
        self.assertEqual(self.page("both").text, "9 words instead of at least 20 words.")
        self.assertEqual(self.page.facts("plain")["Length"], "at least 20 words, 20 tokens, then cut off")

    def test_nobody_has_measured(self):
        self.page.open("#dose.formal=1")
        self.page.compare()
        self.assertEqual(self.page.facts()["Expected"], "Nobody has measured what this does to the output.")

    def test_buttons_and_resets(self):
        page = self.page
        page.open()
        buttons = {each.text: each for each in page.css("#presets button")}
        self.assertEqual(list(buttons), ["All to 0", "formal", "happy", "terse"])
        self.assertEqual(buttons["All to 0"].get_attribute("aria-pressed"), "true")
        buttons["happy"].click()
        self.assertEqual([each.get_attribute("value") for each in page.css('.dose input[type="number"]')], ["0", "1", "0"])
        self.assertEqual(buttons["happy"].get_attribute("aria-pressed"), "true")
        page.css('[aria-label="Reset happy to 0"]')[0].click()
        self.assertEqual(page.dose("happy").get_attribute("value"), "0")

    def test_doses_beyond_what_was_looked_at_are_warned_of(self):
        page = self.page
        page.open()
        warning = lambda name: page.css(f'.dose[data-name="{name}"] .warning')[0].text
        page.write(page.dose("happy"), "1.5")
        self.assertEqual(warning("happy"), "")
        page.write(page.dose("happy"), "1.75")
        self.assertEqual(warning("happy"), "Nobody has looked at a dose of 1.75, only at 0 to 1.5.")
        page.compare()
        self.assertIn("nobody has looked at a dose of 1.75", page.facts()["Warnings"])
        self.fake.references = ["terse@1"]  # the operator's own: 1 is there already
        page.open("#dose.terse=1")
        self.assertEqual(warning("terse"), "Nobody has looked at a dose of 2, the operator\u2019s 1 included, only at 0 to 1.5.")
        page.css('input[value="without"]')[0].click()
        self.assertEqual(warning("terse"), "")

    def test_a_dose_over_the_limit_shows_the_refusal(self):
        self.refusals = {"status of 403 "}
        page = self.page
        page.open()
        page.write(page.dose("terse"), "3")
        self.assertIn("This server allows \u22121 to 2, and will refuse 3.", page.css('.dose[data-name="terse"] .warning')[0].text)
        page.compare()
        self.assertEqual(page("refusal").get_attribute("role"), "alert")
        self.assertIn("(403): request: it asks for 3 of terse", page.refusal())
        page.write(page.dose("terse"), "1")
        page.compare()
        self.assertEqual(page.refusal(), "")

    def test_a_full_queue_and_a_broken_answer_are_said(self):
        self.refusals = {"status of 429 "}
        self.fake.queue_full = True
        self.page.open()
        self.page.compare()
        self.assertEqual(self.page.refusal(), "The server refused (429): the queue is full")
        self.fake.queue_full, self.fake.breaks_off = False, True
        self.page.compare()
        self.assertEqual(self.page.refusal(), "The answer broke off: the answer took too long")
        self.fake.breaks_off = "at once"
        self.page.compare()
        self.assertEqual(self.page.refusal(), "The answer broke off: the connection is lost.")
        self.refusals.add("ERR_INCOMPLETE_CHUNKED_ENCODING")

    def test_a_swap_on_the_server_shows_its_digest(self):
        page = self.page
        page.open()
        shown = lambda: (page.css("#base_text b")[0].text, page.css("#base_text code")[0].get_attribute("title"))
        self.assertEqual(shown(), ("terse@1", digest_of("terse@1")))
        self.fake.active = "happy@1"
        self.browser.refresh()
        page.wait(lambda: page("compare").is_enabled())
        self.assertEqual(shown(), ("happy@1", digest_of("happy@1")))
        page.write(page.dose("formal"), "0.5")
        self.fake.active = "formal@1"  # and without a reload, when the next answer is asked for
        page.compare()
        self.assertEqual(shown(), ("formal@1", digest_of("formal@1")))
        self.assertEqual(page.dose("formal").get_attribute("value"), "0.5")
        self.assertEqual(page.facts()["Operator\u2019s preset"], "formal@1")

    def test_the_base_may_be_left_only_where_it_is_allowed(self):
        page = self.page
        page.open()
        page.css('input[value="without"]')[0].click()
        page.compare()
        self.assertEqual([each["base"] for each in self.sent()], [False, False])
        self.assertEqual(page.facts()["Operator\u2019s preset"], "none")
        self.fake.base = "always"
        page.open("#base=without&dose.happy=1")
        self.assertFalse(page("base_choice").is_displayed())
        self.assertEqual(page("plain_title").text, "Operator\u2019s preset alone (terse@1)")
        page.compare()
        self.assertEqual([each["base"] for each in self.sent()], [True, True])

    def test_the_link_restores_the_settings(self):
        page = self.page
        page.open()
        page.write(page.dose("terse"), "-0.35")
        page.write(page("prompt"), "Why? #&=% \u00e9")
        page.write(page("max_tokens"), "7")
        page.write(page("temperature"), "0.7")
        page.write(page("seed"), "42")
        Select(page("phase")).select_by_value("generation")
        page.css('input[value="without"]')[0].click()
        link = page("link").get_attribute("href")
        page.wait(lambda: self.browser.current_url == link)
        page.open(link[len(page.url):])
        self.assertEqual([page(each).get_attribute("value") for each in ("prompt", "max_tokens", "temperature", "seed", "phase")],
                         ["Why? #&=% \u00e9", "7", "0.7", "42", "generation"])
        self.assertEqual(page.dose("terse").get_attribute("value"), "-0.35")
        self.assertTrue(page.css('input[value="without"]')[0].is_selected())
        page.compare()
        self.assertEqual(self.sent()[1], {"base": False, "doses": {"terse": -0.35}, "phase": "generation"})

    def test_a_hostile_link_is_harmless(self):
        self.page.open("#dose.x%3Cb%3E=1&dose.terse=NaN&dose.happy=1e999&phase=%3Cimg%3E&base=%22%5D&max_tokens=x&__proto__=1&dose.__proto__=1")
        self.assertEqual(self.page.dose("terse").get_attribute("value"), "0")
        self.assertEqual(self.page("phase").get_attribute("value"), "all")

    def test_the_keyboard_is_enough(self):
        page = self.page
        page.open()
        page.js("document.activeElement.blur()")
        reached, keys = [], webdriver.ActionChains(self.browser)
        for _ in range(30):
            keys.send_keys(Keys.TAB).perform()
            active = self.browser.switch_to.active_element
            name = active.get_attribute("id") or active.text or active.get_attribute("aria-label") or active.get_attribute("value")
            outline = page.js("const s = getComputedStyle(arguments[0]); return s.outlineStyle + parseFloat(s.outlineWidth)", active)
            self.assertEqual(outline, "solid3", f"focus on {name} is not seen")
            reached.append(name)
            if name == "slider_1":
                active.send_keys(Keys.END)
            if name == "prompt":
                page.write(active, "Say it by keys")
            if name == "link":
                break
        for each in ("on_top", "All to 0", "terse", "dose_0", "slider_0", "prompt", "max_tokens", "phase", "compare", "link"):
            self.assertIn(each, reached)
        page("prompt").send_keys(Keys.ENTER)
        page.wait(lambda: page.facts())
        self.assertEqual(self.fake.bodies[-1]["messages"][0]["content"], "Say it by keys")
        self.assertEqual(self.sent()[1]["doses"], {"happy": 2})
        page.dose("happy").send_keys(Keys.ENTER)  # in any field
        page.wait(lambda: len(self.fake.bodies) == 4 and not page("stop").is_enabled())
        page("compare").send_keys(Keys.ENTER)
        page.wait(lambda: len(self.fake.bodies) == 6 and not page("stop").is_enabled())
        self.assertEqual(self.browser.switch_to.active_element, page("compare"))

    def test_every_control_has_a_name(self):
        self.fake.extras = True
        self.page.open()
        self.page.js("document.querySelectorAll('[hidden]').forEach((each) => { each.hidden = false; })")
        for each in self.page.css("input, select, textarea, button, a"):
            self.assertTrue(each.accessible_name, each.get_attribute("outerHTML"))

    def test_stop_ends_both(self):
        self.fake.pause = 0.1
        page = self.page
        page.open()
        page("compare").click()
        page.wait(lambda: all(page.texts()))
        page("stop").click()
        page.wait(lambda: page("status").text == "Stopped.")
        self.assertTrue(page("compare").is_enabled())
        before = page.texts()
        page.wait(lambda: self.fake.cut_off == 2)
        self.assertEqual(page.texts(), before)
        self.assertEqual(page.refusal(), "")

    def test_no_scrolling_to_the_side_on_a_phone(self):
        self.fake.extras = True
        self.fake.references.append("a_very_long_name_of_a_behaviour_that_somebody_has_made_up@1")
        page = self.page
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 380, "height": 700, "deviceScaleFactor": 1, "mobile": True})
        self.addCleanup(self.browser.execute_cdp_cmd, "Emulation.clearDeviceMetricsOverride", {})
        page.open("#dose.happy=1.8&dose.terse=5")
        wide = lambda: page.js("return [document.documentElement.scrollWidth, ...[...document.querySelectorAll('body *')].filter((each) => "
                               "each.getBoundingClientRect().right > 380 && !each.closest('.wide')).map((each) => each.outerHTML.slice(0, 80))]")
        self.assertEqual(wide(), [380])
        page.write(page.dose("terse"), "0.5")
        page.write(page("prompt"), "hostile " + "x" * 200)
        page.compare()
        self.assertEqual(wide(), [380])

    def test_what_a_model_writes_stays_text(self):
        self.page.open()
        self.page.write(self.page("prompt"), "hostile")
        plain, _ = self.page.compare()
        self.assertEqual(plain, HOSTILE)
        self.assertEqual(self.page.css("article img, article script, article b"), [])
        self.assertEqual(self.browser.title, "Mixing board")

    def test_the_progress_is_shown_until_the_server_is_ready(self):
        self.refusals = {"status of 503 "}
        self.fake.progress = "fitting terse, 1 of 3"
        page = self.page
        page.open("#dose.happy=1", ready=False)
        page.wait(lambda: page("status").text == "The server is starting: fitting terse, 1 of 3\u2026")
        self.assertFalse(page("compare").is_enabled())
        self.fake.progress = None
        page.wait(lambda: page("compare").is_enabled())
        self.assertEqual(page("status").text, "")
        self.assertEqual(page.dose("happy").get_attribute("value"), "1")

    def test_a_key_is_asked_for_and_kept_in_the_tab(self):
        self.refusals = {"status of 401 "}
        self.fake.key = "secret"
        page = self.page
        page.open(ready=False)
        page.wait(lambda: page("key").is_displayed())
        page("key").send_keys("wrong", Keys.ENTER)
        page.wait(lambda: len(self.fake.paths) > 4 and page("key").get_attribute("value") == "")
        page("key").send_keys("secret", Keys.ENTER)
        page.wait(lambda: page("compare").is_enabled())
        self.assertFalse(page("key_form").is_displayed())
        self.assertTrue(all(page.compare()))
        self.assertEqual(page.js("return [localStorage.length, document.cookie, location.href.includes('secret')]"), [0, "", False])
        page.js("sessionStorage.clear()")

    def test_tints_budget_and_interference_where_they_are_there(self):
        page = self.page
        page.open("#dose.happy=1")
        page.compare()
        self.assertFalse(page("tint").is_displayed())
        self.assertEqual(page.css("meter, table"), [])
        self.fake.extras = True
        page.compare()
        self.assertEqual([each.text for each in page.css("#concept option")], ["terse", "happy"])
        self.assertEqual(page("concept").get_attribute("value"), "happy")  # there is most of it
        Select(page("concept")).select_by_value("terse")
        tints = lambda: page.js("return [...document.querySelectorAll('#steered .token')].map((each) => each.style.backgroundColor)")
        by_terse = tints()
        self.assertGreater(len(set(by_terse)), 5)
        Select(page("concept")).select_by_value("happy")
        self.assertEqual(len(set(tints())), 2)
        self.assertEqual([each.get_attribute("aria-label") for each in page.css("#steered meter")], ["Share of the layer budget", "Share of the total budget"])
        self.assertEqual(len(page.css("#interference td")), 10)
        self.assertIn("cosines", page.css("caption")[0].text)

    def test_dark_and_still_where_that_is_preferred(self):
        page = self.page
        features = [{"name": "prefers-color-scheme", "value": "dark"}, {"name": "prefers-reduced-motion", "value": "reduce"}]
        page.open()
        ground = lambda: page.js("return getComputedStyle(document.body).backgroundColor")
        light = ground()
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        self.addCleanup(self.browser.execute_cdp_cmd, "Emulation.setEmulatedMedia", {"features": []})
        self.assertNotEqual(ground(), light)
        page.js("document.getElementById('plain').setAttribute('aria-busy', 'true')")
        self.assertEqual(page.js("return getComputedStyle(document.querySelector('#plain .text'), '::after').animationName"), "none")

    def test_the_page_makes_no_globals(self):
        self.page.open()
        self.assertEqual(self.page.js("return ['board', 'at', 'make', 'start', 'settings'].filter((each) => window[each] && !window[each].nodeType)"), [])


class OnServer(BoardTest):
    """Against a real one: what the doses do is the model's affair."""

    def begin(self):
        self.page = Page(self.browser, OPTIONS.url)

    def test_sliders_move_the_answer(self):
        page = self.page
        page.open("#max_tokens=40")
        same = page.compare()
        self.assertEqual(same[0], same[1])
        page.dose("terse", "range").send_keys(Keys.END)
        page.write(page.dose("terse"), "1")
        plain, steered = page.compare()
        self.assertEqual(page.refusal(), "")
        self.assertEqual(plain, same[0])
        self.assertNotEqual(steered, plain)
        self.assertRegex(page.facts()["Doses"], r"^1 terse@\d+$")
        self.assertEqual(len(page.css("#steered code")[0].get_attribute("title")), 64)

    def test_tokens_are_tinted_by_what_presets_watch(self):
        page = self.page
        page.open("#max_tokens=20&dose.terse=1")
        page.compare()
        if not page("tint").is_displayed():
            self.skipTest("no preset watches a direction")
        Select(page("concept")).select_by_value("terse")
        mean = lambda side: page.js("""const all = [...document.querySelectorAll(`#${arguments[0]} .token`)].map((each) => Number(each.title.replace("\u2212", "-")));
                                       return all.reduce((sum, each) => sum + each, 0) / all.length""", side)
        self.assertGreater(mean("steered"), mean("plain"))
        self.assertGreater(len({each.value_of_css_property("background-color") for each in page.css("#answers .token")}), 1)

    def test_a_dose_over_the_limit_shows_the_refusal(self):
        self.refusals = {"status of 403 "}
        self.page.open("#max_tokens=5&dose.terse=50")
        self.page.compare()
        self.assertIn("(403)", self.page.refusal())
        self.assertIn("50 of terse", self.page.refusal())

    def test_stop_ends_both(self):
        page = self.page
        page.open("#max_tokens=1000&dose.happy=1")
        page("compare").click()
        page.wait(lambda: all(page.texts()))
        page("stop").click()
        page.wait(lambda: page("status").text == "Stopped.")
        before = page.texts()
        time.sleep(0.5)
        self.assertEqual(page.texts(), before)

    def test_a_swap_on_the_server_shows_its_digest(self):
        if not OPTIONS.admin_key:
            self.skipTest("no --admin-key")
        seen = set()
        for name in ("terse", "happy"):
            asked = urllib.request.Request(urllib.parse.urljoin(OPTIONS.url, f"/steer/presets/{name}/activate"), b"{}", method="POST",
                                           headers={"Content-Type": "application/json", "Authorization": f"Bearer {OPTIONS.admin_key}"})
            said = json.load(urllib.request.urlopen(asked))
            self.page.open()
            self.assertEqual(self.page.css("#base_text b")[0].text, said["active"])
            self.assertEqual(self.page.css("#base_text code")[0].get_attribute("title"), said["digest"])
            seen.add(said["digest"])
        self.assertEqual(len(seen), 2)
        off = urllib.request.Request(urllib.parse.urljoin(OPTIONS.url, "/steer/deactivate"), b"{}", method="POST",
                                     headers={"Content-Type": "application/json", "Authorization": f"Bearer {OPTIONS.admin_key}"})
        urllib.request.urlopen(off)


def take_picture(path):
    """1200 wide, as high as the page."""
    fake = None if OPTIONS.url else FakeServer()
    if fake:
        fake.extras, fake.active = True, None
    browser = new_browser()
    try:
        page = Page(browser, OPTIONS.url or fake.url)
        page.open("#" + urllib.parse.urlencode({"dose.terse": 1, "dose.happy": 0.4, "max_tokens": 120} if not OPTIONS.hash else
                                               dict(urllib.parse.parse_qsl(OPTIONS.hash))))
        page.compare()
        page.js("document.activeElement.blur(); document.getElementById('status').textContent = ''")
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": 1200, "height": page.js("return document.body.scrollHeight"), "deviceScaleFactor": 1, "mobile": False})
        time.sleep(0.3)
        browser.save_screenshot(path)
    finally:
        browser.quit()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="of a running server, with the / at its end; none: the fake one")
    parser.add_argument("--admin-key", default="")
    parser.add_argument("--picture", help="write it there, and test nothing")
    parser.add_argument("--hash", default="", help="settings of the picture, as the page's link has them")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--chromedriver", default="/usr/bin/chromedriver")
    parser.add_argument("--patience", type=float, default=None, help="seconds that anything may take")
    _, rest = parser.parse_known_args(namespace=OPTIONS)
    OPTIONS.patience = OPTIONS.patience or (120 if OPTIONS.url else 15)
    try:
        if OPTIONS.picture:
            take_picture(OPTIONS.picture)
            return
        new_browser().quit()
    except WebDriverException as problem:
        print(f"no browser: skipped: {problem}")
        sys.exit(77)
    only = "OnServer" if OPTIONS.url else "OnFake"
    unittest.main(argv=[sys.argv[0], *(rest if any(not each.startswith("-") for each in rest) else [*rest, only])])


if __name__ == "__main__":
    main()
