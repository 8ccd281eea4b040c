// The official OpenAI SDK for Node against a hub; everything.cjs says what it does.
const OpenAI = require('openai');
const { base, key, PIXEL, SCHEMA, PARAMETERS, messagesOf, run } = require('./everything.cjs');

const connect = (apiKey) => new OpenAI({ baseURL: `${base}/v1`, apiKey, maxRetries: 0, timeout: 60000 });
const [sdk, stranger] = [connect(key), connect('a-wrong-key')];
const TOOLS = [{
  type: 'function',
  function: { name: 'weather', description: 'says how it is', parameters: PARAMETERS },
}];

const ask = (model, content, more, by = sdk) =>
  by.chat.completions.create({ model, messages: messagesOf(content), ...more });

async function plain(model) {
  const answer = await ask(model, 'hello');
  return [answer.choices[0].message.content, answer.choices[0].finish_reason, answer.usage.total_tokens];
}

async function stream(model) {
  let [text, usage] = ['', null];
  for await (const chunk of await ask(model, 'hello', { stream: true, stream_options: { include_usage: true } })) {
    usage = chunk.usage || usage;
    for (const choice of chunk.choices) text += choice.delta.content || '';
  }
  return [text, usage.completion_tokens];
}

async function tools(model) {
  const messages = [{ role: 'user', content: 'how is the weather?' }];
  const answer = (await ask(model, messages, { tools: TOOLS })).choices[0];
  return roundTrip(model, messages, answer);
}

async function toolsStreamed(model) {
  const messages = [{ role: 'user', content: 'how is the weather?' }];
  const events = sdk.chat.completions.stream({ model, messages, tools: TOOLS });
  return roundTrip(model, messages, (await events.finalChatCompletion()).choices[0]);
}

async function roundTrip(model, messages, answer) {
  const calls = answer.message.tool_calls;
  const told = [...messages, answer.message];
  ['sun', 'rain'].forEach((content, at) => told.push({ role: 'tool', tool_call_id: calls[at].id, content }));
  const cities = calls.map((call) => JSON.parse(call.function.arguments).city);
  const last = await ask(model, told, { tools: TOOLS });
  return [cities, answer.finish_reason, last.choices[0].message.content];
}

async function image(model) {
  const url = `data:image/png;base64,${PIXEL}`;
  const parts = [{ type: 'text', text: 'what is it?' }, { type: 'image_url', image_url: { url } }];
  return (await ask(model, parts)).choices[0].message.content;
}

async function structured(model) {
  const json_schema = { name: 'person', schema: SCHEMA, strict: true };
  const answer = await ask(model, 'who?', { response_format: { type: 'json_schema', json_schema } });
  return JSON.parse(answer.choices[0].message.content);
}

const hasText = (chunk) => Boolean(chunk.choices[0]?.delta.content);

run({ sdk, stranger, ask, plain, stream, tools, toolsStreamed, image, structured, hasText });
