// The official OpenAI SDK for Node against a hub: node openai_client.cjs BASE MODEL..
// Does what openai_client.py does.
const OpenAI = require('openai');
const readline = require('node:readline');

const [base, ...models] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${base}/v1`, apiKey: 'any', maxRetries: 0, timeout: 60000 });
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
const SCHEMA = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name', 'age'],
  additionalProperties: false,
};
const TOOLS = [{
  type: 'function',
  function: {
    name: 'weather',
    description: 'says how it is',
    parameters: { type: 'object', properties: { city: { type: 'string' } } },
  },
}];
const say = (message) => console.log(JSON.stringify(message));

function ask(model, content, more) {
  const isConversation = Array.isArray(content) && content[0].role;
  const messages = isConversation ? content : [{ role: 'user', content }];
  return client.chat.completions.create({ model, messages, ...more });
}

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
  const events = client.chat.completions.stream({ model, messages, tools: TOOLS });
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
    for await (const chunk of hanging) {
      if (!chunk.choices[0]?.delta.content) continue;
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
