import asyncio

import httpx
import pytest

from serve.doors import Doors, Doorway


@pytest.mark.parametrize("is_slow", [False, True])
def test_closed_doors_let_nobody_in_and_wait_for_those_inside(is_slow):
    async def main():
        doors, begun, goes_on = Doors(), asyncio.Event(), asyncio.Event()

        async def app(_scope, _receive, send):
            begun.set()
            await goes_on.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"done"})

        transport = httpx.ASGITransport(Doorway(app, doors))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            inside = asyncio.create_task(client.get("/"))
            await begun.wait()
            closing = asyncio.create_task(doors.close(0.01 if is_slow else 60))
            await asyncio.sleep(0)
            late = await client.get("/")
            assert (late.status_code, late.headers["retry-after"]) == (503, "2")
            assert late.json()["type"] == "urn:fingan:problem:ending"
            if is_slow:
                assert await closing == 1
                goes_on.set()
            else:
                assert not closing.done()
                goes_on.set()
                assert await closing == 0
            assert (await inside).text == "done"

    asyncio.run(main())
