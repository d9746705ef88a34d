// OpenAI's official JavaScript client against a server, real or scripted. What it needs to know stands in the environment:
//   BASE_URL       for instance http://127.0.0.1:8080/v1
//   API_KEY        a key that is good for chat, embeddings and the list of models
//   MODEL          a model that says a few letters at least, and at temperature 0 always the same
//   FAILING_MODEL  optional: a model whose answers fail after they began (a scripted server has one)
// Run: npm install && node --test suite.mjs
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI, { toFile } from 'openai';

const { BASE_URL: baseURL, API_KEY: apiKey, MODEL: model, FAILING_MODEL: failingModel } = process.env;
assert.ok(baseURL && apiKey && model, 'BASE_URL, API_KEY and MODEL must be set');

const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = [{ role: 'user', content: 'Say something.' }];
const greedy = { model, messages, temperature: 0, max_completion_tokens: 12 };

test('chat answers with text, usage and a request id', async () => {
  const answer = await client.chat.completions.create(greedy);
  assert.match(answer.id, /^chatcmpl-/);
  assert.equal(answer.object, 'chat.completion');
  assert.equal(answer.model, model);
  assert.equal(answer.choices.length, 1);
  assert.equal(answer.choices[0].message.role, 'assistant');
  assert.ok(answer.choices[0].message.content.length > 0);
  assert.ok(['stop', 'length'].includes(answer.choices[0].finish_reason));
  assert.ok(answer.usage.prompt_tokens > 0);
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
  assert.match(answer._request_id, /^req_/);
});

test('a stream says the same as the whole answer, and reports its usage last', async () => {
  const whole = await client.chat.completions.create(greedy);
  const stream = await client.chat.completions.create({ ...greedy, stream: true, stream_options: { include_usage: true } });
  let text = '';
  let finish = null;
  let usage = null;
  for await (const chunk of stream) {
    assert.equal(chunk.object, 'chat.completion.chunk');
    text += chunk.choices[0]?.delta?.content ?? '';
    finish ??= chunk.choices[0]?.finish_reason;
    usage = chunk.usage;
  }
  assert.equal(text, whole.choices[0].message.content);
  assert.equal(finish, whole.choices[0].finish_reason);
  assert.deepEqual(
    [usage.prompt_tokens, usage.completion_tokens],
    [whole.usage.prompt_tokens, whole.usage.completion_tokens]);
});

test('the stream helper puts the message together', async () => {
  const stream = client.chat.completions.stream(greedy);
  const final = await stream.finalChatCompletion();
  assert.equal(final.choices[0].message.role, 'assistant');
  assert.ok(final.choices[0].message.content.length > 0);
});

test('a stream can be left in the middle', async () => {
  const stream = await client.chat.completions.create({ ...greedy, stream: true });
  for await (const chunk of stream) {
    assert.ok(chunk.id);
    break;
  }
});

test('n gives that many choices in order', async () => {
  const answer = await client.chat.completions.create({ ...greedy, n: 3 });
  assert.deepEqual(answer.choices.map(choice => choice.index), [0, 1, 2]);
});

test('logprobs name each token with its bytes and alternatives', async () => {
  const answer = await client.chat.completions.create({ ...greedy, logprobs: true, top_logprobs: 2 });
  const tokens = answer.choices[0].logprobs.content;
  assert.ok(tokens.length > 0);
  for (const token of tokens) {
    assert.ok(token.logprob <= 0);
    assert.equal(token.top_logprobs.length, 2);
    assert.ok(token.bytes.every(byte => byte >= 0 && byte <= 255));
  }
  const bytes = Buffer.from(tokens.flatMap(token => token.bytes));
  assert.ok(bytes.toString('utf8').includes(answer.choices[0].message.content.slice(0, 3)));
});

test('a stop string ends the text before it', async () => {
  const whole = (await client.chat.completions.create(greedy)).choices[0].message.content;
  const letters = Array.from(whole);
  assert.ok(letters.length > 4, 'the model must say more than a word');
  const stop = letters.slice(3, 5).join('');
  const cut = await client.chat.completions.create({ ...greedy, stop: [stop] });
  assert.equal(cut.choices[0].message.content, whole.slice(0, whole.indexOf(stop)));
  assert.equal(cut.choices[0].finish_reason, 'stop');
});

