"""A real mail server (aiosmtpd) that keeps what it gets: one file a mail, in a folder.

Arguments: folder, certificate, key. Prints its port. It offers STARTTLS, asks for the login
`bettor` / `s3cret` once the connection is secret, and knows nobody called `nobody`.
"""

import asyncio
import pathlib
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, SMTP

folder, certificate, key = map(pathlib.Path, sys.argv[1:4])
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certificate, key)


class Keep:
    count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 no such mailbox"
        if address.startswith("later@"):
            return "451 4.3.0 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        Keep.count += 1
        unfinished = folder / f"{Keep.count}.part"
        unfinished.write_bytes(envelope.content)
        unfinished.rename(folder / f"{Keep.count}.eml")
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    good = (data.login, data.password) == (b"bettor", b"s3cret")
    return AuthResult(success=good, handled=False)


class Server(Controller):
    def _trigger_server(self):
        # The controller asks whether it answers, on the port that it was given: which is 0.
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()

    def factory(self):
        return SMTP(
            self.handler,
            hostname="localhost",
            tls_context=context,
            require_starttls=True,
            authenticator=authenticate,
            auth_required=True,
        )


server = Server(Keep(), hostname="127.0.0.1", port=0)
server.start()
print(server.port, flush=True)
asyncio.new_event_loop().run_forever()
