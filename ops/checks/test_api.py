"""The API's description is fuzzed against the running server."""

import os
import subprocess
import tempfile
import unittest

import line

CONFIG = os.path.join(os.path.dirname(__file__), "schemathesis.toml")


class Api(unittest.TestCase):
    def test_no_request_that_the_description_allows_or_forbids_breaks_the_server(self):
        one = line.shared()
        with tempfile.TemporaryDirectory() as folder:
            command = [
                "schemathesis", "--config-file", CONFIG, "run", f"{one.base}/api/v1/openapi.json",
                "--url", f"{one.base}/api/v1", "--max-examples", "25", "--seed", "1",
            ]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=280, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-6000:] + done.stderr[-2000:])
        self.assertEqual(one.get("/settings")["version"], "0.1.0", "the server goes on")


def tearDownModule():
    line.stop_shared()