test('the same seed gives the same text', async () => {
  const seeded = { ...greedy, temperature: 1, seed: 42 };
  const first = await client.chat.completions.create(seeded);
  const second = await client.chat.completions.create(seeded);
  assert.equal(first.choices[0].message.content, second.choices[0].message.content);
  assert.equal(first.system_fingerprint, second.system_fingerprint);
});

const city = {
  type: 'object', properties: { city: { type: 'string', enum: ['Paris', 'Rome'] } }, required: ['city'], additionalProperties: false,
};
const weather = { type: 'function', function: { name: 'weather', description: 'The weather in a city.', strict: true, parameters: city } };
const calling = { ...greedy, max_completion_tokens: 400, tools: [weather], tool_choice: 'required', parallel_tool_calls: false };

test('a tool is called with what its schema allows, and its result is taken', async () => {
  const answer = await client.chat.completions.create(calling);
  assert.equal(answer.choices[0].finish_reason, 'tool_calls');
  const [call] = answer.choices[0].message.tool_calls;
  assert.equal(call.function.name, 'weather');
  assert.ok(city.properties.city.enum.includes(JSON.parse(call.function.arguments).city));
  const next = await client.chat.completions.create({
    ...greedy,
    tools: [weather],
    tool_choice: 'none',
    messages: [...messages, answer.choices[0].message, { role: 'tool', tool_call_id: call.id, content: 'Sunny.' }],
  });
  assert.equal(next.choices[0].message.tool_calls, undefined);
  assert.ok(next.usage.completion_tokens > 0);
});

test('a streamed call is the same as the whole one', async () => {
  const whole = await client.chat.completions.create(calling);
  const names = [];
  let pieces = '';
  const stream = client.chat.completions.stream(calling);
  stream.on('tool_calls.function.arguments.delta', ({ name, arguments_delta }) => { names.push(name); pieces += arguments_delta; });
  const final = await stream.finalChatCompletion();
  const { name, arguments: json } = whole.choices[0].message.tool_calls[0].function;
  assert.equal(final.choices[0].finish_reason, 'tool_calls');
  assert.deepEqual([final.choices[0].message.tool_calls[0].function.arguments, pieces], [json, json]);
  assert.ok(names.every(told => told === name));
});

test('the helper that runs tools runs them and goes on with their results', async () => {
  const runner = client.chat.completions.runTools({
    ...calling,
    tool_choice: { type: 'function', function: { name: 'weather' } },
    tools: [{ ...weather, function: { ...weather.function, parse: JSON.parse, function: ({ city }) => `It rains in ${city}.` } }],
  });
  assert.match(await runner.finalFunctionToolCallResult(), /^It rains in (Paris|Rome)\.$/);
});

test('an answer is held to a schema, whole and streamed', async () => {
  const held = {
    ...greedy, max_completion_tokens: 400, response_format: { type: 'json_schema', json_schema: { name: 'place', strict: true, schema: city } },
  };
  const { message } = (await client.chat.completions.parse(held)).choices[0];
  assert.ok(city.properties.city.enum.includes(message.parsed.city));
  assert.equal((await client.chat.completions.stream(held).finalChatCompletion()).choices[0].message.content, message.content);
});

test('completions take several prompts', async () => {
  const answer = await client.completions.create({ model, prompt: ['One', 'Two'], max_tokens: 4, temperature: 0 });
  assert.equal(answer.object, 'text_completion');
  assert.deepEqual(answer.choices.map(choice => choice.index), [0, 1]);
});

test('completions stream', async () => {
  const stream = await client.completions.create({ model, prompt: 'One', max_tokens: 4, temperature: 0, stream: true });
  let finish = null;
  for await (const chunk of stream) finish = chunk.choices[0]?.finish_reason ?? finish;
  assert.ok(['stop', 'length'].includes(finish));
});

