"""The faults that alerts are for, made on a running line: each alert fires.

Two take longer than a check may: a provider that is silent for an hour, and a stage that commits for
most of ten minutes. Their expressions are held by alerts.test.yml, as those of all others are too."""

import http.server
import itertools
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

import yaml

import line
from prometheus import RULES, Prometheus

NEEDS_LONGER = {"SourceSilent", "StageSaturated"}


class Provider(http.server.BaseHTTPRequestHandler):
    """A provider of odds that has nearly given all that a key allows, and a bot whose token is none."""

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("x-requests-remaining", "7")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(200, b"[]")

    def do_POST(self):
        # Unread, it would make the connection end in a reset, now and then before the answer is heard.
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(401, b'{"ok":false,"error_code":401,"description":"Unauthorized"}')

    def log_message(self, *_):
        pass


class Faults(unittest.TestCase):
    """One line in processes of their own, on a Redis that can be stopped."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="marabet-faults-")
        cls.redis_port, cls.web, cls.stage, cls.source, cls.writer = (line.free_port() for _ in range(5))
        cls.provider = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
        threading.Thread(target=cls.provider.serve_forever, daemon=True).start()
        cls.processes = {}
        cls.start_redis()
        line.until("Redis answers", lambda: cls.redis("PING") == "PONG")
        events = pathlib.Path(cls.folder.name, "season.ndjson")
        with open(events, "wb") as file:
            command = [line.PROGRAM, "simulate", "--seed", "11", "--seasons", "2", "--teams", "8"]
            subprocess.run(command, stdout=file, check=True)
        cls.start("stages", "predict,detect,portfolio,notify", "--event-time", metrics=cls.stage)
        cls.start("web", "web,jobs")
        feeding = cls.start("ingest", "ingest", "--event-time", "--until-done", "--events", str(events))
        assert feeding.wait(timeout=120) == 0
        cls.start("ingest", "ingest", "--source", "the_odds_api", metrics=cls.source)
        cls.start("stdin", "ingest", "--stdin", metrics=cls.writer)
        cls.shared = line.shared()
        line.until("the board has the season", lambda: cls.ask("/readyz").startswith("ready"))
        cls.prometheus = Prometheus(
            {"marabet-web": [cls.web, cls.shared.port], "marabet-stages": [cls.stage, cls.source, cls.writer]}, at_once=True)

    @classmethod
    def tearDownClass(cls):
        cls.prometheus.stop()
        for process in reversed(list(cls.processes.values())):
            process.kill()
            process.wait()
        cls.provider.shutdown()
        cls.folder.cleanup()

    @classmethod
    def start_redis(cls):
        folder = f"{cls.folder.name}/redis"
        os.makedirs(folder, exist_ok=True)
        cls.processes["redis"] = subprocess.Popen(
            ["redis-server", "--port", str(cls.redis_port), "--bind", "127.0.0.1", "--dir", folder, "--save", "",
             "--appendonly", "yes", "--maxmemory", "512mb", "--maxmemory-policy", "noeviction"],
            stdout=subprocess.DEVNULL)

    @classmethod
    def redis(cls, *words):
        command = ["redis-cli", "-p", str(cls.redis_port), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    @classmethod
    def start(cls, name, stages, *arguments, metrics=None):
        """A process of the program."""
        bot = f"http://127.0.0.1:{cls.provider.server_port}"
        clean = {key: value for key, value in os.environ.items() if not key.startswith("MARABET")}
        environment = clean | {
            "MARABET_LOG__REDIS_URL": f"redis://127.0.0.1:{cls.redis_port}",
            "MARABET_LOG__FOLDER": f"{cls.folder.name}/log",
            "MARABET_LOG__PARTITIONS": "2",
            "MARABET_TRAINING__MATCHES_MIN": "60",
            "MARABET_STRATEGIES__SHARP__MAX_AGE_S": "86400",
            "MARABET_WEB__ADDRESS": f"127.0.0.1:{cls.web}",
            "MARABET_WEB__REQUESTS_PER_S": "100000",
            "MARABET_WEB__BURST": "100000",
            "MARABET_NOTIFY__CONSOLE": "false",
            "MARABET_SOURCES__THE_ODDS_API__KEY": "key",
            "MARABET_SOURCES__THE_ODDS_API__COMPETITIONS": '["E0"]',
            "MARABET_SOURCES__THE_ODDS_API__CLIENT__BASE_URL": bot,
            "BOT_TOKEN": "1:token",
            "MARABET_NOTIFY__TELEGRAM__TOKEN": "{ env = 'BOT_TOKEN' }",
            "MARABET_NOTIFY__TELEGRAM__URL": bot,
            "MARABET_NOTIFY__TELEGRAM__CHATS": "[{ name = 'me', chat = '5' }]",
        }
        if metrics:
            environment["MARABET_WEB__METRICS"] = f"127.0.0.1:{metrics}"
        with open(f"{cls.folder.name}/{name}.log", "ab") as log:
            process = subprocess.Popen(
                [line.PROGRAM, "run", "--stages", stages, *arguments], env=environment, cwd=cls.folder.name,
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log)
        cls.processes[name] = process
        return process

    @classmethod
    def ask(cls, path, body=None, media_type="application/json"):
        """What the server answers, whatever it is; nothing where it does not."""
        data = body.encode() if body is not None else None
        request = urllib.request.Request(f"http://127.0.0.1:{cls.web}{path}", data, {"Content-Type": media_type})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.read().decode()
        except OSError:
            return ""

    def post_events(self, *events):
        return self.ask("/api/v1/events", "\n".join(json.dumps(one) for one in events), "application/x-ndjson")

    def later(self, work, *arguments):
        """Does something that may take as long as its fault lasts."""
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        thread.start()
        return thread

    def firing(self):
        return {one["metric"]["alertname"] for one in self.prometheus.query("ALERTS{alertstate='firing'}")}

    def fires(self, *alerts, fault=None):
        """Waits for alerts. A `fault` that counts as a part of all that happens is made until it does."""
        for alert in alerts:
            with self.subTest(alert=alert):
                line.until(f"{alert} fires", lambda: self.fires_after(alert, fault), 40)
                self.fired.add(alert)

    def fires_after(self, alert, fault):
        if fault:
            fault()
        return alert in self.firing()

    def ends(self, *alerts):
        line.until(f"{alerts} end", lambda: not self.firing() & set(alerts), 60)

    def test_every_fault_fires_its_alert(self):
        self.fired = set()
        # A season of the past, and a strategy that loses: no fault has to be made for these.
        self.fires("FactsStopped", "ClosingLineLost", "SourceQuotaLow")
        quiet = lambda: self.firing() - {"AlertsNotTold"} == self.fired
        line.until("nothing else fires once the season is taken in", quiet, 60)
        self.of_events()
        self.of_jobs_and_views()
        self.of_redis_and_stages_that_do_not_answer()
        self.of_memory()
        self.of_stages_gone()
        every = {rule["alert"] for group in yaml.safe_load(RULES[1].read_text())["groups"] for rule in group["rules"]}
        self.assertEqual(self.fired, every - NEEDS_LONGER)

    def of_events(self):
        """What cannot be processed, and bets that a channel does not take."""
        at = json.loads(self.ask("/api/v1/settings"))["latest_fact"] + 60_000_000
        one = {"k": "SIM|2099-00|Closed|Early|1", "at": at, "src": "check"}
        quote = {"t": "quote/1", "market": "1x2", **one}
        self.post_events(
            {"t": "fixture/1", "status": "scheduled", "kickoff": at + 7_200_000_000, **one},
            {**quote, "book": "pinnacle", "odds": [2.0, 3.5, 4.0]},
            {**quote, "at": at + 1_000_000, "book": "bet365", "odds": [2.25, 3.4, 3.6]},
            {"t": "match.closed/1", **one})
        ever_later = itertools.count(at)

        def quote_what_is_closed():
            late = ({**quote, "at": next(ever_later), "book": "bet365", "odds": [2.0, 3.5, 4.0]} for _ in range(20))
            self.post_events(*late)

        self.fires("DeadLettersFrequent", fault=quote_what_is_closed)
        self.fires("AlertsNotTold")

    def of_jobs_and_views(self):
        self.ask("/api/v1/jobs", json.dumps({"kind": "collect", "args": {"what": ["nothing"]}}))
        matches = [one["match"] for one in json.loads(self.ask("/api/v1/fixtures?limit=50"))["items"]]

        def look_at_what_is_not_cached():
            self.redis("DEL", *self.redis("--scan", "--pattern", "mb:*:cache:*").split("\n"))
            for match in matches:
                self.ask(f"/api/v1/fixtures/{urllib.parse.quote(match, safe='')}")

        self.fires("CacheHitRateLow", fault=look_at_what_is_not_cached)
        self.fires("JobsGivenUp")

    def of_redis_and_stages_that_do_not_answer(self):
        fact = lambda count: {
            "t": "fixture/1", "k": f"SIM|2099-00|Paused|{count}|1", "at": 4_000_000_000_000_000, "src": "check",
            "status": "scheduled", "kickoff": 4_000_007_200_000_000}
        # What is only counted once has no rate: somebody asks all the time, as people do.
        asking = threading.Event()

        def ask():
            while not asking.wait(0.05):
                self.ask("/api/v1/streams")

        self.later(ask)
        facts = map(fact, itertools.count())

        def pause_stages():
            self.processes["stages"].send_signal(signal.SIGSTOP)
            self.post_events(*itertools.islice(facts, 100))
            time.sleep(2)
            self.processes["stages"].send_signal(signal.SIGCONT)

        self.fires("StageSlow", fault=pause_stages)

        redis = self.processes["redis"]

        def pause_redis():
            redis.send_signal(signal.SIGSTOP)
            time.sleep(0.8)
            redis.send_signal(signal.SIGCONT)
            time.sleep(0.8)

        self.fires("ApiSlow", fault=pause_redis)
        redis.kill()
        redis.wait()
        self.processes["stdin"].stdin.write(json.dumps(fact("gone")).encode() + b"\n")
        self.processes["stdin"].stdin.flush()
        self.fires("RedisDown", "StageTroubled", "FeedHeldUp", "ApiErrors")
        asking.set()
        self.start_redis()
        self.ends("RedisDown", "StageTroubled", "FeedHeldUp")

    def of_memory(self):
        self.redis("SETRANGE", "ballast", "390000000", "x")
        self.fires("RedisMemoryHigh")
        self.redis("DEL", "ballast")
        self.ends("RedisMemoryHigh")

    def of_stages_gone(self):
        self.processes["stages"].kill()
        self.processes["stages"].wait()
        for count in range(120):
            fact = {"t": "fixture/1", "k": f"SIM|2099-00|Waiting|{count}|1", "at": 4_000_000_000_000_000,
                    "src": "check", "status": "scheduled", "kickoff": 4_000_007_200_000_000}
            self.redis("XADD", "mb:{00}:feed", "*", "n", "1", "d", json.dumps(fact))
        self.fires("ProcessDown", "PartitionUnowned", "GroupBehind")


def tearDownModule():
    line.stop_shared()
