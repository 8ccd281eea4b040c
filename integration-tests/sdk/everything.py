"""What a client of either SDK for Python does at a hub: CLIENT BASE KEY MODEL..

Does everything once for each model and prints one line of JSON for each, then waits for a line before
it hangs up on a stream.
"""

import json
import sys

from pydantic import BaseModel

base, key, *models = sys.argv[1:]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}


class Person(BaseModel):
    name: str
    age: int


def say(message):
    print(json.dumps(message), flush=True)


def run(client):
    """`client` is the module that does it with its SDK."""
    for model in models:
        say(
            {
                "plain": client.plain(model),
                "stream": client.stream(model),
                "tools": client.tools(model),
                "tools_streamed": client.tools_streamed(model),
                "image": client.image(model),
                "structured": client.structured(model).model_dump(),
                "errors": {
                    "unknown": client.error("nobody-knows-it", "hello"),
                    "stranger": client.error(model, "hello", sdk=client.stranger),
                    "stranger streams": client.error(model, "hello", sdk=client.stranger, stream=True),
                    "400": client.error(model, "fail 400"),
                    "401": client.error(model, "fail 401"),
                    "429": client.error(model, "fail 429"),
                    "529": client.error(model, "fail 529"),
                    "500": client.error(model, "fail 500", stream=True),
                    "die": client.error(model, "please die", stream=True),
                },
                "listed": model in [listed.id for listed in client.sdk.models.list()],
                "found": client.sdk.models.retrieve(model).id,
            }
        )
    for model in models:
        hanging = client.ask(model, "please hang", stream=True)
        next(event for event in hanging if client.has_text(event))
        say("begun")
        sys.stdin.readline()
        hanging.close()
    say("done")