test('a suffix has the gap before it filled, whole and streamed', async () => {
  const gap = { model, prompt: ['def f(', 'def g('], suffix: '\n    return a + b', max_tokens: 8, temperature: 0 };
  const whole = await client.completions.create(gap);
  assert.deepEqual(whole.choices.map(choice => choice.index), [0, 1]);
  const texts = ['', ''];
  for await (const chunk of await client.completions.create({ ...gap, stream: true }))
    for (const choice of chunk.choices) texts[choice.index] += choice.text;
  assert.deepEqual(texts, whole.choices.map(choice => choice.text));
  await assert.rejects(
    client.completions.create({ ...gap, echo: true }),
    error => error instanceof OpenAI.BadRequestError && error.param === 'echo' && error.code === 'invalid_value');
});

const asked = { model, input: 'Say something.', temperature: 0, max_output_tokens: 12 };
const paris = { type: 'object', properties: { city: { enum: ['Paris'] } }, required: ['city'], additionalProperties: false };

test('a response has text, usage and all that it was asked with', async () => {
  const answer = await client.responses.create({ ...asked, instructions: 'Be brief.', metadata: { a: 'b' } });
  assert.match(answer.id, /^resp_/);
  assert.equal(answer.object, 'response');
  assert.equal(answer.model, model);
  assert.ok(['completed', 'incomplete'].includes(answer.status));
  assert.ok(answer.output_text.length > 0);
  assert.equal(answer.output[0].role, 'assistant');
  assert.equal(answer.instructions, 'Be brief.');
  assert.deepEqual(answer.metadata, { a: 'b' });
  assert.ok(answer.usage.input_tokens > 0);
  assert.equal(answer.usage.total_tokens, answer.usage.input_tokens + answer.usage.output_tokens);
});

test('a streamed response says the same as the whole one, and the stream helper puts it together', async () => {
  const whole = await client.responses.create(asked);
  const stream = client.responses.stream(asked);
  const names = [];
  let text = '';
  stream.on('event', event => { assert.equal(event.sequence_number, names.length); names.push(event.type); });
  stream.on('response.output_text.delta', event => { text += event.delta; assert.equal(event.snapshot, text); });
  const final = await stream.finalResponse();
  assert.equal(text, whole.output_text);
  assert.equal(final.output_text, whole.output_text);
  assert.equal(final.status, whole.status);
  assert.equal(final.usage.output_tokens, whole.usage.output_tokens);
  assert.deepEqual(names.slice(0, 4), ['response.created', 'response.in_progress', 'response.output_item.added', 'response.content_part.added']);
  assert.deepEqual(
    names.slice(-4),
    ['response.output_text.done', 'response.content_part.done', 'response.output_item.done', `response.${final.status}`]);
});

test('a response calls a function, streamed or not, and its result is fed back', async () => {
  const tools = [{ type: 'function', name: 'weather', description: 'The weather.', parameters: paris, strict: true }];
  const calling = { ...asked, max_output_tokens: undefined, tools, tool_choice: { type: 'function', name: 'weather' } };
  const first = await client.responses.create(calling);
  const call = first.output.find(item => item.type === 'function_call');
  assert.equal(call.name, 'weather');
  assert.deepEqual(JSON.parse(call.arguments), { city: 'Paris' });
  const streamed = await client.responses.stream(calling).finalResponse();
  assert.deepEqual(streamed.output.find(item => item.type === 'function_call').parsed_arguments, { city: 'Paris' });
  const result = { type: 'function_call_output', call_id: call.call_id, output: 'Sunny.' };
  const kept = await client.responses.create({ ...asked, tools, tool_choice: 'none', previous_response_id: first.id, input: [result] });
  assert.ok(kept.output_text.length > 0);
  const sent = await client.responses.create({
    ...asked, tools, tool_choice: 'none', store: false, input: [{ role: 'user', content: asked.input }, ...first.output, result],
  });
  assert.equal(sent.output_text, kept.output_text);
});

test('a response is held to a schema', async () => {
  const answer = await client.responses.parse({
    ...asked, max_output_tokens: 200, text: { format: { type: 'json_schema', name: 'place', strict: true, schema: paris } },
  });
  assert.deepEqual(JSON.parse(answer.output_text), { city: 'Paris' });
});

