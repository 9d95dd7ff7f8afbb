"""The program, started for a check: a simulated season streams, the dashboard stays open."""

import json
import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

PROGRAM = os.environ["MARABET"]


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(what, holds, seconds=90):
    """Waits until something is so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = holds()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"within {seconds} s it did not come about that {what}")


class Line:
    """`marabet demo --serve` on a port of its own."""

    def __init__(self, settings=None):
        self.folder = tempfile.TemporaryDirectory(prefix="marabet-check-")
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MARABET")}
        environment = clean | {
            "MARABET_WEB__ADDRESS": f"127.0.0.1:{self.port}",
            "MARABET_WEB__REQUESTS_PER_S": "100000",
            "MARABET_WEB__BURST": "100000",
        } | (settings or {})
        command = [PROGRAM, "demo", "--simulate", "--serve", "--folder", f"{self.folder.name}/demo"]
        self.output = open(f"{self.folder.name}/output", "w+", encoding="utf-8")
        self.process = subprocess.Popen(command, env=environment, stdout=self.output, stderr=self.output)
        until("the season has streamed", self._has_streamed, 240)

    def _has_streamed(self):
        if self.process.poll() is not None:
            self.output.seek(0)
            raise AssertionError(f"the program ended:\n{self.output.read()}")
        self.output.seek(0)
        return "look into the log" in self.output.read()

    def stage(self, stage, settings):
        """A process of its own that runs a stage over the same log: it, and the port of its metrics."""
        port = free_port()
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MARABET")}
        environment = clean | {
            "MARABET_LOG__FOLDER": f"{self.folder.name}/demo",
            "MARABET_NOTIFY__CONSOLE": "false",
            "MARABET_WEB__METRICS": f"127.0.0.1:{port}",
        } | settings
        command = [PROGRAM, "run", "--event-time", "--stages", stage]
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL), port

    def get(self, path):
        """What the API answers."""
        with urllib.request.urlopen(f"{self.base}/api/v1{path}") as answer:
            return json.load(answer)

    def post(self, path, value):
        """What the API answers to JSON."""
        return self._post(path, json.dumps(value).encode(), "application/json")

    def post_events(self, *events):
        """Appends own events; returns once they are on disk."""
        body = "\n".join(json.dumps(event) for event in events).encode()
        return self._post("/events", body, "application/x-ndjson")

    def _post(self, path, body, media_type):
        request = urllib.request.Request(f"{self.base}/api/v1{path}", body, {"Content-Type": media_type})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def value_bet(self, home, away):
        """Facts from which a bet follows, after all that the season brought."""
        at = self.get("/settings")["latest_fact"] + 60_000_000
        key = f"SIM|2099-00|{home}|{away}|1"
        one = {"k": key, "src": "check"}
        quote = {"t": "quote/1", "at": at + 1_000_000, "market": "1x2", **one}
        return self.post_events(
            {"t": "fixture/1", "at": at, "status": "scheduled", "kickoff": at + 7_200_000_000, **one},
            {**quote, "book": "pinnacle", "odds": [2.0, 3.5, 4.0]},
            {**quote, "at": at + 2_000_000, "book": "bet365", "odds": [2.25, 3.4, 3.6]},
        )

    def stop(self):
        """Asks the program to end: it does within five seconds."""
        began = time.monotonic()
        self.process.terminate()
        code = self.process.wait(timeout=20)
        self.output.close()
        self.folder.cleanup()
        assert code == 0, f"the program ended with {code}"
        return time.monotonic() - began


_shared = None


def shared():
    """One line for all checks."""
    global _shared
    if _shared is None:
        _shared = Line()
    return _shared


def stop_shared():
    """Ends it, where it runs."""
    global _shared
    if _shared is not None:
        took = _shared.stop()
        _shared = None
        return took
    return 0.0
