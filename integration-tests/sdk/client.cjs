// The official TypeScript SDK against a hub: node client.cjs DOOR MODE ACTION TARGET..
// DOOR is http, sse or stdio; TARGET a URL, or the hub's command line. ACTION is `call`, or
// `cancel`, which cancels when a line comes. MODE is ignored: this SDK always shakes hands.
const { Client } = require('@modelcontextprotocol/sdk/client/index.js');
const { StreamableHTTPClientTransport } = require('@modelcontextprotocol/sdk/client/streamableHttp.js');
const { SSEClientTransport } = require('@modelcontextprotocol/sdk/client/sse.js');
const { StdioClientTransport } = require('@modelcontextprotocol/sdk/client/stdio.js');

const [door, , action, ...target] = process.argv.slice(2);
const say = (message) => console.log(JSON.stringify(message));

function transport() {
  if (door === 'http') return new StreamableHTTPClientTransport(new URL(target[0]));
  if (door === 'sse') return new SSEClientTransport(new URL(target[0]));
  return new StdioClientTransport({ command: target[0], args: target.slice(1) });
}

const ask = { name: 'llm_complete', arguments: { prompt: 'hello' } };

async function call(client) {
  const progress = [];
  const { tools } = await client.listTools();
  const messages = [{ role: 'user', content: 'hi' }, { role: 'assistant', content: 'ho' }];
  const images = ['data:image/png;base64,aGk='];
  const more = { ...ask, arguments: { ...ask.arguments, messages, images } };
  const result = await client.callTool(more, undefined, {
    onprogress: (done) => progress.push(done.message),
  });
  // The SDK holds this against the tool's output schema.
  const health = await client.callTool({ name: 'health_check', arguments: {} });
  say({
    tools: tools.map((tool) => tool.name),
    text: result.content[0].text,
    progress,
    status: health.structuredContent.status,
    version: 'handshake',
  });
}

async function cancel(client) {
  const controller = new AbortController();
  const called = client.callTool(ask, undefined, { signal: controller.signal }).catch(() => {});
  process.stdin.once('data', () => controller.abort());
  await called;
  const { tools } = await client.listTools();
  say({ tools: tools.map((tool) => tool.name) });
}

async function main() {
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(transport());
  await (action === 'call' ? call : cancel)(client);
  await client.close();
  process.exit(0);
}

main();
