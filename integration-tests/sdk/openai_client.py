"""The official OpenAI SDK against a hub; `everything` says what it does."""

import json
import sys

import everything
import openai
from everything import base, key
from openai import OpenAI

sdk = OpenAI(base_url=f"{base}/v1", api_key=key, max_retries=0, timeout=60)
stranger = sdk.with_options(api_key="a-wrong-key")
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "says how it is",
            "parameters": everything.PARAMETERS,
        },
    }
]


def ask(model, content, sdk=sdk, **more):
    messages = content if isinstance(content, list) and "role" in content[0] else None
    messages = messages or [{"role": "user", "content": content}]
    return sdk.chat.completions.create(model=model, messages=messages, **more)


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
    with sdk.chat.completions.stream(model=model, messages=messages, tools=TOOLS) as events:
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
    url = f"data:image/png;base64,{everything.PIXEL}"
    parts = [{"type": "text", "text": "what is it?"}, {"type": "image_url", "image_url": {"url": url}}]
    return ask(model, parts).choices[0].message.content


def structured(model):
    messages = [{"role": "user", "content": "who?"}]
    answer = sdk.chat.completions.parse(
        model=model, messages=messages, response_format=everything.Person
    )
    return answer.choices[0].message.parsed


def has_text(chunk):
    return bool(chunk.choices and chunk.choices[0].delta.content)


def error(model, text, **more):
    try:
        answer = ask(model, text, **more)
        if "stream" in more:
            for _ in answer:
                pass
        return "no error"
    except openai.APIStatusError as failed:
        return [type(failed).__name__, failed.status_code, failed.request_id is not None]
    except openai.APIError as failed:
        return [type(failed).__name__, None, "broke off" in str(failed)]


everything.run(sys.modules[__name__])
