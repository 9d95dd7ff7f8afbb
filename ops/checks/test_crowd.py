"""Ten thousand connections, idle and slow ones among them: the pipeline does not notice."""

import asyncio
import resource
import threading
import time
import unittest
import urllib.request

import line

CROWD = 10_000
# Beyond what the server takes: `[web] connections_max` of this check.
ROOM = 10_500
SLOW = 500
# A bet is there within this time, whoever stands at the door.
PATIENCE_S = 2.0


def raise_descriptors():
    """As many descriptors as the system lets this process have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


class Crowd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        most = raise_descriptors()
        needed = ROOM + 2_000
        assert most == resource.RLIM_INFINITY or most >= needed, f"raise the hard limit of `ulimit -n` to {needed}"
        cls.line = line.Line({"MARABET_WEB__CONNECTIONS_MAX": str(ROOM)})

    @classmethod
    def tearDownClass(cls):
        cls.line.stop()

    def bet_takes(self, home):
        """Seconds from posting a price to the bet on the board. The answer to the posting comes later,
        once the price is durable."""
        began = time.monotonic()
        posting = threading.Thread(target=self.line.value_bet, args=(home, "Crowd"))
        posting.start()
        shown = lambda: any(f"|{home}|" in bet["match"] for bet in self.line.get("/bets?limit=20")["items"])
        line.until("the bet is there", shown, 20)
        took = time.monotonic() - began
        posting.join()
        return took

    def resident_mb(self):
        with open(f"/proc/{self.line.process.pid}/status", encoding="utf-8") as status:
            found = next(one for one in status if one.startswith("VmRSS"))
        return int(found.split()[1]) / 1024

    def test_ten_thousand_connections_leave_the_pipeline_undisturbed(self):
        before, memory = self.bet_takes("Alone"), self.resident_mb()
        asyncio.run(self.crowd(memory))
        after = self.bet_takes("Afterwards")
        self.assertLess(max(before, after), PATIENCE_S)
        self.assertEqual(self.line.get("/dead-letters")["total"], 0)

    async def crowd(self, memory):
        port = self.line.port
        watch = f"GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
        watching = await self.connect(CROWD - SLOW, watch)
        slow = await self.connect(SLOW, b"GET /api/v1/bets HTTP/1.1\r\nHost: ")
        began = time.monotonic()
        watchers = lambda: line.until("all watch", lambda: self.watchers() == len(watching), 60)
        await asyncio.to_thread(watchers)
        took = await asyncio.to_thread(self.bet_takes, "Crowded")
        self.assertLess(took, PATIENCE_S)
        self.assertLess(self.resident_mb() - memory, 500, "a connection takes little memory")

        # Those for whom there is no room are told so, and come again; nobody else is touched.
        pressed = await self.connect(ROOM - CROWD + 600, b"")
        hear = [self.hears(one, b"503 Service Unavailable", 3) for one in pressed]
        told = sum(await asyncio.gather(*hear))
        self.assertTrue(400 < told <= 700, f"{told} of about 600 who are refused hear why")
        for _, writer in pressed:
            writer.close()

        # Who does not send a request within ten seconds is let go; who watches has seen the bet.
        await asyncio.sleep(max(0, 12 - (time.monotonic() - began)))
        for reader, _ in slow:
            await asyncio.wait_for(reader.read(), 5)
        seen = [await self.hears(one, b"Crowded", 5) for one in watching[:100]]
        self.assertTrue(all(seen))
        for _, writer in watching + slow:
            writer.close()

    async def connect(self, count, first_words):
        """Connections, each of which says this at once."""
        held = []
        for _ in range(0, count, 100):
            opened = [asyncio.open_connection("127.0.0.1", self.line.port) for _ in range(100)]
            for connection in await asyncio.gather(*opened):
                connection[1].write(first_words)
                held.append(connection)
        return held

    def watchers(self):
        with urllib.request.urlopen(f"{self.line.base}/metrics") as answer:
            found = next(one for one in answer if one.startswith(b"marabet_live_watchers "))
        return int(found.split()[1])

    async def hears(self, connection, wanted, seconds):
        """Whether a connection is told this within some time."""
        said, end = b"", time.monotonic() + seconds
        while wanted not in said:
            try:
                more = await asyncio.wait_for(connection[0].read(4_000), max(0.01, end - time.monotonic()))
            except (TimeoutError, ConnectionResetError):
                return False
            if not more:
                return False
            said += more
        return True
