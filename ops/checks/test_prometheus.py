"""A real Prometheus scrapes the running program; every expression is evaluated."""

import json
import re
import subprocess
import unittest
import urllib.parse
import urllib.request

import yaml

import line
from prometheus import OPS, Prometheus


class Scraped(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.line = line.shared()
        for _ in range(3):
            match = cls.line.get("/fixtures?limit=1")["items"][0]["match"]
            cls.line.get(f"/fixtures/{urllib.parse.quote(match, safe='')}")
        cls.line.post("/jobs", {"kind": "health"})
        cls.telling, telling_port = cls.line.stage("notify", {"MARABET_NOTIFY__FOLDER": f"{cls.line.folder.name}/alerts"})
        cls.prometheus = Prometheus({"marabet-web": [cls.line.port], "marabet-stages": [telling_port]})

    @classmethod
    def tearDownClass(cls):
        cls.prometheus.stop()
        cls.telling.terminate()
        cls.telling.wait(timeout=20)

    @classmethod
    def query(cls, expression):
        return cls.prometheus.query(expression)

    def dashboards(self):
        for path in sorted((OPS / "grafana/dashboards").glob("*.json")):
            for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
                for target in panel["targets"]:
                    yield f"{path.stem}: {panel['title']}", target["expr"]

    def test_every_panel_of_every_dashboard_has_data(self):
        seen = 0
        for name, expression in self.dashboards():
            with self.subTest(panel=name):
                # Rates need some scrapes with requests between them.
                self.line.get("/bets?limit=1")
                line.until(f"`{expression}` has data", lambda: self.query(expression), 40)
                seen += 1
        self.assertGreater(seen, 20)

    def test_every_recording_rule_records_and_every_alert_can_be_evaluated(self):
        rules = [rule for name in ["recording", "alerts"]
                 for group in yaml.safe_load((OPS / f"prometheus/{name}.yml").read_text())["groups"]
                 for rule in group["rules"]]
        for rule in rules:
            with self.subTest(rule=rule.get("record") or rule["alert"]):
                if "record" in rule:
                    if "dead_letters:ratio" in rule["record"] or "busy" in rule["record"]:
                        self.query(rule["expr"])
                    else:
                        line.until("it records", lambda: self.query(rule["record"]), 40)
                else:
                    self.query(rule["expr"])
        groups = self.prometheus.ask("rules")["groups"]
        for rule in (rule for group in groups for rule in group["rules"]):
            self.assertEqual(rule["health"], "ok", rule)

    def test_names_and_units_follow_the_conventions(self):
        with urllib.request.urlopen(f"{self.line.base}/metrics") as answer:
            text = answer.read()
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        kinds = dict(one.split(" ")[2:4] for one in text.decode().splitlines() if one.startswith("# TYPE"))
        self.assertGreater(len(kinds), 30)
        for name, kind in kinds.items():
            self.assertEqual(kind == "counter", name.endswith("_total"), name)
        series = [one for one in text.decode().splitlines() if one and not one.startswith("#")]
        self.assertLess(len(series), 3000, "the number of series is bounded")

    def test_the_metrics_are_those_that_are_documented(self):
        with urllib.request.urlopen(f"{self.line.base}/metrics") as answer:
            served = set(re.findall(r"^# TYPE (\w+)", answer.read().decode(), re.MULTILINE))
        documented = set(re.findall(r"`(marabet_\w+)`", (OPS / "README.md").read_text(encoding="utf-8")))
        self.assertEqual(served - documented, set())
        # No provider is asked here, and bets are told on a screen of its own: test_alerts has both.
        elsewhere = {one for one in documented if one.startswith(("marabet_source_", "marabet_notifications_"))}
        self.assertEqual(documented - served, elsewhere)

    def test_every_alert_has_its_runbook(self):
        runbooks = (OPS / "RUNBOOKS.md").read_text(encoding="utf-8")
        for group in yaml.safe_load((OPS / "prometheus/alerts.yml").read_text())["groups"]:
            for rule in group["rules"]:
                self.assertIn(f"\n## {rule['alert']}\n", runbooks)
                self.assertTrue(rule["annotations"]["runbook"].endswith(rule["alert"].lower()))


def tearDownModule():
    line.stop_shared()
