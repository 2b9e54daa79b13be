// The JavaScript clients of the matrix. Each one says the same things in its own words, as the
// Python ones in ../speakers do. `node clients.mjs` reads {url, key, cells, texts} from its input
// and prints one line of JSON for each cell: what the client brought back, or its error.

import Anthropic from "@anthropic-ai/sdk";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, isStepCount, Output, streamText, tool } from "ai";
import OpenAI from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod";
import { z } from "zod";

const { url, key, cells, texts } = JSON.parse(await text(process.stdin));
const LIMIT = 8000;
const pixelUrl = `data:image/png;base64,${texts.pixel}`;
const weather = z.object({ city: z.string(), days: z.number().int() });
const parameters = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const hello = [{ role: "user", content: texts.ask }];

async function text(stream) {
  let all = "";
  for await (const piece of stream) all += piece;
  return all;
}

function chat() {
  const { completions } = new OpenAI({ apiKey: key, baseURL: `${url}/v1`, maxRetries: 0 }).chat;
  const tools = [{ type: "function", function: { name: "get_weather", parameters } }];
  const talk = async (say) => {
    const cities = [];
    const messages = [{ role: "user", content: texts.tools }];
    for (;;) {
      const { message } = (await say(messages)).choices[0];
      if (!message.tool_calls?.length) return { cities, text: message.content };
      messages.push(message);
      for (const call of message.tool_calls) {
        cities.push(JSON.parse(call.function.arguments).city);
        messages.push({ role: "tool", tool_call_id: call.id, content: "sunny" });
      }
    }
  };
  const asked = (parts) => [{ role: "user", content: parts }];
  return {
    plain: async (model) =>
      (await completions.create({ model, messages: hello })).choices[0].message.content,
    stream: async (model) => {
      const pieces = [];
      for await (const chunk of await completions.create({ model, messages: hello, stream: true }))
        pieces.push(chunk.choices[0].delta.content ?? "");
      return pieces;
    },
    tools: (model) => talk((messages) => completions.create({ model, messages, tools })),
    streamed_tools: (model) =>
      talk((messages) => completions.stream({ model, messages, tools }).finalChatCompletion()),
    image: async (model) => {
      const picture = { type: "image_url", image_url: { url: pixelUrl } };
      const messages = asked([{ type: "text", text: "Look." }, picture]);
      return (await completions.create({ model, messages })).choices[0].message.content;
    },
    structured: async (model) => {
      const response_format = zodResponseFormat(weather, "weather");
      const reply = await completions.parse({ model, messages: hello, response_format });
      return reply.choices[0].message.parsed;
    },
    thinking: async (model) => {
      const more = { reasoning_effort: "low", max_completion_tokens: LIMIT };
      const reply = await completions.create({ model, messages: hello, ...more });
      return reply.usage.completion_tokens_details.reasoning_tokens;
    },
  };
}

function responses() {
  const api = new OpenAI({ apiKey: key, baseURL: `${url}/v1`, maxRetries: 0 }).responses;
  const tools = [{ type: "function", name: "get_weather", parameters, strict: false }];
  const talk = async (say) => {
    const cities = [];
    const input = [{ role: "user", content: texts.tools }];
    for (;;) {
      const reply = await say(input);
      const calls = reply.output.filter((item) => item.type === "function_call");
      if (!calls.length) return { cities, text: reply.output_text };
      for (const { parsed_arguments, ...item } of reply.output) input.push(item);
      for (const call of calls) {
        cities.push(JSON.parse(call.arguments).city);
        input.push({ type: "function_call_output", call_id: call.call_id, output: "sunny" });
      }
    }
  };
  return {
    plain: async (model) => (await api.create({ model, input: texts.ask })).output_text,
    stream: async (model) => {
      const pieces = [];
      for await (const event of await api.create({ model, input: texts.ask, stream: true }))
        if (event.type === "response.output_text.delta") pieces.push(event.delta);
      return pieces;
    },
    tools: (model) => talk((input) => api.create({ model, input, tools, store: false })),
    streamed_tools: (model) =>
      talk((input) => api.stream({ model, input, tools, store: false }).finalResponse()),
    image: async (model) => {
      const picture = { type: "input_image", image_url: pixelUrl, detail: "auto" };
      const content = [{ type: "input_text", text: "Look." }, picture];
      return (await api.create({ model, input: [{ role: "user", content }] })).output_text;
    },
    structured: async (model) => {
      const format = zodTextFormat(weather, "weather");
      return (await api.parse({ model, input: texts.ask, text: { format } })).output_parsed;
    },
    thinking: async (model) => {
      const more = { reasoning: { effort: "low" }, max_output_tokens: LIMIT };
      const reply = await api.create({ model, input: texts.ask, ...more });
      return reply.usage.output_tokens_details.reasoning_tokens;
    },
  };
}

