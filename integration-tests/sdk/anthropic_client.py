"""The official Anthropic SDK against a hub: python anthropic_client.py BASE MODEL..

Does everything once for each model and prints one line of JSON for each, then waits for a line before
it hangs up on a stream.
"""

import json
import sys

import anthropic
from anthropic import Anthropic

base, *models = sys.argv[1:]
client = Anthropic(base_url=base, api_key="any", max_retries=0, timeout=60)
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
TOOLS = [
    {
        "name": "weather",
        "description": "says how it is",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
]


def say(message):
    print(json.dumps(message), flush=True)


def request(model, content, **more):
    messages = content if isinstance(content, list) and "role" in content[0] else None
    messages = messages or [{"role": "user", "content": content}]
    return {"model": model, "max_tokens": 100, "messages": messages, **more}


def ask(model, content, **more):
    return client.messages.create(**request(model, content, **more))


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


def plain(model):
    answer = ask(model, "hello")
    return [text_of(answer), answer.stop_reason, answer.usage.output_tokens]


def stream(model):
    with client.messages.stream(**request(model, "hello")) as events:
        text = "".join(events.text_stream)
        answer = events.get_final_message()
    return [text, answer.usage.output_tokens]


def tools(model):
    return round_trip(model, ask(model, "how is the weather?", tools=TOOLS))


def tools_streamed(model):
    with client.messages.stream(**request(model, "how is the weather?", tools=TOOLS)) as events:
        return round_trip(model, events.get_final_message())


def round_trip(model, answer):
    calls = [block for block in answer.content if block.type == "tool_use"]
    content = [block.model_dump(exclude_none=True) for block in answer.content]
    results = [
        {"type": "tool_result", "tool_use_id": call.id, "content": result}
        for call, result in zip(calls, ["sun", "rain"])
    ]
    messages = [
        {"role": "user", "content": "how is the weather?"},
        {"role": "assistant", "content": content},
        {"role": "user", "content": results},
    ]
    cities = [call.input["city"] for call in calls]
    return [cities, answer.stop_reason, text_of(ask(model, messages, tools=TOOLS))]


def image(model):
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    parts = [{"type": "text", "text": "what is it?"}, {"type": "image", "source": source}]
    return text_of(ask(model, parts))


def structured(model):
    shape = {"format": {"type": "json_schema", "schema": SCHEMA}}
    return json.loads(text_of(ask(model, "who?", extra_body={"output_config": shape})))


def error(model, text, **more):
    try:
        answer = ask(model, text, **more)
        if more:
            for _ in answer:
                pass
        return "no error"
    except anthropic.APIStatusError as failed:
        return [type(failed).__name__, failed.status_code, failed.request_id is not None]


for model in models:
    say(
        {
            "plain": plain(model),
            "stream": stream(model),
            "tools": tools(model),
            "tools_streamed": tools_streamed(model),
            "image": image(model),
            "structured": structured(model),
            "errors": {
                "unknown": error("nobody-knows-it", "hello"),
                "400": error(model, "fail 400"),
                "401": error(model, "fail 401"),
                "429": error(model, "fail 429"),
                "529": error(model, "fail 529"),
                "500": error(model, "fail 500", stream=True),
                "die": error(model, "please die", stream=True),
            },
            "listed": model in [listed.id for listed in client.models.list()],
            "found": client.models.retrieve(model).id,
        }
    )

for model in models:
    hanging = ask(model, "please hang", stream=True)
    for event in hanging:
        if event.type == "content_block_delta":
            break
    say("begun")
    sys.stdin.readline()
    hanging.close()
say("done")
