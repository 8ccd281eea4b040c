"""The official OpenAI SDK against a hub: python openai_client.py BASE MODEL..

Does everything once for each model and prints one line of JSON for each, then waits for a line before
it hangs up on a stream.
"""

import json
import sys

import openai
from openai import OpenAI

base, *models = sys.argv[1:]
client = OpenAI(base_url=f"{base}/v1", api_key="any", max_retries=0, timeout=60)
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "says how it is",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
]


def say(message):
    print(json.dumps(message), flush=True)


def ask(model, content, **more):
    messages = content if isinstance(content, list) and "role" in content[0] else None
    messages = messages or [{"role": "user", "content": content}]
    return client.chat.completions.create(model=model, messages=messages, **more)


def plain(model):
    answer = ask(model, "hello")
    return [answer.choices[0].message.content, answer.choices[0].finish_reason, answer.usage.total_tokens]


def stream(model):
    text, usage = "", None
    for chunk in ask(model, "hello", stream=True, stream_options={"include_usage": True}):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
    return [text, usage.completion_tokens]


def tools(model):
    messages = [{"role": "user", "content": "how is the weather?"}]
    answer = ask(model, messages, tools=TOOLS).choices[0]
    messages.append(answer.message.model_dump(exclude_none=True))
    return round_trip(model, messages, answer.message.tool_calls, answer.finish_reason)


def tools_streamed(model):
    messages = [{"role": "user", "content": "how is the weather?"}]
    with client.chat.completions.stream(model=model, messages=messages, tools=TOOLS) as events:
        for _ in events:
            pass
        answer = events.get_final_completion().choices[0]
    message = answer.message.model_dump(exclude_none=True)
    for call in message["tool_calls"]:
        call["function"].pop("parsed_arguments", None)
        call.pop("index", None)
    messages.append({k: message[k] for k in ("role", "content", "tool_calls") if k in message})
    return round_trip(model, messages, answer.message.tool_calls, answer.finish_reason)


def round_trip(model, messages, calls, finish):
    cities = [json.loads(call.function.arguments)["city"] for call in calls]
    for call, result in zip(calls, ["sun", "rain"]):
        messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    answer = ask(model, messages, tools=TOOLS)
    return [cities, finish, answer.choices[0].message.content]


def image(model):
    url = f"data:image/png;base64,{PIXEL}"
    parts = [{"type": "text", "text": "what is it?"}, {"type": "image_url", "image_url": {"url": url}}]
    return ask(model, parts).choices[0].message.content


def structured(model):
    shape = {"name": "person", "schema": SCHEMA, "strict": True}
    answer = ask(model, "who?", response_format={"type": "json_schema", "json_schema": shape})
    return json.loads(answer.choices[0].message.content)


def error(model, text, **more):
    try:
        answer = ask(model, text, **more)
        if more:
            for _ in answer:
                pass
        return "no error"
    except openai.APIStatusError as failed:
        return [type(failed).__name__, failed.status_code, failed.request_id is not None]
    except openai.APIError as failed:
        return [type(failed).__name__, None, "broke off" in str(failed)]


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
    for chunk in hanging:
        if chunk.choices and chunk.choices[0].delta.content:
            break
    say("begun")
    sys.stdin.readline()
    hanging.close()
say("done")
