//! What is said besides texts, at the doors for SDKs: calls of tools and their results, pictures, shapes.

use serde_json::{Value, json};

use crate::support::{
    chat::{DOORS, Door, End, Said},
    vendors::{MODELS, separate},
};

/// The calls in an answer: id, name and arguments.
fn calls(door: Door, answer: &Value) -> Vec<(String, String, Value)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match door {
        Door::OpenAi => {
            let message = &answer["choices"][0]["message"];
            let calls = message["tool_calls"].as_array().into_iter().flatten();
            let read = |call: &Value| {
                let function = &call["function"];
                let arguments = serde_json::from_str(function["arguments"].as_str().unwrap());
                (
                    text(&call["id"]),
                    text(&function["name"]),
                    arguments.unwrap(),
                )
            };
            calls.map(read).collect()
        }
        Door::Anthropic => {
            let blocks = answer["content"].as_array().into_iter().flatten();
            let calls = blocks.filter(|block| block["type"] == "tool_use");
            calls
                .map(|call| {
                    (
                        text(&call["id"]),
                        text(&call["name"]),
                        call["input"].clone(),
                    )
                })
                .collect()
        }
    }
}

/// The conversation with the answer and the tools' results behind it.
fn with_results(door: Door, mut body: Value, answer: &Value) -> Value {
    let calls = calls(door, answer);
    let messages = body["messages"].as_array_mut().unwrap();
    match door {
        Door::OpenAi => {
            messages.push(answer["choices"][0]["message"].clone());
            for ((id, ..), result) in calls.iter().zip(["sun", "rain"]) {
                messages.push(json!({"role": "tool", "tool_call_id": id, "content": result}));
            }
        }
        Door::Anthropic => {
            messages.push(json!({"role": "assistant", "content": answer["content"]}));
            let results = calls.iter().zip(["sun", "rain"]);
            let results: Vec<_> = results
                .map(|((id, ..), result)| {
                    json!({"type": "tool_result", "tool_use_id": id, "content": result})
                })
                .collect();
            messages.push(json!({"role": "user", "content": results}));
        }
    }
    body
}

/// An answer put together from its events, as an SDK does it.
fn assembled(door: Door, said: &[Said]) -> Value {
    match door {
        Door::OpenAi => {
            let mut calls: Vec<Value> = Vec::new();
            let mut finish = Value::Null;
            for chunk in said.iter().map(Said::json) {
                let choice = &chunk["choices"][0];
                if !choice["finish_reason"].is_null() {
                    finish = choice["finish_reason"].clone();
                }
                for call in choice["delta"]["tool_calls"]
                    .as_array()
                    .into_iter()
                    .flatten()
                {
                    let index = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
                    if index == calls.len() {
                        calls.push(call.clone());
                    } else {
                        let more = call["function"]["arguments"].as_str().unwrap();
                        let arguments = &mut calls[index]["function"]["arguments"];
                        *arguments = format!("{}{more}", arguments.as_str().unwrap()).into();
                    }
                }
            }
            json!({"choices": [{
                "message": {"role": "assistant", "content": door.text_of(said), "tool_calls": calls},
                "finish_reason": finish,
            }]})
        }
        Door::Anthropic => {
            let mut blocks: Vec<(Value, String)> = Vec::new();
            let mut stop = Value::Null;
            for event in said.iter().map(Said::json) {
                let last = event["index"]
                    .as_u64()
                    .map(|index| usize::try_from(index).unwrap());
                let delta = &event["delta"];
                match event["type"].as_str().unwrap() {
                    "content_block_start" => {
                        assert_eq!(last, Some(blocks.len()), "{event}");
                        blocks.push((event["content_block"].clone(), String::new()));
                    }
                    "content_block_delta" => {
                        let more = delta["text"].as_str().or(delta["partial_json"].as_str());
                        blocks[last.unwrap()].1.push_str(more.unwrap_or_default());
                    }
                    "message_delta" => stop = delta["stop_reason"].clone(),
                    _ => {}
                }
            }
            let finished = blocks.into_iter().map(|(mut block, text)| {
                match block["type"].as_str().unwrap() {
                    "tool_use" => block["input"] = serde_json::from_str(&text).unwrap(),
                    "text" => block["text"] = text.into(),
                    _ => {}
                }
                block
            });
            json!({"content": finished.collect::<Vec<_>>(), "stop_reason": stop})
        }
    }
}

