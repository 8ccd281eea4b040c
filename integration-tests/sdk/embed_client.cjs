// The official OpenAI SDK for Node asks a hub for vectors: node embed_client.cjs BASE MODEL..
// Does what embed_client.py does.
const OpenAI = require('openai');

const [base, ...models] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${base}/v1`, apiKey: 'any', maxRetries: 0, timeout: 60000 });

async function embed(model, input, more) {
  const answer = await client.embeddings.create({ model, input, ...more });
  return [answer.data.map((item) => Array.from(item.embedding)), answer.usage.total_tokens];
}

async function error(model, input) {
  try {
    return await embed(model, input);
  } catch (failed) {
    return [failed.constructor.name, failed.status, Boolean(failed.requestID)];
  }
}

async function main() {
  for (const model of models) {
    const listed = [];
    for await (const one of client.models.list()) listed.push(one.id);
    console.log(JSON.stringify({
      // The SDK itself asks for base64 and reads it.
      one: await embed(model, 'hello'),
      several: await embed(model, ['hello', 'Zürich']),
      floats: await embed(model, ['hello'], { encoding_format: 'float' }),
      short: await embed(model, 'hello', { dimensions: 2 }),
      unknown: await error('nobody-knows-it', 'hello'),
      empty: await error(model, []),
      tokens: await error(model, [[1, 2], [3]]),
      listed: listed.includes(model),
    }));
  }
}

main();
