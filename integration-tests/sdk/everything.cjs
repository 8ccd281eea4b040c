// What a client of either SDK for Node does at a hub: CLIENT BASE KEY MODEL..
// The same as everything.py.
const readline = require('node:readline');

const [base, key, ...models] = process.argv.slice(2);
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
const SCHEMA = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name', 'age'],
  additionalProperties: false,
};
const PARAMETERS = { type: 'object', properties: { city: { type: 'string' } } };
const say = (message) => console.log(JSON.stringify(message));

// What was said: messages, or one user's content.
function messagesOf(content) {
  const isConversation = Array.isArray(content) && content[0].role;
  return isConversation ? content : [{ role: 'user', content }];
}

// What comes of asking, if nothing does: the exception, its status, and whether it says more.
async function error(ask, streams) {
  try {
    const answer = await ask();
    if (streams) for await (const _ of answer);
    return 'no error';
  } catch (failed) {
    if (failed.status === undefined) return [failed.constructor.name, null, /broke off/.test(failed.message)];
    return [failed.constructor.name, failed.status, Boolean(failed.requestID)];
  }
}

// `client` does it with its SDK: `sdk` with the key, `stranger` with a wrong one.
async function run(client) {
  const fails = (model, text, sdk = client.sdk) => error(() => client.ask(model, text, {}, sdk));
  const breaks = (model, text, sdk = client.sdk) =>
    error(() => client.ask(model, text, { stream: true }, sdk), true);
  for (const model of models) {
    const listed = [];
    for await (const one of client.sdk.models.list()) listed.push(one.id);
    say({
      plain: await client.plain(model),
      stream: await client.stream(model),
      tools: await client.tools(model),
      tools_streamed: await client.toolsStreamed(model),
      image: await client.image(model),
      structured: await client.structured(model),
      errors: {
        unknown: await fails('nobody-knows-it', 'hello'),
        stranger: await fails(model, 'hello', client.stranger),
        'stranger streams': await breaks(model, 'hello', client.stranger),
        400: await fails(model, 'fail 400'),
        401: await fails(model, 'fail 401'),
        429: await fails(model, 'fail 429'),
        529: await fails(model, 'fail 529'),
        500: await breaks(model, 'fail 500'),
        die: await breaks(model, 'please die'),
      },
      listed: listed.includes(model),
      found: (await client.sdk.models.retrieve(model)).id,
    });
  }
  const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  for (const model of models) {
    const hanging = await client.ask(model, 'please hang', { stream: true });
    for await (const event of hanging) {
      if (!client.hasText(event)) continue;
      say('begun');
      await lines.next();
      hanging.controller.abort();
      break;
    }
  }
  say('done');
  process.exit(0);
}

module.exports = { base, key, PIXEL, SCHEMA, PARAMETERS, messagesOf, run };
