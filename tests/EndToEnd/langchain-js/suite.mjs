// LangChain against a server, real or scripted. What it needs to know stands in the environment:
//   BASE_URL       for instance http://127.0.0.1:8080
//   API_KEY        a key that is good for chat
//   MODEL          a model that says a few letters at least, and at temperature 0 always the same
//   FAILING_MODEL  optional: a model whose answers fail after they began (a scripted server has one)
// Run: npm install && node --test suite.mjs
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChatAnthropic } from '@langchain/anthropic';
import { HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { ChatPromptTemplate } from '@langchain/core/prompts';
import { StringOutputParser } from '@langchain/core/output_parsers';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAI } from '@langchain/openai';
import { z } from 'zod';

const { BASE_URL, API_KEY: apiKey, MODEL: model, FAILING_MODEL: failingModel } = process.env;
assert.ok(BASE_URL && apiKey && model, 'BASE_URL, API_KEY and MODEL must be set');
const baseURL = new URL('/v1', BASE_URL).href;

const city = z.object({ city: z.enum(['Paris', 'Rome']) });
const weather = tool(({ city }) => `It rains in ${city}.`, { name: 'weather', description: 'The weather in a city.', schema: city });
const question = [new SystemMessage('Be brief.'), new HumanMessage('Say something.')];

const models = {
  openai: (id, maxTokens) => new ChatOpenAI({ model: id, apiKey, temperature: 0, maxTokens, maxRetries: 0, configuration: { baseURL } }),
  anthropic: (id, maxTokens) => new ChatAnthropic({
    model: id, apiKey, temperature: 0, maxTokens, maxRetries: 0, anthropicApiUrl: new URL(BASE_URL).origin }),
};

for (const [name, create] of Object.entries(models)) {
  const check = (what, run) => test(`${name}: ${what}`, run);

  check('a message has text and usage', async () => {
    const answer = await create(model, 12).invoke(question);
    assert.ok(answer.text.length > 0);
    assert.ok(answer.usage_metadata.input_tokens > 0 && answer.usage_metadata.output_tokens > 0);
  });

  check('a stream says the same as the whole message', async () => {
    const whole = await create(model, 12).invoke(question);
    let text = '';
    for await (const piece of await create(model, 12).stream(question)) text += piece.text;
    assert.equal(text, whole.text);
  });

  check('a chain of a prompt, the model and a parser runs, also as a batch', async () => {
    const chain = ChatPromptTemplate.fromMessages([['human', 'Say something about {subject}.']]).pipe(create(model, 12)).pipe(new StringOutputParser());
    const subjects = [{ subject: 'rain' }, { subject: 'sun' }];
    const one = await Promise.all(subjects.map(subject => chain.invoke(subject)));
    assert.deepEqual(await chain.batch(subjects), one);
  });

  check('a tool is called, runs, and its result is taken', async () => {
    const calling = create(model, 400).bindTools([weather], { tool_choice: 'weather' });
    const answer = await calling.invoke(question);
    const [call] = answer.tool_calls;
    assert.equal(call.name, 'weather');
    assert.ok(city.safeParse(call.args).success);
    const result = await weather.invoke(call);
    assert.ok(result instanceof ToolMessage);
    const next = await create(model, 12).invoke([...question, answer, result]);
    assert.ok(next.usage_metadata.output_tokens > 0);
  });

  check('a streamed call is the same as the whole one', async () => {
    const calling = create(model, 400).bindTools([weather], { tool_choice: 'weather' });
    const whole = await calling.invoke(question);
    let gathered;
    for await (const piece of await calling.stream(question)) gathered = gathered === undefined ? piece : gathered.concat(piece);
    assert.deepEqual(gathered.tool_calls[0].args, whole.tool_calls[0].args);
  });

  // For Anthropic's own format LangChain makes the list of cities a remark, which no answer has to follow.
  for (const method of name === 'openai' ? ['jsonSchema', 'functionCalling'] : ['functionCalling'])
    check(`structured output by ${method} is what its schema says`, async () => {
      const structured = create(model, 400).withStructuredOutput(city, { name: 'place', method });
      assert.ok(city.safeParse(await structured.invoke(question)).success);
    });

  if (failingModel)
    check('a stream that fails in the middle throws', async () => {
      await assert.rejects(async () => {
        for await (const piece of await create(failingModel, 12).stream(question)) assert.ok(piece);
      });
    });
}

test('openai: a text is completed', async () => {
  const completion = new OpenAI({ model, apiKey, temperature: 0, maxTokens: 12, maxRetries: 0, configuration: { baseURL } });
  assert.equal(typeof await completion.invoke('Once upon a time'), 'string');
});
