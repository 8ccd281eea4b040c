"""The official OpenAI SDK asks a hub for vectors: python embed_client.py BASE MODEL..

Prints one line of JSON for each model.
"""

import json
import sys

import openai
from openai import OpenAI

base, *models = sys.argv[1:]
client = OpenAI(base_url=f"{base}/v1", api_key="any", max_retries=0, timeout=60)


def embed(model, text, **more):
    answer = client.embeddings.create(model=model, input=text, **more)
    return [[item.embedding for item in answer.data], answer.usage.total_tokens]


def error(model, text):
    try:
        return embed(model, text)
    except openai.APIStatusError as failed:
        return [type(failed).__name__, failed.status_code, failed.request_id is not None]


for model in models:
    said = {
        # The SDK itself asks for base64 and reads it.
        "one": embed(model, "hello"),
        "several": embed(model, ["hello", "Zürich"]),
        "floats": embed(model, ["hello"], encoding_format="float"),
        "short": embed(model, "hello", dimensions=2),
        "unknown": error("nobody-knows-it", "hello"),
        "empty": error(model, []),
        "tokens": error(model, [[1, 2], [3]]),
        "listed": model in [listed.id for listed in client.models.list()],
    }
    print(json.dumps(said), flush=True)
