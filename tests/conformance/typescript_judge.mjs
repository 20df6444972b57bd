// All cases at once through the official TypeScript SDK: jobs as JSON on stdin, results as JSON on stdout.
// node typescript_judge.mjs NODE_MODULES < {"url", "token", "jobs": {name: {"streamed", "request"}}}

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { default: Anthropic } = createRequire(process.argv[2] + "/")("@anthropic-ai/sdk");
const { url, token, jobs } = JSON.parse(readFileSync(0, "utf8"));
const { messages } = new Anthropic({ baseURL: url, apiKey: token, maxRetries: 0 });

async function judged({ streamed, request }) {
  try {
    return { message: await (streamed ? messages.stream(request).finalMessage() : messages.create(request)) };
  } catch (error) {
    if (!(error instanceof Anthropic.APIError)) return { crash: String(error) };
    return { failure: { kind: error.constructor.name, status: error.status ?? null, body: error.error ?? null } };
  }
}

const results = {};
for (const [name, job] of Object.entries(jobs)) results[name] = await judged(job);
process.stdout.write(JSON.stringify(results));
