"""A real Prometheus that scrapes what a check names, by the rules of ops/."""

import json
import pathlib
import subprocess
import tempfile
import urllib.parse
import urllib.request

import yaml

import line

OPS = pathlib.Path(__file__).resolve().parent.parent
RULES = [OPS / "prometheus" / name for name in ["recording.yml", "alerts.yml"]]


class Prometheus:
    """`jobs`: by name, the ports on loopback that are scraped. Where alerts are `at_once`, no fault
    has to last before its alert fires."""

    def __init__(self, jobs, at_once=False):
        self.folder = tempfile.TemporaryDirectory(prefix="marabet-prometheus-")
        self.port = line.free_port()
        self.jobs = {job: list(ports) for job, ports in jobs.items()}
        self.rules = [self._at_once(path) if at_once else path for path in RULES]
        self._write()
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={self._configuration()}",
             f"--storage.tsdb.path={self.folder.name}/data", f"--web.listen-address=127.0.0.1:{self.port}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        line.until("Prometheus answers", self._is_up)

    def _configuration(self):
        return pathlib.Path(self.folder.name, "prometheus.yml")

    def _at_once(self, path):
        rules = yaml.safe_load(path.read_text(encoding="utf-8"))
        for group in rules["groups"]:
            for rule in group["rules"]:
                rule.pop("for", None)
        copy = pathlib.Path(self.folder.name, path.name)
        copy.write_text(yaml.safe_dump(rules), encoding="utf-8")
        return copy

    def _write(self):
        configuration = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(path) for path in self.rules],
            "scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}" for port in ports]}]}
                for job, ports in self.jobs.items()],
        }
        self._configuration().write_text(yaml.safe_dump(configuration), encoding="utf-8")

    def scrape(self, job, port):
        """Scrapes another port from now on."""
        self.jobs[job].append(port)
        self._write()
        self.process.send_signal(1)

    def _is_up(self):
        try:
            return self.query("up")
        except OSError:
            return None

    def ask(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}") as answer:
            return json.load(answer)["data"]

    def query(self, expression):
        """What an expression comes to now."""
        return self.ask("query?" + urllib.parse.urlencode({"query": expression}))["result"]

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=20)
        self.folder.cleanup()
