"""A mail server and a Telegram on this machine, to see alerts without an account anywhere.

    target/mail/bin/python ops/season/mailbox.py [FOLDER]

Mails to localhost:2525 are kept in FOLDER (.marabet/mailbox where left out), one file each. What a
bot says to http://127.0.0.1:8081 is appended to FOLDER/telegram.txt. Both are as `marabet.toml`
beside this file has them. It ends with an interrupt.
"""

import itertools
import json
import pathlib
import sys
import threading
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".marabet/mailbox")
folder.mkdir(parents=True, exist_ok=True)
numbers = itertools.count(1)
lock = threading.Lock()


class Keep:
    async def handle_DATA(self, server, session, envelope):
        path = folder / f"mail-{next(numbers)}.eml"
        path.write_bytes(envelope.content)
        subject = BytesParser().parsebytes(envelope.content)["subject"]
        print(f"mail      {subject}  ({path})", flush=True)
        return "250 OK"


class Telegram(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        method = self.path.rsplit("/", 1)[-1]
        if method == "getUpdates":
            threading.Event().wait(1.0)
            return self.answer([])
        if method == "sendPhoto":
            picture = folder / f"picture-{next(numbers)}.png"
            start, end = body.find(b"\x89PNG"), body.rfind(b"IEND") + 8
            picture.write_bytes(body[start:end])
            text = f"a picture: {picture}"
        else:
            text = json.loads(body or b"{}").get("text", "")
        with lock, (folder / "telegram.txt").open("a") as kept:
            kept.write(f"{method}\n{text}\n\n")
        print(f"telegram  {method}: {text.splitlines()[0] if text else ''}", flush=True)
        self.answer({"message_id": next(numbers)})

    do_GET = do_POST

    def answer(self, result):
        said = json.dumps({"ok": True, "result": result}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


mail = Controller(Keep(), hostname="127.0.0.1", port=2525)
mail.start()
print(f"mails to localhost:2525 and messages to http://127.0.0.1:8081 go to {folder}", flush=True)
try:
    ThreadingHTTPServer(("127.0.0.1", 8081), Telegram).serve_forever()
except KeyboardInterrupt:
    mail.stop()