#[tokio::test]
async fn two_tools_are_called_and_answered() {
    let (upstream, hub) = separate().await;
    for door in DOORS {
        for (model, provider) in MODELS {
            for streams in [false, true] {
                let mut body = door.ask(model, "how is the weather?");
                body["tools"] = door.tools();
                let ask = async |body: &Value| {
                    if !streams {
                        return hub.chat(door, body).await.assert_ok().body.clone();
                    }
                    let mut body = body.clone();
                    body["stream"] = true.into();
                    let (said, end) = hub.chat_stream(door, &body).await.rest().await;
                    assert!(door.is_complete(&said) && end == End::Clean, "{said:?}");
                    assembled(door, &said)
                };
                let place = format!("{door:?} {provider} streams: {streams}");
                let answer = ask(&body).await;
                let found = calls(door, &answer);
                let cities: Vec<_> = found.iter().map(|(_, _, city)| city.clone()).collect();
                let expected = [json!({"city": "Zürich"}), json!({"city": "Paris"})];
                assert_eq!(cities, expected, "{place}: {answer}");
                assert!(
                    found.iter().all(|(_, name, _)| name == "weather"),
                    "{place}"
                );
                assert_ne!(found[0].0, found[1].0, "{place}: {answer}");
                let finish = match door {
                    Door::OpenAi => (&answer["choices"][0]["finish_reason"], "tool_calls"),
                    Door::Anthropic => (&answer["stop_reason"], "tool_use"),
                };
                assert_eq!(finish.0, finish.1, "{place}");

                let told = with_results(door, body, &answer);
                let answer = ask(&told).await;
                assert_eq!(door.text(&answer), "It says sun and rain.", "{place}");
                // What Gemini signed comes back to it; what another said needs no signature of its own.
                let mut elsewhere = told;
                elsewhere["model"] = "gemini-fast-3".into();
                ask(&elsewhere).await;
                let sent = upstream.gemini.seen().last().cloned().unwrap();
                let first = &sent.body["contents"][1]["parts"][0];
                assert_eq!(first["functionCall"]["name"], "weather", "{place}");
                let expected = match provider {
                    "gemini" => "c2lnbmF0dXJl",
                    _ => "skip_thought_signature_validator",
                };
                assert_eq!(first["thoughtSignature"], expected, "{place}");
            }
        }
    }
}

#[tokio::test]
async fn pictures_and_shapes_reach_every_vendor() {
    let (_upstream, hub) = separate().await;
    let pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
    let schema = json!({"type": "object", "properties": {
        "name": {"type": "string"}, "age": {"type": "integer"},
    }, "required": ["name", "age"], "additionalProperties": false});
    for door in DOORS {
        for (model, provider) in MODELS {
            let mut body = door.ask(model, "");
            let picture = match door {
                Door::OpenAi => json!({"type": "image_url", "image_url": {
                    "url": format!("data:image/png;base64,{pixel}"),
                }}),
                Door::Anthropic => json!({"type": "image", "source": {
                    "type": "base64", "media_type": "image/png", "data": pixel,
                }}),
            };
            body["messages"][0]["content"] =
                json!([{"type": "text", "text": "what is it?"}, picture]);
            let reply = hub.chat(door, &body).await;
            let expected = format!("A picture: image/png of {} characters", pixel.len());
            assert_eq!(
                door.text(&reply.assert_ok().body),
                expected,
                "{door:?} {provider}"
            );

            let mut body = door.ask(model, "who?");
            match door {
                Door::OpenAi => {
                    body["response_format"] = json!({"type": "json_schema", "json_schema": {
                        "name": "person", "schema": schema, "strict": true,
                    }});
                }
                Door::Anthropic => {
                    body["output_config"] =
                        json!({"format": {"type": "json_schema", "schema": schema}});
                }
            }
            let reply = hub.chat(door, &body).await;
            let person: Value = serde_json::from_str(&door.text(&reply.assert_ok().body)).unwrap();
            assert_eq!(
                person,
                json!({"name": "Ada", "age": 36}),
                "{door:?} {provider}"
            );
        }
    }
}
