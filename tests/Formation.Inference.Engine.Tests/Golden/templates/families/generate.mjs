// Renders every template of this folder on every conversation with @huggingface/jinja and writes golden.json.
// Usage: npm install && node generate.mjs
import { readFileSync, writeFileSync } from "node:fs";
import { Template } from "@huggingface/jinja";

process.env.TZ = "UTC";
const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...args) {
    super(...(args.length ? args : ["2024-07-05T13:04:09Z"]));
  }
};

const here = new URL(".", import.meta.url);
const read = (name) => JSON.parse(readFileSync(new URL(name, here), "utf8"));
const { families, conversations, tools } = read("cases.json");

// Messages come in OpenAI's shape, where arguments are JSON text. Templates that expect a mapping get one, as transformers and vLLM do.
const asTemplateMessage = (message, argumentsAsText) => {
  if (!message.tool_calls || argumentsAsText) return message;
  const parse = (call) => ({ ...call, function: { ...call.function, arguments: JSON.parse(call.function.arguments) } });
  return { ...message, tool_calls: message.tool_calls.map(parse) };
};

const render = (template, family, conversation, addGenerationPrompt) => {
  try {
    return {
      output: template.render({
        documents: null,
        ...conversation.variables,
        messages: conversation.messages.map((message) => asTemplateMessage(message, family.argumentsAsText)),
        tools: conversation.tools ? tools : null,
        add_generation_prompt: addGenerationPrompt,
        bos_token: family.bos,
        eos_token: family.eos,
      }),
    };
  } catch (error) {
    return { error: error.message };
  }
};

const renders = [];
for (const family of families) {
  const template = new Template(readFileSync(new URL(`${family.name}.jinja`, here), "utf8"));
  for (const conversation of conversations) {
    for (const addGenerationPrompt of [true, false]) {
      renders.push({
        family: family.name,
        conversation: conversation.name,
        addGenerationPrompt,
        ...render(template, family, conversation, addGenerationPrompt),
      });
    }
  }
}
writeFileSync(new URL("golden.json", here), JSON.stringify({ source: "npm @huggingface/jinja 0.5.11", renders }, null, 1) + "\n");
console.log(`${renders.length} renders, ${renders.filter((item) => item.error !== undefined).length} of them refused`);
