"""The official Anthropic SDK against a hub; `everything` says what it does."""

import sys

import anthropic
import everything
from anthropic import Anthropic
from everything import base, key

sdk = Anthropic(base_url=base, api_key=key, max_retries=0, timeout=60)
stranger = sdk.with_options(api_key="a-wrong-key")
TOOLS = [
    {
        "name": "weather",
        "description": "says how it is",
        "input_schema": everything.PARAMETERS,
    }
]


def request(model, content, **more):
    messages = content if isinstance(content, list) and "role" in content[0] else None
    messages = messages or [{"role": "user", "content": content}]
    return {"model": model, "max_tokens": 100, "messages": messages, **more}


def ask(model, content, sdk=sdk, **more):
    return sdk.messages.create(**request(model, content, **more))


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


def plain(model):
    answer = ask(model, "hello")
    return [text_of(answer), answer.stop_reason, answer.usage.output_tokens]


def stream(model):
    with sdk.messages.stream(**request(model, "hello")) as events:
        text = "".join(events.text_stream)
        answer = events.get_final_message()
    return [text, answer.usage.output_tokens]


def tools(model):
    return round_trip(model, ask(model, "how is the weather?", tools=TOOLS))


def tools_streamed(model):
    with sdk.messages.stream(**request(model, "how is the weather?", tools=TOOLS)) as events:
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
    source = {"type": "base64", "media_type": "image/png", "data": everything.PIXEL}
    parts = [{"type": "text", "text": "what is it?"}, {"type": "image", "source": source}]
    return text_of(ask(model, parts))


def structured(model):
    answer = sdk.messages.parse(**request(model, "who?"), output_format=everything.Person)
    return answer.parsed_output


def has_text(event):
    return event.type == "content_block_delta"


def error(model, text, **more):
    try:
        answer = ask(model, text, **more)
        if "stream" in more:
            for _ in answer:
                pass
        return "no error"
    except anthropic.APIStatusError as failed:
        return [type(failed).__name__, failed.status_code, failed.request_id is not None]


everything.run(sys.modules[__name__])
