"""The files of ops/ are read by those who will read them."""

import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

import compose_spec
import yaml

OPS = pathlib.Path(__file__).resolve().parent.parent


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


class Files(unittest.TestCase):
    def test_the_compose_file_is_one_and_its_services_know_each_other(self):
        # Anchors are YAML's own: what they stand for is what a reader of the format sees.
        whole = yaml.safe_load((OPS / "compose.yaml").read_text())
        compose = compose_spec.PyCompose.from_yaml(yaml.safe_dump(whole))
        compose.validate()
        self.assertLess({"redis", "postgres", "predict", "detect", "ledger", "jobs", "web", "prometheus", "grafana"}, set(whole["services"]))
        for name, service in whole["services"].items():
            for other in service.get("depends_on", []):
                self.assertIn(other, whole["services"], name)
            for volume in service.get("volumes", []):
                source = volume.split(":")[0]
                if source.startswith("./") and "secrets" not in source:
                    self.assertTrue((OPS / source).exists(), f"{name} mounts {source}")
        whole["services"]["web"]["comand"] = ["run"]
        with self.assertRaises(Exception):
            compose_spec.PyCompose.from_yaml(yaml.safe_dump(whole))

    def test_the_program_takes_the_configuration_of_every_service(self):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MARABET")}
        services = yaml.safe_load((OPS / "compose.yaml").read_text())["services"]
        ours = {name: one["environment"] for name, one in services.items() if "MARABET_CONFIG" in one.get("environment", {})}
        self.assertGreater(len(ours), 7)
        manifests = yaml.safe_load_all((OPS / "kubernetes/marabet.yaml").read_text())
        maps = [one["data"] for one in manifests if one["kind"] == "ConfigMap"]
        with tempfile.TemporaryDirectory() as folder:
            cluster = pathlib.Path(folder, "marabet.toml")
            cluster.write_text(next(one["marabet.toml"] for one in maps if "marabet.toml" in one))
            for name, own in [*ours.items(), ("kubernetes", {"MARABET_CONFIG": cluster})]:
                with self.subTest(service=name):
                    path = OPS / "marabet.toml" if name in ours else cluster
                    environment = clean | {key: str(value) for key, value in own.items()} | {"MARABET_CONFIG": str(path)}
                    done = run(os.environ["MARABET"], "config", "check", env=environment, cwd=folder)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_redis_of_the_compose_file_lets_each_service_in_as_its_own_user(self):
        services = yaml.safe_load((OPS / "compose.yaml").read_text())["services"]
        redis = services["redis"]
        with socket.socket() as free, tempfile.TemporaryDirectory() as folder:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
            free.close()
            places = {"$$": "$", "/etc/redis": str(OPS), "/data": folder, "0.0.0.0": f"127.0.0.1 --port {port}"}
            here = redis["command"][2]
            for there, place in places.items():
                here = here.replace(there, place)
            environment = os.environ | {"REDIS_PASSWORD": "secret"}
            server = subprocess.Popen([*redis["command"][:2], here], env=environment, stdout=subprocess.DEVNULL)
            try:
                healthy = redis["healthcheck"]["test"][1].replace("$$", "$").replace("redis-cli", f"redis-cli -p {port}")
                until = time.monotonic() + 20
                while "PONG" not in run("sh", "-c", healthy, env=environment).stdout:
                    self.assertLess(time.monotonic(), until, "it never becomes healthy")
                    time.sleep(0.1)
                users = set()
                for name, service in services.items():
                    url = service.get("environment", {}).get("MARABET_LOG__REDIS_URL")
                    if url:
                        url = url.replace("${REDIS_PASSWORD}", "secret").replace("redis:6379", f"127.0.0.1:{port}")
                        done = run("redis-cli", "--no-auth-warning", "-u", url, "PING")
                        self.assertEqual(done.stdout.strip(), "PONG", f"{name}: {done.stdout}")
                        self.assertIn(f"://{name}:", url, "each service is a user of its own")
                        users.add(name)
                self.assertGreater(len(users), 8)
                refused = run("redis-cli", "-p", str(port), "PING").stdout
                self.assertIn("NOAUTH", refused, "who names no user is let in")
            finally:
                server.terminate()
                server.wait()

    def test_the_kubernetes_manifests_are_valid(self):
        files = sorted(str(path) for path in (OPS / "kubernetes").glob("*.yaml"))
        done = run("kubernetes-validate", "--strict", *files)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_systemd_units_are_valid(self):
        with tempfile.TemporaryDirectory() as folder:
            for unit in (OPS / "systemd").iterdir():
                # The program is installed elsewhere than here.
                text = unit.read_text().replace("/usr/local/bin/marabet", shutil.which("true"))
                pathlib.Path(folder, unit.name).write_text(text)
            units = [f"{folder}/{name}" for name in ["marabet.service", "marabet@predict.service", "marabet.target"]]
            pathlib.Path(units[1]).write_text(pathlib.Path(folder, "marabet@.service").read_text())
            done = run("systemd-analyze", "verify", "--man=no", *units)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_the_dockerfile_has_no_faults(self):
        done = run("hadolint", str(OPS / "Dockerfile"))
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_prometheus_and_alertmanager_can_read_their_configurations(self):
        with tempfile.TemporaryDirectory() as folder:
            for path in (OPS / "prometheus").iterdir():
                text = path.read_text().replace("/etc/prometheus/web-key", f"{folder}/web-key")
                pathlib.Path(folder, path.name).write_text(text)
            pathlib.Path(folder, "web-key").touch()
            for command in [("promtool", "check", "config", f"{folder}/prometheus.yml"),
                            ("promtool", "check", "rules", f"{folder}/recording.yml", f"{folder}/alerts.yml"),
                            ("amtool", "check-config", f"{folder}/alertmanager.yml")]:
                done = run(*command)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_alert_fires_on_its_fault_and_not_before(self):
        rules = OPS / "prometheus"
        done = run("promtool", "test", "rules", "alerts.test.yml", cwd=rules)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        alerts = [rule["alert"] for group in yaml.safe_load((rules / "alerts.yml").read_text())["groups"]
                  for rule in group["rules"]]
        cases = yaml.safe_load((rules / "alerts.test.yml").read_text())["tests"]
        fire = {test["alertname"] for one in cases for test in one["alert_rule_test"] if test.get("exp_alerts")}
        self.assertEqual(fire, set(alerts))

    def test_redis_takes_its_configuration(self):
        with tempfile.TemporaryDirectory() as folder:
            text = (OPS / "redis.conf").read_text().replace("/var/lib/redis", folder)
            text = text.replace("port 6379", f"port 0\nunixsocket {folder}/socket\ndaemonize no")
            path = pathlib.Path(folder, "redis.conf")
            path.write_text(text)
            server = subprocess.Popen(["redis-server", str(path)], stdout=subprocess.DEVNULL)
            try:
                say = lambda *words: run("redis-cli", "-s", f"{folder}/socket", *words).stdout.split()
                for _ in range(50):
                    if say("ping") == ["PONG"]:
                        break
                self.assertEqual(say("config", "get", "maxmemory")[-1], str(512 << 20))
                self.assertEqual(say("config", "get", "maxmemory-policy")[-1], "noeviction")
                self.assertEqual(say("config", "get", "appendonly")[-1], "yes")
            finally:
                server.terminate()
                server.wait(timeout=20)
