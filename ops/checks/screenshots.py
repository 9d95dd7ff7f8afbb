"""README's pictures, taken anew: a simulated league, and one match of it that is still to come."""

import base64
import io
import pathlib
import urllib.parse

from PIL import Image
from selenium.webdriver.common.by import By

import line
import test_pages

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs/screenshots"
DESK = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 860, "dark": True}
# Odds on home, draw and away, as the books move until shortly before the last look.
HOURS = [1, 14, 30, 46]
MOVES = [
    ("pinnacle", [[3.10, 3.42, 2.34], [3.19, 3.44, 2.29], [3.34, 3.47, 2.22], [3.48, 3.50, 2.16]]),
    ("bet365", [[3.00, 3.40, 2.30], [3.10, 3.40, 2.30], [3.20, 3.40, 2.25], [3.30, 3.40, 2.25]]),
    ("william_hill", [[3.00, 3.30, 2.30], [3.10, 3.30, 2.25], [3.20, 3.40, 2.20], [3.30, 3.40, 2.15]]),
    ("bwin", [[3.05, 3.35, 2.30], [3.10, 3.35, 2.28], [3.15, 3.35, 2.26], [3.15, 3.35, 2.32]]),
]
HOUR_US = 3_600_000_000


def upcoming(running):
    """A match between two sides that the model knows, with prices that moved; its key."""
    played = running.get("/fixtures?limit=1")["items"][0]["match"]
    competition, season, home, away, _ = played.split("|")
    key = f"{competition}|{season}|{away}|{home}|2"
    at = running.get("/settings")["latest_fact"] + HOUR_US
    one = {"k": key, "src": "check"}
    events = [{"t": "fixture/1", "at": at, "status": "scheduled", "kickoff": at + 50 * HOUR_US, **one}]
    for step, hour in enumerate(HOURS):
        for book, odds in MOVES:
            events.append({"t": "quote/1", "at": at + hour * HOUR_US + len(events) * 1_000_000,
                           "market": "1x2", "book": book, "odds": odds[step], **one})
    running.post_events(*events)
    return key


def shoot(running, fragment, name, ready, **screen):
    driver = test_pages.browser(**screen)
    try:
        driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
        driver.get(f"{running.base}/#/{fragment}")
        line.until("the page is drawn", lambda: driver.find_elements(By.CSS_SELECTOR, ready))
        line.until("the page is linked", lambda: driver.find_elements(By.CSS_SELECTOR, "#link.up"))
        driver.execute_script("document.documentElement.style.scrollbarGutter = 'auto'")
        shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
    finally:
        driver.quit()
    picture = Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")
    # The pages have few colours: a palette shows no difference, in a third of the bytes.
    picture = picture.quantize(128, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    picture.save(DOCS / f"{name}.png", optimize=True)
    print(f"{name}.png", (DOCS / f"{name}.png").stat().st_size)


def main():
    running = line.Line()
    try:
        key = upcoming(running)
        bets = lambda: [bet for bet in running.get("/value-bets")["items"] if bet["match"] == key]
        bet = line.until("the bet is there", bets)[0]
        match = urllib.parse.quote(key, safe="")
        # Views are asked for by those who look; the pipeline's page shows how often they were there.
        for one in running.get("/fixtures?limit=40")["items"] * 2:
            running.get(f"/fixtures/{urllib.parse.quote(one['match'], safe='')}")
        for kind in ["evaluate", "daily_report", "weekly_report", "health", "optimise"]:
            running.post("/jobs", {"kind": kind})
        line.until("the jobs are done", lambda: len(running.get("/jobs?state=done")["items"]) >= 5)
        behind = lambda: [group for stream in running.get("/streams")["streams"] for group in stream["groups"]
                          if group["lag"] + group["pending"]]
        line.until("every group has caught up", lambda: not behind())
        shoot(running, "bets", "bets", "main li", **DESK)
        shoot(running, f"bets/{bet['bet']}", "why", "ol.chain", **DESK)
        shoot(running, "pipeline", "pipeline", "main table", **DESK)
        shoot(running, "jobs", "jobs", "main table", **DESK)
        shoot(running, f"matches/{match}", "phone", "main svg", **PHONE)
    finally:
        running.stop()


main()
