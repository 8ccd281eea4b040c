"""langchain-openai against a hub: python langchain_client.py BASE KEY MODEL.."""

import json
import sys

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

base, key, *models = sys.argv[1:]


@tool
def weather(city: str) -> str:
    """Says how it is."""
    return "sun"


for model in models:
    chat = ChatOpenAI(model=model, base_url=f"{base}/v1", api_key=key, max_retries=0, timeout=60)
    pieces = [chunk.text for chunk in chat.stream("hello")]
    able = chat.bind_tools([weather])
    told = [HumanMessage("how is the weather?")]
    whole = None
    for chunk in able.stream(told):
        whole = chunk if whole is None else whole + chunk
    told.append(whole)
    for call, result in zip(whole.tool_calls, ["sun", "rain"]):
        told.append(ToolMessage(result, tool_call_id=call["id"]))
    print(
        json.dumps(
            {
                "text": "".join(pieces),
                "pieces": len([piece for piece in pieces if piece]),
                "cities": [call["args"]["city"] for call in whole.tool_calls],
                "last": able.invoke(told).text,
            }
        ),
        flush=True,
    )
