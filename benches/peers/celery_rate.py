"""How many short tasks a second go through Celery: prefork with two processes, Redis over a unix
socket, no results kept. Arguments: socket, how many. Prints tasks a second, from the first one
asked for to the last one ended; the worker is up before.
"""

import os
import pathlib
import subprocess
import sys
import time

import redis
from celery import Celery

socket = os.environ.get("RATE_SOCKET") or sys.argv[1]
store = redis.Redis(unix_socket_path=socket, db=1)
app = Celery("rate", broker=f"redis+socket://{socket}?virtual_host=1")
app.conf.update(
    task_ignore_result=True, worker_prefetch_multiplier=64, task_default_queue="rate",
    broker_connection_retry_on_startup=True, worker_send_task_events=False,
)


@app.task(name="count")
def count():
    store.incr("counted")


if __name__ == "__main__":
    many = int(sys.argv[2])
    store.flushdb()
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "celery_rate", "worker", "--concurrency=2",
         "--loglevel=ERROR", "--without-gossip", "--without-mingle", "--without-heartbeat"],
        cwd=pathlib.Path(__file__).parent,
        env={**os.environ, "RATE_SOCKET": socket},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        count.delay()
        while int(store.get("counted") or 0) < 1:
            time.sleep(0.05)
        began = time.perf_counter()
        for _ in range(many):
            count.delay()
        while int(store.get("counted")) < many + 1:
            time.sleep(0.005)
        print(many / (time.perf_counter() - began))
    finally:
        worker.terminate()
        worker.wait()