test('a kept response is given again, gone on with, listed and deleted', async () => {
  const first = await client.responses.create({ ...asked, input: [{ role: 'user', content: 'One.' }, { role: 'user', content: 'Two.' }] });
  const again = await client.responses.retrieve(first.id);
  assert.equal(again.output_text, first.output_text);
  assert.deepEqual(again.usage, first.usage);
  const texts = [];
  for await (const item of client.responses.inputItems.list(first.id, { order: 'asc', limit: 1 })) texts.push(item.content[0].text);
  assert.deepEqual(texts, ['One.', 'Two.']);
  const next = await client.responses.create({ ...asked, input: 'Three.', previous_response_id: first.id });
  assert.equal(next.previous_response_id, first.id);
  await client.responses.delete(first.id);
  await assert.rejects(client.responses.retrieve(first.id), OpenAI.NotFoundError);
  await assert.rejects(client.responses.cancel(next.id), OpenAI.BadRequestError);
});

/** The response once it neither waits nor runs. */
async function ended(id) {
  for (;;) {
    const response = await client.responses.retrieve(id);
    if (!['queued', 'in_progress'].includes(response.status)) return response;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

test('a response in the background is asked for until it has ended, and is what it would be otherwise', async () => {
  const whole = await client.responses.create(asked);
  const begun = await client.responses.create({ ...asked, background: true });
  assert.deepEqual([begun.status, begun.background, begun.output], ['queued', true, []]);
  const response = await ended(begun.id);
  assert.deepEqual([response.status, response.output_text], [whole.status, whole.output_text]);
  assert.equal(response.usage.output_tokens, whole.usage.output_tokens);
});

test('a stream in the background goes on where its client left it', async () => {
  const whole = await client.responses.create(asked);
  const stream = await client.responses.create({ ...asked, background: true, stream: true });
  let id;
  let text = '';
  const types = [];
  const note = event => {
    assert.equal(event.sequence_number, types.length);
    types.push(event.type);
    id ??= event.response.id;
    if (event.type === 'response.output_text.delta') text += event.delta;
  };
  for await (const event of stream) {
    note(event);
    if (types.length === 6) break;
  }
  for await (const event of await client.responses.retrieve(id, { stream: true, starting_after: types.length - 1 })) note(event);
  assert.deepEqual(types.slice(0, 3), ['response.created', 'response.queued', 'response.in_progress']);
  assert.equal(text, whole.output_text);
  assert.equal(types.at(-1), `response.${whole.status}`);
  const helped = await client.responses.stream({ response_id: id, starting_after: 3 }).finalResponse();
  assert.equal(helped.output_text, whole.output_text);
});

test('a response in the background is cancelled, once and again', async () => {
  const begun = await client.responses.create({ ...asked, max_output_tokens: 400, background: true });
  const cancelled = await client.responses.cancel(begun.id);
  assert.ok(['cancelled', 'completed', 'incomplete'].includes(cancelled.status));
  assert.equal((await client.responses.cancel(begun.id)).status, cancelled.status);
  assert.equal((await ended(begun.id)).status, cancelled.status);
});

test('a response reports log-probabilities', async () => {
  const answer = await client.responses.create({ ...asked, include: ['message.output_text.logprobs'], top_logprobs: 2 });
  const tokens = answer.output[0].content[0].logprobs;
  assert.ok(tokens.length > 0);
  assert.ok(tokens.every(token => token.logprob <= 0 && token.top_logprobs.length === 2));
});

test('a file is kept, listed, given again and deleted', async () => {
  const bytes = Buffer.from('{"a":1}\nbytes \u00e9\n');
  const file = await client.files.create({ file: await toFile(bytes, 'some name.jsonl'), purpose: 'user_data', expires_after: { anchor: 'created_at', seconds: 3600 } });
  assert.match(file.id, /^file-/);
  assert.deepEqual([file.bytes, file.filename, file.purpose, file.object], [bytes.length, 'some name.jsonl', 'user_data', 'file']);
  assert.equal(file.expires_at, file.created_at + 3600);
  assert.deepEqual(await client.files.retrieve(file.id), file);
  const ids = [];
  for await (const each of client.files.list({ purpose: 'user_data', limit: 1 })) ids.push(each.id);
  assert.ok(ids.includes(file.id));
  assert.deepEqual(Buffer.from(await (await client.files.content(file.id)).arrayBuffer()), bytes);
  assert.equal((await client.files.delete(file.id)).deleted, true);
  await assert.rejects(client.files.retrieve(file.id), OpenAI.NotFoundError);
});

test('a batch runs the requests of a file', { timeout: 60_000 }, async () => {
  const body = { model, messages, temperature: 0, max_completion_tokens: 5 };
  const lines = [['a', body], ['b', { ...body, temperature: 9 }]].map(([custom_id, body]) => JSON.stringify({ custom_id, method: 'POST', url: '/v1/chat/completions', body }));
  const file = await client.files.create({ file: await toFile(Buffer.from(lines.join('\n')), 'batch.jsonl'), purpose: 'batch' });
  let batch = await client.batches.create({ input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h', metadata: { a: 'b' } });
  assert.equal(batch.status, 'validating');
  while (batch.status !== 'completed') {
    assert.ok(['validating', 'in_progress', 'finalizing'].includes(batch.status), batch.status);
    await new Promise(resolve => setTimeout(resolve, 100));
    batch = await client.batches.retrieve(batch.id);
  }
  assert.deepEqual(batch.request_counts, { total: 2, completed: 1, failed: 1 });
  const output = JSON.parse(await (await client.files.content(batch.output_file_id)).text());
  assert.equal(output.custom_id, 'a');
  assert.equal(output.response.body.choices[0].message.content, (await client.chat.completions.create(body)).choices[0].message.content);
  const failed = JSON.parse(await (await client.files.content(batch.error_file_id)).text());
  assert.deepEqual([failed.custom_id, failed.response.status_code, failed.response.body.error.param], ['b', 400, 'temperature']);
  const ids = [];
  for await (const each of client.batches.list()) ids.push(each.id);
  assert.ok(ids.includes(batch.id));
});

test('a chat completion is kept, listed, changed and forgotten', async () => {
  const tag = `run-${Date.now()}-${Math.random()}`;
  const asked = { model, messages, temperature: 0, max_completion_tokens: 5, store: true, metadata: { tag } };
  const whole = await client.chat.completions.create(asked);
  let streamed = '', id = null;
  for await (const chunk of await client.chat.completions.create({ ...asked, stream: true })) {
    id = chunk.id;
    streamed += chunk.choices[0]?.delta.content ?? '';
  }
  const kept = await client.chat.completions.retrieve(id);
  assert.equal(kept.choices[0].message.content, streamed);
  assert.deepEqual(kept.usage.completion_tokens, whole.usage.completion_tokens);
  const listed = [];
  for await (const each of client.chat.completions.list({ metadata: { tag }, limit: 1 })) listed.push(each.id);
  assert.deepEqual(listed, [whole.id, id]);
  const texts = [];
  for await (const each of client.chat.completions.messages.list(id)) texts.push(each.content);
  assert.deepEqual(texts, messages.map(each => each.content));
  assert.deepEqual((await client.chat.completions.update(id, { metadata: { tag: 'other' } })).metadata, { tag: 'other' });
  assert.deepEqual(await client.chat.completions.delete(id), { id, object: 'chat.completion.deleted', deleted: true });
  await assert.rejects(client.chat.completions.retrieve(id), error => error instanceof OpenAI.NotFoundError);
  await client.chat.completions.delete(whole.id);
});

test('what the server does not have says so', async () => {
  const requests = [
    () => client.moderations.create({ input: 'x' }),
    () => client.images.generate({ prompt: 'x' }),
    () => client.audio.speech.create({ input: 'x', model, voice: 'alloy' }),
  ];
  for (const request of requests)
    await assert.rejects(request, error => error instanceof OpenAI.NotFoundError && error.code === 'endpoint_not_available');
});

test('embeddings come as numbers, whichever form the client asks for', async () => {
  const input = ['The first text.', 'Another one.'];
  const packed = await client.embeddings.create({ model, input });
  const plain = await client.embeddings.create({ model, input, encoding_format: 'float' });
  assert.equal(packed.object, 'list');
  assert.equal(packed.model, model);
  assert.deepEqual(packed.data.map(each => each.index), [0, 1]);
  assert.ok(packed.usage.prompt_tokens > 1);
  assert.equal(packed.usage.total_tokens, packed.usage.prompt_tokens);
  for (let i = 0; i < 2; i++) {
    assert.ok(packed.data[i].embedding.length > 2);
    assert.deepEqual(packed.data[i].embedding.map(Math.fround), plain.data[i].embedding.map(Math.fround));
  }
});

test('embeddings have the dimensions that are asked for, of texts and of token ids', async () => {
  for (const input of ['One text.', [1, 2, 3], [[1, 2], [3]]]) {
    const answer = await client.embeddings.create({ model, input, dimensions: 2 });
    assert.equal(answer.data.length, Array.isArray(input[0]) ? 2 : 1);
    for (const each of answer.data) assert.equal(each.embedding.length, 2);
  }
});

test('an empty input is a BadRequestError that names it', async () => {
  await assert.rejects(client.embeddings.create({ model, input: ['a', ''] }), error => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, 'input[1]');
    return true;
  });
});

test('models are listed and described', async () => {
  const ids = [];
  for await (const each of client.models.list()) ids.push(each.id);
  assert.ok(ids.includes(model));
  for (const id of ids) assert.equal((await client.models.retrieve(id)).id, id);
});

test('a wrong key is an AuthenticationError', async () => {
  const stranger = new OpenAI({ baseURL, apiKey: 'wrong', maxRetries: 0 });
  await assert.rejects(stranger.models.list(), error => {
    assert.ok(error instanceof OpenAI.AuthenticationError);
    assert.equal(error.status, 401);
    assert.equal(error.code, 'invalid_api_key');
    return true;
  });
});

test('an unknown model is a NotFoundError', async () => {
  await assert.rejects(client.chat.completions.create({ ...greedy, model: 'no-such-model' }), error => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, 'model_not_found');
    assert.match(error.requestID, /^req_/);
    return true;
  });
});

