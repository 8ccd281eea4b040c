"""The official Python SDK against a hub: python client.py DOOR MODE ACTION TARGET..

DOOR is http, sse or stdio; TARGET a URL, or the hub's command line. MODE is `legacy` (with a
handshake) or `auto`. ACTION is `call`, or `cancel`, which cancels when a line comes.
"""

import json
import sys

import anyio
from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client

door, mode, action, *target = sys.argv[1:]


def server():
    if door == "http":
        return target[0]
    if door == "sse":
        return sse_client(target[0])
    return StdioServerParameters(command=target[0], args=target[1:])


def say(message):
    print(json.dumps(message), flush=True)


async def call(client):
    progress = []

    async def on_progress(done, total, message):
        progress.append(message)

    tools = await client.list_tools()
    before = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]
    images = ["data:image/png;base64,aGk="]
    result = await client.call_tool(
        "llm_complete",
        {"prompt": "hello", "messages": before, "images": images},
        progress_callback=on_progress,
    )
    health = await client.call_tool("health_check", {})
    say(
        {
            "tools": [tool.name for tool in tools.tools],
            "text": result.content[0].text,
            "progress": progress,
            "status": health.structured_content["status"],
            "version": client.protocol_version,
        }
    )


async def cancel(client):
    async with anyio.create_task_group() as group:
        group.start_soon(client.call_tool, "llm_complete", {"prompt": "hello"})
        await anyio.to_thread.run_sync(sys.stdin.readline)
        group.cancel_scope.cancel()
    tools = await client.list_tools()
    say({"tools": [tool.name for tool in tools.tools]})


async def main():
    async with Client(server(), mode=mode) as client:
        await (call if action == "call" else cancel)(client)


anyio.run(main)
