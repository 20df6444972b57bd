// One call of the official TypeScript SDK: a job as JSON on stdin, its result or failure as JSON on stdout.
// node typescript_client.mjs NODE_MODULES < {"url", "token", "method", "arguments"}

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { default: Anthropic } = createRequire(process.argv[2] + "/")("@anthropic-ai/sdk");
const job = JSON.parse(readFileSync(0, "utf8"));
const client = new Anthropic({ baseURL: job.url, apiKey: job.token, maxRetries: 0 });

async function call() {
  if (job.method === "messages.stream") return client.messages.stream(job.arguments[0]).finalMessage();
  const path = job.method.split(".");
  const name = path.pop();
  const resource = path.reduce((place, part) => place[part], client);
  return resource[name](...job.arguments);
}

try {
  process.stdout.write(JSON.stringify({ result: await call() }));
} catch (error) {
  if (!(error instanceof Anthropic.APIError)) throw error;
  const headers = Object.fromEntries(error.headers ?? []);
  const failure = { kind: error.constructor.name, status: error.status ?? null, body: error.error ?? null, headers };
  process.stdout.write(JSON.stringify({ failure }));
}
