"""A load from this process on a server of this machine: one prepared request over kept-alive connections."""

import asyncio
import time
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Load:
    """What a server did under a load."""

    clients: int
    requests_per_s: float
    p50_ms: float
    p99_ms: float


def drive(port: int, body: bytes, *, clients: int, seconds: float = 5.0) -> Load:
    """Post `body` to /graphql on 127.0.0.1 from `clients` connections for some seconds."""
    request = (
        b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Accept: application/json\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body
    )
    took = asyncio.run(_drive(port, request, clients, seconds))
    milliseconds = np.array(took) * 1000
    return Load(
        clients=clients,
        requests_per_s=len(took) / seconds,
        p50_ms=float(np.percentile(milliseconds, 50)),
        p99_ms=float(np.percentile(milliseconds, 99)),
    )


async def _drive(port: int, request: bytes, clients: int, seconds: float) -> list[float]:
    took: list[float] = []
    until = time.perf_counter() + seconds

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (begun := time.perf_counter()) < until:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = next(
                int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
            )
            await reader.readexactly(length)
            took.append(time.perf_counter() - begun)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(client() for _ in range(clients)))
    return took
