// The official Anthropic SDK for Node against a hub: node anthropic_client.cjs BASE MODEL..
// Does what anthropic_client.py does.
const Anthropic = require('@anthropic-ai/sdk');
const readline = require('node:readline');

const [base, ...models] = process.argv.slice(2);
const client = new Anthropic({ baseURL: base, apiKey: 'any', maxRetries: 0, timeout: 60000 });
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
const SCHEMA = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name', 'age'],
  additionalProperties: false,
};
const TOOLS = [{
  name: 'weather',
  description: 'says how it is',
  input_schema: { type: 'object', properties: { city: { type: 'string' } } },
}];
const say = (message) => console.log(JSON.stringify(message));

function request(model, content, more) {
  const isConversation = Array.isArray(content) && content[0].role;
  const messages = isConversation ? content : [{ role: 'user', content }];
  return { model, max_tokens: 100, messages, ...more };
}

const ask = (model, content, more) => client.messages.create(request(model, content, more));
const textOf = (message) =>
  message.content.filter((block) => block.type === 'text').map((block) => block.text).join('');

async function plain(model) {
  const answer = await ask(model, 'hello');
  return [textOf(answer), answer.stop_reason, answer.usage.output_tokens];
}

async function stream(model) {
  let text = '';
  const events = client.messages.stream(request(model, 'hello')).on('text', (more) => { text += more; });
  const answer = await events.finalMessage();
  return [text, answer.usage.output_tokens];
}

async function tools(model) {
  return roundTrip(model, await ask(model, 'how is the weather?', { tools: TOOLS }));
}

async function toolsStreamed(model) {
  const events = client.messages.stream(request(model, 'how is the weather?', { tools: TOOLS }));
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

async function error(model, text, more) {
  try {
    const answer = await ask(model, text, more);
    if (more) for await (const _ of answer);
    return 'no error';
  } catch (failed) {
    if (failed.status === undefined) return [failed.constructor.name, null, /broke off/.test(failed.message)];
    return [failed.constructor.name, failed.status, Boolean(failed.requestID)];
  }
}

async function main() {
  for (const model of models) {
    const listed = [];
    for await (const one of client.models.list()) listed.push(one.id);
    say({
      plain: await plain(model),
      stream: await stream(model),
      tools: await tools(model),
      tools_streamed: await toolsStreamed(model),
      image: await image(model),
      structured: await structured(model),
      errors: {
        unknown: await error('nobody-knows-it', 'hello'),
        400: await error(model, 'fail 400'),
        401: await error(model, 'fail 401'),
        429: await error(model, 'fail 429'),
        529: await error(model, 'fail 529'),
        500: await error(model, 'fail 500', { stream: true }),
        die: await error(model, 'please die', { stream: true }),
      },
      listed: listed.includes(model),
      found: (await client.models.retrieve(model)).id,
    });
  }
  const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  for (const model of models) {
    const hanging = await ask(model, 'please hang', { stream: true });
    for await (const event of hanging) {
      if (event.type !== 'content_block_delta') continue;
      say('begun');
      await lines.next();
      hanging.controller.abort();
      break;
    }
  }
  say('done');
  process.exit(0);
}

main();
