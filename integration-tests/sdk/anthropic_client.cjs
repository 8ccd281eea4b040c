// The official Anthropic SDK for Node against a hub; everything.cjs says what it does.
const Anthropic = require('@anthropic-ai/sdk');
const { base, key, PIXEL, SCHEMA, PARAMETERS, messagesOf, run } = require('./everything.cjs');

const connect = (apiKey) => new Anthropic({ baseURL: base, apiKey, maxRetries: 0, timeout: 60000 });
const [sdk, stranger] = [connect(key), connect('a-wrong-key')];
const TOOLS = [{ name: 'weather', description: 'says how it is', input_schema: PARAMETERS }];

const request = (model, content, more) => ({ model, max_tokens: 100, messages: messagesOf(content), ...more });
const ask = (model, content, more, by = sdk) => by.messages.create(request(model, content, more));
const textOf = (message) =>
  message.content.filter((block) => block.type === 'text').map((block) => block.text).join('');

async function plain(model) {
  const answer = await ask(model, 'hello');
  return [textOf(answer), answer.stop_reason, answer.usage.output_tokens];
}

async function stream(model) {
  let text = '';
  const events = sdk.messages.stream(request(model, 'hello')).on('text', (more) => { text += more; });
  const answer = await events.finalMessage();
  return [text, answer.usage.output_tokens];
}

async function tools(model) {
  return roundTrip(model, await ask(model, 'how is the weather?', { tools: TOOLS }));
}

async function toolsStreamed(model) {
  const events = sdk.messages.stream(request(model, 'how is the weather?', { tools: TOOLS }));
  return roundTrip(model, await events.finalMessage());
}

async function roundTrip(model, answer) {
  const calls = answer.content.filter((block) => block.type === 'tool_use');
  const results = ['sun', 'rain'].map((content, at) => (
    { type: 'tool_result', tool_use_id: calls[at].id, content }
  ));
  const told = [
    { role: 'user', content: 'how is the weather?' },
    { role: 'assistant', content: answer.content },
    { role: 'user', content: results },
  ];
  const last = await ask(model, told, { tools: TOOLS });
  return [calls.map((call) => call.input.city), answer.stop_reason, textOf(last)];
}

async function image(model) {
  const source = { type: 'base64', media_type: 'image/png', data: PIXEL };
  return textOf(await ask(model, [{ type: 'text', text: 'what is it?' }, { type: 'image', source }]));
}

async function structured(model) {
  const output_config = { format: { type: 'json_schema', schema: SCHEMA } };
  return JSON.parse(textOf(await ask(model, 'who?', { output_config })));
}

const hasText = (event) => event.type === 'content_block_delta';

run({ sdk, stranger, ask, plain, stream, tools, toolsStreamed, image, structured, hasText });
