"""A real Prometheus scrapes the running program; every expression is evaluated."""

import json
import pathlib
import subprocess
import tempfile
import unittest
import urllib.parse
import urllib.request

import yaml

import line

OPS = pathlib.Path(__file__).resolve().parent.parent


class Prometheus(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.line = line.shared()
        for _ in range(3):
            match = cls.line.get("/fixtures?limit=1")["items"][0]["match"]
            cls.line.get(f"/fixtures/{urllib.parse.quote(match, safe='')}")
        cls.folder = tempfile.TemporaryDirectory(prefix="marabet-prometheus-")
        cls.port = line.free_port()
        configuration = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(OPS / "prometheus" / name) for name in ["recording.yml", "alerts.yml"]],
            "scrape_configs": [{"job_name": "marabet-web", "static_configs": [{"targets": [f"127.0.0.1:{cls.line.port}"]}]}],
        }
        path = pathlib.Path(cls.folder.name, "prometheus.yml")
        path.write_text(yaml.safe_dump(configuration), encoding="utf-8")
        cls.process = subprocess.Popen(
            ["prometheus", f"--config.file={path}", f"--storage.tsdb.path={cls.folder.name}/data",
             f"--web.listen-address=127.0.0.1:{cls.port}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        line.until("Prometheus answers", cls.is_up)

    @classmethod
    def tearDownClass(cls):
        cls.process.terminate()
        cls.process.wait(timeout=20)
        cls.folder.cleanup()

    @classmethod
    def is_up(cls):
        try:
            return cls.query("up")
        except OSError:
            return None

    @classmethod
    def query(cls, expression):
        url = f"http://127.0.0.1:{cls.port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(url) as answer:
            return json.load(answer)["data"]["result"]

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
        url = f"http://127.0.0.1:{self.port}/api/v1/rules"
        with urllib.request.urlopen(url) as answer:
            groups = json.load(answer)["data"]["groups"]
        for rule in (rule for group in groups for rule in group["rules"]):
            self.assertEqual(rule["health"], "ok", rule)

    def test_an_alert_fires_when_the_process_is_gone(self):
        alone = line.Line()
        port = alone.port
        alone.stop()
        self.assertEqual(self.query("up == 0"), [])
        path = pathlib.Path(self.folder.name, "prometheus.yml")
        configuration = yaml.safe_load(path.read_text())
        configuration["scrape_configs"][0]["static_configs"][0]["targets"].append(f"127.0.0.1:{port}")
        path.write_text(yaml.safe_dump(configuration), encoding="utf-8")
        self.process.send_signal(1)
        pending = "ALERTS{alertname='ProcessDown'}"
        line.until("the alert is there", lambda: self.query(pending), 40)

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

    def test_every_alert_has_its_runbook(self):
        runbooks = (OPS / "RUNBOOKS.md").read_text(encoding="utf-8")
        for group in yaml.safe_load((OPS / "prometheus/alerts.yml").read_text())["groups"]:
            for rule in group["rules"]:
                self.assertIn(f"\n## {rule['alert']}\n", runbooks)
                self.assertTrue(rule["annotations"]["runbook"].endswith(rule["alert"].lower()))


def tearDownModule():
    line.stop_shared()
