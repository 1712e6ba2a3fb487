"""HTTP for many small conversations at once: one keep-alive connection each, asyncio, nothing but Python."""

import asyncio
import json


class Lost(Exception):
    """The connection ended before the answer was whole."""


class Wire:
    """One connection to one port; it is opened again when it was lost. One request at a time."""

    def __init__(self, port, seconds=20.0):
        self.port, self.seconds = port, seconds
        self.reader = self.writer = None

    async def ask(self, method, path, body=b"", headers=""):
        """The status, the headers (lower case) and the body; raises ``Lost``."""
        try:
            return await asyncio.wait_for(self._ask(method, path, body, headers), self.seconds)
        except (OSError, EOFError, ValueError, asyncio.TimeoutError, asyncio.LimitOverrunError) as problem:
            self.close()
            raise Lost(repr(problem)) from problem

    async def _ask(self, method, path, body, headers):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        self.writer.write(head.encode() + body)
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
        length = int(fields.get("content-length", 0))
        data = await self.reader.readexactly(length) if length else b""
        if fields.get("connection", "").lower() == "close":
            self.close()
        return int(lines[0].split(" ")[1]), fields, data

    async def call(self, method, path, body=None):
        """The answer's JSON, and its status; asks again until it gets one."""
        data = b"" if body is None else json.dumps(body).encode()
        while True:
            try:
                status, _, content = await self.ask(method, path, data)
                return status, json.loads(content) if content else {}
            except Lost:
                await asyncio.sleep(0.1)

    def close(self):
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None
