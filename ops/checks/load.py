"""Starts a line, and drives its API: see load.sh."""

import json
import os
import pathlib
import random
import socket
import subprocess
import time
import urllib.parse
import urllib.request

import line

RATE = int(os.environ.get("RATE", "1000"))
SECONDS = int(os.environ.get("SECONDS_OF_LOAD", "20"))
WATCHERS = int(os.environ.get("WATCHERS", "5000"))


def mix(one):
    """A thousand requests: lists, filtered bets, match pages by a Zipf law, reasons of bets."""
    choose = random.Random(1)
    matches = [row["match"] for row in one.get("/fixtures?limit=500")["items"]]
    bets = [row["bet"] for row in one.get("/bets?limit=200")["items"]]
    weights = [1 / rank for rank in range(1, len(matches) + 1)]
    kinds = choose.choices(["list", "filtered", "match", "why"], [20, 20, 40, 20], k=1000)
    paths = []
    for kind in kinds:
        match = urllib.parse.quote(choose.choices(matches, weights)[0], safe="")
        paths.append({
            "list": "/api/v1/fixtures?limit=50",
            "filtered": f"/api/v1/bets?strategy=sharp&ev_min={choose.choice(['0.02', '0.03', '0.05'])}",
            "match": f"/api/v1/fixtures/{match}",
            "why": f"/api/v1/why/{choose.choice(bets)}",
        }[kind])
    return paths


def drive(one, paths):
    script = pathlib.Path(one.folder.name, "load.js")
    script.write_text("""
        const autocannon = require("autocannon");
        const { url, paths, rate, seconds } = JSON.parse(process.argv[2]);
        autocannon({ url, connections: 50, duration: seconds, overallRate: rate,
                     requests: paths.map((path) => ({ method: "GET", path })) },
          (error, result) => { if (error) throw error;
            console.log(JSON.stringify({ latency: result.latency, sent: result.requests.total,
              good: result["2xx"], bad: result.non2xx, errors: result.errors + result.timeouts })); });
    """, encoding="utf-8")
    plan = {"url": one.base, "paths": paths, "rate": RATE, "seconds": SECONDS}
    done = subprocess.run(["node", str(script), json.dumps(plan)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


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
    return before, memory_kb(one.process.pid), held


def main():
    one = line.Line()
    try:
        result = drive(one, mix(one))
        latency = result["latency"]
        print(f"{result['sent']} requests at {RATE}/s: p50 {latency['p50']} ms, p97.5 {latency['p97_5']} ms, "
              f"p99 {latency['p99']} ms, max {latency['max']} ms; {result['bad']} not 2xx, {result['errors']} errors")
        for name, row in one.get("/cache")["classes"].items():
            if row["hit_rate"] is not None:
                print(f"cache {name}: {row['hits']} hits, {row['misses']} misses, {row['hit_rate']:.1%}")
        before, after, held = watchers(one)
        print(f"{WATCHERS} idle watchers: {before / 1024:.0f} MB before, {after / 1024:.0f} MB with them, "
              f"{(after - before) / WATCHERS:.1f} kB each")
        for watcher in held:
            watcher.close()
    finally:
        print(f"ended within {one.stop():.1f} s")


if __name__ == "__main__":
    main()
