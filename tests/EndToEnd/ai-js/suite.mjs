// Vercel's AI SDK against a server, real or scripted. What it needs to know stands in the environment:
//   BASE_URL       for instance http://127.0.0.1:8080
//   API_KEY        a key that is good for chat
//   MODEL          a model that says a few letters at least, and at temperature 0 always the same
//   FAILING_MODEL  optional: a model whose answers fail after they began (a scripted server has one)
// Run: npm install && node --test suite.mjs
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, Output, generateText, streamText, tool } from 'ai';
import { z } from 'zod';

const { BASE_URL, API_KEY: apiKey, MODEL: model, FAILING_MODEL: failingModel } = process.env;
assert.ok(BASE_URL && apiKey && model, 'BASE_URL, API_KEY and MODEL must be set');
const baseURL = new URL('/v1', BASE_URL).href;

const weather = z.object({ city: z.enum(['Paris', 'Rome']) });
const tools = { weather: tool({ description: 'The weather in a city.', inputSchema: weather, execute: ({ city }) => `It rains in ${city}.` }) };

const providers = {
  openai: id => createOpenAI({ baseURL, apiKey }).chat(id),
  compatible: id => createOpenAICompatible({ name: 'formation', baseURL, apiKey, includeUsage: true, supportsStructuredOutputs: true })(id),
  anthropic: id => createAnthropic({ baseURL, apiKey })(id),
};

for (const [name, provide] of Object.entries(providers)) {
  const check = (what, run) => test(`${name}: ${what}`, run);
  const asked = {
    model: provide(model), prompt: 'Say something.', temperature: 0, maxOutputTokens: 12, maxRetries: 0,
    providerOptions: { anthropic: { disableParallelToolUse: true } },
  };

  check('a text has a reason and usage', async () => {
    const { text, finishReason, usage } = await generateText({ ...asked, system: 'Be brief.' });
    assert.ok(text.length > 0);
    assert.ok(['stop', 'length'].includes(finishReason));
    assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0);
  });

  check('a stream says the same as the whole text', async () => {
    const whole = await generateText(asked);
    const stream = streamText(asked);
    let text = '';
    for await (const piece of stream.textStream) text += piece;
    assert.equal(text, whole.text);
    assert.equal(await stream.finishReason, whole.finishReason);
    assert.equal((await stream.usage).outputTokens, whole.usage.outputTokens);
  });

  check('a stop sequence ends the text', async () => {
    const { text } = await generateText(asked);
    const stop = Array.from(text).slice(3, 5).join('');
    assert.ok(stop.length > 1, 'the model must say more than a word');
    assert.equal((await generateText({ ...asked, stopSequences: [stop] })).text, text.slice(0, text.indexOf(stop)));
  });

  check('a tool is called, runs, and its result is taken', async () => {
    const calling = { ...asked, maxOutputTokens: 400, tools, toolChoice: { type: 'tool', toolName: 'weather' } };
    const { toolCalls, toolResults, response } = await generateText(calling);
    assert.equal(toolCalls[0].toolName, 'weather');
    assert.ok(weather.safeParse(toolCalls[0].input).success);
    assert.equal(toolResults[0].output, `It rains in ${toolCalls[0].input.city}.`);
    const { prompt, ...rest } = asked;
    const next = await generateText({ ...rest, tools, toolChoice: 'none', messages: [{ role: 'user', content: prompt }, ...response.messages] });
    assert.equal(next.toolCalls.length, 0);
    assert.ok(next.usage.outputTokens > 0);
  });

  check('a streamed call is the same as the whole one', async () => {
    const calling = { ...asked, maxOutputTokens: 400, tools, toolChoice: { type: 'tool', toolName: 'weather' } };
    const whole = await generateText(calling);
    const stream = streamText(calling);
    const pieces = [];
    for await (const part of stream.fullStream) if (part.type === 'tool-input-delta') pieces.push(part.delta);
    assert.deepEqual((await stream.toolCalls)[0].input, whole.toolCalls[0].input);
    assert.ok(weather.safeParse(JSON.parse(pieces.join(''))).success);
  });

  check('an object is what its schema says, whole and streamed', async () => {
    const held = { ...asked, maxOutputTokens: 400, output: Output.object({ schema: weather }) };
    const { output } = await generateText(held);
    assert.ok(weather.safeParse(output).success);
    const stream = streamText(held);
    for await (const part of stream.partialOutputStream) assert.ok(part);
    assert.deepEqual(await stream.output, output);
  });

  check('an unknown model is an error with its status', async () => {
    await assert.rejects(generateText({ ...asked, model: provide('no-such-model') }), error => APICallError.isInstance(error) && error.statusCode === 404);
  });

  // A scripted server's model thinks where it is asked to.
  if (failingModel && name !== 'openai')
    check('a thought comes apart from the text', async () => {
      const thinking = {
        ...asked, maxOutputTokens: 2000, temperature: undefined,
        providerOptions: { anthropic: { thinking: { type: 'enabled', budgetTokens: 1024 } }, formation: { reasoningEffort: 'low' } },
      };
      const whole = await generateText(thinking);
      assert.equal(whole.reasoningText, 'Let me see.');
      assert.ok(whole.text.length > 0 && !whole.text.includes('see'));
      const stream = streamText(thinking);
      await stream.consumeStream();
      assert.equal(await stream.reasoningText, 'Let me see.');
      assert.equal(await stream.text, whole.text);
    });

  if (failingModel) {
    check('a stream that fails in the middle says so', async () => {
      const errors = [];
      const stream = streamText({ ...asked, model: provide(failingModel), onError: ({ error }) => errors.push(error) });
      await stream.consumeStream({ onError: () => {} });
      assert.equal(errors.length, 1);
    });
  }
}
