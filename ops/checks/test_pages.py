"""A real browser drives the dashboard."""

import base64
import json
import os
import pathlib
import shutil
import tempfile
import unittest
import urllib.parse

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import line

PAGES = ["bets", "matches", "performance", "pipeline", "jobs", "letters", "models", "backtests", "settings"]
# What a page may take on a phone over a throttled line.
FIRST_PAINT_MS_MAX = 1000
TRANSFER_BYTES_MAX = 200_000
SHOTS = os.environ.get("MARABET_SCREENSHOTS")


def browser(width=1280, height=900, dark=False, language="en"):
    options = Options()
    profile = tempfile.mkdtemp(prefix="marabet-browser-")
    for argument in ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
                     f"--user-data-dir={profile}", f"--lang={language}"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
    driver.execute_cdp_cmd("Network.setUserAgentOverride", {"userAgent": "check", "acceptLanguage": language})
    return driver


def text(driver, selector):
    """What an element says at this moment, however often the page is drawn anew meanwhile."""
    return driver.execute_script("return document.querySelector(arguments[0])?.innerText ?? ''", selector)


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.line = line.shared()

    def open(self, fragment, **options):
        driver = browser(**options)
        self.addCleanup(driver.quit)
        self.go(driver, fragment)
        return driver

    def go(self, driver, fragment):
        driver.get(f"{self.line.base}/#/{fragment}")
        driver.refresh()
        line.until("the page is drawn", lambda: driver.find_elements(By.CSS_SELECTOR, "main h1"))

    def shoot(self, driver, name):
        if SHOTS:
            shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
            with open(f"{SHOTS}/{name}.png", "wb") as file:
                file.write(base64.b64decode(shot["data"]))

    def quiet(self, driver):
        """No page says anything on the console."""
        said = [entry["message"] for entry in driver.get_log("browser")]
        self.assertEqual(said, [])

    def test_every_page_is_drawn_in_both_schemes_and_widths_without_a_word_on_the_console(self):
        bet = self.line.get("/bets?limit=1")["items"][0]
        match = urllib.parse.quote(bet["match"], safe="")
        fragments = PAGES + [f"bets/{bet['bet']}", f"matches/{match}"]
        for width, dark in [(1280, False), (390, True)]:
            driver = self.open("bets", width=width, dark=dark)
            for fragment in fragments:
                with self.subTest(fragment=fragment, width=width, dark=dark):
                    self.go(driver, fragment)
                    wide = driver.execute_script("return document.documentElement.scrollWidth - innerWidth")
                    self.assertLessEqual(wide, 0, "nothing sticks out to the right")
                    self.quiet(driver)
                    name = fragment.split("/")[0] + ("-one" if "/" in fragment else "")
                    self.shoot(driver, f"{name}-{'dark' if dark else 'light'}-{width}")

    def test_a_bet_arrives_without_a_reload_and_leads_to_its_reason(self):
        driver = self.open("bets")
        line.until("the page is linked", lambda: driver.find_elements(By.CSS_SELECTOR, "#link.up"))
        self.assertEqual(self.line.value_bet("Arriving", "Waiting")["accepted"], 3)
        arrived = "//a[contains(@class, 'match')][contains(., 'Arriving – Waiting')]"
        line.until("the bet is there", lambda: driver.find_elements(By.XPATH, arrived))
        row = driver.find_element(By.XPATH, f"{arrived}/ancestor::li")
        self.assertIn("pinnacle", self.line.get(f"/why/{row.get_attribute('data-bet')}")["bet"]["event"]["fair"]["references"][0]["book"])
        said = driver.find_element(By.ID, "said").get_attribute("textContent")
        self.assertIn("Arriving – Waiting", said, "who cannot see the page hears of it")
        row.find_element(By.CSS_SELECTOR, "a.why").click()
        line.until("the reason is shown", lambda: driver.find_elements(By.CSS_SELECTOR, "ol.chain"))
        self.assertIn("EV =", driver.find_element(By.CSS_SELECTOR, "ol.chain").text)
        self.quiet(driver)

    def test_the_list_is_filtered_by_state_and_strategy(self):
        driver = self.open("bets")
        driver.find_element(By.CSS_SELECTOR, "[data-state=settled]").click()
        wanted = self.line.get("/bets?state=settled&strategy=sharp&limit=500")["total"]
        driver.find_element(By.CSS_SELECTOR, "#filter-strategy option[value=sharp]").click()
        shown = lambda: (text(driver, "#total") or "–").split()[0].replace(",", "")
        line.until("the count fits", lambda: shown() == str(wanted))

    def test_a_dead_letter_is_retried_and_dropped(self):
        at = self.line.get("/settings")["latest_fact"]
        one = {"k": "SIM|2099-00|Closed|Early|1", "at": at, "src": "check"}
        self.line.post_events(
            {"t": "fixture/1", "status": "scheduled", "kickoff": at + 7_200_000_000, **one},
            {"t": "match.closed/1", **one},
            {"t": "quote/1", "book": "bet365", "market": "1x2", "odds": [2.0, 3.5, 4.0], **one})
        line.until("there is a letter", lambda: self.line.get("/dead-letters")["total"] == 1)
        driver = self.open("letters")
        address = driver.find_element(By.CSS_SELECTOR, ".letter .hash").text
        driver.find_element(By.CSS_SELECTOR, ".letter .retry").click()
        line.until("it was retried", lambda: "Retried" in text(driver, ".notice"))
        # It is as wrong as before, and comes back under a new address.
        back = lambda: [one for one in self.line.get("/dead-letters")["items"] if one["address"] != address]
        line.until("it came back", back)
        self.go(driver, "letters")
        driver.find_element(By.CSS_SELECTOR, ".letter .drop").click()
        driver.switch_to.alert.accept()
        line.until("it is gone", lambda: self.line.get("/dead-letters")["total"] == 0)

    def test_a_job_is_run_from_the_page_and_what_it_wrote_is_read(self):
        driver = self.open("jobs")
        driver.find_element(By.CSS_SELECTOR, "#job-kind option[value=health]").click()
        driver.find_element(By.ID, "job-run").click()
        line.until("it was asked for", lambda: "health" in text(driver, ".notice"))
        done = "//tr[contains(., 'health')][contains(., 'done')]//a"
        line.until("it is done", lambda: driver.find_elements(By.XPATH, done))
        driver.find_element(By.XPATH, done).click()
        line.until("its page is drawn", lambda: text(driver, "main h1") == "health")
        self.assertIn("done", driver.find_element(By.CSS_SELECTOR, ".head .badge").text)
        self.quiet(driver)
        # One that cannot be done is given up at once, and says why.
        self.go(driver, "jobs")
        driver.find_element(By.CSS_SELECTOR, "#job-kind option[value=backtest]").click()
        driver.find_element(By.ID, "job-args").send_keys("{")
        driver.find_element(By.ID, "job-run").click()
        line.until("it is refused", lambda: "JSON" in text(driver, ".notice"))

    def test_the_ledger_stands_beside_what_was_alerted(self):
        line.until("the ledger has the season", lambda: self.line.get("/ledger")["strategies"].get("sharp", {}).get("alerted", {}).get("bets"))
        driver = self.open("performance")
        rows = driver.find_elements(By.CSS_SELECTOR, "#ledger tbody tr")
        self.assertGreaterEqual(len(rows), 2)
        self.assertIn("Placed", rows[1].text)

    def test_a_report_of_a_backtest_is_listed_and_opened(self):
        folder = pathlib.Path(self.line.folder.name, "demo", "backtest")
        folder.mkdir(exist_ok=True)
        numbers = {"bets": 12, "claimed_ev": 0.04, "yield": -0.02, "clv_mean": 0.01}
        (folder / "report.json").write_text(json.dumps({"title": "replay", "strategies": [{"name": "sharp", "summary": numbers}]}))
        (folder / "report.html").write_text("<!doctype html><title>A report</title><style>h1{color:teal}</style><h1>A report</h1>")
        driver = self.open("backtests")
        self.assertIn("12", driver.find_element(By.CSS_SELECTOR, ".report tbody tr").text)
        driver.get(driver.find_element(By.CSS_SELECTOR, ".report a").get_attribute("href"))
        self.assertEqual(driver.find_element(By.TAG_NAME, "h1").value_of_css_property("color"), "rgba(0, 128, 128, 1)")

    def test_the_page_speaks_portuguese_and_is_worked_by_keyboard(self):
        driver = self.open("bets", language="pt-BR")
        self.assertEqual(driver.find_element(By.CSS_SELECTOR, "main h1").text, "Apostas de valor")
        self.assertEqual(driver.execute_script("return document.documentElement.lang"), "pt")
        body = driver.find_element(By.TAG_NAME, "body")
        body.send_keys(Keys.TAB)
        self.assertEqual(driver.switch_to.active_element.get_attribute("class"), "skip")
        for _ in range(3):
            driver.switch_to.active_element.send_keys(Keys.TAB)
        driver.switch_to.active_element.send_keys(Keys.ENTER)
        line.until("the page of matches", lambda: text(driver, "main h1") == "Partidas")

    def test_a_phone_on_a_slow_line_sees_the_page_within_a_second(self):
        driver = browser(width=390, height=844)
        self.addCleanup(driver.quit)
        driver.execute_cdp_cmd("Network.enable", {})
        # A fast mobile network, and a processor a quarter as fast as this one.
        driver.execute_cdp_cmd("Network.emulateNetworkConditions", {
            "offline": False, "latency": 60, "downloadThroughput": 9e6 / 8, "uploadThroughput": 1.5e6 / 8})
        driver.execute_cdp_cmd("Emulation.setCPUThrottlingRate", {"rate": 4})
        watch = """window.shift = 0; new PerformanceObserver((list) => { for (const one of list.getEntries())
            if (!one.hadRecentInput) window.shift += one.value; }).observe({ type: 'layout-shift', buffered: true })"""
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": watch})
        driver.get(self.line.base)
        line.until("the page is drawn", lambda: driver.find_elements(By.CSS_SELECTOR, "li.bet"))
        paint = driver.execute_script("return performance.getEntriesByName('first-contentful-paint')[0].startTime")
        # The browser's own pages are not ours.
        ours, bytes_sent = set(), 0
        for entry in driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            what = message["params"]
            if message["method"] == "Network.requestWillBeSent" and what["request"]["url"].startswith(self.line.base):
                ours.add(what["requestId"])
            if message["method"] == "Network.loadingFinished" and what["requestId"] in ours:
                bytes_sent += what["encodedDataLength"]
        self.assertGreater(len(ours), 10)
        shift = driver.execute_script("return window.shift")
        print(f"first paint {paint:.0f} ms, {bytes_sent / 1000:.0f} kB, layout shift {shift:.4f}")
        self.assertLess(paint, FIRST_PAINT_MS_MAX)
        self.assertLess(bytes_sent, TRANSFER_BYTES_MAX)
        self.assertLess(shift, 0.01)

    def test_text_meets_the_contrast_that_wcag_asks_for(self):
        script = """
            const channel = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
            const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
            const light = ([r, g, b]) => 0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
            const ground = (node) => { for (let one = node; one; one = one.parentElement) {
                const colour = parse(getComputedStyle(one).backgroundColor);
                if (colour.length === 3 || colour[3] === 1) return colour; } return [255, 255, 255]; };
            const bad = [];
            for (const node of document.querySelectorAll('main *, header *')) {
                const own = [...node.childNodes].some((one) => one.nodeType === 3 && one.textContent.trim());
                if (!own || !node.checkVisibility() || node.closest('svg, .heat, .unseen, .skip, .fresh')) continue;
                const [a, b] = [light(parse(getComputedStyle(node).color)), light(ground(node))];
                const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
                if (ratio < 4.5) bad.push([node.className, node.textContent.slice(0, 30), ratio.toFixed(2)]);
            }
            return bad;"""
        for dark in [False, True]:
            driver = self.open("bets", dark=dark)
            for fragment in PAGES:
                self.go(driver, fragment)
                self.assertEqual(driver.execute_script(script), [], f"{fragment}, dark: {dark}")


def tearDownModule():
    took = line.stop_shared()
    assert took < 5.5, f"the program took {took:.1f} s to end"