test('a value out of range is a BadRequestError that names the parameter', async () => {
  await assert.rejects(client.chat.completions.create({ ...greedy, temperature: 9 }), error => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, 'temperature');
    assert.equal(error.type, 'invalid_request_error');
    return true;
  });
});

// A scripted server's model thinks where it is asked to.
if (failingModel) {
  test('a thought is an item before the message, and goes back with it', async () => {
    const thinking = { ...asked, reasoning: { effort: 'low' } };
    const whole = await client.responses.create(thinking);
    assert.deepEqual(whole.output.map(item => item.type), ['reasoning', 'message']);
    assert.equal(whole.output[0].content[0].text, 'Let me see.');
    let told = '';
    for await (const event of await client.responses.create({ ...thinking, stream: true }))
      if (event.type === 'response.reasoning_text.delta') told += event.delta;
    assert.equal(told, 'Let me see.');
    const next = await client.responses.create({ ...thinking, input: [{ role: 'user', content: 'Say something.' }, ...whole.output, { role: 'user', content: 'More.' }] });
    assert.equal(next.output.length, 2);
  });

  test('a full server is a RateLimitError', async () => {
    await assert.rejects(
      client.chat.completions.create({ ...greedy, model: failingModel }), error => error instanceof OpenAI.RateLimitError && error.status === 429);
  });

  test('a stream that fails in the middle throws, and is never taken for complete', async () => {
    const stream = await client.chat.completions.create({ ...greedy, model: failingModel, stream: true });
    await assert.rejects(async () => {
      for await (const chunk of stream) assert.ok(chunk.id);
    }, OpenAI.APIError);
  });

  test('a response that fails in the middle of its stream is failed, and never taken for complete', async () => {
    const types = [];
    for await (const event of await client.responses.create({ ...asked, model: failingModel, stream: true })) types.push(event.type);
    assert.deepEqual(types.slice(-2), ['error', 'response.failed']);
  });
}
