"""Drives the API of a server over a season's log: see load.sh.

What the machine and the tool take by themselves is measured in the same run: the same rate of
requests for a page that asks for nothing.
"""

import json
import os
import pathlib
import random
import socket
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request

import line

RATE = int(os.environ.get("RATE", "1000"))
SECONDS = int(os.environ.get("SECONDS_OF_LOAD", "20"))
WATCHERS = int(os.environ.get("WATCHERS", "5000"))
# Of a hundred requests, so many are for lists, filtered bets, match pages and reasons of bets.
MIX = {"list": 20, "filtered": 20, "match": 40, "why": 20}


class Web:
    """A process that serves the log of a season, and runs no stage."""

    def __init__(self, folder):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MARABET")}
        log = f"{folder}/demo"
        subprocess.run([line.PROGRAM, "demo", "--simulate", "--json", "--folder", log],
                       env=clean, stdout=subprocess.DEVNULL, check=True)
        self.port = line.free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        environment = clean | {
            "MARABET_LOG__FOLDER": log,
            "MARABET_WEB__ADDRESS": f"127.0.0.1:{self.port}",
            "MARABET_WEB__REQUESTS_PER_S": "100000",
            "MARABET_WEB__BURST": "100000",
        }
        self.process = subprocess.Popen([line.PROGRAM, "run", "--stages", "web"], env=environment)
        line.until("the server is ready", self._is_ready)

    def _is_ready(self):
        try:
            return urllib.request.urlopen(f"{self.base}/readyz").status == 200
        except OSError:
            return False

    def get(self, path):
        with urllib.request.urlopen(f"{self.base}/api/v1{path}") as answer:
            return json.load(answer)

    def stop(self):
        began = time.monotonic()
        self.process.terminate()
        self.process.wait(timeout=20)
        return time.monotonic() - began


def mix(one):
    """A thousand requests, by kind; matches follow a Zipf law."""
    choose = random.Random(1)
    matches = [row["match"] for row in one.get("/fixtures?limit=500")["items"]]
    bets = [row["bet"] for row in one.get("/bets?limit=200")["items"]]
    weights = [1 / rank for rank in range(1, len(matches) + 1)]

    def path(kind):
        match = urllib.parse.quote(choose.choices(matches, weights)[0], safe="")
        return {
            "list": "/api/v1/fixtures?limit=50",
            "filtered": f"/api/v1/bets?strategy=sharp&ev_min={choose.choice(['0.02', '0.03', '0.05'])}",
            "match": f"/api/v1/fixtures/{match}",
            "why": f"/api/v1/why/{choose.choice(bets)}",
        }[kind]

    return [(kind, path(kind)) for kind in choose.choices(list(MIX), MIX.values(), k=1000)]


def drive(one, folder, paths):
    """Requests of these paths at random, each timed from when it was due."""
    urls = pathlib.Path(folder, "urls")
    urls.write_text("".join(f"{one.base}{path}\n" for path in paths), encoding="utf-8")
    done = subprocess.run(
        [os.environ["OHA"], "-z", f"{SECONDS}s", "-q", str(RATE), "-c", "50", "--latency-correction", "--no-tui",
         "--disable-color", "--output-format", "json", "--urls-from-file", str(urls)],
        capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def p99_ms(result):
    return result["latencyPercentiles"]["p99"] * 1e3


def report(name, result):
    ms = {at: value * 1e3 for at, value in result["latencyPercentiles"].items()}
    answers = result["statusCodeDistribution"]
    # What is on its way when time is over is cut off by the tool, and no error of the server.
    errors = {why: n for why, n in result["errorDistribution"].items() if "deadline" not in why}
    print(f"{name}: {sum(answers.values())} requests at {RATE}/s: p50 {ms['p50']:.1f} ms, p99 {ms['p99']:.1f} ms, "
          f"p99.9 {ms['p99.9']:.1f} ms, max {result['summary']['slowest'] * 1e3:.0f} ms; "
          f"{sum(n for code, n in answers.items() if code[0] != '2')} not 2xx, {sum(errors.values())} errors")


def alone(one, requests):
    """What a request of each kind takes when nothing else is asked for."""
    for kind in MIX:
        own = [path for other, path in requests if other == kind][:50]
        taken, size = [], 0
        for path in own:
            began = time.monotonic()
            size += len(urllib.request.urlopen(one.base + path).read())
            taken.append(time.monotonic() - began)
        median = sorted(taken)[len(taken) // 2]
        print(f"alone, {kind}: median {median * 1e3:.2f} ms, {size / len(own) / 1000:.1f} kB")


def memory_kb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return next(int(row.split()[1]) for row in status.splitlines() if row.startswith("VmRSS"))


def watchers(one):
    before = memory_kb(one.process.pid)
    held = []
    for _ in range(WATCHERS):
        watcher = socket.create_connection(("127.0.0.1", one.port))
        watcher.sendall(f"GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1:{one.port}\r\n\r\n".encode())
        held.append(watcher)
    line.until("all watch", lambda: one.get("/stages")["watchers"] == WATCHERS)
    time.sleep(2)
    after = memory_kb(one.process.pid)
    for watcher in held:
        watcher.close()
    print(f"{WATCHERS} idle watchers: {before / 1024:.0f} MB before, {after / 1024:.0f} MB with them, "
          f"{(after - before) / WATCHERS:.1f} kB each")


def main():
    with tempfile.TemporaryDirectory(prefix="marabet-load-") as folder:
        one = Web(folder)
        try:
            requests = mix(one)
            alone(one, requests)
            floor = drive(one, folder, ["/healthz"])
            report("floor", floor)
            result = drive(one, folder, [path for _, path in requests])
            report("mix", result)
            ratio = p99_ms(result) / p99_ms(floor)
            print(f"p99 of the mix: {ratio:.1f} times that of the floor")
            for name, row in one.get("/cache")["classes"].items():
                if row["hit_rate"] is not None:
                    print(f"cache {name}: {row['hits']} hits, {row['misses']} misses, {row['hit_rate']:.1%}")
            watchers(one)
        finally:
            print(f"ended within {one.stop():.1f} s")


if __name__ == "__main__":
    main()