function messages() {
  const api = new Anthropic({ apiKey: key, baseURL: url, maxRetries: 0 }).messages;
  const tools = [{ name: "get_weather", input_schema: parameters }];
  const said = (message) =>
    message.content.filter((block) => block.type === "text").map((block) => block.text).join("");
  const talk = async (say) => {
    const cities = [];
    const told = [{ role: "user", content: texts.tools }];
    for (;;) {
      const message = await say(told);
      if (message.stop_reason !== "tool_use") return { cities, text: said(message) };
      const calls = message.content.filter((block) => block.type === "tool_use");
      told.push({ role: "assistant", content: message.content });
      const content = calls.map((call) => {
        cities.push(call.input.city);
        return { type: "tool_result", tool_use_id: call.id, content: "sunny" };
      });
      told.push({ role: "user", content });
    }
  };
  const max_tokens = LIMIT;
  return {
    plain: async (model) => said(await api.create({ model, max_tokens, messages: hello })),
    stream: async (model) => {
      const pieces = [];
      const stream = api.stream({ model, max_tokens, messages: hello });
      stream.on("text", (piece) => pieces.push(piece));
      await stream.finalMessage();
      return pieces;
    },
    tools: (model) =>
      talk((told) => api.create({ model, max_tokens, messages: told, tools })),
    streamed_tools: (model) =>
      talk((told) => api.stream({ model, max_tokens, messages: told, tools }).finalMessage()),
    image: async (model) => {
      const source = { type: "base64", media_type: "image/png", data: texts.pixel };
      const content = [{ type: "text", text: "Look." }, { type: "image", source }];
      return said(await api.create({ model, max_tokens, messages: [{ role: "user", content }] }));
    },
    structured: async (model) => {
      const output_config = { format: zodOutputFormat(weather) };
      const reply = await api.parse({ model, max_tokens, messages: hello, output_config });
      return reply.parsed_output;
    },
    thinking: async (model) => {
      const thinking = { type: "enabled", budget_tokens: 2048 };
      const reply = await api.create({ model, max_tokens, messages: hello, thinking });
      return reply.usage.output_tokens_details.thinking_tokens;
    },
  };
}

function vercel(provider, thinkingOptions, providerOptions = {}) {
  const common = { maxRetries: 0, maxOutputTokens: LIMIT, providerOptions };
  const toolsOf = (cities) => ({
    get_weather: tool({
      description: "The weather in a city.",
      inputSchema: z.object({ city: z.string() }),
      execute: async ({ city }) => {
        cities.push(city);
        return "sunny";
      },
    }),
  });
  return {
    plain: async (model) =>
      (await generateText({ ...common, model: provider(model), prompt: texts.ask })).text,
    stream: async (model) => {
      const pieces = [];
      const stream = streamText({ ...common, model: provider(model), prompt: texts.ask });
      for await (const piece of stream.textStream) pieces.push(piece);
      return pieces;
    },
    tools: async (model) => {
      const cities = [];
      const more = { prompt: texts.tools, tools: toolsOf(cities), stopWhen: isStepCount(5) };
      const reply = await generateText({ ...common, model: provider(model), ...more });
      return { cities, text: reply.text };
    },
    streamed_tools: async (model) => {
      const cities = [];
      const more = { prompt: texts.tools, tools: toolsOf(cities), stopWhen: isStepCount(5) };
      const stream = streamText({ ...common, model: provider(model), ...more });
      return { text: await text(stream.textStream), cities };
    },
    image: async (model) => {
      const picture = { type: "file", mediaType: "image/png", data: texts.pixel };
      const content = [{ type: "text", text: "Look." }, picture];
      const asked = [{ role: "user", content }];
      return (await generateText({ ...common, model: provider(model), messages: asked })).text;
    },
    structured: async (model) => {
      const output = Output.object({ schema: weather });
      const asked = { model: provider(model), prompt: texts.ask, output };
      return (await generateText({ ...common, ...asked })).output;
    },
    thinking: async (model) => {
      const more = { providerOptions: thinkingOptions, prompt: texts.ask };
      const reply = await generateText({ ...common, model: provider(model), ...more });
      return reply.usage.outputTokenDetails.reasoningTokens;
    },
  };
}

const baseURL = `${url}/v1`;
const clients = {
  openai_chat: chat,
  openai_responses: responses,
  anthropic_messages: messages,
  // What it does not store it sends; a provider that stores nothing of its own could not find it.
  // A model by another name than OpenAI's thinks only if that is said.
  ai_openai: () =>
    vercel(
      createOpenAI({ apiKey: key, baseURL }),
      { openai: { store: false, reasoningEffort: "low", forceReasoning: true } },
      { openai: { store: false } },
    ),
  ai_anthropic: () =>
    vercel(createAnthropic({ apiKey: key, baseURL }), {
      anthropic: { thinking: { type: "enabled", budgetTokens: 2048 } },
    }),
  ai_openai_compatible: () =>
    vercel(
      createOpenAICompatible({
        name: "headgate",
        apiKey: key,
        baseURL,
        supportsStructuredOutputs: true,
      }),
      { headgate: { reasoningEffort: "low" } },
    ),
};

const made = {};
for (const { client, model, feature } of cells) {
  made[client] ??= clients[client]();
  let line;
  try {
    line = { said: await made[client][feature](model) };
  } catch (error) {
    line = { error: `${error.constructor.name}: ${error.message}` };
  }
  console.log(JSON.stringify({ client, model, feature, ...line }));
}
